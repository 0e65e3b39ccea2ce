"""Runs of pre-training on a network so small that a step takes milliseconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

# Dropout and accumulated gradients are what makes a resumed run go astray.
HARD = {"model.dropout": 0.2, "trainer.accumulate_grad_batches": 2, "trainer.callbacks.minutes": 0}


# What Lightning and torch say of each other, and of runs as small as these.
QUIET = [
    pytest.mark.filterwarnings("ignore::UserWarning:pytorch_lightning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pytorch_lightning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:pytorch_lightning"),
    pytest.mark.filterwarnings("ignore::pytorch_lightning.utilities.warnings.PossibleUserWarning"),
]


def settings(shards: Path, run: Path, **changes: Any) -> list[str]:
    """The command line of a run on a network so small that a step takes milliseconds."""
    values = {
        "data.folder": shards,
        "data.rows": 4,
        "data.row_length": 32,
        "data.validation_rows": 8,
        "model.vocab_size": json.loads((shards / "manifest.json").read_text("utf8"))["vocab_size"],
        "model.n_layers": 1,
        "model.width": 16,
        "model.n_heads": 2,
        "model.feed_forward_width": 32,
        "model.warmup_steps": 5,
        "model.decay_steps": 10,
        "model.log_every": 5,
        "trainer.accelerator": "cpu",
        "trainer.default_root_dir": run,
        "trainer.max_steps": 30,
        "trainer.logger": "false",
        "trainer.enable_progress_bar": "false",
        "trainer.enable_model_summary": "false",
        "trainer.num_sanity_val_steps": 0,
        "trainer.val_check_interval": 10,
        "trainer.check_val_every_n_epoch": "null",
        "trainer.callbacks": "hdoc.pretraining.checkpoints.TimedCheckpoint",
        "trainer.callbacks.folder": run,
        **changes,
    }
    return [f"--{name}={value}" for name, value in values.items()]


def checkpoint(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(run / "last.ckpt", weights_only=True)
    return loaded


def assert_same_state(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Weights and the optimiser's moments are equal, bit by bit."""
    assert one["global_step"] == other["global_step"]
    for name, tensor in one["state_dict"].items():
        assert torch.equal(tensor, other["state_dict"][name]), name
    for number, state in one["optimizer_states"][0]["state"].items():
        for name, value in state.items():
            assert torch.equal(value, other["optimizer_states"][0]["state"][number][name]), (number, name)

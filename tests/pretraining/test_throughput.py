from __future__ import annotations

import pytest

pytest.importorskip("pytorch_lightning", reason="training needs pytorch-lightning")
pytest.importorskip("jsonargparse", reason="training needs jsonargparse")

import json
from pathlib import Path

from hdoc.pretraining.lightning_cli import fit
from tests.pretraining.runs import HARD, QUIET, assert_same_state, checkpoint, settings

pytestmark = QUIET


def test_measuring_the_floor_changes_nothing_but_the_log(
    shards: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="hdoc")
    fit(settings(shards, tmp_path / "plain", **HARD))
    callbacks = [
        {"class_path": "hdoc.pretraining.checkpoints.TimedCheckpoint"},
        {"class_path": "hdoc.pretraining.throughput.DenseThroughput"},
    ]
    callbacks[0]["init_args"] = {"folder": str(tmp_path / "measured")}
    callbacks[1]["init_args"] = {"every": 3, "n_passes": 2}
    changes = {name: value for name, value in HARD.items() if "callbacks" not in name}
    arguments = settings(shards, tmp_path / "measured", **changes)
    arguments = [argument for argument in arguments if "callbacks" not in argument]
    fit([*arguments, f"--trainer.callbacks={json.dumps(callbacks)}"])
    assert_same_state(checkpoint(tmp_path / "plain"), checkpoint(tmp_path / "measured"))
    assert any("share of dense floor" in record.getMessage() for record in caplog.records)

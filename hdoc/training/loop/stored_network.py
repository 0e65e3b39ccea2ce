"""`StoredNetwork`: a network that a checkpoint keeps with all that is needed to use it, under Lightning.

It can be loaded and exported without the data or the encoder that training started from. What a task adds:
how its network is built, and what stands beside the weights.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.trainer.states import TrainerFn
from torch import nn

from hdoc.encoders.config import encoder_window
from hdoc.encoders.pretrained import load_encoder
from hdoc.errors import DataError, ModelError
from hdoc.tasks.temperature import UNCALIBRATED, Temperature
from hdoc.training.loop.blueprint import Blueprint

# The checkpoint's entry for all that is not Lightning's own.
CHECKPOINT_KEY = "hdoc"


def check_task(found: str, expected: str) -> None:
    """Check that a checkpoint is of the task that is trained.

    Raises:
        ModelError: it is of another one.
    """
    if found != expected:
        raise ModelError(
            f"expected a checkpoint of the task {expected}, got one of {found}; use --task {found}"
        )


class StoredNetwork(LightningModule):
    """Builds the network of a task, from data or from a checkpoint.

    Args:
        encoder: "small" (the one that comes with hdoc), a transformers folder, or a hub name.
        window: longest sequence the encoder is given, special tokens included.

    Attributes:
        task: its name.
        blueprints: what its networks are built from.
        network: its `encoder` learns at rates of its own.
        blueprint: all that the network is built from; None until there is one.
        temperature: what logits are divided by before they become probabilities.
        run_facts: which run this is, for the model card.
        seed: that the run began with.
    """

    task: str
    blueprints: type[Blueprint[Any]]
    network: nn.Module

    def __init__(self, encoder: str, window: int) -> None:
        super().__init__()
        self.encoder, self.window = encoder, window
        self.blueprint: Any = None  # one of `blueprints`
        self.temperature = UNCALIBRATED
        self.run_facts: dict[str, str] = {}
        self.seed = torch.initial_seed()

    # What a task adds

    @abstractmethod
    def plan(self, encoder_config: dict[str, Any]) -> Blueprint[Any]:
        """Return the blueprint of a network for the data, around an encoder with a transformers config."""

    def read_plain(self, stored: Mapping[str, Any], blueprint: Any) -> None:
        """Read of a checkpoint what stands beside network and temperature, if anything does."""

    # Building: from the data in a new run, from the checkpoint otherwise

    @property
    def data(self) -> Any:
        """The data module."""
        return self.trainer.datamodule  # type: ignore[attr-defined]

    @property
    def labels(self) -> list[str]:
        """The classes in the order of the logits; none where a task has no classes."""
        return list(self.blueprint.labels) if self.blueprint else []

    def configure_model(self) -> None:
        """Build the network for the data, unless there is one or a checkpoint will bring it.

        Raises:
            ModelError: the encoder has fewer positions than the window asks for.
        """
        if self.blueprint or self._trainer is None or self.trainer.state.fn != TrainerFn.FITTING:
            return
        encoder, config = load_encoder(self.encoder)
        if self.window > encoder_window(config):
            raise ModelError(
                f"expected model.window of at most {encoder_window(config)}, the positions of the encoder "
                f"{self.encoder}; got {self.window}"
            )
        self._build(self.plan(config), encoder)

    def _build(self, blueprint: Blueprint[Any], encoder: nn.Module | None = None) -> None:
        self.blueprint = blueprint
        self.hold(blueprint.build(encoder))

    def hold(self, network: nn.Module) -> None:
        """Take a network for training: Lightning leaves a loaded encoder in evaluation mode."""
        self.network = network.train()

    def setup(self, stage: str) -> None:
        """Check that a network that was loaded fits the data."""
        self._check_data()

    def _check_data(self) -> None:
        if self._trainer is not None and self.blueprint:
            self.check_data()

    def check_data(self) -> None:
        """Check that the network fits the data.

        Raises:
            DataError: the data has other labels than the network was trained for.
        """
        found = list(self.data.labels)  # none where items to predict come without
        if found and self.labels != found:
            raise DataError(
                f"expected data with the labels the model was trained for ({', '.join(self.labels)}), "
                f"got {', '.join(found)}"
            )

    # Checkpoints

    def to_plain(self) -> dict[str, Any]:
        """Return what is needed, beside the weights, to use them: plain values and tensors."""
        return {"blueprint": self.blueprint.to_plain(), "temperature": asdict(self.temperature)}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add all that is needed to use the weights, as plain values."""
        if self.blueprint:
            checkpoint[CHECKPOINT_KEY] = {
                "task": self.task,
                "seed": self.seed,
                "fingerprint": dict(self.data.fingerprint),
                "run": dict(self.run_facts),
                "figures": {},
                **self.to_plain(),
            }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the network of a checkpoint, unless there is one.

        Raises:
            ModelError: it is no checkpoint of hdoc, of another task, or of another network.
            DataError: its network does not fit the data.
        """
        stored = checkpoint.get(CHECKPOINT_KEY)
        if stored is None:
            raise ModelError(
                "expected a checkpoint that hdoc train wrote, got one without labels and tokenizer"
            )
        check_task(stored["task"], self.task)
        self.seed = stored["seed"]
        blueprint = self.blueprints.from_plain(stored["blueprint"])
        if self.blueprint:
            self.blueprint.check_same(blueprint)
        self.temperature = Temperature(**stored["temperature"])
        self.read_plain(stored, blueprint)
        if not self.blueprint:
            self._build(blueprint)
            self._check_data()

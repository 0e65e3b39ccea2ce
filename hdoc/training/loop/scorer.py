"""`Scorer`: a network that can be evaluated, and kept in a checkpoint, under Lightning.

The checkpoint holds all that is needed to use the weights, so that it can be loaded and exported without the
data or the encoder that training started from. What a task adds: its network, its figures, and what stands
beside the weights.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor, nn

from hdoc.errors import ModelError
from hdoc.training.loop.predictions import Predictions

# The checkpoint's entry for all that is not Lightning's own.
CHECKPOINT_KEY = "hdoc"


class Batch(Protocol):
    """Items with what they are to be taken for, and their places in their split."""

    targets: Tensor
    rows: Tensor


def check_task(found: str, expected: str) -> None:
    """Check that a checkpoint is of the task that is trained.

    Raises:
        ModelError: it is of another one.
    """
    if found != expected:
        raise ModelError(
            f"expected a checkpoint of the task {expected}, got one of {found}; use --task {found}"
        )


class Scorer(LightningModule):
    """Evaluates the network of a task.

    Attributes:
        task: its name.
        items: what is scored, in the plural.
        shown: the figures on dev that a line an epoch shows, of those that there are.
        network: its `encoder` learns at rates of its own.
        run_facts: which run this is, for the model card.
        gathered: outputs and targets of the split that was scored last.
        seed: that the run began with.
    """

    task: str
    items: str = "documents"
    shown: tuple[str, ...] = ("loss", "macro_f1", "accuracy", "micro_f1")
    network: nn.Module

    def __init__(self) -> None:
        super().__init__()
        self.run_facts: dict[str, str] = {}
        self.gathered: tuple[Tensor, Tensor] | None = None
        self.predictions = Predictions()
        self.seed = torch.initial_seed()

    # What a task adds

    @property
    @abstractmethod
    def is_built(self) -> bool:
        """Whether there is a network."""

    @abstractmethod
    def build_from_data(self) -> None:
        """Build the network for the data, around a pre-trained encoder.

        Raises:
            ModelError: encoder and options do not fit together.
        """

    @abstractmethod
    def build_from_plain(self, stored: Mapping[str, Any]) -> None:
        """Build the network of a checkpoint, or check that the one there is fits; read what stands beside.

        Args:
            stored: what `to_plain` gave.

        Raises:
            ModelError: the networks differ.
        """

    @abstractmethod
    def to_plain(self) -> dict[str, Any]:
        """Return what is needed, beside the weights, to use them: plain values and tensors."""

    @abstractmethod
    def check_data(self) -> None:
        """Check that a network that was loaded fits the data.

        Raises:
            DataError: it does not.
        """

    @abstractmethod
    def outputs(self, batch: Any) -> Tensor:
        """Return what the network says of each item of a batch, (items, …)."""

    @abstractmethod
    def figures(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """Return the figures of a split; the first is the one that is watched."""

    def complete(self, outputs: Tensor, split: str) -> Tensor:
        """Add to the network's outputs on a split what stands beside the network, if anything does."""
        del split
        return outputs

    # Building

    @property
    def data(self) -> Any:
        """The data module."""
        return self.trainer.datamodule  # type: ignore[attr-defined]

    def configure_model(self) -> None:
        """Build the network for the data, unless there is one or a checkpoint will bring it."""
        fits = self._trainer is not None and self.trainer.state.fn == TrainerFn.FITTING
        if fits and not self.is_built:
            self.build_from_data()

    def hold(self, network: nn.Module) -> None:
        """Take a network for training: Lightning leaves a loaded encoder in evaluation mode."""
        self.network = network.train()

    def setup(self, stage: str) -> None:
        """Check that a network that was loaded fits the data."""
        self.check_data()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add all that is needed to use the weights, as plain values."""
        if self.is_built:
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
        """
        stored = checkpoint.get(CHECKPOINT_KEY)
        if stored is None:
            raise ModelError(
                "expected a checkpoint that hdoc train wrote, got one without labels and tokenizer"
            )
        check_task(stored["task"], self.task)
        self.seed = stored["seed"]
        was_built = self.is_built
        self.build_from_plain(stored)
        if not was_built:
            self.check_data()

    # Figures

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Gather predictions on dev."""
        self.predictions.update(self.outputs(batch), batch.targets, batch.rows)

    def on_validation_epoch_end(self) -> None:
        """Log the figures on dev."""
        self._log_figures("dev")

    def test_step(self, batch: Batch, batch_index: int) -> None:
        """Gather predictions on test."""
        self.validation_step(batch, batch_index)

    def on_test_epoch_end(self) -> None:
        """Log the figures on test."""
        self._log_figures("test")

    def predict_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Gather predictions on items without targets, and return them."""
        outputs = self.outputs(batch)
        self.predictions.update(outputs, batch.targets, batch.rows)
        return outputs

    def on_predict_epoch_end(self) -> None:
        """Put the predictions of all processes together."""
        self._gather("predict")

    def _log_figures(self, split: str) -> None:
        values = self.figures(*self._gather(split))
        watched = next(iter(values))
        self.log(f"{split}/{watched}", values.pop(watched), prog_bar=True)
        self.log_dict({f"{split}/{name}": value for name, value in values.items()})

    def _gather(self, split: str) -> tuple[Tensor, Tensor]:
        """Put predictions of all processes, and all parts of the model, together."""
        outputs, targets = self.predictions.compute()
        self.predictions.reset()
        self.gathered = self.complete(outputs, split), targets
        return self.gathered

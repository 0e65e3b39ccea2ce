"""`Scorer`: a network that can be evaluated, under Lightning. What a task adds: its outputs and figures."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Protocol

from torch import Tensor

from hdoc.training.loop.predictions import Predictions
from hdoc.training.loop.stored_network import StoredNetwork


class Batch(Protocol):
    """Items with what they are to be taken for, and their places in their split."""

    targets: Tensor
    rows: Tensor


class Scorer(StoredNetwork):
    """Evaluates the network of a task.

    Args:
        encoder: "small" (the one that comes with hdoc), a transformers folder, or a hub name.
        window: longest sequence the encoder is given, special tokens included.

    Attributes:
        items: what is scored, in the plural.
        shown: the figures on dev that a line an epoch shows, of those that there are.
        gathered: outputs and targets of the split that was scored last.
    """

    items: str = "documents"
    shown: tuple[str, ...] = ("loss", "macro_f1", "accuracy", "micro_f1")

    def __init__(self, encoder: str, window: int) -> None:
        super().__init__(encoder, window)
        self.gathered: tuple[Tensor, Tensor] | None = None
        self.predictions = Predictions()

    # What a task adds

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

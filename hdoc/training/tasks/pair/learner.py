"""`PairLearner`: trains a network over pairs of texts."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from torch import Tensor

from hdoc.metrics import classification, correlation
from hdoc.tasks.pair.network import PairNetwork, PairShape
from hdoc.training.loop.blueprint import parts_of
from hdoc.training.loop.learner import Learner
from hdoc.training.loop.options import OptimiserOptions
from hdoc.training.tasks.losses import document_losses
from hdoc.training.tasks.pair.blueprint import PairBlueprint

if TYPE_CHECKING:
    from hdoc.training.tasks.pair.splits import PairBatch


class PairLearner(Learner):
    """Trains a `PairNetwork`; labels or scores and tokenizer come from the data module.

    The loss of a class is its cross entropy; that of a score the squared difference, as a share of the
    range of scores, so that rates keep their meaning whatever the range is.

    Args:
        encoder: "small" (the one that comes with hdoc), a transformers folder, or a hub name.
        window: longest sequence the encoder is given, special tokens included.
        regression: whether labels are scores.
        dropout: share of the features that classes are told by dropped in training.
        label_smoothing: share of a class's target spread over all classes.
        optimiser: how weights are learned.
    """

    task = "pair"
    blueprints = PairBlueprint
    items = "pairs"
    shown = ("loss", "macro_f1", "accuracy", "spearman", "pearson", "mse")
    network: PairNetwork

    def __init__(
        self,
        encoder: str = "small",
        window: int = 128,
        regression: bool = False,
        dropout: float = 0.1,
        label_smoothing: float = 0.0,
        optimiser: OptimiserOptions = OptimiserOptions(),
    ) -> None:
        super().__init__(encoder, window, optimiser)
        self.regression, self.dropout, self.label_smoothing = regression, dropout, label_smoothing
        plain: dict[str, Any] = {"encoder": encoder, "window": window, "regression": regression}
        plain |= {"dropout": dropout, "label_smoothing": label_smoothing, "optimiser": asdict(optimiser)}
        self.save_hyperparameters(plain, logger=False)

    def plan(self, encoder_config: dict[str, Any]) -> PairBlueprint:
        """Return the blueprint of a network for the data's labels or scores."""
        data = self.data
        return PairBlueprint(
            labels=tuple(data.labels),
            shape=PairShape(0, *data.scores) if self.regression else PairShape(len(data.labels)),
            encoder_config=encoder_config,
            dropout=self.dropout,
            **parts_of(data.tokenizer),
        )

    # Training

    def count(self, batch: PairBatch) -> None:
        """Tell the meter how much a batch holds."""
        self.meter.count(len(batch.targets), batch.texts.windows)

    def losses(self, batch: PairBatch) -> Tensor:
        """Return the loss of each pair."""
        found: Tensor = self.network(batch.texts)
        if not self.regression:
            return document_losses(found, batch.targets, smoothing=self.label_smoothing)
        shape = self.network.shape
        off: Tensor = (found - batch.targets) / (shape.high - shape.low)
        return off.square()

    # Figures

    def outputs(self, batch: PairBatch) -> Tensor:
        """Return the logits (pairs, classes) or scores (pairs,) of a batch."""
        found: Tensor = self.network(batch.texts)
        if self.regression:
            found = found.clamp(self.network.shape.low, self.network.shape.high)
        return found

    def figures(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """Return the figures of a split by its outputs and targets."""
        if self.regression:
            return correlation.figures(outputs, targets)
        return classification.figures(outputs, targets, self.labels, self.temperature)

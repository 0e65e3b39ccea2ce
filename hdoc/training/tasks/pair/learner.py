"""`PairLearner`: trains a network over pairs of texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from torch import Tensor

from hdoc.encoders.config import encoder_window
from hdoc.encoders.pretrained import load_encoder
from hdoc.errors import DataError, ModelError
from hdoc.metrics import classification, correlation
from hdoc.tasks.pair.network import PairNetwork, PairShape
from hdoc.tasks.temperature import UNCALIBRATED, Temperature
from hdoc.training.loop.learner import Learner
from hdoc.training.loop.options import OptimiserOptions
from hdoc.training.tasks.losses import document_losses
from hdoc.training.tasks.pair.blueprint import PairBlueprint

if TYPE_CHECKING:
    from torch import nn

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

    Attributes:
        blueprint: all that the network is built from; None until there is one.
        temperature: what logits are divided by before they become probabilities.
    """

    task = "pair"
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
        super().__init__(optimiser)
        self.encoder, self.window, self.regression = encoder, window, regression
        self.dropout, self.label_smoothing = dropout, label_smoothing
        plain: dict[str, Any] = {"encoder": encoder, "window": window, "regression": regression}
        plain |= {"dropout": dropout, "label_smoothing": label_smoothing, "optimiser": asdict(optimiser)}
        self.save_hyperparameters(plain, logger=False)
        self.blueprint: PairBlueprint | None = None
        self.temperature = UNCALIBRATED

    @property
    def labels(self) -> list[str]:
        """The classes in the order of the logits; none where labels are scores."""
        return list(self.blueprint.labels) if self.blueprint else []

    # Building: from the data in a new run, from the checkpoint otherwise.

    @property
    def is_built(self) -> bool:
        """Whether there is a network."""
        return self.blueprint is not None

    def build_from_data(self) -> None:
        """Build the network for the data's labels or scores.

        Raises:
            ModelError: the encoder has fewer positions than the window asks for.
        """
        encoder, config = load_encoder(self.encoder)
        if self.window > encoder_window(config):
            raise ModelError(
                f"expected model.window of at most {encoder_window(config)}, the positions of the encoder "
                f"{self.encoder}; got {self.window}"
            )
        data, tokenizer = self.data, self.data.tokenizer
        shape = PairShape(0, *data.scores) if self.regression else PairShape(len(data.labels))
        blueprint = PairBlueprint(
            labels=tuple(data.labels),
            shape=shape,
            encoder_config=config,
            tokenizer=tokenizer.tokenizer.to_str(),
            window=tokenizer.window,
            pad_id=tokenizer.pad_id,
            dropout=self.dropout,
        )
        self._build(blueprint, encoder)

    def build_from_plain(self, stored: Mapping[str, Any]) -> None:
        """Build the network of a checkpoint, or check that the one there is fits.

        Raises:
            ModelError: the networks differ.
        """
        blueprint = PairBlueprint.from_plain(stored["blueprint"])
        if self.blueprint is not None:
            self.blueprint.check_same(blueprint)
        self.temperature = Temperature(**stored["temperature"])
        if self.blueprint is None:
            self._build(blueprint)

    def _build(self, blueprint: PairBlueprint, encoder: nn.Module | None = None) -> None:
        self.blueprint = blueprint
        self.hold(blueprint.build(encoder))

    def to_plain(self) -> dict[str, Any]:
        """Return blueprint and temperature."""
        return {
            "blueprint": self.blueprint.to_plain() if self.blueprint else None,
            "temperature": asdict(self.temperature),
        }

    def check_data(self) -> None:
        """Check that a network that was loaded fits the data.

        Raises:
            DataError: the data has other labels than the network was trained for.
        """
        if self._trainer is None or self.blueprint is None:
            return
        found = list(self.data.labels)  # none where pairs to predict come without
        if found and self.labels != found:
            raise DataError(
                f"expected data with the labels the model was trained for ({', '.join(self.labels)}), "
                f"got {', '.join(found)}"
            )

    # Training

    def prepare_fit(self) -> None:
        """Nothing is needed."""

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

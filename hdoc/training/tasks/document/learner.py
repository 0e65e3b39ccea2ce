"""`DocumentLearner`: trains a network over documents, or one of those that hdoc is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from torch import Tensor

from hdoc.baselines.registry import HDOC, AnyNetwork
from hdoc.encoders.config import encoder_window
from hdoc.encoders.pretrained import load_encoder
from hdoc.errors import DataError, ModelError
from hdoc.metrics.classification import figures
from hdoc.tasks.document.lexical import LexicalScores
from hdoc.tasks.document.shape import NetworkShape
from hdoc.tasks.temperature import UNCALIBRATED, Temperature
from hdoc.training.loop.learner import Learner
from hdoc.training.loop.options import OptimiserOptions
from hdoc.training.tasks.document.blueprint import Blueprint
from hdoc.training.tasks.document.dropout import drop_pieces, drop_windows
from hdoc.training.tasks.document.lexical import lexical_from_plain, lexical_logits, lexical_to_plain
from hdoc.training.tasks.document.options import DeletionOptions, HeadOptions, LossOptions
from hdoc.training.tasks.losses import class_weights, document_losses

if TYPE_CHECKING:
    from torch import nn

    from hdoc.training.data.splits import TrainingBatch


Options = TypeVar("Options")


class DocumentLearner(Learner):
    """Trains a `DocumentNetwork`; labels, class counts and tokenizer come from the data module.

    Args:
        encoder: "small" (the one that comes with hdoc), a transformers folder, or a hub name.
        window: longest sequence the encoder is given, special tokens included.
        multi_label: whether a document may have several classes.
        head: what stands on the encoder.
        deletion: what of a document is left out in training.
        loss: what is minimised.
        optimiser: how weights are learned.
        lexical: whether scores of words are added to the network's after training, if they help on dev
            (`hdoc.training.tasks.document.lexical`).
        architecture: "hdoc", or one of those it is compared with (`hdoc.baselines.registry`).
        options: what only this architecture has, as a mapping; hdoc has none.

    Attributes:
        blueprint: all that the network is built from; None until there is one.
        temperature: what logits are divided by before they become probabilities.
        origin: what a neutral piece says for each class; None if it was not fitted.
        lexical: scores of words that are added to the network's, if any are.
    """

    task = "document"
    network: AnyNetwork

    def __init__(
        self,
        encoder: str = "small",
        window: int = 128,
        multi_label: bool = False,
        head: HeadOptions = HeadOptions(),
        deletion: DeletionOptions = DeletionOptions(),
        loss: LossOptions = LossOptions(),
        optimiser: OptimiserOptions = OptimiserOptions(),
        lexical: bool = True,
        architecture: str = HDOC,
        options: dict[str, Any] | None = None,
    ) -> None:
        head, deletion = _group(HeadOptions, head), _group(DeletionOptions, deletion)
        loss, optimiser = _group(LossOptions, loss), _group(OptimiserOptions, optimiser)
        super().__init__(optimiser)
        self.encoder, self.window, self.multi_label = encoder, window, multi_label
        self.head, self.deletion, self.loss = head, deletion, loss
        self.wants_lexical, self.architecture, self.options = lexical, architecture, dict(options or {})
        plain: dict[str, Any] = {"encoder": encoder, "window": window, "multi_label": multi_label}
        plain |= {"head": _plain(asdict(head)), "deletion": asdict(deletion)}
        plain |= {"loss": asdict(loss), "optimiser": asdict(optimiser)}
        plain |= {"lexical": lexical, "architecture": architecture, "options": options}
        self.save_hyperparameters(plain, logger=False)
        self.blueprint: Blueprint | None = None
        self.temperature = UNCALIBRATED
        self.origin: list[float] | None = None
        self.lexical: LexicalScores | None = None
        self.register_buffer("class_weights", None, persistent=False)

    @property
    def labels(self) -> list[str]:
        """The classes in the order of the scores."""
        return list(self.blueprint.labels) if self.blueprint else []

    # Building: from the data's labels in a new run, from the checkpoint otherwise.

    @property
    def is_built(self) -> bool:
        """Whether there is a network."""
        return self.blueprint is not None

    def build_from_data(self) -> None:
        """Build the network for the data's labels.

        Raises:
            ModelError: the encoder has fewer positions than the window asks for.
        """
        encoder, config = load_encoder(self.encoder)
        if self.window > encoder_window(config):
            raise ModelError(
                f"expected model.window of at most {encoder_window(config)}, the positions of the encoder "
                f"{self.encoder}; got {self.window}"
            )
        head = self.head
        shape = NetworkShape(
            len(self.data.labels), head.value_width, tuple(head.kernel_widths), head.channels, head.context
        )
        blueprint = Blueprint.of(
            self.data.labels,
            self.multi_label,
            config,
            self.data.tokenizer,
            shape,
            head.dropout,
            self.architecture,
            self.options,
            self.data.sentence_rule,
        )
        self._build(blueprint, encoder)

    def build_from_plain(self, stored: Mapping[str, Any]) -> None:
        """Build the network of a checkpoint, or check that the one there is fits.

        Raises:
            ModelError: the networks differ.
        """
        blueprint = Blueprint.from_plain(stored["blueprint"])
        if self.blueprint is not None:
            self.blueprint.check_same(blueprint)
        self.temperature = Temperature(**stored["temperature"])
        self.origin = stored["origin"]
        self.lexical = lexical_from_plain(stored["lexical"], blueprint.build_tokenizer())
        if self.blueprint is None:
            self._build(blueprint)

    def _build(self, blueprint: Blueprint, encoder: nn.Module | None = None) -> None:
        self.blueprint = blueprint
        self.hold(blueprint.build(encoder))

    def to_plain(self) -> dict[str, Any]:
        """Return blueprint, calibration and scores of words."""
        return {
            "blueprint": self.blueprint.to_plain() if self.blueprint else None,
            "temperature": asdict(self.temperature),
            "origin": self.origin,
            "lexical": lexical_to_plain(self.lexical),
        }

    def check_data(self) -> None:
        """Check that a network that was loaded fits the data.

        Raises:
            DataError: the data has other labels, or other sentences, than the network was trained for.
        """
        if self._trainer is None or self.blueprint is None:
            return
        found = list(self.data.labels)  # none where documents to predict come without
        if found and self.labels != found:
            raise DataError(
                f"expected data with the labels the model was trained for ({', '.join(self.labels)}), "
                f"got {', '.join(found)}"
            )
        rule = self.blueprint.sentence_rule
        if rule != self.data.sentence_rule:
            raise DataError(
                f"expected texts divided as in the model's training, data.split {rule}, got "
                f"{self.data.sentence_rule}"
            )

    # Training

    def prepare_fit(self) -> None:
        """Weigh the classes; while it is trained, the network is judged alone."""
        self.lexical = None
        weights = class_weights(self.loss.class_weights, self.data.class_counts)
        self.class_weights = None if weights is None else weights.to(self.device)

    def count(self, batch: TrainingBatch) -> None:
        """Tell the meter how much a batch holds."""
        self.meter.count(len(batch.documents.counts), batch.documents.windows)

    def losses(self, batch: TrainingBatch) -> Tensor:
        """Return the loss of each document, with some of its sentences and pieces left out."""
        documents = drop_windows(batch.documents, self.deletion.sentences, self.deletion.sentence_limit)
        documents = drop_pieces(documents, self.deletion.pieces)
        logits = self.network(documents).logits
        return document_losses(logits, batch.targets, self.class_weights, self.loss.label_smoothing)

    # Figures

    def outputs(self, batch: TrainingBatch) -> Tensor:
        """Return the logits of the documents of a batch, (documents, classes)."""
        logits: Tensor = self.network(batch.documents).logits
        return logits

    def complete(self, outputs: Tensor, split: str) -> Tensor:
        """Add the scores of words to the logits of a split."""
        if self.lexical is None:
            return outputs
        return outputs + lexical_logits(self.lexical, self.data.texts(split)).to(outputs)

    def figures(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """Return the figures of a split by its logits and targets."""
        return figures(outputs, targets, self.labels, self.temperature)


def _group(kind: type[Options], given: Any) -> Options:
    """Return a group of options, which comes as plain values from a checkpoint."""
    return given if isinstance(given, kind) else kind(**given)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as a checkpoint may hold them: lists in the place of tuples."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

"""`DocumentLearner`: trains a network over documents, or one of those that hdoc is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from torch import Tensor

from hdoc.baselines.registry import HDOC, AnyNetwork
from hdoc.errors import DataError
from hdoc.metrics.classification import figures
from hdoc.tasks.document.lexical import LexicalScores
from hdoc.tasks.document.shape import NetworkShape
from hdoc.training.loop.blueprint import parts_of
from hdoc.training.loop.learner import Learner
from hdoc.training.loop.options import OptimiserOptions
from hdoc.training.tasks.document.blueprint import DocumentBlueprint
from hdoc.training.tasks.document.dropout import drop_pieces, drop_windows
from hdoc.training.tasks.document.lexical import lexical_from_plain, lexical_logits, lexical_to_plain
from hdoc.training.tasks.document.options import DeletionOptions, HeadOptions, LossOptions
from hdoc.training.tasks.losses import class_weights, document_losses

if TYPE_CHECKING:
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
        origin: what a neutral piece says for each class; None if it was not fitted.
        lexical: scores of words that are added to the network's, if any are.
    """

    task = "document"
    blueprints = DocumentBlueprint
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
        super().__init__(encoder, window, optimiser)
        self.multi_label = multi_label
        self.head, self.deletion, self.loss = head, deletion, loss
        self.wants_lexical, self.architecture, self.options = lexical, architecture, dict(options or {})
        plain: dict[str, Any] = {"encoder": encoder, "window": window, "multi_label": multi_label}
        plain |= {"head": _plain(asdict(head)), "deletion": asdict(deletion)}
        plain |= {"loss": asdict(loss), "optimiser": asdict(optimiser)}
        plain |= {"lexical": lexical, "architecture": architecture, "options": options}
        self.save_hyperparameters(plain, logger=False)
        self.origin: list[float] | None = None
        self.lexical: LexicalScores | None = None
        self.register_buffer("class_weights", None, persistent=False)

    def plan(self, encoder_config: dict[str, Any]) -> DocumentBlueprint:
        """Return the blueprint of a network for the data's labels."""
        data, head = self.data, self.head
        return DocumentBlueprint(
            labels=tuple(data.labels),
            multi_label=self.multi_label,
            encoder_config=encoder_config,
            shape=NetworkShape(
                len(data.labels), head.value_width, tuple(head.kernel_widths), head.channels, head.context
            ),
            dropout=head.dropout,
            architecture=self.architecture,
            options=self.options,
            sentence_rule=data.sentence_rule,
            **parts_of(data.tokenizer),
        )

    def read_plain(self, stored: Mapping[str, Any], blueprint: DocumentBlueprint) -> None:
        """Read of a checkpoint what a neutral piece says, and scores of words."""
        self.origin = stored["origin"]
        self.lexical = lexical_from_plain(stored["lexical"], blueprint.build_tokenizer())

    def to_plain(self) -> dict[str, Any]:
        """Return blueprint, calibration and scores of words."""
        return super().to_plain() | {"origin": self.origin, "lexical": lexical_to_plain(self.lexical)}

    def check_data(self) -> None:
        """Check that the network fits the data.

        Raises:
            DataError: the data has other labels, or other sentences, than the network was trained for.
        """
        super().check_data()
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

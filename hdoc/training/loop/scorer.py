"""`DocumentScorer`: a network that can be evaluated, and kept in a checkpoint, under Lightning.

The checkpoint holds labels, tokenizer and the encoder's config beside the weights, so that it can be
loaded and exported without the data or the encoder it was trained from.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor

from hdoc.baselines.registry import AnyNetwork
from hdoc.errors import DataError, ModelError
from hdoc.tasks.document.lexical import LexicalScores
from hdoc.tasks.temperature import UNCALIBRATED, Temperature
from hdoc.training.loop.blueprint import Blueprint
from hdoc.training.loop.predictions import Predictions, figures
from hdoc.training.tasks.document.lexical import lexical_from_plain, lexical_logits, lexical_to_plain

if TYPE_CHECKING:
    from hdoc.training.data.module import DocumentData, TrainingBatch

# The checkpoint's entry for all that is not Lightning's own.
CHECKPOINT_KEY = "hdoc"


class DocumentScorer(LightningModule):
    """A network, what stands beside it, and its figures on a split.

    Attributes:
        blueprint: all that the network is built from; None until there is one.
        network: scores documents.
        temperature: what logits are divided by before they become probabilities.
        origin: what a neutral piece says for each class; None if it was not fitted.
        lexical: scores of words that are added to the network's, if any are.
        run_facts: which run this is, for the model card.
        gathered: logits and targets of the split that was scored last.
        seed: that the run began with.
    """

    network: AnyNetwork

    def __init__(self) -> None:
        super().__init__()
        self.blueprint: Blueprint | None = None
        self.temperature = UNCALIBRATED
        self.origin: list[float] | None = None
        self.lexical: LexicalScores | None = None
        self.run_facts: dict[str, str] = {}
        self.gathered: tuple[Tensor, Tensor] | None = None
        self.predictions = Predictions()
        self.seed = torch.initial_seed()

    # Building: from the data's labels in a new run, from the checkpoint otherwise.

    def _build(self, blueprint: Blueprint, encoder: torch.nn.Module | None = None) -> None:
        self.blueprint = blueprint
        # A loaded encoder arrives in evaluation mode, and Lightning would leave it there.
        self.network = blueprint.build(encoder).train()

    @property
    def _data(self) -> DocumentData:
        data: DocumentData = self.trainer.datamodule  # type: ignore[attr-defined]
        return data

    @property
    def labels(self) -> list[str]:
        """The classes in the order of the scores."""
        return list(self.blueprint.labels) if self.blueprint else []

    def setup(self, stage: str) -> None:
        """Check that a network that was loaded fits the data.

        Raises:
            DataError: the data has other labels, or other sentences, than the network was trained for.
        """
        self._check_data()

    def _check_data(self) -> None:
        # Documents to predict come without labels.
        found = list(self._data.labels) if self._trainer is not None else []
        if self.labels and found and self.labels != found:
            raise DataError(
                f"expected data with the labels the model was trained for ({', '.join(self.labels)}), "
                f"got {', '.join(found)}"
            )
        if self.blueprint and self._trainer is not None:
            expected, given = self.blueprint.sentence_rule, self._data.sentence_rule
            if given != expected:
                raise DataError(
                    f"expected texts divided as in the model's training, data.split {expected}, got {given}"
                )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add all that is needed to use the weights, as plain values."""
        if self.blueprint is not None:
            checkpoint[CHECKPOINT_KEY] = {
                "blueprint": self.blueprint.to_plain(),
                "temperature": asdict(self.temperature),
                "origin": self.origin,
                "lexical": lexical_to_plain(self.lexical),
                "seed": self.seed,
                "fingerprint": dict(self._data.fingerprint),
                "run": dict(self.run_facts),
                "figures": {},
            }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the network of a checkpoint, unless there is one.

        Raises:
            ModelError: it is no checkpoint of hdoc, or its network differs from the one there is.
        """
        stored = checkpoint.get(CHECKPOINT_KEY)
        if stored is None:
            raise ModelError(
                "expected a checkpoint that hdoc train wrote, got one without labels and tokenizer"
            )
        blueprint = Blueprint.from_plain(stored["blueprint"])
        if self.blueprint is not None:
            self.blueprint.check_same(blueprint)
        self.seed, self.temperature = stored["seed"], Temperature(**stored["temperature"])
        self.origin = stored["origin"]
        self.lexical = lexical_from_plain(stored["lexical"], blueprint.build_tokenizer())
        if self.blueprint is None:
            self._build(blueprint)
            self._check_data()

    # Figures

    def validation_step(self, batch: TrainingBatch, batch_index: int) -> None:
        """Gather predictions on dev."""
        self.predictions.update(self.network(batch.documents).logits, batch.targets, batch.rows)

    def on_validation_epoch_end(self) -> None:
        """Log the figures on dev."""
        self._log_figures("dev")

    def test_step(self, batch: TrainingBatch, batch_index: int) -> None:
        """Gather predictions on test."""
        self.validation_step(batch, batch_index)

    def on_test_epoch_end(self) -> None:
        """Log the figures on test."""
        self._log_figures("test")

    def _log_figures(self, split: str) -> None:
        logits, targets = self._gather(split)
        values = figures(logits, targets, self.labels, self.temperature)
        self.log(f"{split}/macro_f1", values.pop("macro_f1"), prog_bar=True)
        self.log_dict({f"{split}/{name}": value for name, value in values.items()})

    def predict_step(self, batch: TrainingBatch, batch_index: int) -> Tensor:
        """Gather predictions on documents without labels; returns logits, (documents, classes)."""
        logits: Tensor = self.network(batch.documents).logits
        self.predictions.update(logits, batch.targets, batch.rows)
        return logits

    def on_predict_epoch_end(self) -> None:
        """Put the predictions of all processes together."""
        self._gather("predict")

    def _gather(self, split: str) -> tuple[Tensor, Tensor]:
        """Put predictions of all processes and both parts of the model together."""
        logits, targets = self.predictions.compute()
        self.predictions.reset()
        if self.lexical is not None:
            logits = logits + lexical_logits(self.lexical, self._data.texts(split)).to(logits)
        self.gathered = logits, targets
        return self.gathered

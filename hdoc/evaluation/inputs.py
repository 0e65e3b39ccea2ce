"""What the options of an evaluation name: models, documents, and all that decides the results."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import file_digest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdoc.errors import ModelError
from hdoc.evaluation.abstention import out_of_scope_confidences
from hdoc.evaluation.examples import Columns, Example, read_examples
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.text.sentences import FindSentences, split_sentences

_VERSION = 3
"""Raised when the same settings would give other results, so that old progress is left alone."""


@dataclass(frozen=True)
class Inputs:
    """Each is read when it is first asked for.

    Args:
        options: of the command line.
    """

    options: Namespace

    @cached_property
    def classifier(self) -> DocumentClassifier:
        """The model."""
        model = self.options.model
        return DocumentClassifier.load(None if model == "-" else model, self.options.device)

    @cached_property
    def examples(self) -> list[Example]:
        """The documents."""
        options = self.options
        rationale = options.rationale_column if options.rationales else None
        return read_examples(
            options.data,
            Columns(options.text_column, options.label_column, options.id_column, rationale),
            self.classifier.labels,
            multi_label=self.classifier.multi_label,
            split=options.split,
            encoding=options.encoding,
        )

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All that decides the predictions."""
        options = self.options
        with options.data.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        identity = self.classifier.identity
        return {
            "version": _VERSION,
            "model": f"{identity.name} {identity.version}",
            "model_checksum": identity.checksum,
            "data": options.data.name,
            "data_sha256": digest,
            "split": options.split,
            "text_column": options.text_column,
            "label_column": options.label_column,
            "encoding": options.encoding,
            "sentences": options.sentences or "as in training",
        }

    @property
    def find_sentences(self) -> FindSentences:
        """What divides a text into sentences."""
        if self.options.sentences is None:
            return self.classifier.split
        return partial(split_sentences, rule=self.options.sentences)

    @cached_property
    def others(self) -> list[DocumentClassifier]:
        """The same model from other seeds."""
        others = [DocumentClassifier.load(model, self.options.device) for model in self.options.seeds]
        for model, classifier in zip(self.options.seeds, others, strict=True):
            if classifier.labels != self.classifier.labels:
                raise ModelError(
                    f"expected {model} to have the classes of {self.options.model}, got others; "
                    "--seeds takes models of the same training with other seeds"
                )
        return others

    @cached_property
    def out_of_scope_confidences(self) -> NDArray[np.float64] | None:
        """Probabilities of the most probable class of the out-of-scope documents, (documents,), if any."""
        options = self.options
        if options.out_of_scope is None:
            return None
        return out_of_scope_confidences(
            self.classifier, options.out_of_scope, options.text_column, options.encoding, options.workers
        )

    @property
    def explanation_settings(self) -> dict[str, Any]:
        """All that decides the figures of explanations beside `settings`."""
        return {
            "methods": " ".join(self.options.methods),
            "explained_documents": min(self.options.documents, len(self.examples)),
            "seed": self.options.seed,
            "other_models": [classifier.identity.checksum for classifier in self.others],
            "faithfulness": self.options.faithfulness,
            "rationales": self.options.rationale_column if self.options.rationales else None,
        }

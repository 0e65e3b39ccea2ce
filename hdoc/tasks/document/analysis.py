"""From the scores of a document to its class and to the evidence for any class.

This is arithmetic in double precision over the scores of one forward pass; it runs no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdoc.explanation import Explanation, ModelIdentity, SentenceShare, WordShare, strongest
from hdoc.tasks.classes import Classes
from hdoc.tasks.document.scores import Document, Floats, Scores
from hdoc.tokens.tokenizer import word_spans, words_of_pieces


@dataclass(frozen=True, slots=True)
class Classification:
    """The class of a document.

    Attributes:
        label: the most probable class.
        probability: its calibrated probability, 0 to 1.
        probabilities: calibrated probability of every class, most probable first.
        sentences: all sentences with their attention and contribution to `label`, without their words.
    """

    label: str
    probability: float
    probabilities: dict[str, float]
    sentences: tuple[SentenceShare, ...]

    def strongest(self, n: int) -> list[SentenceShare]:
        """Return the `n` strongest sentences, for the label (above 0) or against it, strongest first."""
        return strongest(self.sentences, n)


@dataclass(frozen=True, slots=True)
class Analysis:
    """One document after its forward pass, from `DocumentClassifier.analyse`.

    Attributes:
        model: which model read it.
        classes: the model's labels and calibration.
        document: the text and its windows.
        scores: the model's logits and their parts.
    """

    model: ModelIdentity
    classes: Classes
    document: Document
    scores: Scores

    @property
    def text(self) -> str:
        """The document."""
        return self.document.text

    def classification(self) -> Classification:
        """Return the document's class."""
        probabilities = self.classes.probabilities(self.scores.logits)
        label = next(iter(probabilities))
        shares = self.scores.window_shares() @ self.classes.direction(label)
        return Classification(
            label=label,
            probability=probabilities[label],
            probabilities=probabilities,
            sentences=tuple(
                SentenceShare(window.start, window.end, float(attention), float(share), ())
                for window, attention, share in zip(
                    self.document.windows, self.scores.sentence_weights, shares, strict=True
                )
            ),
        )

    def explanation(self, target: str | None = None, versus: str | None = None) -> Explanation:
        """Explain a class.

        Args:
            target: the class to explain; the most probable one by default.
            versus: explain why `target` and not this class; all numbers are then differences.

        Raises:
            LabelError: the model knows no such class, or both are the same.
        """
        probabilities = self.classes.probabilities(self.scores.logits)
        label = next(iter(probabilities))
        target = target or label
        direction = self.classes.direction(target, versus)
        sentences = _explained(self.document, self.scores, direction)
        bias = float(self.classes.bias @ direction)
        return Explanation(
            model=self.model,
            label=label,
            probability=probabilities[label],
            probabilities=probabilities,
            target=target,
            versus=versus,
            logit=bias + sum(sentence.contribution for sentence in sentences),
            bias=bias,
            method="contribution",
            coverage=_coverage(self.document),
            n_characters=len(self.document.text),
            sentences=sentences,
        )

    def contributions(self, labels: Sequence[str]) -> list[Floats]:
        """Return the contribution of each word to the logits of some classes.

        Args:
            labels: the classes.

        Returns:
            For each sentence an array (words, classes); the bias and all words add up to the logit.

        Raises:
            LabelError: the model knows no such class.
        """
        self.classes.check(*labels)
        columns = [self.classes.labels.index(label) for label in labels]
        found = []
        for i, window in enumerate(self.document.windows):
            spans = word_spans(self.document.text, window)
            shares = np.zeros((len(spans), len(columns)))
            np.add.at(shares, words_of_pieces(window, spans), self.scores.piece_shares(i)[:, columns])
            found.append(shares)
        return found

    def bias(self, label: str) -> float:
        """Return the part of a class's logit that does not depend on the text."""
        self.classes.check(label)
        return float(self.classes.bias[self.classes.labels.index(label)])


def _explained(document: Document, scores: Scores, direction: Floats) -> tuple[SentenceShare, ...]:
    sentences = []
    for i, (window, weight, pieces) in enumerate(
        zip(document.windows, scores.sentence_weights.tolist(), scores.pieces, strict=True)
    ):
        if pieces is None:
            raise ValueError("expected the scores of every word piece; ask for them with words=True")
        spans = word_spans(document.text, window)
        owners = words_of_pieces(window, spans)
        attention = np.bincount(owners, pieces.weights, len(spans))
        shares = np.bincount(owners, scores.piece_shares(i) @ direction, len(spans))
        words = tuple(
            WordShare(start, end, a, c)
            for (start, end), a, c in zip(spans, attention.tolist(), shares.tolist(), strict=True)
        )
        sentences.append(SentenceShare(window.start, window.end, weight, float(shares.sum()), words))
    return tuple(sentences)


def _coverage(document: Document) -> float:
    solid = len("".join(document.text.split()))
    read = sum(len("".join(document.text[window.start : window.end].split())) for window in document.windows)
    return read / solid

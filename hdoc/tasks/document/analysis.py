"""A document after its forward pass: its class, and the evidence for any class, at no further cost.

Everything here is arithmetic over what the network gave, in double precision; no network is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdoc.errors import LabelError
from hdoc.explanation import Explanation, ModelIdentity, SentenceShare, WordShare
from hdoc.tasks.temperature import Temperature
from hdoc.tokens.tokenizer import Window, word_spans, words_of_pieces

Floats = NDArray[np.float64]

# Of several labels a document has those that are more probable than not.
_ASSIGNED = 0.5


@dataclass(frozen=True, slots=True)
class Document:
    """A text and what the encoder reads of it; no windows if there is nothing to read."""

    text: str
    windows: list[Window]


@dataclass(frozen=True, slots=True)
class PieceScores:
    """Weights (pieces,) and class scores (pieces, classes) of the word pieces of one window."""

    weights: Floats
    scores: Floats


@dataclass(frozen=True, slots=True)
class Scores:
    """What a model gave for one document.

    Attributes:
        logits: class scores, (classes,).
        sentence_weights: attention of the windows, (windows,).
        window_scores: what each window says for each class, before its weight, (windows, classes).
        pieces: the same of the word pieces of each window, or None where nobody asked for them.
        lexical: what the lexical part adds to `logits` for each piece of each window, (pieces, classes);
            None if the model has no such part.
        lexical_logits: what it adds in all, its bias included, (classes,); None likewise.
    """

    logits: Floats
    sentence_weights: Floats
    window_scores: Floats
    pieces: Sequence[PieceScores | None]
    lexical: Sequence[Floats] | None = None
    lexical_logits: Floats | None = None

    def parts(self) -> dict[str, Floats]:
        """Return the summands of the logits by name, each (classes,): one if there is no lexical part."""
        if self.lexical_logits is None:
            return {"network": self.logits}
        return {"network": self.logits - self.lexical_logits, "words": self.lexical_logits}

    def window_shares(self) -> Floats:
        """Return what each window adds to the logits, (windows, classes)."""
        shares: Floats = self.sentence_weights[:, None] * self.window_scores
        if self.lexical is not None:
            shares = shares + np.stack([pieces.sum(axis=0) for pieces in self.lexical])
        return shares

    def piece_shares(self, window: int) -> Floats:
        """Return what each word piece of a window adds to the logits, (pieces, classes)."""
        pieces = self.pieces[window]
        if pieces is None:
            raise ValueError("expected the scores of every word piece; ask for them with words=True")
        shares: Floats = self.sentence_weights[window] * pieces.weights[:, None] * pieces.scores
        return shares if self.lexical is None else shares + self.lexical[window]


@dataclass(frozen=True, slots=True)
class Classes:
    """A model's classes, and what turns scores into probabilities of them.

    Attributes:
        labels: the classes in the order of the scores.
        multi_label: whether a document may have several.
        temperature: what logits are divided by before they become probabilities.
        bias: the part of the logits that does not depend on the text, (classes,).
    """

    labels: tuple[str, ...]
    multi_label: bool
    temperature: Temperature
    bias: Floats

    def probabilities(self, logits: Floats) -> dict[str, float]:
        """Return the calibrated probability of every class, most probable first."""
        scaled = self.temperature(logits)
        if self.multi_label:
            values = 1 / (1 + np.exp(-scaled))
        else:
            powers = np.exp(scaled - scaled.max())
            values = powers / powers.sum()
        order = np.argsort(-values, kind="stable")
        return {self.labels[i]: float(values[i]) for i in order}

    def assigned(self, probabilities: Mapping[str, float]) -> list[str]:
        """Return the classes that a document is given, most probable first; one unless it may have several.

        Args:
            probabilities: of every class, most probable first.
        """
        labels = [label for label, chance in probabilities.items() if chance > _ASSIGNED]
        return labels if self.multi_label and labels else [next(iter(probabilities))]

    def direction(self, target: str, versus: str | None = None) -> Floats:
        """Return the vector over classes that a score is multiplied with: +1 target, -1 versus.

        Raises:
            LabelError: the model knows no such class, or both are the same.
        """
        self.check(target, versus)
        if target == versus:
            raise LabelError(f"expected two different classes to compare, got {target!r} twice")
        direction = np.zeros(len(self.labels))
        direction[self.labels.index(target)] = 1
        if versus is not None:
            direction[self.labels.index(versus)] = -1
        return direction

    def check(self, *labels: str | None) -> None:
        """Raise LabelError unless the model knows the labels; None is no label."""
        for label in labels:
            if label is not None and label not in self.labels:
                raise LabelError(f"the model has no class {label!r}; it has: {', '.join(self.labels)}")


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
        """Return the `n` sentences that argue most for the label, strongest first."""
        return sorted(self.sentences, key=lambda sentence: -sentence.contribution)[:n]


@dataclass(frozen=True, slots=True)
class Analysis:
    """One document after its forward pass: its class, and the evidence for any class, at no further cost.

    `DocumentClassifier.analyse` makes it.

    Attributes:
        model: which model it was.
        classes: its labels and calibration.
        document: the text and its windows.
        scores: what the network gave.
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
        """Say what speaks for a class.

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
        """Return what each word adds to the logits of some classes.

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

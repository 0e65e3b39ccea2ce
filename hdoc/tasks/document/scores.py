"""A document as windows of word pieces, and the scores that a model gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdoc.tokens.tokenizer import Window

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Document:
    """A text and its windows; a text with nothing to read has none."""

    text: str
    windows: list[Window]


@dataclass(frozen=True, slots=True)
class PieceScores:
    """Weights (pieces,) and class scores (pieces, classes) of the word pieces of one window."""

    weights: Floats
    scores: Floats


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one document.

    Attributes:
        logits: class scores, (classes,).
        sentence_weights: attention of the windows, (windows,).
        window_scores: class scores of each window before its attention, (windows, classes).
        pieces: attention and class scores of the word pieces of each window; None where not asked for.
        lexical: for each window, the lexical part's share of `logits` for each piece, (pieces, classes);
            None if the model has no lexical part.
        lexical_logits: the sum of these and the lexical part's bias, (classes,); None likewise.
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
        """Return each window's share of the logits, (windows, classes)."""
        shares: Floats = self.sentence_weights[:, None] * self.window_scores
        if self.lexical is not None:
            shares = shares + np.stack([pieces.sum(axis=0) for pieces in self.lexical])
        return shares

    def piece_shares(self, window: int) -> Floats:
        """Return the share of the logits of each word piece of a window, (pieces, classes)."""
        pieces = self.pieces[window]
        if pieces is None:
            raise ValueError("expected the scores of every word piece; ask for them with words=True")
        shares: Floats = self.sentence_weights[window] * pieces.weights[:, None] * pieces.scores
        return shares if self.lexical is None else shares + self.lexical[window]

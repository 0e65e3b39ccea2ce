"""Windows of documents in, numbers out, whatever runs the network.

The windows of a batch are read in groups of similar length, and equal ones once. What a runtime has to do
is to read rectangles and to weigh the sentences of documents; all else is here, in NumPy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from hdoc.tasks.document.scores import Floats, PieceScores, Scores
from hdoc.tokens.grouping import TOKEN_BUDGET, Flags, Ids, flatten, pad_rows, token_budget_batches
from hdoc.tokens.tokenizer import PieceTokenizer, Window

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Windows of similar length; all (windows, length).

    Attributes:
        ids: token ids, special tokens included.
        mask: True at tokens, False at padding.
        piece_mask: True at word pieces, False at special tokens and padding.
    """

    ids: Ids
    mask: Flags
    piece_mask: Flags


@dataclass(frozen=True, slots=True)
class WindowReadings:
    """What windows came to, in their order; their word pieces lie end to end.

    Attributes:
        vectors: (windows, value_width).
        word_weights: (pieces,).
        piece_scores: (pieces, classes); None where nobody asked for them.
    """

    vectors: Vectors
    word_weights: Vectors
    piece_scores: Vectors | None


class Engine(ABC):
    """Runs a network over the windows of documents.

    Args:
        tokenizer: the network's.
        n_classes: number of classes.
        origin: the score of a piece that argues neither for nor against a class, (classes,); 0 by default.

    Since weights sum to 1, whatever is taken off all piece scores and added to the bias leaves the class
    scores as they are: the origin decides what counts as evidence, not what the classes are.
    """

    def __init__(self, tokenizer: PieceTokenizer, n_classes: int, origin: Floats | None) -> None:
        self.tokenizer = tokenizer
        self.origin: Floats = np.zeros(n_classes) if origin is None else origin

    @property
    @abstractmethod
    def description(self) -> str:
        """What computes, and how exactly, for example "torch, cpu, float32"."""

    @property
    @abstractmethod
    def head(self) -> tuple[Vectors, Vectors]:
        """Weights (classes, value_width) and bias (classes,) of the class scores."""

    def group(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return which windows of these lengths, special tokens included, make up each rectangle."""
        return token_budget_batches(lengths, TOKEN_BUDGET)

    @abstractmethod
    def read(self, rectangles: Iterable[Rectangle], words: bool) -> WindowReadings:
        """Read rectangles of windows, at least one; the scores of their pieces only if `words`."""

    @abstractmethod
    def weigh(self, vectors: Vectors, counts: Sequence[int]) -> tuple[Vectors, Vectors]:
        """Weigh the windows of documents.

        Args:
            vectors: of all windows in document order, (windows, value_width).
            counts: windows of each document, all at least 1.

        Returns:
            Logits (documents, classes) and the weights of the windows in their documents (windows,).
        """

    @property
    def bias(self) -> Floats:
        """The part of the class scores that does not depend on the text, (classes,)."""
        bias: Floats = self.head[1].astype(float) + self.origin
        return bias

    def encode(
        self, windows: Sequence[Window], words: bool = False
    ) -> tuple[Vectors, list[PieceScores | None]]:
        """Read windows, of any documents, in groups of similar length; equal windows are read once.

        Args:
            windows: any number.
            words: whether to keep what each word piece scored.

        Returns:
            Window vectors (windows, value_width), and for each window the scores of its pieces or None.
        """
        places: dict[tuple[int, ...], int] = {}
        rows = [places.setdefault(window.ids, len(places)) for window in windows]
        vectors, pieces = self._encode(list(places), words)
        return vectors[rows], [pieces[row] for row in rows]

    def _encode(
        self, windows: Sequence[tuple[int, ...]], words: bool
    ) -> tuple[Vectors, list[PieceScores | None]]:
        n_special = self.tokenizer.window - self.tokenizer.capacity
        vectors = np.empty((len(windows), self.head[0].shape[1]), dtype=np.float32)
        pieces: list[PieceScores | None] = [None] * len(windows)
        if not windows:
            return vectors, pieces
        groups = self.group([len(ids) + n_special for ids in windows])
        order = list(chain.from_iterable(groups))
        reading = self.read((self._rectangle([windows[i] for i in group]) for group in groups), words)
        vectors[order] = reading.vectors
        if words and reading.piece_scores is not None:
            ends = np.cumsum([len(windows[i]) for i in order])[:-1]
            weights = np.split(reading.word_weights.astype(float), ends)
            scores = np.split(reading.piece_scores.astype(float) - self.origin, ends)
            for i, *own in zip(order, weights, scores, strict=True):
                pieces[i] = PieceScores(*own)
        return vectors, pieces

    def _rectangle(self, windows: Sequence[tuple[int, ...]]) -> Rectangle:
        pieces, lengths = flatten(windows)
        return Rectangle(*pad_rows(pieces, np.cumsum(lengths) - lengths, lengths, self.tokenizer))

    def score(self, documents: Sequence[Sequence[Window]], words: bool = False) -> list[Scores]:
        """Score documents, each with at least one window.

        Args:
            documents: the windows of each; at least one document.
            words: whether to keep what each word piece scored.
        """
        vectors, pieces = self.encode(list(chain.from_iterable(documents)), words)
        counts = [len(document) for document in documents]
        logits, weights = self.weigh(vectors, counts)
        window_scores = (vectors @ self.head[0].T).astype(float) - self.origin
        ends = np.cumsum(counts).tolist()
        return [
            Scores(
                row.astype(float),
                weights[end - n : end].astype(float),
                window_scores[end - n : end],
                pieces[end - n : end],
            )
            for row, end, n in zip(logits, ends, counts, strict=True)
        ]

    def judge(self, documents: Sequence[Vectors]) -> Floats:
        """Score documents whose windows are read already.

        Args:
            documents: the vectors of each one's windows, (windows, value_width); it may have none.

        Returns:
            Logits (documents, classes); a document without windows has the bias alone.
        """
        rows = np.tile(self.head[1].astype(float), (len(documents), 1))
        filled = [i for i, vectors in enumerate(documents) if len(vectors)]
        if filled:
            given = [documents[i] for i in filled]
            rows[filled] = self.weigh(np.concatenate(given), [len(vectors) for vectors in given])[0]
        return rows

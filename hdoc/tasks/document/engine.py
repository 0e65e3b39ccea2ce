"""Windows of documents in, scores out, whatever runs the network.

The windows of a batch are read in groups of similar length, and equal ones once. A runtime reads windows and
weighs the sentences of documents; all else is here, in NumPy. The scores are those of both parts of a model:
the network and, if it has one, the lexical part.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from hdoc.tasks.document.lexical import LexicalScores
from hdoc.tasks.document.scores import Floats, PieceScores, Scores
from hdoc.tokens.flat_windows import FlatWindows, Ids, flatten
from hdoc.tokens.grouping import TOKEN_BUDGET, similar_length_groups
from hdoc.tokens.tokenizer import PieceTokenizer, Window

Vectors = NDArray[np.float32]


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
    """Runs a model over the windows of documents.

    Args:
        tokenizer: the network's.
        n_classes: number of class scores.
        origin: the score of a piece that argues neither for nor against a class, (classes,); 0 by default.
        lexical: what is added to the network's scores; None for nothing.

    Since weights sum to 1, whatever is taken off all piece scores and added to the bias leaves the class
    scores as they are: the origin decides what counts as evidence, not what the classes are.
    """

    def __init__(
        self,
        tokenizer: PieceTokenizer,
        n_classes: int,
        origin: Floats | None = None,
        lexical: LexicalScores | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.origin: Floats = np.zeros(n_classes) if origin is None else origin
        self.lexical = lexical

    @property
    @abstractmethod
    def description(self) -> str:
        """What computes, and how exactly, for example "torch, cpu, float32"."""

    @property
    @abstractmethod
    def head(self) -> tuple[Vectors, Vectors]:
        """Weights (classes, value_width) and bias (classes,) of the class scores."""

    def group(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return which windows of these lengths, special tokens included, make up each group."""
        return similar_length_groups(lengths, TOKEN_BUDGET)

    @abstractmethod
    def read(self, windows: FlatWindows, words: bool) -> WindowReadings:
        """Read windows, at least one; the scores of their pieces only if `words`."""

    @abstractmethod
    def weigh(self, vectors: Vectors, counts: Sequence[int]) -> tuple[Vectors, Vectors]:
        """Weigh the windows of documents.

        Args:
            vectors: of all windows in document order, (windows, value_width).
            counts: windows of each document, all at least 1.

        Returns:
            The network's logits (documents, classes) and the weights of the windows in their documents
            (windows,).
        """

    @property
    def bias(self) -> Floats:
        """The part of the class scores that does not depend on the text, (classes,)."""
        bias: Floats = self.head[1].astype(float) + self.origin
        return bias if self.lexical is None else bias + self.lexical.bias

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
        vectors = np.empty((len(windows), self.head[0].shape[1]), dtype=np.float32)
        pieces: list[PieceScores | None] = [None] * len(windows)
        if not windows:
            return vectors, pieces
        ids, lengths = flatten(windows)
        groups = self.group((lengths + self.tokenizer.n_special).tolist())
        order = list(chain.from_iterable(groups))
        reading = self.read(FlatWindows.of(ids, lengths, groups, self.tokenizer), words)
        vectors[order] = reading.vectors
        if words and reading.piece_scores is not None:
            ends = np.cumsum(lengths[order])[:-1]
            weights = np.split(reading.word_weights.astype(float), ends)
            scores = np.split(reading.piece_scores.astype(float) - self.origin, ends)
            for i, own_weights, own_scores in zip(order, weights, scores, strict=True):
                pieces[i] = PieceScores(own_weights, own_scores)
        return vectors, pieces

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
        found = [
            Scores(
                row.astype(float),
                weights[end - n : end].astype(float),
                window_scores[end - n : end],
                pieces[end - n : end],
            )
            for row, end, n in zip(logits, ends, counts, strict=True)
        ]
        return [self._with_lexical(*one) for one in zip(documents, found, strict=True)]

    def judge(self, documents: Sequence[tuple[Vectors, Ids]]) -> Floats:
        """Score documents whose windows are read already.

        Args:
            documents: of each the vectors of its windows, (windows, value_width), and the ids of all its
                pieces, (pieces,); it may have none.

        Returns:
            Logits (documents, classes); a document without windows has the bias alone.
        """
        rows = np.tile(self.head[1].astype(float), (len(documents), 1))
        filled = [i for i, (vectors, _) in enumerate(documents) if len(vectors)]
        if filled:
            given = [documents[i][0] for i in filled]
            rows[filled] = self.weigh(np.concatenate(given), [len(vectors) for vectors in given])[0]
        if self.lexical is not None and documents:
            rows += [self.lexical.logits(ids) for _, ids in documents]
        return rows

    def lexical_shares(self, ids: Ids) -> Floats:
        """Return what the lexical part adds to the scores for each piece of a document.

        Args:
            ids: all its piece ids, in order, (pieces,).

        Returns:
            (pieces, classes); 0 if the model has no such part.
        """
        if self.lexical is None:
            return np.zeros((len(ids), len(self.origin)))
        return self.lexical.shares(ids)

    def _with_lexical(self, windows: Sequence[Window], scores: Scores) -> Scores:
        """Add the lexical part to what the network gave for a document."""
        if self.lexical is None:
            return scores
        ids, lengths = flatten([window.ids for window in windows])
        shares = self.lexical.shares(ids)
        logits = self.lexical.bias + shares.sum(axis=0)
        return replace(
            scores,
            logits=scores.logits + logits,
            lexical=np.split(shares, np.cumsum(lengths)[:-1]),
            lexical_logits=logits,
        )

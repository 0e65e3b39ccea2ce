"""A split: pairs as word pieces with their targets, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdoc.errors import DataError
from hdoc.tasks.pair.classifier import text_windows
from hdoc.tokens.batches import DocumentBatch, batch_pieces
from hdoc.tokens.tokenizer import PieceTokenizer
from hdoc.training.data.sampling import Batch
from hdoc.training.data.splits import few
from hdoc.training.tasks.pair.table import PairRow, PairTable


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Pairs and what they are to be taken for.

    Attributes:
        texts: the first text of each pair, then the second of each.
        targets: class indices, or scores, (pairs,); -1 where they are not known.
        rows: place of each pair in its split, (pairs,).
    """

    texts: DocumentBatch
    targets: Tensor
    rows: Tensor

    def to(self, device: torch.device) -> PairBatch:
        """Return the same batch, its tensors on a device; windows get there as the network reads them."""
        return PairBatch(self.texts, self.targets.to(device), self.rows.to(device))


class PairSplit:
    """Pairs as word pieces; a text that several of them have is held once.

    Args:
        table: where they come from.
        rows: the pairs.
        tokenizer: the encoder's.

    Raises:
        DataError: the tokenizer leaves nothing of a text.
    """

    def __init__(self, table: PairTable, rows: Sequence[PairRow], tokenizer: PieceTokenizer) -> None:
        self.ids = [row.id for row in rows]
        places: dict[str, int] = {}
        self._texts = np.array(
            [[places.setdefault(text, len(places)) for text in (row.a, row.b)] for row in rows],
            dtype=np.int64,
        )
        self._windows = [
            [np.array(window, dtype=np.int32) for window in text_windows(text, tokenizer)] for text in places
        ]
        for row, texts in zip(rows, self._texts.tolist(), strict=True):
            if not all(self._windows[text] for text in texts):
                raise table.error(
                    row.row,
                    "expected words, but the encoder's tokenizer leaves nothing of a text; rewrite or delete "
                    "the row",
                )
        n_tokens = [sum(len(one) + tokenizer.n_special for one in windows) for windows in self._windows]
        self._n_tokens: NDArray[np.int64] = np.array(n_tokens, dtype=np.int64)[self._texts].sum(axis=1)
        self.targets = torch.full((len(rows),), -1)

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, places: NDArray[np.int64]) -> PairSplit:
        """Return a split of the pairs at some places of this one."""
        part = object.__new__(PairSplit)
        part.ids = [self.ids[place] for place in places.tolist()]
        part._texts, part._windows = self._texts[places], self._windows
        part._n_tokens, part.targets = self._n_tokens[places], self.targets[torch.from_numpy(places)]
        return part

    def n_tokens(self, tokenizer: PieceTokenizer) -> NDArray[np.int64]:
        """Return what each pair has the encoder read, special tokens included, (pairs,)."""
        del tokenizer  # the one they were divided by
        return self._n_tokens

    def batch(self, rows: Batch, tokenizer: PieceTokenizer, group_tokens: int) -> PairBatch:
        """Make a batch of the pairs at some places of this split."""
        texts = [self._windows[text] for text in self._texts[rows].T.reshape(-1).tolist()]
        windows = list(chain.from_iterable(texts))
        lengths = np.array([len(window) for window in windows], dtype=np.int64)
        counts = np.array([len(text) for text in texts], dtype=np.int64)
        places = torch.from_numpy(rows)
        return PairBatch(
            batch_pieces(np.concatenate(windows), lengths, counts, tokenizer, group_tokens),
            self.targets[places],
            places,
        )


def class_names(rows: Sequence[PairRow], table: PairTable) -> list[str]:
    """Return the labels of a table, sorted.

    Raises:
        DataError: there is nothing to tell apart.
    """
    names = sorted({str(row.target) for row in rows})
    if len(names) == 1:
        raise DataError(
            f"{table.name}: expected at least two different labels, got only {names[0]!r}; add pairs of "
            "another class, or name the right column with data.label_column"
        )
    return names


def class_targets(rows: Sequence[PairRow], table: PairTable, classes: Sequence[str]) -> Tensor:
    """Return the class of each pair, (pairs,).

    Raises:
        DataError: a label is not among the classes.
    """
    places = {label: place for place, label in enumerate(classes)}
    for row in rows:
        if row.target not in places:
            raise table.error(
                row.row,
                f"expected a label that the training data has too ({few(classes)}), got {row.target!r}; "
                "correct it, or add pairs with it to the training data",
            )
    return torch.tensor([places[str(row.target)] for row in rows])


def score_range(rows: Sequence[PairRow], table: PairTable) -> tuple[float, float]:
    """Return the lowest and the highest score of a table.

    Raises:
        DataError: there is only one.
    """
    scores = [float(row.target) for row in rows if row.target is not None]
    if min(scores) == max(scores):
        raise DataError(
            f"{table.name}: expected at least two different scores, got only {scores[0]:g}; add pairs with "
            "another one, or name the right column with data.label_column"
        )
    return min(scores), max(scores)

"""Documents in batches: the windows of all of them together, and which is whose.

The windows of a batch are sorted by length and cut into groups where that is cheapest, so a batch costs what
its real tokens cost, whatever the documents' lengths are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from hdoc.tokens.flat_windows import FlatWindows, Ids, flatten
from hdoc.tokens.grouping import TOKEN_BUDGET, similar_length_groups
from hdoc.tokens.tokenizer import PieceTokenizer


@dataclass(frozen=True, slots=True)
class DocumentBatch:
    """Documents as a network takes them.

    Attributes:
        windows: those of all documents, in groups of similar length.
        rows: for each window in document order its place among `windows`, (windows,).
        counts: number of windows of each document, (documents,).
    """

    windows: FlatWindows
    rows: Ids
    counts: Ids


def batch_documents(
    documents: Sequence[Sequence[Sequence[int]]], tokenizer: PieceTokenizer, budget: int = TOKEN_BUDGET
) -> DocumentBatch:
    """Batch documents of any lengths.

    Args:
        documents: for each document the piece ids of its windows, without special tokens.
        tokenizer: gives the special tokens.
        budget: most tokens of one group, padding included.
    """
    counts = np.array([len(document) for document in documents], dtype=np.int64)
    return batch_pieces(*flatten([*chain.from_iterable(documents)]), counts, tokenizer, budget)


def batch_pieces(
    pieces: NDArray[np.integer],
    lengths: NDArray[np.integer],
    counts: NDArray[np.integer],
    tokenizer: PieceTokenizer,
    budget: int = TOKEN_BUDGET,
) -> DocumentBatch:
    """Batch documents whose pieces lie in one row of numbers.

    Args:
        pieces: ids of all windows of all documents, end to end, (pieces,).
        lengths: pieces of each window, (windows,).
        counts: windows of each document, (documents,).
        tokenizer: gives the special tokens.
        budget: most tokens of one group, padding included.
    """
    groups = similar_length_groups((lengths + tokenizer.n_special).tolist(), budget)
    rows = np.empty(len(lengths), dtype=np.int64)
    rows[[*chain.from_iterable(groups)]] = np.arange(len(lengths))
    return DocumentBatch(
        FlatWindows.of(pieces, lengths, groups, tokenizer), rows, np.asarray(counts, dtype=np.int64)
    )

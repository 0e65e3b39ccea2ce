"""Documents to padded tensors, with almost no padding.

The windows of all documents in a batch are flattened, sorted by length and padded in groups, cut where
that is cheapest, so a batch costs what its real tokens cost, whatever the documents' lengths are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdoc.tokens.grouping import TOKEN_BUDGET, flatten, pad_rows, token_budget_batches
from hdoc.tokens.tokenizer import PieceTokenizer

__all__ = [
    "TOKEN_BUDGET",
    "DocumentBatch",
    "PaddedWindows",
    "batch_documents",
    "batch_pieces",
    "moved",
    "pad_windows",
    "token_budget_batches",
    "within_budget",
]


@dataclass(frozen=True, slots=True)
class PaddedWindows:
    """Windows of similar length as one rectangle; all (windows, length).

    Attributes:
        ids: token ids, special tokens included.
        mask: True at tokens, False at padding.
        piece_mask: True at word pieces, False at special tokens and padding.
    """

    ids: Tensor
    mask: Tensor
    piece_mask: Tensor

    def to(self, device: torch.device) -> PaddedWindows:
        """Return the same windows on a device."""
        return PaddedWindows(*(moved(part, device) for part in (self.ids, self.mask, self.piece_mask)))


@dataclass(frozen=True, slots=True)
class DocumentBatch:
    """Documents as the network takes them.

    Attributes:
        groups: the windows of all documents, padded in groups of similar length.
        rows: for each window in document order, its row among all rows of all groups, (windows,).
        counts: number of windows of each document, (documents,).
    """

    groups: list[PaddedWindows]
    rows: Tensor
    counts: Tensor

    def to(self, device: torch.device) -> DocumentBatch:
        """Return the same batch on a device."""
        groups = [group.to(device) for group in self.groups]
        return DocumentBatch(groups, moved(self.rows, device), moved(self.counts, device))


def batch_documents(
    documents: Sequence[Sequence[Sequence[int]]], tokenizer: PieceTokenizer, budget: int = TOKEN_BUDGET
) -> DocumentBatch:
    """Batch documents of any lengths.

    Args:
        documents: for each document the piece ids of its windows, without special tokens.
        tokenizer: gives the special tokens.
        budget: most tokens of one padded group.
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
        budget: most tokens of one padded group.
    """
    n_special = len(tokenizer.prefix) + len(tokenizer.suffix)
    groups = [np.array(group) for group in token_budget_batches((lengths + n_special).tolist(), budget)]
    rows = np.empty(len(lengths), dtype=np.int64)
    if groups:
        rows[np.concatenate(groups)] = np.arange(len(lengths))
    starts = np.cumsum(lengths) - lengths
    return DocumentBatch(
        [_padded(*pad_rows(pieces, starts[group], lengths[group], tokenizer)) for group in groups],
        torch.from_numpy(rows),
        torch.from_numpy(counts.astype(np.int64)),
    )


def pad_windows(windows: Sequence[Sequence[int]], tokenizer: PieceTokenizer) -> PaddedWindows:
    """Put special tokens around windows and pad them to the longest."""
    pieces, lengths = flatten(windows)
    return _padded(*pad_rows(pieces, np.cumsum(lengths) - lengths, lengths, tokenizer))


def within_budget(groups: Iterable[PaddedWindows], budget: int) -> Iterator[list[PaddedWindows]]:
    """Yield consecutive groups of so many tokens together that one more would be over the budget."""
    part: list[PaddedWindows] = []
    n_tokens = 0
    for group in groups:
        if part and n_tokens + group.ids.numel() > budget:
            yield part
            part, n_tokens = [], 0
        part.append(group)
        n_tokens += group.ids.numel()
    if part:
        yield part


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device; only from pinned memory does a copy not wait for what a GPU is at."""
    to_gpu = device.type == "cuda" and tensor.device.type == "cpu"
    return (tensor.pin_memory() if to_gpu else tensor).to(device, non_blocking=True)


def _padded(*arrays: NDArray[Any]) -> PaddedWindows:
    return PaddedWindows(*map(torch.from_numpy, arrays))

"""Documents to padded tensors, with almost no padding.

The windows of all documents in a batch are flattened, sorted by length and padded in groups, cut where
that is cheapest, so a batch costs what its real tokens cost, whatever the documents' lengths are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdoc.encoding import PieceTokenizer

# Tokens of one forward pass: enough to keep two cores or a small GPU busy, small in memory.
TOKEN_BUDGET = 4096
# A further group costs about as much as this many tokens of padding: fewer groups would be mostly padding
# at the long end, more would be too small to compute well.
_GROUP_COST = 150


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
        return PaddedWindows(
            self.ids.to(device, non_blocking=True),
            self.mask.to(device, non_blocking=True),
            self.piece_mask.to(device, non_blocking=True),
        )


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
        return DocumentBatch(
            [group.to(device) for group in self.groups], self.rows.to(device), self.counts.to(device)
        )


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
    return batch_pieces(*_flatten([*chain.from_iterable(documents)]), counts, tokenizer, budget)


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
        [_pad(pieces, starts[group], lengths[group], tokenizer) for group in groups],
        torch.from_numpy(rows),
        torch.from_numpy(counts.astype(np.int64)),
    )


def pad_windows(windows: Sequence[Sequence[int]], tokenizer: PieceTokenizer) -> PaddedWindows:
    """Put special tokens around windows and pad them to the longest."""
    pieces, lengths = _flatten(windows)
    return _pad(pieces, np.cumsum(lengths) - lengths, lengths, tokenizer)


def _flatten(windows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    lengths = np.array([len(window) for window in windows], dtype=np.int64)
    return np.fromiter(chain.from_iterable(windows), dtype=np.int64, count=lengths.sum()), lengths


def _pad(
    pieces: NDArray[np.integer],
    starts: NDArray[np.integer],
    lengths: NDArray[np.integer],
    tokenizer: PieceTokenizer,
) -> PaddedWindows:
    """Pad the windows that start in `pieces` at `starts`, both (windows,)."""
    n_before, n_after = len(tokenizer.prefix), len(tokenizer.suffix)
    ends = (lengths + n_before)[:, None]
    columns = np.arange(lengths.max() + n_before + n_after)
    piece_mask = (columns >= n_before) & (columns < ends)
    ids = np.full(piece_mask.shape, tokenizer.pad_id, dtype=np.int64)
    ids[:, :n_before] = tokenizer.prefix
    ids[piece_mask] = pieces[(starts[:, None] + columns - n_before)[piece_mask]]
    np.put_along_axis(ids, ends + np.arange(n_after), np.array(tokenizer.suffix), axis=1)
    mask = columns < ends + n_after
    return PaddedWindows(torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(piece_mask))


def token_budget_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Group rows of similar length so that padding and the number of groups together cost least.

    Args:
        lengths: length of each row in tokens.
        budget: most tokens of a group, padding included; a single longer row is a group of its own.

    Returns:
        The rows' indices, longest rows first; every row is in exactly one group.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    values, counts = np.unique(np.array(lengths, dtype=np.int64), return_counts=True)
    batches: list[list[int]] = []
    first = 0
    for longest, n_rows in reversed(_cheapest_groups(values, counts, budget)):
        at_once = -(-n_rows // -(-n_rows // max(budget // longest, 1)))  # no group much smaller than others
        batches.extend(
            order[i : min(i + at_once, first + n_rows)] for i in range(first, first + n_rows, at_once)
        )
        first += n_rows
    return batches


def _cheapest_groups(
    values: NDArray[np.int64], counts: NDArray[np.int64], budget: int
) -> list[tuple[int, int]]:
    """Cut the sorted lengths `values`, which `counts` rows have, where all groups together cost least.

    Returns:
        The longest length and the number of rows of each part, shortest part first; a part that is over
        the budget stands for several groups.
    """
    n_below = np.concatenate([[0], np.cumsum(counts)])
    costs = np.zeros(len(values) + 1)  # of all rows shorter than a length
    cuts = np.zeros(len(values) + 1, dtype=np.int64)
    for end, longest in enumerate(values.tolist(), 1):
        n_rows = n_below[end] - n_below[:end]
        n_groups = -(-n_rows // max(budget // longest, 1))
        totals = costs[:end] + longest * n_rows + _GROUP_COST * n_groups
        cuts[end] = totals.argmin()
        costs[end] = totals[cuts[end]]
    parts: list[tuple[int, int]] = []
    end = len(values)
    while end:
        parts.append((int(values[end - 1]), int(n_below[end] - n_below[cuts[end]])))
        end = int(cuts[end])
    return parts[::-1]

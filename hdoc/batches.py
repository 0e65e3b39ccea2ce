"""Documents to padded tensors, with almost no padding.

The windows of all documents in a batch are flattened, sorted by length and padded in groups of a
token budget, so a batch costs what its real tokens cost, whatever the documents' lengths are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hdoc.encoding import PieceTokenizer

# Tokens of one forward pass: enough to keep two cores or a small GPU busy, small in memory.
TOKEN_BUDGET = 4096


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
    windows = [window for document in documents for window in document]
    n_special = len(tokenizer.prefix) + len(tokenizer.suffix)
    indices = token_budget_batches([len(window) + n_special for window in windows], budget)
    rows = torch.empty(len(windows), dtype=torch.long)
    rows[torch.tensor([i for group in indices for i in group], dtype=torch.long)] = torch.arange(len(windows))
    return DocumentBatch(
        [pad_windows([windows[i] for i in group], tokenizer) for group in indices],
        rows,
        torch.tensor([len(document) for document in documents]),
    )


def pad_windows(windows: Sequence[Sequence[int]], tokenizer: PieceTokenizer) -> PaddedWindows:
    """Put special tokens around windows and pad them to the longest."""
    n_before, n_after = len(tokenizer.prefix), len(tokenizer.suffix)
    lengths = torch.tensor([len(window) for window in windows])
    length = int(lengths.max()) + n_before + n_after
    ids = torch.tensor(
        [
            [*tokenizer.prefix, *window, *tokenizer.suffix]
            + [tokenizer.pad_id] * (length - len(window) - n_before - n_after)
            for window in windows
        ]
    )
    columns = torch.arange(length)
    ends = lengths.unsqueeze(1) + n_before
    return PaddedWindows(ids, columns < ends + n_after, (columns >= n_before) & (columns < ends))


def token_budget_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Group rows of similar length so that no group, padded to its longest row, exceeds a budget.

    Args:
        lengths: length of each row in tokens.
        budget: most tokens of a group, padding included; a single longer row is a group of its own.

    Returns:
        The rows' indices, longest rows first; every row is in exactly one group.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    batches: list[list[int]] = []
    for i in order:
        longest = lengths[batches[-1][0]] if batches else 0
        if batches and longest * (len(batches[-1]) + 1) <= budget:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches

"""Windows of similar length together, and padded to rectangles; NumPy alone, for every runtime."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from hdoc.tokens.tokenizer import PieceTokenizer

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Tokens of one forward pass: enough to keep two cores or a small GPU busy, small in memory.
TOKEN_BUDGET = 4096
# A further group costs about as much as this many tokens of padding: fewer groups would be mostly padding
# at the long end, more would be too small to compute well.
_GROUP_COST = 150


def flatten(windows: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    """Return the ids of windows end to end, (pieces,), and the length of each, (windows,)."""
    lengths = np.array([len(window) for window in windows], dtype=np.int64)
    return np.fromiter(chain.from_iterable(windows), dtype=np.int64, count=lengths.sum()), lengths


def pad_rows(
    pieces: NDArray[np.integer],
    starts: NDArray[np.integer],
    lengths: NDArray[np.integer],
    tokenizer: PieceTokenizer,
) -> tuple[Ids, Flags, Flags]:
    """Put special tokens around windows that lie in one row of pieces, and pad them to the longest.

    Args:
        pieces: ids, (pieces,).
        starts: where each window starts among them, (windows,).
        lengths: its number of pieces, (windows,).
        tokenizer: gives the special tokens.

    Returns:
        Ids, what are tokens, and what are word pieces; all (windows, length).
    """
    n_before, n_after = len(tokenizer.prefix), len(tokenizer.suffix)
    ends = (lengths + n_before)[:, None]
    columns = np.arange(lengths.max() + n_before + n_after)
    piece_mask = (columns >= n_before) & (columns < ends)
    ids = np.full(piece_mask.shape, tokenizer.pad_id, dtype=np.int64)
    ids[:, :n_before] = tokenizer.prefix
    ids[piece_mask] = pieces[(starts[:, None] + columns - n_before)[piece_mask]]
    np.put_along_axis(ids, ends + np.arange(n_after), np.array(tokenizer.suffix), axis=1)
    mask = columns < ends + n_after
    return ids, mask, piece_mask


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


def equal_length_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Group rows of the same length, so that there is no padding at all.

    Args:
        lengths: length of each row in tokens.
        budget: as many groups as fit are together as full as can be.

    Returns:
        The rows' indices, longest rows first; every row is in exactly one group.
    """
    batches: list[list[int]] = []
    n_tokens = 0
    for i in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        full = n_tokens + lengths[i] > budget
        if full or not batches or lengths[batches[-1][0]] != lengths[i]:
            batches.append([])
        n_tokens = lengths[i] if full else n_tokens + lengths[i]
        batches[-1].append(i)
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

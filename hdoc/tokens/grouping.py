"""Which windows are read together: those of similar length, or of the same one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

# Tokens of one forward pass: enough to keep two cores or a small GPU busy, small in memory.
TOKEN_BUDGET = 4096
# A further group costs about as much as this many tokens of padding: fewer groups would be mostly padding
# at the long end, more would be too small to compute well.
_GROUP_COST = 150


Count = TypeVar("Count", int, NDArray[np.int64])


def ceil_div(amount: Count, divisor: int) -> Count:
    """Divide whole numbers, and round up."""
    return (amount + divisor - 1) // divisor


def similar_length_groups(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Group rows of similar length so that padding and the number of groups together cost least.

    Args:
        lengths: length of each row in tokens.
        budget: most tokens of a group, padding included; a single longer row is a group of its own.

    Returns:
        The rows' indices, longest rows first; every row is in exactly one group.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    values, counts = np.unique(np.array(lengths, dtype=np.int64), return_counts=True)
    groups: list[list[int]] = []
    first = 0
    for longest, n_rows in reversed(_cheapest_groups(values, counts, budget)):
        n_groups = ceil_div(n_rows, max(budget // longest, 1))
        at_once = ceil_div(n_rows, n_groups)  # no group much smaller than others
        end = first + n_rows
        groups.extend(order[i : min(i + at_once, end)] for i in range(first, end, at_once))
        first = end
    return groups


def equal_length_groups(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Group rows of the same length, so that there is no padding at all.

    Args:
        lengths: length of each row in tokens.
        budget: as many groups as fit are together as full as can be.

    Returns:
        The rows' indices, longest rows first; every row is in exactly one group.
    """
    groups: list[list[int]] = []
    n_tokens = 0
    for i in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        full = n_tokens + lengths[i] > budget
        if full or not groups or lengths[groups[-1][0]] != lengths[i]:
            groups.append([])
        n_tokens = lengths[i] if full else n_tokens + lengths[i]
        groups[-1].append(i)
    return groups


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
        n_groups = ceil_div(n_rows, max(budget // longest, 1))
        totals = costs[:end] + longest * n_rows + _GROUP_COST * n_groups
        cuts[end] = totals.argmin()
        costs[end] = totals[cuts[end]]
    parts: list[tuple[int, int]] = []
    end = len(values)
    while end:
        parts.append((int(values[end - 1]), int(n_below[end] - n_below[cuts[end]])))
        end = int(cuts[end])
    return parts[::-1]

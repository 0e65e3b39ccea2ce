"""What something costs beside something else, measured in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Action = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Cost:
    """What something costs beside the first of what was measured with it.

    Attributes:
        mix: the documents.
        name: what was measured.
        seconds: median.
        ratio: seconds over those of the first, median over rounds.
        low: smallest.
        high: largest.
        n_tokens: real tokens of the documents, special tokens included.
    """

    mix: str
    name: str
    seconds: float
    ratio: float
    low: float
    high: float
    n_tokens: int


def compared(
    mix: str, actions: Mapping[str, Action], n_tokens: int, n_rounds: int, n_before: int = 1
) -> list[Cost]:
    """Measure actions in turn; ratios are over the first.

    Args:
        mix: the documents.
        actions: what to measure, by name.
        n_tokens: of the documents.
        n_rounds: how often each is measured.
        n_before: rounds before, which do not count.
    """
    n_all = n_before + n_rounds
    rounds = [{name: seconds(action) for name, action in actions.items()} for _ in range(n_all)][n_before:]
    first = next(iter(actions))
    costs = []
    for name in actions:
        ratios = sorted(one[name] / one[first] for one in rounds)
        middle = statistics.median(one[name] for one in rounds)
        costs.append(Cost(mix, name, middle, statistics.median(ratios), ratios[0], ratios[-1], n_tokens))
    return costs


def seconds(action: Action) -> float:
    """Return how long an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start

"""What scores are divided by before they become probabilities, so that these mean what they say.

One temperature for all documents (Guo et al. 2017) leaves the surest answers too sure and the others not
sure enough: where evidence piles up, scores spread further apart than they are right. So the temperature
grows with how far the scores of a document lie apart. No class changes; more evidence never makes less sure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    Scores: TypeAlias = NDArray[np.floating[Any]] | Tensor

S = TypeVar("S", bound="Scores")


@dataclass(frozen=True, slots=True)
class Temperature:
    """The temperature of a document: `base` plus `spread` times the standard deviation of its scores.

    Attributes:
        base: above 0.
        spread: 0 or more; 0 gives all documents the same temperature.
    """

    base: float = 1.0
    spread: float = 0.0

    def __call__(self, logits: S) -> S:
        """Return logits (..., classes), of NumPy or torch, divided by the temperature of each document."""
        divided = logits / self._of(spread_of(logits)) if self.spread else logits / self.base
        return cast("S", divided)

    def restored(self, divided: S) -> S:
        """Return the logits, up to a constant for each document, that were divided.

        Args:
            divided: as they were before, up to a constant for each document, (..., classes).
        """
        if not self.spread:
            return cast("S", divided * self.base)
        # d = s / (base + spread * s) for the deviations before and after, so s is what solves it.
        after = spread_of(divided)
        before = self.base * after / (1 - self.spread * after)
        return cast("S", divided * self._of(before))

    def _of(self, spreads: Any) -> Any:
        return self.base + self.spread * spreads


UNCALIBRATED = Temperature()
"""Leaves logits as they are."""


def spread_of(logits: Scores) -> Any:
    """Return the standard deviation of each document's scores over the classes, (..., 1)."""
    scores: Any = logits
    centred = scores - scores.mean(-1)[..., None]
    return (centred * centred).mean(-1)[..., None] ** 0.5

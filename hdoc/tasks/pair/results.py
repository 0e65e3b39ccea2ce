"""What a pair comes to, and rows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdoc.tasks.classes import probabilities
from hdoc.tasks.temperature import Temperature


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a pair of texts came to; a model gives either a class or a score.

    Attributes:
        label: the most probable class; None for a model of scores.
        probability: of the label, calibrated.
        probabilities: of every class, most probable first.
        score: how alike the texts are, on the scale of the training scores; None for a model of classes.
    """

    label: str | None = None
    probability: float | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    score: float | None = None

    def row(self) -> dict[str, Any]:
        """Return the cells of a row of results; what does not apply is None."""
        return {
            "label": self.label,
            "probability": self.probability,
            "probabilities": dict(self.probabilities) or None,
            "score": self.score,
        }


NO_RESULT: Mapping[str, Any] = Comparison().row()
"""The cells of a row that has an error."""


def of_logits(
    logits: NDArray[np.float64], labels: tuple[str, ...], temperature: Temperature
) -> list[Comparison]:
    """Return what pairs with these logits, (pairs, classes), came to."""
    found = []
    for row in probabilities(logits, temperature, multi_label=False):
        ranked = {labels[i]: float(row[i]) for i in np.argsort(-row, kind="stable")}
        label, probability = next(iter(ranked.items()))
        found.append(Comparison(label, probability, ranked))
    return found


def of_scores(scores: NDArray[np.float64], low: float, high: float) -> list[Comparison]:
    """Return what pairs with these scores, (pairs,), came to; none is outside of the training scores."""
    return [Comparison(score=float(score)) for score in np.clip(scores, low, high)]

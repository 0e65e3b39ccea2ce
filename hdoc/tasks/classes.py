"""Classes, and the probabilities that logits give them.

One class a text has a softmax over all classes, several classes have a sigmoid each, and both are taken of
logits that were divided by the temperature. For tensors see `hdoc.metrics.classification.probabilities`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdoc.errors import LabelError
from hdoc.tasks.temperature import Temperature

Floats = NDArray[np.float64]

# Of several labels a document has those that are more probable than not.
_ASSIGNED = 0.5


@dataclass(frozen=True, slots=True)
class Classes:
    """A model's classes, and how logits become probabilities of them.

    Attributes:
        labels: the classes in the order of the scores.
        multi_label: whether a document may have several.
        temperature: what logits are divided by before they become probabilities.
        bias: the part of the logits that does not depend on the text, (classes,).
    """

    labels: tuple[str, ...]
    multi_label: bool
    temperature: Temperature
    bias: Floats

    def probabilities(self, logits: Floats) -> dict[str, float]:
        """Return the calibrated probability of every class, most probable first.

        Args:
            logits: of one document, (classes,).
        """
        values = probabilities(logits, self.temperature, self.multi_label)
        order = np.argsort(-values, kind="stable")
        return {self.labels[i]: float(values[i]) for i in order}

    def assigned(self, probabilities: Mapping[str, float]) -> list[str]:
        """Return the classes that a document is given, most probable first; one unless it may have several.

        Args:
            probabilities: of every class, most probable first.
        """
        labels = [label for label, chance in probabilities.items() if chance > _ASSIGNED]
        return labels if self.multi_label and labels else [next(iter(probabilities))]

    def direction(self, target: str, versus: str | None = None) -> Floats:
        """Return the vector over classes that scores are multiplied with: +1 target, -1 versus.

        Raises:
            LabelError: the model knows no such class, or both are the same.
        """
        self.check(target, versus)
        if target == versus:
            raise LabelError(f"expected two different classes to compare, got {target!r} twice")
        direction = np.zeros(len(self.labels))
        direction[self.labels.index(target)] = 1
        if versus is not None:
            direction[self.labels.index(versus)] = -1
        return direction

    def check(self, *labels: str | None) -> None:
        """Raise LabelError unless the model knows the labels; None is no label."""
        for label in labels:
            if label is not None and label not in self.labels:
                raise LabelError(f"the model has no class {label!r}; it has: {', '.join(self.labels)}")


def probabilities(logits: Floats, temperature: Temperature, multi_label: bool) -> Floats:
    """Return the probability of each class.

    Args:
        logits: of any number of documents, (..., classes).
        temperature: what logits are divided by.
        multi_label: whether a document may have several classes; each then has a probability of its own.

    Returns:
        Probabilities, (..., classes); they sum to 1 unless a document may have several classes.
    """
    scaled = temperature(logits)
    if multi_label:
        return sigmoid(scaled)
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def sigmoid(scores: Floats) -> Floats:
    """Return the probability that belongs to each score, or to a difference of two."""
    odds: Floats = np.exp(-scores)
    return 1 / (1 + odds)

"""The loss of each document, and weights that make up for rare classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

ClassWeights = Literal["none", "balanced", "sqrt"]


def document_losses(
    logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """Return the loss of each document in nats, (documents,).

    Args:
        logits: (documents, classes).
        targets: class indices (documents,); or 0 and 1 for each class (documents, classes) if a document
            may have several, whose loss is the mean over classes.
        weights: of classes, in the second case of their ones, (classes,).
        smoothing: share of the target that is spread over all classes (Szegedy et al. 2016).
    """
    if not targets.is_floating_point():
        return F.cross_entropy(logits, targets, weights, reduction="none", label_smoothing=smoothing)
    targets = targets * (1 - smoothing) + smoothing / 2
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none", pos_weight=weights).mean(1)


def class_weights(kind: ClassWeights, counts: Sequence[int]) -> Tensor | None:
    """Return a weight for each class, or None for equal ones.

    The mean weight of a training label is 1, so that learning rates keep their meaning.

    Args:
        kind: "balanced" gives every class the same say; "sqrt" goes half of the way, which loses less
            accuracy on frequent classes.
        counts: training documents of each class, all above 0.
    """
    if kind == "none":
        return None
    frequencies = torch.tensor(counts, dtype=torch.float32)
    weights = frequencies.reciprocal() if kind == "balanced" else frequencies.rsqrt()
    return weights * frequencies.sum() / (weights * frequencies).sum()

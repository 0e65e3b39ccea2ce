"""The temperature that makes probabilities mean what they say (Guo et al. 2017)."""

from __future__ import annotations

import math

from torch import Tensor

from hdoc.training.losses import document_losses

# A temperature outside says that dev is too small or too easy to tell; it is held at the bound.
LOWEST, HIGHEST = 0.01, 100.0
_GOLDEN = (math.sqrt(5) - 1) / 2


def fit_temperature(logits: Tensor, targets: Tensor) -> float:
    """Return the temperature with the least loss on held-out documents.

    The loss has one minimum in the temperature, which golden-section search finds without a step size
    or a seed: the same logits give the same temperature.

    Args:
        logits: (documents, classes).
        targets: (documents,), or (documents, classes) of 0 and 1 if a document may have several classes.

    Returns:
        Between 0.01 and 100.
    """
    logits = logits.double().cpu()
    targets = targets.double().cpu() if targets.is_floating_point() else targets.cpu()

    def loss(log_temperature: float) -> float:
        return float(document_losses(logits / math.exp(log_temperature), targets).mean())

    low, high = math.log(LOWEST), math.log(HIGHEST)
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    loss_left, loss_right = loss(left), loss(right)
    while high - low > 1e-4:
        if loss_left <= loss_right:
            high, right, loss_right = right, left, loss_left
            left = high - _GOLDEN * (high - low)
            loss_left = loss(left)
        else:
            low, left, loss_left = left, right, loss_right
            right = low + _GOLDEN * (high - low)
            loss_right = loss(right)
    return math.exp((low + high) / 2)

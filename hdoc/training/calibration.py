"""What is fitted on dev when the weights are done: the temperature, and the origin of explanations.

The temperature makes probabilities mean what they say (Guo et al. 2017). The origin makes contributions
mean what they say: see `fit_origin`. Neither changes a class.
"""

from __future__ import annotations

import math

import torch
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


def fit_origin(logits: Tensor, bias: Tensor, multi_label: bool = False) -> list[float]:
    """Return the score of a word piece that argues neither for nor against each class.

    A text's score is a mean of its pieces' scores, weighted by attention. So a piece that says what an
    average text says is no evidence, though the model may attend to it; nor is one that says as much as
    texts of the class say on average, if it is asked what would be lost without it. Halfway between both is
    where pieces begin to argue for the class: an order by contributions over it finds what a prediction
    hangs on far better than one over 0, which training puts anywhere.

    Args:
        logits: of held-out documents by the network alone, (documents, classes).
        bias: the network's, (classes,).
        multi_label: whether a document may have several classes.
    """
    logits = logits.double().cpu()
    own = logits - bias.detach().double().cpu()
    given = torch.nn.functional.one_hot(logits.argmax(dim=1), logits.shape[1]).bool()
    if multi_label and bool((logits > 0).any()):
        given = logits > 0
    origin: list[float] = ((own.mean(dim=0) + own[given].mean()) / 2).tolist()
    return origin

"""What is fitted on dev when the weights are done: the temperature, and the origin of explanations.

The temperature makes probabilities mean what they say. The origin makes contributions
mean what they say: see `fit_origin`. Neither changes a class.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from hdoc.tasks.temperature import Temperature, spread_of
from hdoc.training.tasks.losses import document_losses

# A temperature outside says that dev is too small or too easy to tell; it is held at the bound.
LOWEST, HIGHEST = 0.01, 100.0
# At most half of an average document's temperature grows with its scores' spread: dev does not tell of texts
# of a few words, whose scores lie closer together than those of any document, and which would seem too sure.
_MOST_GROWING = 0.5
_GOLDEN = (math.sqrt(5) - 1) / 2


def fit_temperature(logits: Tensor, targets: Tensor, with_spread: bool = True) -> Temperature:
    """Return the temperature with the least loss on held-out documents.

    Golden-section search needs neither a step size nor a seed: the same logits give the same temperature.
    That it grows with the spread of a document's scores has to earn its place: the sum of losses must fall by
    more than one nat, as a further number must by Akaike's criterion (1974).

    Args:
        logits: (documents, classes).
        targets: (documents,), or (documents, classes) of 0 and 1 if a document may have several classes,
            all documents of which have the same temperature.
        with_spread: whether the temperature may grow.

    Returns:
        One of between 0.01 and 100 for a document whose scores lie as far apart as they do on average.
    """
    logits = logits.double().cpu()
    targets = targets.double().cpu() if targets.is_floating_point() else targets.cpu()
    plain, loss = _fit_base(logits, targets)
    spreads = spread_of(logits)
    mean = float(spreads.mean())
    if not with_spread or targets.is_floating_point() or mean == 0:
        return Temperature(plain)

    def shaped(share: float) -> Tensor:
        """Divide each document by its own temperature, whose mean is 1 and of which a share grows."""
        return Temperature(1 - share, share / mean)(logits)

    share, _ = _least(lambda share: _fit_base(shaped(share), targets, 1e-3)[1], 0.0, _MOST_GROWING, 1e-2)
    base, found = _fit_base(shaped(share), targets)
    if len(logits) * (loss - found) <= 1:
        return Temperature(plain)
    return Temperature(base * (1 - share), base * share / mean)


def _fit_base(logits: Tensor, targets: Tensor, tolerance: float = 1e-4) -> tuple[float, float]:
    """Return the one temperature with the least mean loss, and that loss."""

    def loss(log_temperature: float) -> float:
        return float(document_losses(logits / math.exp(log_temperature), targets).mean())

    found, least = _least(loss, math.log(LOWEST), math.log(HIGHEST), tolerance)
    return math.exp(found), least


def _least(
    function: Callable[[float], float], low: float, high: float, tolerance: float
) -> tuple[float, float]:
    """Return where a function with one minimum is least, and how little it is there (Kiefer 1953)."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > tolerance:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
    middle = (low + high) / 2
    return middle, function(middle)


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

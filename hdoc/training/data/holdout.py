"""A share of the training documents set aside as dev, the same share of each class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def hold_out(
    classes: NDArray[np.int64], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide documents into those to train on and those held out, at least one of each class in both.

    Args:
        classes: the class of each document.
        share: of each class that is held out, above 0 and below 1.
        seed: chooses the documents.

    Returns:
        The documents that stay and those that are held out, both in order. The only document of a class
        stays.
    """
    generator = np.random.default_rng([seed])
    held_out = np.zeros(len(classes), dtype=bool)
    for name in np.unique(classes):
        members = generator.permutation(np.flatnonzero(classes == name))
        held_out[members[: min(max(round(share * len(members)), 1), len(members) - 1)]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)

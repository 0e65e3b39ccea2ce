"""Stratified samples of documents: each split and each sample has the same share of every class.

What is drawn depends on the labels alone, so every entry and every seed has the same documents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hdoc.errors import HdocError


def divide(labels: Sequence[str], shares: Mapping[str, float], path: Path) -> dict[str, NDArray[np.int64]]:
    """Divide documents into train and other splits, the same share of each class in all.

    Args:
        labels: of the documents.
        shares: between 0 and 1, of the splits other than train.
        path: of the documents, for the error.

    Returns:
        For each split the places of its documents, ascending.

    Raises:
        HdocError: a class has fewer documents than there are splits.
    """
    generator = np.random.default_rng(0)
    places: dict[str, list[int]] = {"train": [], **{split: [] for split in shares}}
    names = np.array(labels)
    for name in np.unique(names).tolist():
        members = generator.permutation(np.flatnonzero(names == name)).tolist()
        if len(members) <= len(shares):
            raise HdocError(
                f"{path}: expected at least {len(shares) + 1} documents with the label {name!r}, to be "
                f"learnt and judged by, got {len(members)}; add some, or give --dev and --test"
            )
        n_members = len(members)
        for split, share in shares.items():
            n_taken = max(1, round(share * n_members))
            places[split] += members[:n_taken]
            members = members[n_taken:]
        places["train"] += members
    return {split: np.sort(np.array(chosen)) for split, chosen in places.items()}


def sample(labels: Sequence[str], n_documents: int) -> NDArray[np.int64]:
    """Choose at most so many documents, at least one of each class.

    Args:
        labels: of the documents.
        n_documents: at least the number of classes.

    Returns:
        The places of the documents, ascending.
    """
    if len(labels) <= n_documents:
        return np.arange(len(labels))
    generator = np.random.default_rng(0)
    names = np.array(labels)
    classes = [generator.permutation(np.flatnonzero(names == name)) for name in np.unique(names)]
    share = n_documents / len(labels)
    n_each = np.array([max(1, int(share * len(members))) for members in classes])
    while n_each.sum() > n_documents:  # many small classes got their one document
        n_each[n_each.argmax()] -= 1
    while n_each.sum() < n_documents:  # what rounding down left over goes where most is missing
        left = np.array([len(members) * share for members in classes]) - n_each
        n_each[left.argmax()] += 1
    return np.sort(np.concatenate([members[:n] for members, n in zip(classes, n_each, strict=True)]))

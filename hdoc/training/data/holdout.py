"""A share of the training documents set aside as dev, the same share of each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hdoc.console import say
from hdoc.tables.labelled import LabelledTable
from hdoc.training.data.splits import DocumentSplit, class_counts, rarest_classes


def hold_out_dev(
    train: DocumentSplit, table: LabelledTable, labels: Sequence[str], share: float, seed: int
) -> tuple[DocumentSplit, DocumentSplit]:
    """Divide the training documents into those to train on and those of dev, and say so.

    Args:
        train: all of them.
        table: where they come from.
        labels: the classes.
        share: of each class that is held out, above 0 and below 1.
        seed: chooses the documents.

    Raises:
        DataError: a document is the only one of its class, where each has one class.
    """
    classes = rarest_classes(train.targets)
    counts = class_counts(train.targets, len(labels))
    if 1 in counts and not table.multi_label:
        single = counts.index(1)
        raise table.error(
            train.store.row(int(np.flatnonzero(classes == single)[0])),
            f"expected another document with the label {labels[single]!r}, as one is held out for dev; add "
            "one, give data.dev_file, or set data.dev_share to 0",
        )
    stays, held_out = hold_out(classes, share, seed)
    say(
        f"no data.dev_file: {len(held_out):,} of {len(train):,} documents of {table.name} are held out for "
        f"dev, {share:.0%} of each class (seed {seed})"
    )
    return train.part(stays), train.part(held_out)


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

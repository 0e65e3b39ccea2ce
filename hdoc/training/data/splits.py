"""A split: documents with their targets, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdoc.errors import DataError
from hdoc.tables.labelled import LabelledTable
from hdoc.tokens.batches import DocumentBatch, batch_pieces
from hdoc.tokens.tokenizer import PieceTokenizer
from hdoc.training.data.sampling import Batch
from hdoc.training.data.store import DocumentStore

_SHOWN_LABELS = 20


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """Documents and what they are to be taken for.

    Attributes:
        documents: as the network takes them.
        targets: index of each document's class, (documents,); or 1 for each class that it has and 0 for
            the others, (documents, classes); or -1 where labels are not known, (documents,).
        rows: place of each document in its split, (documents,).
    """

    documents: DocumentBatch
    targets: Tensor
    rows: Tensor

    def to(self, device: torch.device) -> TrainingBatch:
        """Return the same batch, its tensors on a device; windows get there as the network reads them."""
        return TrainingBatch(self.documents, self.targets.to(device), self.rows.to(device))


class DocumentSplit(Sequence[tuple[str, str]]):
    """Some documents of a store with their targets; as a sequence, their ids and texts.

    Args:
        store: the documents.
        documents: which of them, (documents,).
        targets: of those documents, as in `TrainingBatch`.
    """

    def __init__(self, store: DocumentStore, documents: NDArray[np.int64], targets: Tensor) -> None:
        self.store, self.documents, self.targets = store, documents, targets

    def __len__(self) -> int:
        return len(self.documents)

    @overload
    def __getitem__(self, index: int) -> tuple[str, str]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[str, str]]: ...
    def __getitem__(self, index: int | slice) -> tuple[str, str] | list[tuple[str, str]]:
        """Return id and text of a document, read when it is asked for."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        row = self.store.dataset[int(self.documents[index])]
        return row["id"], row["text"]

    def part(self, places: NDArray[np.int64]) -> DocumentSplit:
        """Return a split of the documents at some places of this one."""
        return DocumentSplit(self.store, self.documents[places], self.targets[torch.from_numpy(places)])

    def n_tokens(self, tokenizer: PieceTokenizer) -> NDArray[np.int64]:
        """Return what each document has the encoder read, special tokens included, (documents,)."""
        return (self.store.n_pieces + tokenizer.n_special * self.store.n_windows)[self.documents]

    def batch(self, rows: Batch, tokenizer: PieceTokenizer, group_tokens: int) -> TrainingBatch:
        """Make a batch of the documents at some places of this split."""
        documents = self.documents[rows]
        pieces, lengths = self.store.pieces(documents)
        places = torch.from_numpy(rows)
        return TrainingBatch(
            batch_pieces(pieces, lengths, self.store.n_windows[documents], tokenizer, group_tokens),
            self.targets[places],
            places,
        )


def class_names(store: DocumentStore, table: LabelledTable) -> list[str]:
    """Return the labels of a table, sorted.

    Raises:
        DataError: there is nothing to tell apart.
    """
    names = sorted(store.labels().names)
    if table.multi_label and not names:
        raise DataError(f"{table.name}: expected labels, got none in any row; label some of the documents")
    if not table.multi_label and len(names) == 1:
        raise DataError(
            f"{table.name}: expected at least two different labels, got only {names[0]!r}; add documents of "
            "another class, or name the right column with data.label_column"
        )
    return names


def targets(store: DocumentStore, table: LabelledTable, classes: Sequence[str]) -> Tensor:
    """Return the targets of all documents of a table, as in `TrainingBatch`.

    Raises:
        DataError: a label is not among the classes.
    """
    labels = store.labels()
    places = {label: place for place, label in enumerate(classes)}
    found = np.array([places.get(name, -1) for name in labels.names], dtype=np.int64)[labels.numbers]
    for entry in np.flatnonzero(found < 0)[:1]:
        unknown = labels.names[labels.numbers[entry]]
        raise table.error(
            store.row(int(labels.documents[entry])),
            f"expected a label that the training data has too ({few(classes)}), got {unknown!r}; correct it, "
            "or add documents with it to the training data",
        )
    if not table.multi_label:
        return torch.from_numpy(found)
    hot = torch.zeros(len(store), len(classes))
    hot[torch.from_numpy(labels.documents), torch.from_numpy(found)] = 1.0
    return hot


def few(classes: Sequence[str]) -> str:
    """Return the first names of classes, for errors."""
    return ", ".join(classes[:_SHOWN_LABELS]) + ", …" * (len(classes) > _SHOWN_LABELS)


def class_counts(split_targets: Tensor, n_classes: int) -> list[int]:
    """Return how many documents each class has."""
    several = split_targets.dim() == 2
    counts = split_targets.sum(dim=0) if several else split_targets.bincount(minlength=n_classes)
    return [int(count) for count in counts]


def rarest_classes(split_targets: Tensor) -> NDArray[np.int64]:
    """Return the class of each document, of several the rarest, -1 if it has none, (documents,)."""
    if split_targets.dim() == 1:
        return split_targets.numpy()
    counts = split_targets.sum(dim=0)
    rarest = torch.where(split_targets > 0, counts, torch.inf).argmin(dim=1)
    return torch.where(split_targets.any(dim=1), rarest, -1).numpy()

"""Tokenised documents in an Arrow file, read through a memory map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from datasets import Dataset
from numpy.typing import NDArray

SCHEMA = pa.schema(
    {
        "row": pa.int64(),
        "id": pa.string(),
        "text": pa.string(),
        "labels": pa.list_(pa.string()),
        "pieces": pa.list_(pa.int32()),
        "windows": pa.list_(pa.int32()),
    }
)


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of many documents; one entry for each label of each document, in order.

    Attributes:
        names: the different labels.
        numbers: which of them an entry is, (entries,).
        documents: which document it belongs to, (entries,).
    """

    names: list[str]
    numbers: NDArray[np.int32]
    documents: NDArray[np.int64]


class DocumentStore:
    """The documents of a table in its order, as word pieces.

    Args:
        dataset: has the columns of `SCHEMA`.

    Attributes:
        dataset: all columns; `dataset[i]["text"]` is a document's text.
        n_windows: windows of each document, (documents,).
        n_pieces: word pieces of each document, (documents,).
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._pieces = _Lists(dataset.data.column("pieces"))
        self._windows = _Lists(dataset.data.column("windows"))
        self.n_pieces = self._pieces.lengths
        self.n_windows = self._windows.lengths

    def __len__(self) -> int:
        return len(self.n_windows)

    def labels(self) -> Labels:
        """Return the labels of all documents."""
        lists = pa.concat_arrays(self.dataset.data.column("labels").chunks)
        encoded = lists.flatten().dictionary_encode()
        owners = np.repeat(np.arange(len(lists)), lists.value_lengths().to_numpy())
        return Labels(encoded.dictionary.to_pylist(), encoded.indices.to_numpy(), owners)

    def row(self, document: int) -> int:
        """Return the number of a document's row in the table, as errors name it."""
        return int(self.dataset.data.column("row")[document].as_py())

    def pieces(self, documents: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the piece ids of some documents end to end, (pieces,), and their windows' lengths."""
        ids = [self._pieces[document] for document in documents.tolist()]
        lengths = [self._windows[document] for document in documents.tolist()]
        return np.concatenate(ids), np.concatenate(lengths)


class _Lists:
    """A column of lists of numbers, of which each is a slice of the memory map."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._offsets = [chunk.offsets.to_numpy() for chunk in column.chunks]
        self._values = [chunk.values.to_numpy() for chunk in column.chunks]
        lengths = [np.diff(offsets) for offsets in self._offsets]
        self._firsts = np.cumsum([0, *map(len, lengths)])
        self.lengths: NDArray[np.int64] = np.concatenate(lengths).astype(np.int64)

    def __getitem__(self, index: int) -> NDArray[np.int32]:
        part = int(np.searchsorted(self._firsts, index, side="right")) - 1
        place = index - self._firsts[part]
        start, end = self._offsets[part][place : place + 2]
        values: NDArray[np.int32] = self._values[part][start:end]
        return values

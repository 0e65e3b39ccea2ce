"""Tokenised documents in Arrow files, made once for each content and read through a memory map.

A file is named by the hash of all that decides what is in it, so nothing is ever stale. It is written
under another name and renamed when it is whole: one that a killed run left behind is never read. A second
run that wants the same file waits until the first has written it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hdoc.console import say
from hdoc.errors import DataError
from hdoc.tables.labelled import LabelledTable, LabelledText
from hdoc.text.sentences import SentenceRule
from hdoc.tokens.tokenizer import PieceTokenizer
from hdoc.training.data.tokenising import Pieces, tokenise_many

# To be raised whenever the same text would come out as other sentences, windows or columns.
_VERSION = 1
_SCHEMA = pa.schema(
    {
        "row": pa.int64(),
        "id": pa.string(),
        "text": pa.string(),
        "labels": pa.list_(pa.string()),
        "pieces": pa.list_(pa.int32()),
        "windows": pa.list_(pa.int32()),
    }
)
# Pieces in one part of a file: what is held in memory while it is written.
_PART_PIECES = 1_000_000
# With less text than this (a second's work) worker processes take longer to start than to do it.
_WORTH_WORKERS = 30_000


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
        dataset: has the columns of `_SCHEMA`.

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


def open_store(
    table: LabelledTable, tokenizer: PieceTokenizer, rule: SentenceRule, workers: int, folder: Path
) -> DocumentStore:
    """Open the tokenised documents of a table; make them first if there are none yet.

    Args:
        table: texts and labels.
        tokenizer: the encoder's tokenizer.
        rule: how to find sentences.
        workers: processes that split and tokenise.
        folder: where Arrow files are kept.

    Raises:
        DataError: a row of the table cannot be used, or the folder cannot be written to.
    """
    path = folder / f"{_key(table, tokenizer, rule)}.arrow"
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(path.with_suffix(".lock"), table.name):
                if not path.exists():
                    _write(path, table, tokenizer, rule, workers)
        return DocumentStore(Dataset.from_file(str(path)))
    except pa.ArrowException as error:
        raise DataError(f"{path}: expected tokenised documents, got a damaged file; delete it") from error
    except OSError as error:
        raise DataError(
            f"{folder}: expected a folder that tokenised documents can be kept in, but {error}; name "
            "another one with data.cache_folder"
        ) from error


def _locked(path: Path, name: str) -> AbstractContextManager[object]:
    """Hold a lock; if another process holds it, say what is waited for."""
    lock = FileLock(path)
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        say(f"another run is splitting {name}; waiting for it")
        return lock.acquire()


def _key(table: LabelledTable, tokenizer: PieceTokenizer, rule: SentenceRule) -> str:
    decides = [_VERSION, table.sha256, table.text_column, table.label_column, table.multi_label]
    decides += [tokenizer.tokenizer.to_str(), tokenizer.window, rule]
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:32]


def _write(
    path: Path, table: LabelledTable, tokenizer: PieceTokenizer, rule: SentenceRule, workers: int
) -> None:
    n_rows, n_characters = table.check()
    partial = path.with_suffix(".partial")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with (
            Progress(*columns, console=Console(stderr=True)) as progress,
            partial.open("wb") as file,
            pa.ipc.new_stream(file, _SCHEMA) as stream,
        ):
            documents = _tokenised(table, tokenizer, rule, workers if n_characters > _WORTH_WORKERS else 0)
            for part in _parts(
                progress.track(documents, n_rows, description=f"Splitting {Path(table.name).name}")
            ):
                stream.write_batch(pa.RecordBatch.from_pylist(part, _SCHEMA))
            stream.close()
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _tokenised(
    table: LabelledTable, tokenizer: PieceTokenizer, rule: SentenceRule, workers: int
) -> Iterator[tuple[LabelledText, Pieces]]:
    waiting: deque[LabelledText] = deque()

    def texts() -> Iterator[str]:
        for row in table.rows():
            waiting.append(row)
            yield row.text

    for pieces in tokenise_many(texts(), tokenizer, rule, workers):
        row = waiting.popleft()
        if not len(pieces[0]):
            raise table.error(
                row.row,
                "expected words, but the encoder's tokenizer leaves nothing of the text; "
                "rewrite or delete the row",
            )
        yield row, pieces


def _parts(documents: Iterable[tuple[LabelledText, Pieces]]) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    n_pieces = 0
    for row, (pieces, windows) in documents:
        part.append(
            {
                "row": row.row,
                "id": row.id,
                "text": row.text,
                "labels": list(row.labels),
                "pieces": pieces,
                "windows": windows,
            }
        )
        n_pieces += len(pieces)
        if n_pieces >= _PART_PIECES:
            yield part
            part, n_pieces = [], 0
    if part:
        yield part

"""The cache of tokenised documents: Arrow files, each made once for each content.

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
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import Dataset
from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hdoc.console import say
from hdoc.errors import DataError
from hdoc.tables.labelled import LabelledTable, LabelledText
from hdoc.text.sentences import SentenceRule
from hdoc.tokens.tokenizer import PieceTokenizer
from hdoc.training.data.store import SCHEMA, DocumentStore
from hdoc.training.data.tokenising import Pieces, tokenise_many

# To be raised whenever the same text would come out as other sentences, windows or columns.
_VERSION = 1
# Pieces in one record batch of a file: what is held in memory while it is written.
_BATCH_PIECES = 1_000_000
# With less text than this (a second's work) worker processes take longer to start than to do it.
_WORTH_WORKERS = 30_000


def open_store(
    table: LabelledTable, tokenizer: PieceTokenizer, rule: SentenceRule, workers: int, folder: Path
) -> DocumentStore:
    """Open the tokenised documents of a table; make them first if there are none yet.

    Args:
        table: texts and labels.
        tokenizer: the encoder's tokenizer.
        rule: how sentences are found.
        workers: processes that find sentences and tokenise them.
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
    content = [_VERSION, table.sha256, table.text_column, table.label_column, table.multi_label]
    content += [tokenizer.tokenizer.to_str(), tokenizer.window, rule]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


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
            pa.ipc.new_stream(file, SCHEMA) as stream,
        ):
            documents = _tokenised(table, tokenizer, rule, workers if n_characters > _WORTH_WORKERS else 0)
            for rows in _row_batches(
                progress.track(documents, n_rows, description=f"Splitting {Path(table.name).name}")
            ):
                stream.write_batch(pa.RecordBatch.from_pylist(rows, SCHEMA))
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


def _row_batches(documents: Iterable[tuple[LabelledText, Pieces]]) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    n_pieces = 0
    for row, (pieces, windows) in documents:
        rows.append(
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
        if n_pieces >= _BATCH_PIECES:
            yield rows
            rows, n_pieces = [], 0
    if rows:
        yield rows

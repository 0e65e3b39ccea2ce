"""What a batch is of, one after the other, in flat memory: files, folders and rows of tables.

What is set up wrongly (a missing file, a missing column) is an error before any work is done. A bad
document is not: it comes out as a record with an error, in its place, and the next one follows.
`hdoc.tables.results` writes what becomes of them.
"""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from hdoc.errors import InputError
from hdoc.tables import Part, Row, Table, is_table, open_table
from hdoc.text.charset import codec_of, is_blank
from hdoc.text.documents import read_document, unreadable

DOCUMENT_SUFFIXES = frozenset({".txt", ".md"})
"""The files that are taken from a folder."""

_LOGGER = logging.getLogger(__name__)
_ID_COLUMN = "id"
_SURROGATE = re.compile("[\ud800-\udfff]")


TEXT = "text"
"""The field of a batch of documents."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a batch.

    Attributes:
        id: the file's path as it was given, the value of a table's id column, or else `FILE:row`, where
            the row is the line in JSON Lines and the row after the header in other tables, from 1.
        values: the text of each field, or None if there is an error.
        error: why there is none, or None.
    """

    id: str
    values: Mapping[str, str] | None
    error: str | None = None

    @property
    def text(self) -> str | None:
        """The document, in a batch of documents."""
        return None if self.values is None else self.values[TEXT]


def read_records(
    inputs: Sequence[str],
    columns: Mapping[str, str | None] | None = None,
    id_column: str | None = None,
    encoding: str | None = None,
) -> Iterator[Record]:
    """Check all inputs, then read their documents one at a time, in the order given.

    A folder stands for its .txt and .md files, sorted, and then those of its folders; hidden files and
    linked folders are passed over, and a warning is logged that counts what else is left out. JSON Lines
    (.jsonl, .ndjson, .json), CSV and TSV (each also .gz or .xz) and Parquet are tables; any other file is
    one document.

    Args:
        inputs: files and folders; "-" is one document from standard input.
        columns: the tables' column of each field, None where it has the field's name; by default the field
            "text". Only tables can give several fields.
        id_column: the tables' column of ids; None for "id" where there is one.
        encoding: of files, JSON Lines, CSV and TSV; None to have it recognised, for each file.

    Returns:
        An iterator that holds one document, or a small batch of rows, at a time. It raises nothing.

    Raises:
        InputError: an input is missing, a table cannot be opened or has no such column, a folder holds no
            document or cannot be listed, an input is no table where several fields are asked for, or Python
            knows no such encoding.
    """
    if encoding is not None:
        codec_of(b"", encoding, "")  # an encoding that does not exist is no fault of the documents
    parts = [_open(given, fields_to_columns(columns), id_column, encoding) for given in inputs]
    return chain.from_iterable(parts)


def fields_to_columns(columns: Mapping[str, str | None] | None) -> dict[str, str]:
    """Return the column of each field; by default those of a batch of documents."""
    return {field: column or field for field, column in (columns or {TEXT: None}).items()}


def count_records(inputs: Sequence[str], encoding: str | None = None) -> int:
    """Count the records that `read_records` will give, as the total of a progress bar.

    Parquet files say it; other tables are passed over once, at some 200 MB/s: seconds where classifying
    takes hours, but call it in a thread to show the bar at once. Exact unless quotes are broken or a file
    is damaged.

    Raises:
        InputError: an input is missing, or a table cannot be opened.
    """
    n_records = 0
    for given in inputs:
        path = Path(given)
        if given != "-" and _is_folder(path):
            n_records += sum(1 for _ in _walk(given))
        elif given != "-" and is_table(path):
            n_records += open_table(path, encoding).count()
        else:
            n_records += 1
    return n_records


def _open(
    given: str, columns: Mapping[str, str], id_column: str | None, encoding: str | None
) -> Iterator[Record]:
    path = Path(given)
    is_folder = given != "-" and _is_folder(path)
    if not is_folder and given != "-" and is_table(path):
        table = open_table(path, encoding)
        for field, column in columns.items():
            table.require(column, f"--{field}-column")
        if id_column is not None:
            table.require(id_column, "--id-column")
        return table_records(given, table, columns, id_column)
    if len(columns) > 1:
        raise InputError(
            f"{given}: expected a table (.jsonl, .csv, .tsv or .parquet) with the columns "
            f"{', '.join(columns.values())}, got {'a folder' if is_folder else 'one text'}"
        )
    if is_folder:
        _check_folder(given)
    paths = _walk(given) if is_folder else iter([given])
    return _documents(paths, next(iter(columns)), encoding)


def _is_folder(path: Path) -> bool:
    """Whether an input is a folder; an error if it is not there at all."""
    try:
        path.stat()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    return path.is_dir()


def _check_folder(folder: str) -> None:
    left_out = Counter(Path(path).suffix.lower() or "no suffix" for path in _walk(folder, documents=False))
    suffixes = ", ".join(f"{count} {suffix}" for suffix, count in sorted(left_out.items()))
    if next(_walk(folder), None) is None:
        raise InputError(
            f"{folder}: expected a folder with .txt or .md files, got one with {suffixes or 'no files'}; "
            "give tables and other texts by their own names"
        )
    if left_out:
        _LOGGER.warning(
            "%s: only .txt and .md files are read, left out %s; give tables and other texts by name",
            folder,
            suffixes,
        )


def _walk(folder: str, documents: bool = True) -> Iterator[str]:
    """Paths of a folder's documents, or of all else but hidden files, sorted; its own files come first."""
    for parent, folders, files in os.walk(folder, onerror=_refuse_folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and (Path(name).suffix.lower() in DOCUMENT_SUFFIXES) == documents:
                yield os.path.join(parent, name)  # noqa: PTH118 (a Path would drop the "./" that was given)


def _refuse_folder(error: OSError) -> None:
    raise unreadable(error.filename, error) from error


def _documents(paths: Iterator[str], field: str, encoding: str | None) -> Iterator[Record]:
    for path in paths:
        try:
            yield Record(_printable(path), {field: read_document(path, encoding)})
        except InputError as error:
            yield Record(_printable(path), None, str(error))


def table_records(
    given: str,
    table: Table,
    columns: Mapping[str, str | None] | None = None,
    id_column: str | None = None,
    part: Part | None = None,
) -> Iterator[Record]:
    """Read the rows of a table.

    Args:
        given: what ids and errors call the table.
        table: an open table.
        columns: its column of each field, as for `read_records`.
        id_column: its column of ids; None for "id" where there is one.
        part: one of the table's parts; None for all of it.
    """
    wanted, id_column = fields_to_columns(columns), id_column or _ID_COLUMN
    for row in table.rows([*wanted.values(), id_column], part):
        place = f"{given}:{row.number}"
        error = row.error or next(
            filter(None, (_text_error(row, column) for column in wanted.values())), None
        )
        record_id = _printable(_row_id(row.values.get(id_column)) or place)
        if error:
            yield Record(record_id, None, _printable(f"{place}: {error}"))
        else:
            yield Record(record_id, {field: row.values[column] for field, column in wanted.items()})


def _row_id(value: Any) -> str:
    """Text of an id; empty if it is missing, blank, or no single value."""
    return str(value) if isinstance(value, str | int | float) and str(value).strip() else ""


def _text_error(row: Row, column: str) -> str | None:
    """Why a field of a row cannot be used, or None."""
    text = row.values.get(column)
    got = ""
    if text is None:
        got = "nothing (missing or null)"
    elif not isinstance(text, str):
        got = f"a value of type {type(text).__name__}"
    elif is_blank(text):
        got = f"nothing but white space ({len(text)} characters)"
    elif _SURROGATE.search(text):
        got = "half a surrogate pair, which is no character"
    return f"expected a text in column {column!r}, got {got}" if got else None


def _printable(text: str) -> str:
    """Write bytes of a path or id that are no characters as escapes, so that every output can hold them."""
    return text.encode("utf-8", "backslashreplace").decode()

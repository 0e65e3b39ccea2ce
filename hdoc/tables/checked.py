"""Tables whose rows are checked before any work is done on them: what all readers of training rows share.

Every row is used or reported: the error names the table, the first row that is wrong and what to do, and
counts the others.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hdoc.errors import DataError, InputError
from hdoc.tables import Row, Table, is_table, open_table
from hdoc.tables.labels import without_surrogates
from hdoc.text.charset import is_blank

ID_COLUMN = "id"

_SHOWN_ROWS = 10
_SHOWN_COLUMNS = 20
_SHOWN_CHARACTERS = 40


def open_checked(file: str | Path) -> tuple[Table, str]:
    """Open a file: JSON Lines, CSV or TSV (plain, .gz or .xz), or Parquet.

    Returns:
        The table, and the SHA-256 of the file.

    Raises:
        DataError: the file cannot be read or is no table.
    """
    path = Path(file).expanduser()
    if path.exists() and not is_table(path):
        raise DataError(
            f"{file}: expected a .jsonl, .csv or .tsv file (also .gz, .xz) or a .parquet file, got "
            f"{'a folder' if path.is_dir() else path.suffix or 'no suffix'}; convert or rename it"
        )
    try:
        table = open_table(path)
        with path.open("rb") as stream:
            return table, hashlib.file_digest(stream, "sha256").hexdigest()
    except (InputError, OSError) as error:
        raise DataError(str(error)) from error


def find_column(name: str, table: Table, column: str, option: str) -> str:
    """Return the column as the table spells it: in files from macOS Hangul is often decomposed.

    Args:
        name: what errors call the table.
        table: an open table.
        column: its name.
        option: the option that names it, for the error.

    Raises:
        DataError: there is no such column, or there are several.
    """
    composed = unicodedata.normalize("NFC", column)
    same = [there for there in table.columns if unicodedata.normalize("NFC", there) == composed]
    if len(same) == 1:
        return same[0]
    if same:
        raise DataError(f"{name}: expected one column {column!r}, got {len(same)}; rename one of them")
    there = ", ".join(map(repr, table.columns[:_SHOWN_COLUMNS])) + ", …" * (
        len(table.columns) > _SHOWN_COLUMNS
    )
    raise DataError(f"{name}: expected a column {column!r}, got {there}; name the one you mean with {option}")


def row_error(name: str, row: int, problem: str, also: Sequence[int] = ()) -> DataError:
    """Return an error on a row of a table, which also says in what other rows one was found."""
    others = ""
    if also:
        shown_rows = ", ".join(map(str, also[:_SHOWN_ROWS])) + (", …" if len(also) > _SHOWN_ROWS else "")
        others = f" ({len(also)} more rows cannot be used: {shown_rows})"
    return DataError(f"{name}, row {row}: {problem}{others}")


def no_rows(name: str) -> DataError:
    """Return an error on a table without rows."""
    return DataError(f"{name}: expected rows, got none; write at least one below the column names")


def row_text(row: Row, column: str) -> str:
    """Return the text in a column of a row.

    Raises:
        ValueError: the row is broken, or there is no text, or a blank one.
    """
    if row.error is not None:
        raise ValueError(row.error if ";" in row.error else f"{row.error}; repair or delete the row")
    text = row.values.get(column)
    if not isinstance(text, str):
        raise ValueError(f"expected a text in {column!r}, got {shown(text)}; write one or delete the row")
    if is_blank(text):
        raise ValueError(f"expected a text in {column!r}, got an empty one; write one or delete the row")
    return without_surrogates(text)


def row_name(row: Row) -> str:
    """Return what stands in the column "id" if there is one, else the row's number."""
    identity = row.values.get(ID_COLUMN)
    return without_surrogates(str(row.number if identity is None else identity))


def shown(value: Any) -> str:
    """Return a value as an error may quote it."""
    if value is None:
        return "nothing"
    quoted = repr(value)
    return quoted if len(quoted) <= _SHOWN_CHARACTERS else quoted[:_SHOWN_CHARACTERS] + "…"

"""What every table has: columns, and rows that may have errors."""

from __future__ import annotations

import lzma
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdoc.errors import InputError

BROKEN_FILE = (OSError, EOFError, lzma.LZMAError, zlib.error)
"""What reading a file raises when the file, or the disk it is on, is damaged."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        number: the line in JSON Lines, else the row after the header; both count from 1.
        values: the wanted columns that the row has; empty if there is an error.
        error: why the row cannot be used, or None.
    """

    number: int
    values: dict[str, Any]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a table that can be read without those before them.

    Attributes:
        first: number of its first row.
        n_rows: how many there are; in JSON Lines an upper bound, as blank lines count too.
        start: where it begins: a byte of JSON Lines, a row of Parquet, both from 0.
        end: one past its last; None if the part is all of the table.
    """

    first: int
    n_rows: int
    start: int = 0
    end: int | None = None


@dataclass(frozen=True)
class Table(ABC):
    """A table in a file.

    Attributes:
        path: the file.
        columns: names of the columns; in JSON Lines, those of the first rows.
    """

    path: Path
    columns: tuple[str, ...]

    def require(self, column: str, option: str) -> None:
        """Make sure that there is such a column.

        Args:
            column: its name.
            option: the option that names it, for the error.

        Raises:
            InputError: lists the columns that there are.
        """
        if self.columns.count(column) == 1:
            return
        if column in self.columns:
            raise InputError(f"{self.path}: expected one column {column!r}, got two; rename one of them")
        shown = ", ".join(map(repr, self.columns[:20])) + (", …" if len(self.columns) > 20 else "")
        raise InputError(
            f"{self.path}: expected a column {column!r}, got {shown}; name the right one with {option}"
        )

    def rows(self, columns: Sequence[str], part: Part | None = None) -> Iterator[Row]:
        """Read the table's rows in order, each with those of the columns that it has.

        A file that turns out to be damaged ends with a row that says so.

        Args:
            columns: the columns to read.
            part: one of `parts`; None for all rows.
        """
        number = part.first - 1 if part else 0
        try:
            for row in self._rows(columns) if part is None else self._part_rows(columns, part):
                number = row.number
                yield row
        except BROKEN_FILE as error:
            yield Row(
                number + 1, {}, f"the file is damaged, nothing after row {number} can be read ({error})"
            )

    def parts(self, n_rows: int) -> list[Part]:
        """Cut the table into parts that together hold each row once, in order.

        Args:
            n_rows: the most rows of a part. Only Parquet and plain JSON Lines in UTF-8 or CP949 can be cut;
                any other table is one part.
        """
        del n_rows
        return [Part(1, self.count())]

    @abstractmethod
    def count(self) -> int:
        """Count the rows, cheaply: exact unless quotes are broken or the file is damaged."""

    @abstractmethod
    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        raise NotImplementedError

    def _part_rows(self, columns: Sequence[str], part: Part) -> Iterator[Row]:
        del part  # the whole
        return self._rows(columns)

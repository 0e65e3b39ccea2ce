"""Labelled texts in tables, checked row by row before any work is done on them.

Every row is used or reported: the error names the table, the first row that is wrong and what to do, and
counts the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdoc.errors import DataError
from hdoc.tables import Row, Table
from hdoc.tables.checked import (
    ID_COLUMN,
    find_column,
    no_rows,
    open_checked,
    row_error,
    row_name,
    row_text,
    shown,
)
from hdoc.tables.labels import read_label, read_labels


@dataclass(frozen=True, slots=True)
class LabelledText:
    """One row.

    Attributes:
        row: its number in the table, as errors name it.
        id: what stands in the column "id" if there is one, else the row's number.
        text: the document.
        labels: one, or any number if documents may have several; none where labels are not read.
    """

    row: int
    id: str
    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelledTable:
    """A table of which one column is the text and another the label or labels.

    Where documents may have several labels, these are a list of texts, or one text in which `|` or `;`
    stands between labels; an empty list or, in CSV and TSV, an empty field means that there are none.

    Attributes:
        name: what errors call the table.
        table: the rows.
        sha256: of its content.
        text_column: name of the column with the document.
        label_column: name of the column with the label; None if labels are not read.
        multi_label: whether a document may have any number of labels instead of exactly one.
    """

    name: str
    table: Table
    sha256: str
    text_column: str
    label_column: str | None
    multi_label: bool

    @classmethod
    def open(
        cls, file: str | Path, text_column: str, label_column: str | None, multi_label: bool = False
    ) -> LabelledTable:
        """Open a file: JSON Lines, CSV or TSV (plain, .gz or .xz), or Parquet.

        Raises:
            DataError: the file cannot be read or is no table, or a column is missing.
        """
        table, sha256 = open_checked(file)
        return cls.of(str(file), table, lambda _: sha256, text_column, label_column, multi_label)

    @classmethod
    def of(
        cls,
        name: str,
        table: Table,
        sha256: Callable[[Sequence[str]], str],
        text_column: str,
        label_column: str | None,
        multi_label: bool,
    ) -> LabelledTable:
        """Find the columns in a table.

        Args:
            name: what errors call the table.
            table: the rows.
            sha256: hashes the content of the columns that are read.
            text_column: name of the column with the document.
            label_column: name of the column with the label; None if labels are not to be read.
            multi_label: whether a document may have any number of labels.

        Raises:
            DataError: a column is missing.
        """
        text_column = find_column(name, table, text_column, "data.text_column")
        if label_column is not None:
            label_column = find_column(name, table, label_column, "data.label_column")
        read = _columns(text_column, label_column)
        return cls(name, table, sha256(read), text_column, label_column, multi_label)

    def check(self) -> tuple[int, int]:
        """Read the whole table once.

        Returns:
            The number of rows and of characters in their texts.

        Raises:
            DataError: the table has no rows, or a row cannot be used.
        """
        n_rows = n_characters = 0
        wrong: list[tuple[int, str]] = []
        for row in self._table_rows():
            n_rows += 1
            try:
                n_characters += len(self._read(row).text)
            except ValueError as error:
                wrong.append((row.number, str(error)))
        if wrong:
            raise self.error(*wrong[0], also=[number for number, _ in wrong[1:]])
        if not n_rows:
            raise no_rows(self.name)
        return n_rows, n_characters

    def rows(self) -> Iterator[LabelledText]:
        """Read the rows in order.

        Raises:
            DataError: a row cannot be used.
        """
        for row in self._table_rows():
            try:
                yield self._read(row)
            except ValueError as error:
                raise self.error(row.number, str(error)) from error

    def error(self, row: int, problem: str, also: list[int] | None = None) -> DataError:
        """Return an error on a row, which also says in what other rows it was found."""
        return row_error(self.name, row, problem, also or ())

    def _table_rows(self) -> Iterator[Row]:
        return self.table.rows(_columns(self.text_column, self.label_column))

    def _read(self, row: Row) -> LabelledText:
        """Raise ValueError if a row cannot be used."""
        text = row_text(row, self.text_column)
        labels: tuple[str, ...] = ()
        if self.label_column is not None:
            labels = (self._labels if self.multi_label else self._label)(row.values.get(self.label_column))
        return LabelledText(row.number, row_name(row), text, labels)

    def _label(self, value: Any) -> tuple[str, ...]:
        label = read_label(value)
        if label is None:
            several = isinstance(value, list)
            remedy = "set data.multi_label to true" if several else "write one or delete the row"
            raise ValueError(f"expected a label in {self.label_column!r}, got {shown(value)}; {remedy}")
        return (label,)

    def _labels(self, value: Any) -> tuple[str, ...]:
        labels = read_labels(value)
        if labels is None:
            raise ValueError(
                f"expected a list of labels in {self.label_column!r} (or one text with | between them), got "
                f"{shown(value)}; leave out labels that are empty, write [] if there are none"
            )
        return labels


def _columns(text_column: str, label_column: str | None) -> list[str]:
    """Return the columns that are read, each once."""
    return list(dict.fromkeys([text_column, label_column or text_column, ID_COLUMN]))

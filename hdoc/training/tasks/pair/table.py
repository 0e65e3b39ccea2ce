"""Tables of pairs: two texts a row and what they are to come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
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
from hdoc.tables.labels import read_label


@dataclass(frozen=True, slots=True)
class PairRow:
    """One row.

    Attributes:
        row: its number in the table, as errors name it.
        id: what stands in the column "id" if there is one, else the row's number.
        a: the first text.
        b: the second text.
        target: a label, or a score; None where neither is read.
    """

    row: int
    id: str
    a: str
    b: str
    target: str | float | None


@dataclass(frozen=True, slots=True)
class PairTable:
    """A table of pairs.

    Attributes:
        name: what errors call it.
        table: the rows.
        sha256: of the file.
        columns: of the first text, the second, and the label.
        has_targets: whether labels are read.
        regression: whether a label is a score.
    """

    name: str
    table: Table
    sha256: str
    columns: tuple[str, str, str]
    has_targets: bool
    regression: bool

    @classmethod
    def open(
        cls, file: str, a_column: str, b_column: str, label_column: str | None, regression: bool
    ) -> PairTable:
        """Open a file.

        Args:
            file: JSON Lines, CSV or TSV (plain, .gz or .xz), or Parquet.
            a_column: where the first text is.
            b_column: where the second text is.
            label_column: where the label or the score is; None if it is not to be read.
            regression: whether labels are scores.

        Raises:
            DataError: the file cannot be read or is no table, or a column is missing.
        """
        table, sha256 = open_checked(file)
        a = find_column(file, table, a_column, "data.a_column")
        b = find_column(file, table, b_column, "data.b_column")
        label = a if label_column is None else find_column(file, table, label_column, "data.label_column")
        return cls(file, table, sha256, (a, b, label), label_column is not None, regression)

    def rows(self) -> list[PairRow]:
        """Read all rows.

        Raises:
            DataError: the table has no rows, or a row cannot be used.
        """
        rows: list[PairRow] = []
        wrong: list[tuple[int, str]] = []
        for row in self._rows():
            try:
                rows.append(self._read(row))
            except ValueError as error:
                wrong.append((row.number, str(error)))
        if wrong:
            raise row_error(self.name, *wrong[0], also=[number for number, _ in wrong[1:]])
        if not rows:
            raise no_rows(self.name)
        return rows

    def error(self, row: int, problem: str) -> DataError:
        """Return an error on a row."""
        return row_error(self.name, row, problem)

    def _rows(self) -> Iterator[Row]:
        return self.table.rows(list(dict.fromkeys([*self.columns, ID_COLUMN])))

    def _read(self, row: Row) -> PairRow:
        """Raise ValueError if a row cannot be used."""
        a, b = (row_text(row, column) for column in self.columns[:2])
        target = self._target(row.values.get(self.columns[2])) if self.has_targets else None
        return PairRow(row.number, row_name(row), a, b, target)

    def _target(self, value: Any) -> str | float:
        column = self.columns[2]
        if self.regression:
            score = _number(value)
            if score is None:
                raise ValueError(
                    f"expected a number in {column!r}, got {shown(value)}; write one or delete the row"
                )
            return score
        label = read_label(value)
        if label is None:
            remedy = (
                "scores need model.regression true"
                if isinstance(value, float)
                else "write one or delete the row"
            )
            raise ValueError(f"expected a label in {column!r}, got {shown(value)}; {remedy}")
        return label


def _number(value: Any) -> float | None:
    """Return a finite number, which CSV holds as a text, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None

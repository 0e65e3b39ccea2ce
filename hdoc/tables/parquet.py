"""Parquet, read in small batches whatever the size of its row groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdoc.errors import InputError
from hdoc.tables.table import Part, Row, Table
from hdoc.text.documents import unreadable

_BATCH_ROWS = 64


@dataclass(frozen=True)
class ParquetTable(Table):
    """A table in a Parquet file."""

    @classmethod
    def open(cls, path: Path) -> ParquetTable:
        """Read the file's schema.

        Raises:
            InputError: the file cannot be read, or is no Parquet file.
        """
        import pyarrow
        from pyarrow.parquet import read_schema

        try:
            with path.open("rb") as file:
                return cls(path, tuple(read_schema(file).names))
        except pyarrow.ArrowException as error:
            raise InputError(
                f"{path}: expected a Parquet file, got none or a damaged one ({error})"
            ) from error
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from error

    def count(self) -> int:
        """Count the rows: the file's end says it."""
        from pyarrow.parquet import read_metadata

        return int(read_metadata(self.path).num_rows)

    def parts(self, n_rows: int) -> list[Part]:
        """Cut the file by the number of rows that its end gives."""
        count = self.count()
        return [
            Part(start + 1, min(n_rows, count - start), start, min(start + n_rows, count))
            for start in range(0, count, n_rows)
        ]

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        return self._part_rows(columns, Part(1, 0))

    def _part_rows(self, columns: Sequence[str], part: Part) -> Iterator[Row]:
        import pyarrow
        from pyarrow.parquet import ParquetFile

        wanted = [column for column in columns if self.columns.count(column) == 1]
        try:
            # Without pre-buffering, only what a batch needs is in memory, even of one huge row group.
            with ParquetFile(self.path, pre_buffer=False, buffer_size=1 << 20) as file:
                groups, number = _groups(file.metadata, part)
                for batch in file.iter_batches(_BATCH_ROWS, groups, columns=wanted, use_threads=False):
                    for row in range(max(0, part.start - number), batch.num_rows):
                        if part.end is not None and number + row >= part.end:
                            return
                        values = {column: batch.column(column)[row] for column in wanted}
                        yield _row(number + row + 1, values)
                    number += batch.num_rows
        except pyarrow.ArrowException as error:
            raise OSError(str(error)) from error


def _groups(metadata: Any, part: Part) -> tuple[list[int], int]:
    """Return the row groups that hold rows of a part, and the number of rows before the first of them."""
    groups: list[int] = []
    first = before = 0
    for group in range(metadata.num_row_groups):
        after = before + metadata.row_group(group).num_rows
        if after > part.start and (part.end is None or before < part.end):
            first = before if not groups else first
            groups.append(group)
        before = after
    return groups, first


def _row(number: int, values: dict[str, Any]) -> Row:
    try:
        return Row(number, {column: value.as_py() for column, value in values.items()})
    except UnicodeDecodeError:
        return Row(number, {}, "expected UTF-8, got bytes that are not")

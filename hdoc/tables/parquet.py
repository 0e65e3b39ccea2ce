"""Parquet, read in small batches whatever the size of its row groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdoc.documents import unreadable
from hdoc.errors import InputError
from hdoc.tables.table import Row, Table

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

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        import pyarrow
        from pyarrow.parquet import ParquetFile

        wanted = [column for column in columns if self.columns.count(column) == 1]
        number = 0
        try:
            # Without pre-buffering, only what a batch needs is in memory, even of one huge row group.
            with ParquetFile(self.path, pre_buffer=False, buffer_size=1 << 20) as file:
                for batch in file.iter_batches(_BATCH_ROWS, columns=wanted, use_threads=False):
                    for row in range(batch.num_rows):
                        number += 1
                        yield _row(number, {column: batch.column(column)[row] for column in wanted})
        except pyarrow.ArrowException as error:
            raise OSError(str(error)) from error


def _row(number: int, values: dict[str, Any]) -> Row:
    try:
        return Row(number, {column: value.as_py() for column, value in values.items()})
    except UnicodeDecodeError:
        return Row(number, {}, "expected UTF-8, got bytes that are not")

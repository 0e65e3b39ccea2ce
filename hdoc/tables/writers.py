"""How rows of results are written: as JSON Lines, CSV or Parquet."""

from __future__ import annotations

import codecs
import csv
import io
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from hdoc.errors import HdocError
from hdoc.tables.columns import Column, arrow_type, arrow_value

_FLUSH_SECONDS = 1.0
_ROW_GROUP = 1_000


class ResultWriter(ABC):
    """Writes rows in the order they come.

    Args:
        stream: where the bytes go.
        path: the file, or "-", for errors.
        columns: of all rows.

    Attributes:
        path: the file that holds the rows while they are written, or "-".
        n_rows: rows written.
    """

    def __init__(self, stream: BinaryIO, path: str, columns: Sequence[Column]) -> None:
        self.path = path
        self.n_rows = 0
        self._stream = stream
        self._columns = tuple(columns)
        self._names = [column.name for column in columns]

    def write(self, row: Mapping[str, Any]) -> None:
        """Write a row; columns that it lacks are null.

        Raises:
            ValueError: a key is none of the columns.
            HdocError: the file cannot be written, for instance because the disk is full.
        """
        unknown = row.keys() - set(self._names)
        if unknown:
            raise ValueError(f"expected a row with keys among {self._names}, got also {sorted(unknown)}")
        with writing(self.path):
            self._write({name: row.get(name) for name in self._names})
        self.n_rows += 1

    def close(self) -> None:
        """Write what is held back and close the file.

        Raises:
            HdocError: the file cannot be written.
        """
        with writing(self.path):
            try:
                self._finish()
            finally:
                if self.path != "-":
                    self._stream.close()

    @abstractmethod
    def _write(self, row: dict[str, Any]) -> None:
        raise NotImplementedError

    @abstractmethod
    def _finish(self) -> None:
        raise NotImplementedError


class _LinesWriter(ResultWriter):
    """Holds whole rows back for up to a second, so that none is ever torn by the stream's own buffer."""

    def __init__(self, stream: BinaryIO, path: str, columns: Sequence[Column]) -> None:
        super().__init__(stream, path, columns)
        self._pending = bytearray()
        self._flushed = time.monotonic()

    def _write(self, row: dict[str, Any]) -> None:
        self._pending += self._line(row)
        if time.monotonic() - self._flushed >= _FLUSH_SECONDS:
            self._finish()

    def _finish(self) -> None:
        pending, self._pending = self._pending, bytearray()
        self._stream.write(pending)
        self._stream.flush()
        self._flushed = time.monotonic()

    @abstractmethod
    def _line(self, row: dict[str, Any]) -> bytes:
        raise NotImplementedError


class _JsonLinesWriter(_LinesWriter):
    def _line(self, row: dict[str, Any]) -> bytes:
        return (json.dumps(row, ensure_ascii=False) + "\n").encode()


class _CsvWriter(_LinesWriter):
    def __init__(self, stream: BinaryIO, path: str, columns: Sequence[Column]) -> None:
        super().__init__(stream, path, columns)
        self._pending += codecs.BOM_UTF8 + _csv_line(self._names)

    def _line(self, row: dict[str, Any]) -> bytes:
        return _csv_line(
            json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            if isinstance(value, dict | list)
            else value
            for value in row.values()
        )


class _ParquetWriter(ResultWriter):
    def __init__(self, stream: BinaryIO, path: str, columns: Sequence[Column]) -> None:
        import pyarrow
        from pyarrow.parquet import ParquetWriter

        super().__init__(stream, path, columns)
        self._schema = pyarrow.schema([(column.name, arrow_type(column)) for column in columns])
        self._writer = ParquetWriter(stream, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def _write(self, row: dict[str, Any]) -> None:
        self._rows.append({column.name: arrow_value(column, row[column.name]) for column in self._columns})
        if len(self._rows) == _ROW_GROUP:
            self._write_group()

    def _finish(self) -> None:
        if self._rows:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        import pyarrow

        rows, self._rows = self._rows, []
        self._writer.write_table(pyarrow.Table.from_pylist(rows, self._schema))


WRITERS: dict[str, type[ResultWriter]] = {
    "jsonl": _JsonLinesWriter,
    "csv": _CsvWriter,
    "parquet": _ParquetWriter,
}


def _csv_line(cells: Iterable[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()


@contextmanager
def writing(path: str) -> Iterator[None]:
    """Turn what the system says while a file is written into an error with a remedy."""
    try:
        yield
    except BrokenPipeError:  # who reads standard output has seen enough: the command line's affair
        raise
    except OSError as error:
        raise HdocError(
            f"{path}: cannot be written ({error.strerror or error}); make room or give another name"
        ) from error

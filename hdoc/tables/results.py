"""What became of the documents of a batch, streamed to JSON Lines, CSV or Parquet.

Results are written to a file beside the one that was asked for, `OUT.partial.jsonl` for `OUT.jsonl`, which
takes its name when all is done: `OUT.jsonl` is always whole, and an older one stays until then. After an
interruption the partial file is left with all finished rows. JSON Lines and CSV can be read at any time
(whole rows, every second); Parquet is closed on an error
or Ctrl-C, so that it can be read then, but not while it is written nor after a kill.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from hdoc.errors import HdocError, InputError
from hdoc.tables.records import DOCUMENT_SUFFIXES

FIELDS = ("id", "label", "probability", "probabilities", "sentences", "error")
"""Keys of a row: the record's id; the label, its probability and those of all labels (label -> number); the
strongest sentences (start, end, text, contribution); why there is no label, or None."""

_FLUSH_SECONDS = 1.0
_ROW_GROUP = 1_000


class ResultWriter(ABC):
    """Writes rows, one document each, in the order they come.

    Attributes:
        path: the file that holds the rows while they are written, or "-".
        n_rows: rows written.
    """

    def __init__(self, stream: BinaryIO, path: str) -> None:
        self.path = path
        self.n_rows = 0
        self._stream = stream

    def write(self, row: Mapping[str, Any]) -> None:
        """Write a row with any of `FIELDS`; what is missing is null.

        Raises:
            ValueError: a key is none of `FIELDS`.
            HdocError: the file cannot be written, for instance because the disk is full.
        """
        if unknown := row.keys() - set(FIELDS):
            raise ValueError(f"expected a row with keys among {FIELDS}, got also {sorted(unknown)}")
        with _writing(self.path):
            self._write({field: row.get(field) for field in FIELDS})
        self.n_rows += 1

    def close(self) -> None:
        """Write what is held back and close the file.

        Raises:
            HdocError: the file cannot be written.
        """
        with _writing(self.path):
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


@contextmanager
def open_writer(
    path: str,
    format: str | None = None,  # noqa: A002
    inputs: Sequence[str] = (),
) -> Iterator[ResultWriter]:
    """Open a file for results.

    JSON Lines hold the rows as they are. CSV holds `probabilities` and `sentences` as compact JSON in a
    cell and begins with a byte order mark, so that Excel shows Korean. A cell that begins with = or + is
    written as it is: only `id` comes from the input, and it must stay what it was to be joined on; import
    untrusted files into a spreadsheet as text. Parquet holds `probabilities` as a list of (label,
    probability), not as a map, which `datasets` cannot read.

    Args:
        path: the file, or "-" for standard output.
        format: "jsonl", "csv" or "parquet"; None to go by the file's suffix, and JSON Lines for "-".
        inputs: what is read meanwhile and must not be written over.

    Raises:
        InputError: the format is unknown, the folder is missing, or the file is one of the inputs.
        HdocError: the file cannot be written.
    """
    writer_class = _WRITERS[_kind(path, format)]
    if path == "-":
        writer = writer_class(sys.stdout.buffer, path)
        try:
            yield writer
        finally:
            writer.close()
        return
    target = Path(path).resolve()  # a link is followed, not replaced
    is_special = target.exists() and not target.is_file()  # a device or a pipe has no file beside it
    partial = target if is_special else target.with_name(f"{target.stem}.partial{target.suffix}")
    _refuse(path, target, partial, inputs)
    with _writing(path):
        stream = partial.open("wb")
    writer = writer_class(stream, str(partial))
    try:
        yield writer
    except BaseException:
        writer.close()
        if not (writer.n_rows or is_special):
            partial.unlink()
        raise
    writer.close()
    if not is_special:
        with _writing(path):
            partial.replace(target)


class _LinesWriter(ResultWriter):
    """Holds whole rows back for up to a second, so that none is ever torn by the stream's own buffer."""

    def __init__(self, stream: BinaryIO, path: str) -> None:
        super().__init__(stream, path)
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
    def __init__(self, stream: BinaryIO, path: str) -> None:
        super().__init__(stream, path)
        self._pending += codecs.BOM_UTF8 + _csv_line(FIELDS)

    def _line(self, row: dict[str, Any]) -> bytes:
        return _csv_line(
            json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            if isinstance(value, dict | list)
            else value
            for value in row.values()
        )


class _ParquetWriter(ResultWriter):
    def __init__(self, stream: BinaryIO, path: str) -> None:
        import pyarrow
        from pyarrow.parquet import ParquetWriter

        super().__init__(stream, path)
        text, number = pyarrow.string(), pyarrow.float64()
        probability = pyarrow.struct([("label", text), ("probability", number)])
        sentence = pyarrow.struct(
            [("start", pyarrow.int64()), ("end", pyarrow.int64()), ("text", text), ("contribution", number)]
        )
        types = (text, text, number, pyarrow.list_(probability), pyarrow.list_(sentence), text)
        self._schema = pyarrow.schema(list(zip(FIELDS, types, strict=True)))
        self._writer = ParquetWriter(stream, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def _write(self, row: dict[str, Any]) -> None:
        if row["probabilities"] is not None:
            row["probabilities"] = [
                {"label": label, "probability": value} for label, value in row["probabilities"].items()
            ]
        self._rows.append(row)
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


_WRITERS: dict[str, type[ResultWriter]] = {
    "jsonl": _JsonLinesWriter,
    "csv": _CsvWriter,
    "parquet": _ParquetWriter,
}


def _kind(path: str, format: str | None) -> str:  # noqa: A002
    kind = format or ("jsonl" if path == "-" else Path(path).suffix.lower().removeprefix("."))
    kind = "jsonl" if kind == "ndjson" else kind
    if kind not in _WRITERS:
        raise InputError(
            f"{path}: expected a name that ends in .jsonl, .csv or .parquet, got {kind or 'none'!r}"
        )
    if path == "-" and kind == "parquet":
        raise InputError("standard output: expected the format jsonl or csv, got parquet; give a file's name")
    if kind == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            raise HdocError("writing Parquet needs pyarrow: pip install pyarrow, or write JSONL") from error
    return kind


def _refuse(path: str, target: Path, partial: Path, inputs: Sequence[str]) -> None:
    """Refuse a file that cannot be written or that is read meanwhile."""
    if target.is_dir():
        raise InputError(f"{path}: expected a file to write to, got a folder; name a file in it")
    if not target.parent.is_dir():
        raise InputError(f"{path}: expected a file in a folder that exists; make {target.parent} first")
    for given in map(Path, inputs):
        for file in (target, partial):
            is_read = file.exists() and given.exists() and file.samefile(given)
            is_within = given.resolve() in file.parents and file.suffix.lower() in DOCUMENT_SUFFIXES
            if is_read or is_within:
                raise InputError(f"{path}: writing there would change the input {given}; give another name")


def _csv_line(cells: Iterable[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()


@contextmanager
def _writing(path: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # who reads standard output has seen enough: the command line's affair
        raise
    except OSError as error:
        raise HdocError(
            f"{path}: cannot be written ({error.strerror or error}); make room or give another name"
        ) from error

"""JSON Lines: one object a line; blank lines are no rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Any, ClassVar

from hdoc.errors import InputError
from hdoc.tables.lines import UNDECODABLE, LinesTable, first_lines
from hdoc.tables.table import Part, Row

_CUTTABLE = {"ascii", "utf-8", "utf-8-sig", "cp949", "euc_kr"}
"""Codecs in which the byte of a line feed is nothing else, and which read from any line on."""


@dataclass(frozen=True)
class JsonLinesTable(LinesTable):
    """A table of JSON objects, which need not all have the same keys."""

    newline: ClassVar[str] = "\n"

    @classmethod
    def open(cls, path: Path, encoding: str | None) -> JsonLinesTable:
        """Open the file and collect the keys of its first objects.

        Raises:
            InputError: the file cannot be read, or none of its first lines is a JSON object.
        """
        codec, lines = first_lines(path, encoding, cls.newline)
        keys: dict[str, None] = {}
        reason = "only blank lines"
        for line in lines:
            if not line.isspace():
                try:
                    keys.update(dict.fromkeys(_parse(line)))
                except ValueError as error:
                    reason = str(error)
        if not keys:
            raise InputError(f"{path}: expected JSON Lines, one object with columns a line, but {reason}")
        return cls(path, tuple(keys), codec)

    def parts(self, n_rows: int) -> list[Part]:
        """Cut the file between lines, in one pass over its bytes."""
        if self.codec not in _CUTTABLE or self.path.suffix.lower() in {".gz", ".xz"}:
            return super().parts(n_rows)
        parts: list[Part] = []
        start = end = lines = 0
        with self.path.open("rb") as stream:
            for line in stream:
                end += len(line)
                lines += 1
                if lines == n_rows:
                    parts.append(Part(len(parts) * n_rows + 1, lines, start, end))
                    start, lines = end, 0
        if lines:
            parts.append(Part(len(parts) * n_rows + 1, lines, start, end))
        return parts

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        with self.stream() as stream:
            yield from self._numbered(stream, 1, columns)

    def _part_rows(self, columns: Sequence[str], part: Part) -> Iterator[Row]:
        if part.end is None:
            yield from self._rows(columns)
            return
        with self.path.open("rb") as stream:
            stream.seek(part.start)
            content = stream.read(part.end - part.start)
        codec = self.codec if part.start == 0 else self.codec.removesuffix("-sig")
        lines = StringIO(content.decode(codec, "hdoc.mark"), newline=self.newline)
        yield from self._numbered(lines, part.first, columns)

    def _numbered(self, lines: Iterable[str], first: int, columns: Sequence[str]) -> Iterator[Row]:
        for number, line in enumerate(lines, first):
            if not line.isspace():
                yield self._row(number, line, columns)

    def _row(self, number: int, line: str, columns: Sequence[str]) -> Row:
        if UNDECODABLE in line:
            return Row(number, {}, self.undecodable())
        try:
            values = _parse(line)
        except ValueError as error:
            return Row(number, {}, str(error))
        return Row(number, {column: values[column] for column in columns if column in values})

    def _row_ends(self, stream: TextIOWrapper) -> Iterator[None]:
        return (None for line in stream if not line.isspace())


def _parse(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"broken JSON: {error.msg} at character {error.pos + 1} of the line") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"broken JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    return value

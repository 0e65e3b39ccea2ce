"""JSON Lines: one object a line; blank lines are no rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, ClassVar

from hdoc.errors import InputError
from hdoc.tables.stream import UNDECODABLE, LinesTable, first_lines
from hdoc.tables.table import Row


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

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        with self.stream() as stream:
            for number, line in enumerate(stream, 1):
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

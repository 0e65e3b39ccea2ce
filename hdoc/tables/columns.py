"""The columns of a table of results, so that every row has the same, whatever the task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "number", "integer", "flag", "numbers", "list"]
"""What a cell holds; `numbers` is a mapping of names to numbers, `list` one of objects with `parts`."""

ID, ERROR = "id", "error"
"""The first and the last column of every table of results: which row it is of, and why there is no result."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of results; any cell may be empty.

    Attributes:
        name: its name.
        kind: what a cell holds.
        parts: what each object of a `list` holds; of `numbers` the names of what is a key and what a value.
    """

    name: str
    kind: Kind = "text"
    parts: tuple[Column, ...] = ()


def whole_row(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return the columns with those that every table of results has around them."""
    return (Column(ID), *columns, Column(ERROR))


def arrow_type(column: Column) -> Any:
    """Return how Parquet holds a column; a mapping as a list of pairs, as `datasets` cannot read maps."""
    import pyarrow

    plain = {
        "text": pyarrow.string(),
        "number": pyarrow.float64(),
        "integer": pyarrow.int64(),
        "flag": pyarrow.bool_(),
    }
    if column.kind in plain:
        return plain[column.kind]
    return pyarrow.list_(pyarrow.struct([(part.name, arrow_type(part)) for part in column.parts]))


def arrow_value(column: Column, value: Any) -> Any:
    """Return a cell as Parquet holds it."""
    if column.kind != "numbers" or value is None:
        return value
    key, number = column.parts
    return [{key.name: name, number.name: found} for name, found in value.items()]

"""Labelled documents to evaluate on: rows of a table, checked before any work is done.

Labels are one text, or for models of several labels a list or a text with | or ; between them. Rationales
are spans of characters `[start, end]`, end-exclusive, or ERASER's `evidences`: groups of spans of tokens
of `text.split()`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdoc.errors import DataError, InputError
from hdoc.tables import Row, Table, is_table, open_table
from hdoc.tables.labels import read_label, read_labels
from hdoc.text.charset import is_blank

_TOKEN = re.compile(r"\S+")
_SPLIT_COLUMN = "split"

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a table has what.

    Attributes:
        text: the document.
        label: its label or labels.
        id: its name; rows are named by their number if the table has no such column.
        rationale: the spans that people marked as reasons; None if nobody did.
    """

    text: str = "text"
    label: str = "label"
    id: str = "id"
    rationale: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled document.

    Attributes:
        id: its name.
        text: the document.
        labels: the right classes; one unless the model gives several.
        rationale: the characters that people marked as reasons; None if they were not asked.
    """

    id: str
    text: str
    labels: tuple[str, ...]
    rationale: Spans | None = None


def read_examples(
    path: Path,
    columns: Columns,
    labels: Sequence[str],
    *,
    multi_label: bool = False,
    split: str | None = None,
    encoding: str | None = None,
) -> list[Example]:
    """Read all labelled documents of a split.

    Args:
        path: JSON Lines, CSV, TSV (also .gz, .xz) or Parquet.
        columns: where the table has what.
        labels: classes of the model.
        multi_label: whether a document may have any number of labels.
        split: the rows whose column `split` says so; None for test where there is such a column, and for
            all rows where there is none; "all" for all rows.
        encoding: of text files; None to have it recognised.

    Raises:
        InputError: the file cannot be read, or lacks a column.
        DataError: a row cannot be used, a label is none of the model's, or there are no rows.
    """
    if not is_table(path):
        raise InputError(
            f"{path}: expected a table with texts and labels; its name must end in .jsonl, .csv, .tsv "
            "(or these with .gz or .xz) or .parquet"
        )
    table = open_table(path, encoding)
    table.require(columns.text, "--text-column")
    table.require(columns.label, "--label-column")
    if columns.rationale is not None:
        table.require(columns.rationale, "--rationale-column")
    wanted = _wanted_split(path, table, split)
    examples = [
        _example(path, row, columns, labels, multi_label)
        for row in _rows(path, table, columns)
        if wanted is None or row.values.get(_SPLIT_COLUMN) == wanted
    ]
    if not examples:
        raise DataError(
            f"{path}: expected rows of the split {wanted!r}, found none; name another with --split"
        )
    return examples


def _wanted_split(path: Path, table: Table, split: str | None) -> str | None:
    has_splits = _SPLIT_COLUMN in table.columns
    if split not in (None, "all") and not has_splits:
        raise InputError(f"{path}: expected a column {_SPLIT_COLUMN!r} to take {split!r} from, found none")
    return None if split == "all" or not has_splits else split or "test"


def _rows(path: Path, table: Table, columns: Columns) -> Iterator[Row]:
    names = [columns.text, columns.label, columns.id, _SPLIT_COLUMN]
    for row in table.rows([*names, *([columns.rationale] if columns.rationale else [])]):
        if row.error:
            raise DataError(f"{path}:{row.number}: {row.error}")
        yield row


def _example(path: Path, row: Row, columns: Columns, labels: Sequence[str], multi_label: bool) -> Example:
    place = f"{path}:{row.number}"
    text = row.values.get(columns.text)
    if not isinstance(text, str) or is_blank(text):
        raise DataError(f"{place}: expected a text in column {columns.text!r}, got {text!r}")
    given = row.values.get(columns.label)
    found = _labels(given, multi_label)
    known = {read_label(label): label for label in labels}  # of older models, perhaps not in composed form
    unknown = [label for label in found or () if label not in known]
    if found is None or unknown:
        got = ", ".join(map(repr, unknown or [given])) if given is not None else "none"
        raise DataError(f"{place}: expected a label of the model ({', '.join(labels)}), got {got}")
    found = tuple(known[label] for label in found)
    name = row.values.get(columns.id)
    rationale = None
    if columns.rationale is not None:
        rationale = _rationale(place, text, row.values.get(columns.rationale))
    return Example(f"{row.number}" if name is None else str(name), text, found, rationale)


def _labels(value: Any, multi_label: bool) -> tuple[str, ...] | None:
    """Return the labels of a row as training reads them too; None if they are none."""
    if multi_label:
        return read_labels(value)
    label = read_label(value)
    return None if label is None else (label,)


def _rationale(place: str, text: str, value: Any) -> Spans | None:
    """Return the marked characters, or None where nothing is given."""
    if value is None:
        return None
    tokens = [match.span() for match in _TOKEN.finditer(text)]
    spans = []
    try:
        for item in value:
            if isinstance(item, list | tuple) and len(item) == 2 and all(isinstance(i, int) for i in item):
                start, end = item
            else:
                for span in item if isinstance(item, list | tuple) else [item]:
                    spans.append((tokens[span["start_token"]][0], tokens[span["end_token"] - 1][1]))
                continue
            if not 0 <= start < end <= len(text):
                raise IndexError
            spans.append((start, end))
    except (TypeError, KeyError, IndexError) as error:
        raise DataError(
            f"{place}: expected a rationale as spans of characters [start, end] within the text, or as "
            "groups of objects with start_token and end_token"
        ) from error
    return tuple(sorted(spans))


def marked_share(examples: Sequence[Example]) -> float:
    """Return which share of the words people marked, the mean over the documents that they read."""
    shares = []
    for example in examples:
        if example.rationale is not None:
            marked = bytearray(len(example.text))
            for start, end in example.rationale:
                marked[start:end] = b"\x01" * (end - start)
            words = [any(marked[slice(*match.span())]) for match in _TOKEN.finditer(example.text)]
            shares.append(sum(words) / len(words))
    return sum(shares) / len(shares) if shares else 0.0

"""Rows with a text and a label: read and checked from any table, written as JSON Lines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hdoc.errors import HdocError
from hdoc.tables import is_table, open_table


def read_labels(path: Path, text_column: str, label_column: str) -> list[str]:
    """Return the label of each row, after a look at whether every row can be used.

    Raises:
        HdocError: the file is no table, lacks a column, or has a row without a text or a label.
    """
    if not path.is_file() or not is_table(path):
        raise HdocError(f"expected a .jsonl, .csv, .tsv or .parquet file of documents, {path} is none")
    table = open_table(path)
    table.require(text_column, "--text-column")
    table.require(label_column, "--label-column")
    labels = []
    for row in table.rows([text_column, label_column]):
        text, label = row.values.get(text_column), row.values.get(label_column)
        if row.error or not isinstance(text, str) or not text.strip() or isinstance(label, list | dict):
            problem = row.error or f"expected a text in {text_column!r} and one label in {label_column!r}"
            raise HdocError(f"{path}, row {row.number}: {problem}; repair or delete the row")
        if label is None or not str(label).strip():
            raise HdocError(
                f"{path}, row {row.number}: expected a label in {label_column!r}, got none; write one or "
                "delete the row"
            )
        labels.append(str(label).strip())
    return labels


def write_rows(
    source: Path, places: NDArray[np.int64], target: Path, text_column: str, label_column: str
) -> Path:
    """Write some rows of a table as JSON Lines with id, text and label.

    Args:
        source: the table.
        places: of the rows, from 0.
        target: the file to write; its folder is made.
        text_column: where the text is.
        label_column: where the label is.

    Returns:
        The target.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    wanted = set(places.tolist())
    with target.open("w", encoding="utf-8") as file:
        for place, row in enumerate(open_table(source).rows([text_column, label_column])):
            if place in wanted:
                line = {
                    "id": str(row.number),
                    "text": row.values[text_column],
                    "label": str(row.values[label_column]).strip(),
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return target

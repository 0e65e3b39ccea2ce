"""What an evaluation leaves in its folder: tables as Parquet, all figures as JSON and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hdoc.errors import HdocError
from hdoc.evaluation.predictions import Prediction
from hdoc.evaluation.units_and_controls import UNITS
from hdoc.rendering.table import Table


def make_folder(folder: Path) -> Path:
    """Make the folder of results if it is missing.

    Raises:
        HdocError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HdocError(f"cannot write to {folder}: {error.strerror}; name another with -o") from error
    return folder


def write_report(folder: Path, report: Mapping[str, Any], tables: Sequence[Table]) -> None:
    """Write report.json, and report.md with the settings and the tables."""
    content = json.dumps(report, ensure_ascii=False, indent=2) + "\n"
    (folder / "report.json").write_text(content, encoding="utf-8")
    settings = "\n".join(f"- {name}: {value}" for name, value in report["settings"].items())
    text = "\n".join(["# Evaluation", "", settings, "", *(table.markdown() for table in tables)])
    (folder / "report.md").write_text(text, encoding="utf-8")


def document_rows(predictions: Sequence[Prediction], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row for each document: its classes and all probabilities."""
    rows = []
    for prediction in predictions:
        best = int(np.argmax(prediction.probabilities))
        rows.append(
            {
                "id": prediction.id,
                "labels": list(prediction.truth),
                "predicted": labels[best],
                "probability": prediction.probabilities[best],
                "right": labels[best] in prediction.truth,
                "n_characters": prediction.n_characters,
                "n_sentences": prediction.n_sentences,
                **{
                    f"p/{label}": chance
                    for label, chance in zip(labels, prediction.probabilities, strict=True)
                },
            }
        )
    return rows


def explanation_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a flat row for each explanation and method."""
    flat = []
    for row in rows:
        for name, method in row["methods"].items():
            cells: dict[str, Any] = {key: row[key] for key in ("id", "target", "n_words", "n_sentences")}
            cells["method"] = name
            for figure in ("seconds", "peak_bytes", "leave_one_out", "auprc", "auprc_sentences", "token_f1"):
                cells[figure] = method.get(figure)
            for unit in UNITS if row["probability"] is not None else ():
                curves = method[unit]
                cells[f"{unit}_comprehensiveness"] = row["probability"] - float(np.mean(curves["without"]))
                cells[f"{unit}_sufficiency"] = row["probability"] - float(np.mean(curves["only"]))
            flat.append(cells)
    return flat


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as Parquet."""
    import pyarrow
    from pyarrow.parquet import write_table

    write_table(pyarrow.Table.from_pylist(rows), path, compression="zstd")

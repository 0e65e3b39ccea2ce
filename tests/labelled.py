"""Labelled files made for the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from hdoc.training.data.module import DocumentData
from tests.conftest import SENTENCES


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def documents(
    n: int, labels: tuple[str, ...] = ("경제", "문화", "사회"), seed: int = 0
) -> list[dict[str, Any]]:
    generator = np.random.default_rng(seed)
    return [
        {
            "id": f"d{i}",
            "text": " ".join(generator.choice(SENTENCES, 1 + i % 5)),
            "label": labels[i % len(labels)],
        }
        for i in range(n)
    ]


def telling_documents(n: int) -> list[dict[str, Any]]:
    """Return documents of three classes, each with sentences of its own, so that single pieces tell it."""
    rows = documents(n)
    for i, row in enumerate(rows):
        row["text"] = " ".join(SENTENCES[3 * k + i % 3] for k in range(i % 5 + 1))
    return rows


def make_data(folder: Path, encoder: Path, train: list[dict[str, Any]] | None, **values: Any) -> DocumentData:
    """Return a data module over files made of rows (`train`, `dev`, `test`, `predict`)."""
    rows = {"train": train, **{name: values.pop(name, None) for name in ("dev", "test", "predict")}}
    files = {f"{name}_file": write(folder / f"{name}.jsonl", r) for name, r in rows.items() if r is not None}
    settings = {"encoder": str(encoder), "window": 32, "workers": 0, "batch_documents": 4}
    return DocumentData(cache_folder=str(folder / "cache"), **{**settings, **files, **values})

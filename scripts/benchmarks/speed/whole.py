"""`hdoc classify` from file to file beside its two parts, each alone with all cores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.speed.cost import Action, Cost, compared
from benchmarks.speed.documents import documents_of, n_tokens
from benchmarks.speed.shape import Shape, loaded
from hdoc.text.sentences import split_many

_TOGETHER = 64  # documents that are encoded at once, as in `hdoc classify`


def whole_costs(texts: Sequence[str], shape: Shape, n_rounds: int) -> list[Cost]:
    """Measure splitting alone, encoding alone, and `hdoc classify`, start and all.

    Args:
        texts: the documents.
        shape: where to compute, and how exactly; the model is always the shipped one.
        n_rounds: how often each is measured.

    Returns:
        The dearer part, which ratios are over, the other, both one after the other, and the whole.
    """
    classifier = loaded(shape)
    documents = documents_of(classifier, texts)

    def split() -> None:
        for _ in split_many(texts, os.cpu_count() or 1):
            pass

    def encode() -> None:
        for start in range(0, len(documents), _TOGETHER):
            classifier.engine.score(documents[start : start + _TOGETHER])

    parts: dict[str, Action] = {"splitting alone": split, "encoding alone": encode}
    total = n_tokens(classifier, documents)
    mix = f"{len(texts):,} petitions, {os.cpu_count()} cores"
    with TemporaryDirectory() as folder:
        parts |= {"hdoc classify": partial(_classify, texts, shape, Path(folder))}
        costs = compared(mix, parts, total, n_rounds, n_before=0)
    return _over_the_dearer(costs)


def _over_the_dearer(costs: Sequence[Cost]) -> list[Cost]:
    """Return costs of two parts and the whole over the dearer part, and what both come to together."""
    dearer, cheaper = sorted(costs[:2], key=lambda cost: -cost.seconds)
    both = replace(
        cheaper,
        name="splitting, then encoding",
        seconds=dearer.seconds + cheaper.seconds,
        ratio=dearer.ratio + cheaper.ratio,
        low=dearer.low + cheaper.low,
        high=dearer.high + cheaper.high,
    )
    return [
        replace(c, ratio=c.ratio / dearer.ratio, low=c.low / dearer.ratio, high=c.high / dearer.ratio)
        for c in (dearer, cheaper, both, costs[2])
    ]


def _classify(texts: Sequence[str], shape: Shape, folder: Path) -> None:
    rows = folder / "texts.jsonl"
    rows.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    command = [sys.executable, "-m", "hdoc", "classify", str(rows), "-o", str(folder / "out.jsonl")]
    command += ["--precision", shape.precision, *(["--device", shape.device] if shape.device else [])]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)  # noqa: S603 (our own interpreter)

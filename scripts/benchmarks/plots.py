"""Plots of results, in one palette; each PNG says which figures it was drawn from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.result import Result, Row

PALETTE = {"hdoc": "#1f4e79", "tfidf": "#d1603d", "neural": "#5b8c5a", "ablation": "#9a9a9a"}
INK, SECOND = PALETTE["hdoc"], PALETTE["tfidf"]
_STAMP = "Figures"  # the PNG's field that holds the digest
_DPI = 130


def plots(name: str, result: Result, folder: Path) -> list[tuple[Path, str]]:
    """Return the plots that a result has: where each is, and what it shows, in words."""
    return [
        (
            folder / f"{name}.png" if len(result.tables) == 1 else folder / f"{name}-{kind}.png",
            _KINDS[kind][1],
        )
        for kind, rows in result.tables.items()
        if kind in _KINDS and len(rows) > 1
    ]


def draw(name: str, result: Result, folder: Path) -> None:
    """Draw the plots of a result anew where they are of other figures."""
    kinds = [kind for kind, rows in result.tables.items() if kind in _KINDS and len(rows) > 1]
    for kind, (path, _) in zip(kinds, plots(name, result, folder), strict=True):
        rows = result.tables[kind]
        if stamp(path) != digest(rows):
            path.parent.mkdir(parents=True, exist_ok=True)
            image = _KINDS[kind][0](rows)
            image.savefig(path, dpi=_DPI, metadata={_STAMP: digest(rows), "Software": None})


def is_current(name: str, result: Result, folder: Path) -> bool:
    """Return whether all plots of a result are there, and of its figures."""
    kinds = [kind for kind, rows in result.tables.items() if kind in _KINDS and len(rows) > 1]
    own = zip(kinds, plots(name, result, folder), strict=True)
    return all(stamp(path) == digest(result.tables[kind]) for kind, (path, _) in own)


def digest(rows: Sequence[Row]) -> str:
    """Return what tells figures from others."""
    return hashlib.sha256(json.dumps(list(rows), ensure_ascii=False).encode()).hexdigest()[:16]


def stamp(path: Path) -> str | None:
    """Return the digest of the figures that a plot was drawn from; None if there is none."""
    from PIL import Image

    if not path.is_file():
        return None
    with Image.open(path) as image:
        found: str | None = image.info.get(_STAMP)
        return found


def _figure(width: float, height: float, n_columns: int = 1) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    image = Figure(figsize=(width, height), layout="constrained")
    axes = image.subplots(1, n_columns)
    for one in axes if n_columns > 1 else [axes]:
        one.grid(True, axis="x", color="#dddddd", linewidth=0.8)
        one.set_axisbelow(True)
        one.spines[["top", "right", "left"]].set_visible(False)
        one.tick_params(axis="y", length=0)
    return image, axes


def _quality(rows: Sequence[Row]) -> Any:
    """Draw macro-F1 of each entry with its interval, best on top."""
    image, axes = _figure(8, 1.0 + 0.3 * len(rows))
    for place, row in enumerate(reversed(rows)):
        _interval(axes, place, [100 * row[key] for key in ("macro_f1", "low", "high")], PALETTE[row["kind"]])
    _names(axes, [row["entry"] for row in reversed(rows)])
    axes.set_xlabel("macro-F1 on test (%), 95 % interval")
    from matplotlib.lines import Line2D

    words = {"hdoc": "hdoc", "tfidf": "TF-IDF", "neural": "other networks", "ablation": "parts of hdoc"}
    kinds = [kind for kind in words if any(row["kind"] == kind for row in rows)]
    marks = [
        Line2D([], [], marker="o", linestyle="", color=PALETTE[kind], label=words[kind]) for kind in kinds
    ]
    image.legend(handles=marks, loc="outside lower center", ncols=len(marks), frameon=False)
    return image


def _faithfulness(rows: Sequence[Row]) -> Any:
    """Draw comprehensiveness and sufficiency of words, by method."""
    image, both = _figure(9, 1.0 + 0.4 * len(rows), 2)
    titles = {"comprehensiveness": "without the strongest words\n(high is good)",
              "sufficiency": "with nothing but them\n(low is good)"}  # fmt: skip
    for axes, (figure, title) in zip(both, titles.items(), strict=True):
        for place, row in enumerate(reversed(rows)):
            found = row["word"]
            colour = INK if row["method"] == "contribution" else PALETTE["ablation"]
            if row["method"].startswith("random"):
                colour = SECOND
            _interval(axes, place, [found[figure], *found[f"{figure}_interval"]], colour)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("probability lost, 95 % interval")
    _names(both[0], [row["method"] for row in reversed(rows)])
    both[1].set_yticks([])
    both[1].set_ylim(both[0].get_ylim())
    return image


def _peaks(rows: Sequence[Row]) -> Any:
    """Draw peak memory against the number of sentences."""
    image, axes = _figure(7, 3.4)
    axes.grid(True, axis="y", color="#dddddd", linewidth=0.8)
    for task, colour in (("reading", INK), ("training", SECOND)):
        own = [row for row in rows if row["task"] == task]
        axes.plot([r["n_sentences"] for r in own], [r["n_bytes"] / 2**20 for r in own], "o-", color=colour)
        axes.annotate(
            task, (own[-1]["n_sentences"], own[-1]["n_bytes"] / 2**20), (-8, 8), textcoords="offset points",
            color=colour, ha="right",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xticks(
        counts := sorted({row["n_sentences"] for row in rows}), [f"{count:,}" for count in counts]
    )
    axes.minorticks_off()
    axes.set_ylim(0)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("sentences of the document (logarithmic)")
    axes.set_ylabel("most memory, MiB")
    return image


def _interval(axes: Any, place: int, values: Sequence[float], colour: str) -> None:
    middle, low, high = values
    axes.plot([low, high], [place, place], color=colour, linewidth=2.2, alpha=0.45, solid_capstyle="round")
    axes.plot([middle], [place], "o", color=colour, markersize=6)


def _names(axes: Any, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)


_KINDS: dict[str, tuple[Callable[[Sequence[Row]], Any], str]] = {
    "quality": (_quality, "Macro-F1 on test with its interval, by entry"),
    "faithfulness": (
        _faithfulness,
        "Probability lost without the strongest words, and with them alone, by method",
    ),
    "peaks": (_peaks, "Most memory by the number of sentences"),
}

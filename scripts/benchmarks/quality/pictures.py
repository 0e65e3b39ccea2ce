"""Pictures of the table: macro-F1 against length, and against what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.plots import PALETTE
from benchmarks.quality.report import Report
from benchmarks.quality.statistics import Line
from hdoc.metrics.plots import figure, save

_MARKERS = "osD^vP*Xph<>8dH"


def draw(report: Report, folder: Path) -> list[Path]:
    """Draw both pictures of a report as PNG; returns where."""
    if not report.lines:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    by_length, by_cost = folder / "length.png", folder / "cost.png"
    _draw_lengths(report, by_length)
    _draw_costs(report, by_cost)
    return [by_length, by_cost]


def _draw_lengths(report: Report, path: Path) -> None:
    image, axes = figure(9, 5)
    for number, line in enumerate(report.lines):
        axes.plot(
            range(len(line.by_length)),
            [100 * value for value in line.by_length],
            label=line.entry,
            color=PALETTE[line.kind],
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=5,
            linewidth=2.5 if line.kind == "hdoc" else 1,
            linestyle=":" if line.kind == "ablation" else "-",
        )
    names = report.bucket_names()
    axes.set_xticks(range(len(names)), names)
    axes.set_xlabel("characters of the document (quarters of test)")
    axes.set_ylabel("macro-F1 (%)")
    axes.set_title(f"{report.task}: macro-F1 by length")
    image.legend(loc="outside right upper", fontsize=8)
    save(image, path)


def _draw_costs(report: Report, path: Path) -> None:
    image, (left, right) = figure(12, 5, n_columns=2)
    _scatter(left, report.lines, [line.train_minutes for line in report.lines], "minutes of one fit")
    _scatter(
        right,
        report.lines,
        [1000 / line.documents_per_second for line in report.lines],
        "milliseconds for a document",
    )
    left.set_ylabel("macro-F1 (%), 95 % interval")
    image.suptitle(f"{report.task}: macro-F1 against cost")
    save(image, path)


def _scatter(axes: Any, lines: Sequence[Line], costs: Sequence[float], name: str) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    for line, cost in zip(lines, costs, strict=True):
        middle = 100 * line.macro_f1
        reach = [[middle - 100 * line.low], [100 * line.high - middle]]
        axes.errorbar(cost, middle, yerr=reach, fmt="o", color=PALETTE[line.kind], markersize=5, linewidth=1)
        axes.annotate(line.entry, (cost, middle), xytext=(5, 3), textcoords="offset points", fontsize=8)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(min(costs) / 1.5, max(costs) * 3)  # room for the last names
    axes.set_xlabel(f"{name} (logarithmic)")

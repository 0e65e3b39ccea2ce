"""Costs as a table for the terminal, as Markdown, JSON and a picture."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.plots import INK, SECOND
from benchmarks.speed.cost import Cost
from benchmarks.speed.lengths import Peak
from hdoc.metrics.plots import figure, save


def markdown(costs: Sequence[Cost], peaks: Sequence[Peak]) -> str:
    """Return Markdown tables, one for each mix of documents."""
    lines: list[str] = []
    for mix, group in groupby(costs, key=lambda cost: cost.mix):
        lines += [f"**{mix}**", "", "| what | cost, lowest to highest | tokens/s |", "|---|---:|---:|"]
        lines += [f"| {' | '.join(row)} |" for row in _rows(list(group))]
        lines.append("")
    if peaks:
        lines += ["**one document**", "", "| task | sentences | most memory | time |", "|---|---:|---:|---:|"]
        lines += [f"| {' | '.join(_row(peak))} |" for peak in peaks]
        lines.append("")
    return "\n".join(lines)


def show(costs: Sequence[Cost]) -> None:
    """Print a table of each mix of documents."""
    from rich.console import Console
    from rich.table import Table

    for mix, group in groupby(costs, key=lambda cost: cost.mix):
        table = Table(title=mix, title_justify="left")
        table.add_column("what")
        table.add_column("cost, lowest to highest", justify="right")
        table.add_column("tokens/s", justify="right")
        for row in _rows(list(group)):
            table.add_row(*row)
        Console().print(table)


def show_peak(peak: Peak) -> None:
    """Print one line."""
    from rich.console import Console

    task, n_sentences, memory, time = _row(peak)
    Console().print(f"{task} one document of {n_sentences} sentences: {memory} at most, {time}")


def write(folder: Path, about: Mapping[str, Any], costs: Sequence[Cost], peaks: Sequence[Peak]) -> None:
    """Write `speed.json`, `speed.md` and, where documents grow longer, `speed.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    report = {**about, "costs": [asdict(c) for c in costs], "peaks": [asdict(p) for p in peaks]}
    (folder / "speed.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (folder / "speed.md").write_text(markdown(costs, peaks), encoding="utf-8")
    by_length = {_count(cost): cost.seconds for cost in costs if cost.mix == "by length"}
    if by_length or peaks:
        draw(by_length, peaks, folder / "speed.png")


def draw(by_length: Mapping[int, float], peaks: Sequence[Peak], path: Path) -> None:
    """Draw time and peak memory against the number of sentences, all axes logarithmic.

    Args:
        by_length: seconds of reading a document of so many sentences.
        peaks: in reading and in training.
        path: the PNG to write.
    """
    image, (left, right) = figure(10, 4, 1, 2)
    if by_length:
        left.loglog(list(by_length), list(by_length.values()), "o-", color=INK, label="reading")
    for task, colour in (("reading", INK), ("training", SECOND)):
        own = [peak for peak in peaks if peak.task == task]
        counts = [peak.n_sentences for peak in own]
        right.loglog(counts, [p.n_bytes / 2**20 for p in own], "o-", color=colour, label=task)
        if task == "training":
            left.loglog(counts, [p.seconds for p in own], "o-", color=colour, label=task)
    left.set(xlabel="sentences", ylabel="seconds", title="time for one document")
    right.set(xlabel="sentences", ylabel="MiB", title="peak memory of the process")
    for axes in (left, right):
        axes.grid(True, which="major", alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    save(image, path)


def _count(cost: Cost) -> int:
    return int(cost.name.split()[0].replace(",", ""))


def _rows(costs: Sequence[Cost]) -> Iterator[tuple[str, str, str]]:
    for cost in costs:
        spread = f"{_number(cost.ratio)} ({_number(cost.low)} to {_number(cost.high)})"
        yield cost.name, "1" if cost is costs[0] else spread, f"{cost.n_tokens / cost.seconds:,.0f}"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def _row(peak: Peak) -> tuple[str, str, str, str]:
    return peak.task, f"{peak.n_sentences:,}", f"{peak.n_bytes / 2**20:,.0f} MiB", f"{peak.seconds:,.1f} s"

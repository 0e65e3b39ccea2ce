"""The table of a task as text, JSON and Markdown, with all that is needed to read it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.quality.statistics import N_RESAMPLES, Line
from benchmarks.result import Result, machine
from hdoc.rendering.table import Table

_NOTE = (
    "Sorted by macro-F1 on test. ±: standard deviation over seeds. 95 %: interval of the mean over seeds "
    f"from {N_RESAMPLES:,} bootstrap resamples of the test documents; − hdoc: difference to hdoc with its "
    "interval over the same resamples. setting: which was the best on dev with the first seed, of how many "
    "that were tried. dev: macro-F1 there. minutes: of one fit, looks at dev included. "
    "documents/s: scoring test once texts are split into sentences and tokenised, once for all entries; "
    "TF-IDF from the texts. loss: cross-entropy in nats, ECE: expected calibration error in 15 bins, both "
    "after temperature scaling on dev."
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a task came to.

    Attributes:
        task: its name.
        date: when the table was made, ISO.
        command: of the benchmark.
        settings: budget and further arguments.
        documents: of each split.
        borders: characters between buckets of lengths.
        lines: of the table, best first.
        failures: why an entry has no line, or not all its runs.
    """

    task: str
    date: str
    command: str
    settings: Mapping[str, Any]
    documents: Mapping[str, int]
    borders: Sequence[float]
    lines: Sequence[Line]
    failures: Mapping[str, str]

    def table(self) -> Table:
        """Return the table."""
        return Table(
            title=f"{self.task}: macro-F1 on {self.documents['test']:,} test documents",
            columns=(
                "entry", "macro-F1", "95 %", "− hdoc", "accuracy", "loss", "ECE", "dev", "parameters",
                "minutes", "documents/s", "setting", "seeds",
            ),
            rows=[_row(line) for line in self.lines],
            note=_NOTE,
        )  # fmt: skip

    def by_length(self) -> Table:
        """Return macro-F1 by length."""
        return Table(
            title=f"{self.task}: macro-F1 by length of the document in characters",
            columns=("entry", *self.bucket_names()),
            rows=[(line.entry, *(_percent(value) for value in line.by_length)) for line in self.lines],
            note="Quarters of the test documents by length; over the classes that occur in each.",
        )

    def bucket_names(self) -> list[str]:
        """Return what the buckets of lengths are called."""
        ends = [f"{border:,.0f}" for border in self.borders]
        return [f"≤ {ends[0]}", *(f"{low}–{high}" for low, high in pairwise(ends)), f"> {ends[-1]}"]

    def markdown(self) -> str:
        """Return all as Markdown."""
        parts = [f"# Quality on {self.task}", "", *self._facts(), "", self.table().markdown()]
        if self.lines:
            parts.append(self.by_length().markdown())
        parts += ["## Settings that were chosen on dev", "", "| entry | what | arguments |", "|---|---|---|"]
        parts += [
            f"| {line.entry} | {line.what} | `{' '.join(line.setting) or 'those of the config'}` |"
            for line in self.lines
        ]
        if self.failures:
            parts += ["", "## Without an outcome", ""]
            parts += [f"- {name}: {reason}" for name, reason in self.failures.items()]
        return "\n".join([*parts, ""])

    def _facts(self) -> list[str]:
        budget = ", ".join(
            f"{name} {value}" for name, value in self.settings.items() if value not in (None, "")
        )
        return [
            f"- {self.date}, {machine()}",
            f"- `{self.command}`",
            f"- {self._counts()} documents; {budget}",
        ]

    def write(self, folder: Path) -> None:
        """Write table.md, table.txt and table.json."""
        from rich.console import Console

        folder.mkdir(parents=True, exist_ok=True)
        (folder / "table.md").write_text(self.markdown(), encoding="utf-8")
        content = {**asdict(self), "machine": machine()}
        (folder / "table.json").write_text(
            json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
        with (folder / "table.txt").open("w", encoding="utf-8") as file:
            self.show(Console(file=file, width=160))

    def result(self) -> Result:
        """Return the report in the layout of all results."""
        about = {"documents": self._counts()}
        return Result(
            self.date, machine(), self.command, {"quality": [asdict(line) for line in self.lines]}, about
        )

    def _counts(self) -> str:
        return " / ".join(f"{count:,}" for count in self.documents.values()) + " (train / dev / test)"

    def show(self, console: Any) -> None:
        """Print the tables."""
        self.table().show(console)
        if self.lines:
            self.by_length().show(console)
        for name, reason in self.failures.items():
            console.print(f"{name}: {reason}", markup=False, highlight=False)


def ranked(lines: Sequence[Line]) -> list[Line]:
    """Return lines in the order of the table."""
    return sorted(lines, key=lambda line: -line.macro_f1)


def _row(line: Line) -> tuple[str, ...]:
    deviation = "" if line.deviation is None else f" ± {100 * line.deviation:.1f}"
    return (
        line.entry,
        _percent(line.macro_f1) + deviation,
        f"{_percent(line.low)}–{_percent(line.high)}",
        _difference(line),
        _percent(line.accuracy),
        f"{line.loss:.3f}",
        f"{line.ece:.3f}",
        _percent(line.dev_macro_f1),
        f"{line.parameters / 1e6:.1f} M",
        f"{line.train_minutes:.1f}",
        f"{line.documents_per_second:,.0f}",
        f"{line.trial + 1} of {line.n_tried}",
        ",".join(map(str, line.seeds)),
    )


def _difference(line: Line) -> str:
    if line.difference is None or line.difference_low is None or line.difference_high is None:
        return ""
    if line.entry == "hdoc":
        return "0"
    interval = f"({100 * line.difference_low:+.1f} to {100 * line.difference_high:+.1f})"
    return f"{100 * line.difference:+.1f} {interval}".replace("-", "−")


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"

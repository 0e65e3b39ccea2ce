"""One MLflow experiment: a parent run for each task, whose children are the runs that were trained."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from benchmarks.quality.report import Report
from benchmarks.quality.run import Run
from benchmarks.quality.runs import EXPERIMENT
from hdoc.errors import HdocError
from hdoc.tracking.report_run import ReportRun

_TASK = "hdoc.quality"


def log_report(report: Report, runs: Iterable[Run], folder: Path, key: str) -> str | None:
    """Log a report to the store of its runs, and put these below it.

    Args:
        report: its lines become metrics such as "hdoc/macro_f1".
        runs: that are done; those that were not logged are left out, as are parts of another.
        folder: whose files become artifacts.
        key: of task and budget; a report with the same key is the same run, brought up to date.

    Returns:
        The id of the parent run; None if no run was logged.

    Raises:
        HdocError: the store cannot be used.
    """
    logged = [(run, stored) for run in runs if (stored := _stored(run.place))]
    if not logged:
        return None
    uri = logged[-1][1]["tracking_uri"]
    parent = ReportRun.tagged(uri, EXPERIMENT, report.task, "a benchmark", (_TASK, key))
    for run, stored in logged:
        _put_below(parent, stored["run_id"], run)
    parent.log_parameters({"command": report.command, **report.settings})
    parent.log_metrics(
        {
            f"{line.entry}/{name}": value
            for line in report.lines
            for name, value in asdict(line).items()
            if isinstance(value, (int, float))
        }
    )
    parent.log_files(folder)
    parent.end()
    return parent.run_id


def _stored(folder: Path) -> dict[str, str] | None:
    path = folder / "run.json"
    found: dict[str, str] | None = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    return found if found and found.get("run_id") else None


def _put_below(parent: ReportRun, run_id: str, run: Run) -> None:
    tags = {
        "hdoc.task": run.task.name,
        "hdoc.entry": run.entry.name,
        "hdoc.trial": str(run.trial),
        "hdoc.seed": str(run.seed),
    }
    try:
        parent.adopt(run_id, tags)
    except HdocError:
        return  # it was logged to another store, or deleted there; the table does not depend on it

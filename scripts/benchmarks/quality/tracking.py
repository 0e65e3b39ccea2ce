"""One MLflow experiment: a parent run for each task, whose children are the runs that were trained."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.quality.report import Report
from benchmarks.quality.runs import EXPERIMENT, Run

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

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
    """
    logged = [(run, stored) for run in runs if (stored := _stored(run.place))]
    if not logged:
        return None
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=logged[-1][1]["tracking_uri"])
    parent = _parent(client, report.task, key)
    for run, stored in logged:
        _put_below(client, stored["run_id"], parent, run)
    _log(client, parent, report)
    for path in sorted(folder.iterdir()):
        if path.is_file():
            client.log_artifact(parent, str(path))
    client.set_terminated(parent)
    return parent


def _stored(folder: Path) -> dict[str, str] | None:
    path = folder / "run.json"
    found: dict[str, str] | None = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    return found if found and found.get("run_id") else None


def _parent(client: MlflowClient, task: str, key: str) -> str:
    found = client.get_experiment_by_name(EXPERIMENT)
    experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT)
    same = client.search_runs([experiment], f"tags.`{_TASK}` = '{key}'", max_results=1)
    if same:
        return str(same[0].info.run_id)
    run = client.create_run(experiment, run_name=task, tags={_TASK: key})
    return str(run.info.run_id)


def _put_below(client: MlflowClient, run_id: str, parent: str, run: Run) -> None:
    from mlflow.exceptions import MlflowException

    tags = {
        "mlflow.parentRunId": parent,
        "hdoc.task": run.task.name,
        "hdoc.entry": run.entry.name,
        "hdoc.trial": str(run.trial),
        "hdoc.seed": str(run.seed),
    }
    try:
        for name, value in tags.items():
            client.set_tag(run_id, name, value)
    except MlflowException:
        return  # it was logged to another store, or deleted there; the table does not depend on it


def _log(client: MlflowClient, parent: str, report: Report) -> None:
    from mlflow.entities import Metric, Param

    known: Mapping[str, Any] = client.get_run(parent).data.params
    settings = {"command": report.command, **report.settings}
    parameters = [Param(k, str(v)[:500]) for k, v in settings.items() if k not in known and v is not None]
    moment = client.get_run(parent).info.start_time
    metrics = [
        Metric(re.sub(r"[^\w\-. :/]", "_", f"{line.entry}/{name}"), float(value), moment, 0)
        for line in report.lines
        for name, value in asdict(line).items()
        if isinstance(value, (int, float))
    ]
    client.log_batch(parent, params=parameters)
    for start in range(0, len(metrics), 500):
        client.log_batch(parent, metrics=metrics[start : start + 500])

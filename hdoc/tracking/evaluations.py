"""An evaluation in MLflow: figures as metrics, settings as parameters, the files as artifacts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hdoc.tracking.client import tracking_uri
from hdoc.tracking.report_run import ReportRun

EXPERIMENT = "evaluation"
NEEDED_BY = "--mlflow"


def log_evaluation(report: Mapping[str, Any], folder: Path, run_name: str) -> str:
    """Log a run to the store that MLFLOW_TRACKING_URI names, or to mlflow.db in the current folder.

    Args:
        report: all figures; its numbers become metrics, its settings parameters.
        folder: whose files become artifacts.
        run_name: name of the run.

    Returns:
        Where it was logged, in words.

    Raises:
        HdocError: MLflow is not installed, or the store cannot be used.
    """
    uri = tracking_uri()
    run = ReportRun.start(uri, EXPERIMENT, run_name, NEEDED_BY)
    run.log_parameters(report["settings"])
    run.log_metrics(dict(_numbers({name: value for name, value in report.items() if name != "settings"})))
    run.log_files(folder)
    run.end()
    return f"run {run_name} of the experiment {EXPERIMENT} in {uri}"


def _numbers(value: Any, prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield all single numbers of nested objects, under their path; lists belong into artifacts."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner, f"{prefix}/{key}" if prefix else str(key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield prefix, float(value)

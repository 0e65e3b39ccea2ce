"""Logs an evaluation to MLflow: figures as metrics, the whole folder as artifacts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hdoc.errors import HdocError
from hdoc.tracking.client import tracking_uri

_EXPERIMENT = "evaluation"


def require_mlflow() -> None:
    """Say that MLflow is missing before any work is done.

    Raises:
        HdocError: it is not installed.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it would report its use to its makers
    try:
        import mlflow  # noqa: F401
    except ImportError as error:
        raise HdocError("--mlflow needs MLflow; run: pip install 'hdoc[train]'") from error


def log_evaluation(report: Mapping[str, Any], folder: Path, run_name: str) -> str:
    """Log a run to the store that MLFLOW_TRACKING_URI names, or to mlflow.db in the current folder.

    Args:
        report: all figures; its numbers become metrics, its settings parameters.
        folder: whose files become artifacts.
        run_name: name of the run.

    Returns:
        Where it was logged, in words.
    """
    from mlflow.entities import Metric, Param
    from mlflow.tracking import MlflowClient

    uri = tracking_uri()
    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(_EXPERIMENT)
    experiment = found.experiment_id if found else client.create_experiment(_EXPERIMENT)
    run = client.create_run(experiment, run_name=run_name)
    moment = run.info.start_time
    parameters = [Param(name, str(value)[:500]) for name, value in report["settings"].items()]
    figures = {k: v for k, v in report.items() if k != "settings"}
    metrics = [Metric(name, value, moment, 0) for name, value in _numbers(figures)]
    client.log_batch(run.info.run_id, params=parameters)
    for start in range(0, len(metrics), 500):
        client.log_batch(run.info.run_id, metrics=metrics[start : start + 500])
    for path in sorted(folder.iterdir()):
        if path.is_file():
            client.log_artifact(run.info.run_id, str(path))
    client.set_terminated(run.info.run_id)
    return f"run {run_name} of the experiment {_EXPERIMENT} in {uri}"


def _numbers(value: Any, prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield all single numbers of nested objects, under their path; lists belong into artifacts."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner, f"{prefix}/{key}" if prefix else str(key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield re.sub(r"[^\w\-. :/]", "_", prefix), float(value)

"""Sends parameters, metrics and files of a run to MLflow, as many at a time as it takes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdoc.tracking.client import metric_name

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_LONGEST_VALUE = 500
_PARAMETERS_PER_REQUEST = 100
_METRICS_PER_REQUEST = 500


def flat_values(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return a nested configuration as MLflow's parameters: `section.option` to text, without None.

    Long values are cut.
    """
    flat: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flat_values(value, f"{name}."))
        elif value is not None:
            flat[metric_name(name)] = str(value)[:_LONGEST_VALUE]
    return flat


def send_parameters(client: MlflowClient, run_id: str, values: Mapping[str, str]) -> None:
    """Log parameters; those that the run has already are left as they are.

    Raises:
        MlflowException: the server cannot be used.
    """
    from mlflow.entities import Param

    known = client.get_run(run_id).data.params
    parameters = [Param(key, text) for key, text in values.items() if key not in known]
    for start in range(0, len(parameters), _PARAMETERS_PER_REQUEST):
        client.log_batch(run_id, params=parameters[start : start + _PARAMETERS_PER_REQUEST])


def send_metrics(
    client: MlflowClient, run_id: str, values: Mapping[str, float], step: int, moment: int | None = None
) -> None:
    """Log metrics, whose names may hold any letters.

    Args:
        client: of the store.
        run_id: of the run.
        values: a number for each name.
        step: of the training, or what else is counted.
        moment: when they were measured, in milliseconds since 1970; now by default.

    Raises:
        MlflowException: the server cannot be used.
    """
    from mlflow.entities import Metric

    when = now() if moment is None else moment
    metrics = [Metric(metric_name(name), float(value), when, step) for name, value in values.items()]
    for start in range(0, len(metrics), _METRICS_PER_REQUEST):
        client.log_batch(run_id, metrics=metrics[start : start + _METRICS_PER_REQUEST])


def send_files(client: MlflowClient, run_id: str, folder: Path) -> None:
    """Log the files of a folder as artifacts, without its folders.

    Raises:
        MlflowException: the server cannot be used.
    """
    for path in sorted(folder.iterdir()):
        if path.is_file():
            client.log_artifact(run_id, str(path))


def now() -> int:
    """Return the time in milliseconds since 1970, as MLflow counts it."""
    return int(time.time() * 1000)

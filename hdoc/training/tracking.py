"""MLflow: what each run logs, where, and how a killed run is told from one that is still going.

The default store is `sqlite:///mlflow.db` in the current folder; MLFLOW_TRACKING_URI names another. A
process that is killed cannot say so: each run names its host and process, and the next start on the same
host marks those of processes that are gone.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytorch_lightning.loggers import MLFlowLogger
from pytorch_lightning.utilities import rank_zero_only

from hdoc.errors import HdocError
from hdoc.training.provenance import is_alive, this_process

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

DEFAULT_URI = "sqlite:///mlflow.db"
_HOST, _PROCESS = "hdoc.host", "hdoc.process"
_LONGEST_VALUE = 500
_PER_BATCH = 100


def tracking_uri() -> str:
    """Return the store that runs are logged to."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


class RunLogger(MLFlowLogger):
    """Logs one run.

    Args:
        experiment: name of the MLflow experiment; made if there is none.
        run_name: name of the run.
        run_id: a former run to go on with, after a resume.

    Raises:
        HdocError: MLflow is not installed.
    """

    def __init__(self, experiment: str, run_name: str, run_id: str | None = None) -> None:
        # MLflow would report its use to its makers.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        try:
            import mlflow  # noqa: F401
        except ImportError as error:
            raise HdocError("training needs MLflow; run: pip install 'hdoc[train]'") from error
        self.uri = tracking_uri()
        self._ending: str | None = None
        super().__init__(
            experiment_name=experiment,
            run_name=run_name,
            tracking_uri=self.uri,
            tags=_process_tags(),
            run_id=run_id,
        )

    @rank_zero_only
    def open(self) -> None:
        """Mark dead runs, start the run or go on with it, and say which process does it."""
        client: MlflowClient = self._mlflow_client
        mark_killed_runs(client)
        self.experiment.update_run(self.run_id, status="RUNNING")
        self.log_tags(_process_tags())

    @rank_zero_only
    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags of the run."""
        for key, value in tags.items():
            self.experiment.set_tag(self.run_id, key, value)

    @rank_zero_only
    def log_parameters(self, values: Mapping[str, Any]) -> None:
        """Log a nested configuration; what the run has already is left as it is.

        Long values are cut: the whole configuration is an artifact of its own.
        """
        from mlflow.entities import Param

        known = self.experiment.get_run(self.run_id).data.params
        parameters = [
            Param(key, text[:_LONGEST_VALUE]) for key, text in _flat(values).items() if key not in known
        ]
        for start in range(0, len(parameters), _PER_BATCH):
            self.experiment.log_batch(self.run_id, params=parameters[start : start + _PER_BATCH])

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics; Lightning's own way would delete Korean letters from their names."""
        from mlflow.entities import Metric

        now = _milliseconds()
        batch = [Metric(metric_name(name), float(value), now, step or 0) for name, value in metrics.items()]
        self.experiment.log_batch(self.run_id, metrics=batch)

    @rank_zero_only
    def log_text(self, name: str, text: str) -> None:
        """Log a text as an artifact."""
        self.experiment.log_text(self.run_id, text, name)

    @rank_zero_only
    def log_json(self, name: str, value: Any) -> None:
        """Log plain data as an artifact."""
        self.log_text(name, json.dumps(value, ensure_ascii=False, indent=2))

    @rank_zero_only
    def log_folder(self, folder: Path, name: str) -> None:
        """Log a folder's files as artifacts."""
        self.experiment.log_artifacts(self.run_id, str(folder), name)

    def interrupted(self) -> None:
        """Have the run end as killed, not as failed."""
        self._ending = "KILLED"

    @rank_zero_only
    def finalize(self, status: str = "success") -> None:
        """End the run."""
        if self._initialized:
            ending = "FINISHED" if status in ("success", "finished") else "FAILED"
            self.experiment.set_terminated(self.run_id, self._ending or ending)


def _process_tags() -> dict[str, str]:
    return {f"hdoc.{key}": value for key, value in this_process().items()}


def mark_killed_runs(client: MlflowClient) -> list[str]:
    """Mark the runs of this host that are still called running though their process is gone.

    Returns:
        Their run ids.
    """
    host = this_process()["host"].replace("'", "")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    running = client.search_runs(
        experiments, f"attributes.status = 'RUNNING' and tags.`{_HOST}` = '{host}'", max_results=1000
    )
    dead = [run.info.run_id for run in running if not is_alive(run.data.tags.get(_PROCESS, ""))]
    for run_id in dead:
        client.set_terminated(run_id, "KILLED")
    return dead


def metric_name(name: str) -> str:
    """Return a name that MLflow takes: letters of any script, digits and ` _ - . : /`; others become `_`."""
    return re.sub(r"[^\w\-. :/]", "_", name)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{name}."))
        elif value is not None:
            flat[metric_name(name)] = str(value)
    return flat


def _milliseconds() -> int:
    import time

    return int(time.time() * 1000)

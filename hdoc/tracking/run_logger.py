"""MLflow: what each run logs, where, and how a killed run is told from one that is still going.

The default store is `sqlite:///mlflow.db` in the current folder; MLFLOW_TRACKING_URI names another. A
process that is killed cannot say so: each run names its host and process, and the next start on the same
host marks those of processes that are gone. A server that is gone does not stop a training (see `outbox`).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning_fabric.loggers.logger import rank_zero_experiment
from pytorch_lightning.loggers import MLFlowLogger
from pytorch_lightning.utilities import rank_zero_only

from hdoc.console import say
from hdoc.errors import HdocError
from hdoc.tracking.client import alone, brief, flat_values, metric_name, tracking_uri
from hdoc.tracking.outbox import Entry, Outbox, ServerAwayError
from hdoc.tracking.provenance import is_alive, this_process

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

UNSENT = "unsent.jsonl"
_HOST, _PROCESS = "hdoc.host", "hdoc.process"
_LONGEST_VALUE = 500
_PER_BATCH = 100


class RunLogger(MLFlowLogger):
    """Logs one run.

    Args:
        experiment: name of the MLflow experiment; made if there is none.
        run_name: name of the run.
        run_id: a former run to go on with, after a resume.
        folder: of the run; what a server that is away was not told is kept there.
        uri: of the store; that of `tracking_uri` by default.
        parent: the run that this one is nested in, such as that of a search.

    Raises:
        HdocError: MLflow is not installed, or the store cannot be used.
    """

    def __init__(
        self,
        experiment: str,
        run_name: str,
        run_id: str | None = None,
        folder: Path | None = None,
        uri: str | None = None,
        parent: str | None = None,
    ) -> None:
        # MLflow would report its use to its makers.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        # Its own patience with a server that is gone is many minutes, in which nothing would be trained.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
        try:
            import mlflow  # noqa: F401
        except ImportError as error:
            raise HdocError("training needs MLflow; run: pip install 'hdoc[train]'") from error
        self.uri = uri or tracking_uri()
        self._ending: str | None = None
        with alone(self.uri):
            super().__init__(
                experiment_name=experiment,
                run_name=run_name,
                tracking_uri=self.uri,
                tags={**_process_tags(), **({"mlflow.parentRunId": parent} if parent else {})},
                run_id=run_id,
            )
        self._outbox = Outbox(self._send, self.uri, (folder or Path()) / UNSENT)

    @property
    @rank_zero_experiment
    def experiment(self) -> MlflowClient:
        """The client of a run that exists.

        A training that begins at the same time may make the experiment first, which is then shared.
        """
        from mlflow.exceptions import MlflowException

        try:
            return super().experiment
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return super().experiment

    @rank_zero_only
    def open(self) -> None:
        """Mark dead runs, start the run or go on with it, and say which process does it.

        Raises:
            HdocError: the server does not answer.
        """
        from mlflow.exceptions import MlflowException

        try:
            mark_killed_runs(self._mlflow_client)
            self.experiment.update_run(self.run_id, status="RUNNING")
        except MlflowException as error:
            raise HdocError(
                f"cannot log to {self.uri}: {brief(error)}; start that server, or choose another store with "
                "MLFLOW_TRACKING_URI"
            ) from error
        self._outbox.deliver()
        self.log_tags(_process_tags())

    @rank_zero_only
    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags of the run."""
        self._outbox.put({"kind": "tags", "values": dict(tags)})

    @rank_zero_only
    def log_parameters(self, values: Mapping[str, Any]) -> None:
        """Log a nested configuration; what the run has already is left as it is.

        Long values are cut: the whole configuration is an artifact of its own.
        """
        flat = {key: text[:_LONGEST_VALUE] for key, text in flat_values(values).items()}
        self._outbox.put({"kind": "parameters", "values": flat})

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics; Lightning's own way would delete Korean letters from their names."""
        values = {metric_name(name): float(value) for name, value in metrics.items()}
        now = int(time.time() * 1000)
        self._outbox.put({"kind": "metrics", "values": values, "step": step or 0, "time": now})

    @rank_zero_only
    def log_text(self, name: str, text: str) -> None:
        """Log a text as an artifact."""
        self._outbox.put({"kind": "text", "name": name, "text": text})

    @rank_zero_only
    def log_json(self, name: str, value: Any) -> None:
        """Log plain data as an artifact."""
        self.log_text(name, json.dumps(value, ensure_ascii=False, indent=2))

    @rank_zero_only
    def log_folder(self, folder: Path, name: str) -> None:
        """Log a folder's files as artifacts."""
        self._outbox.put({"kind": "folder", "name": name, "path": str(folder.resolve())})

    @rank_zero_only
    def log_model(self, folder: Path, step: int) -> None:
        """Log a model folder as an MLflow model."""
        self._outbox.put({"kind": "model", "path": str(folder.resolve()), "step": step})

    @property
    def unsent(self) -> list[Entry]:
        """What the server was not told yet, oldest first."""
        return self._outbox.waiting

    def interrupted(self) -> None:
        """Have the run end as killed, not as failed."""
        self._ending = "KILLED"

    @rank_zero_only
    def finalize(self, status: str = "success") -> None:
        """End the run."""
        if self._initialized:
            ending = "FINISHED" if status in ("success", "finished") else "FAILED"
            self._outbox.put({"kind": "status", "value": self._ending or ending})

    @rank_zero_only
    def deliver(self) -> bool:
        """Send what the server was not told while it was away; returns whether nothing is left."""
        return self._outbox.deliver()

    def _send(self, entry: Entry) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._send_now(entry)
        except MlflowException as error:
            if error.get_http_status_code() >= 500:
                raise ServerAwayError(brief(error)) from error
            # To try again would be of no use, and to end the training a greater loss.
            say(f"{self.uri} refused {entry['kind']}, which is lost: {brief(error)}")
        except OSError as error:
            raise ServerAwayError(brief(error)) from error

    def _send_now(self, entry: Entry) -> None:
        client: MlflowClient = self.experiment
        run_id = self.run_id
        match entry["kind"]:
            case "tags":
                for key, value in entry["values"].items():
                    client.set_tag(run_id, key, value)
            case "parameters":
                _send_parameters(client, str(run_id), entry["values"])
            case "metrics":
                _send_metrics(client, str(run_id), entry)
            case "text":
                client.log_text(run_id, entry["text"], entry["name"])
            case "folder":
                client.log_artifacts(run_id, entry["path"], entry["name"])
            case "model":
                from hdoc.tracking.registry import log_model

                log_model(
                    Path(entry["path"]),
                    uri=self.uri,
                    experiment=self._experiment_name,
                    run_id=run_id,
                    step=entry["step"],
                )
            case "status":
                client.set_terminated(run_id, entry["value"])


def _send_parameters(client: MlflowClient, run_id: str, values: Mapping[str, str]) -> None:
    from mlflow.entities import Param

    known = client.get_run(run_id).data.params
    parameters = [Param(key, text) for key, text in values.items() if key not in known]
    for start in range(0, len(parameters), _PER_BATCH):
        client.log_batch(run_id, params=parameters[start : start + _PER_BATCH])


def _send_metrics(client: MlflowClient, run_id: str, entry: Entry) -> None:
    from mlflow.entities import Metric

    metrics = [Metric(name, value, entry["time"], entry["step"]) for name, value in entry["values"].items()]
    client.log_batch(run_id, metrics=metrics)


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

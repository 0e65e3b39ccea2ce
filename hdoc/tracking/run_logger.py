"""Lightning's logger of a training: what a run logs, and how a killed run is told from one that goes on.

A process that is killed cannot say so: each run names its host and process, and the next start on the same
host marks those of processes that are gone. A server that is gone does not stop a training (see `outbox`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning_fabric.loggers.logger import rank_zero_experiment
from pytorch_lightning.loggers import MLFlowLogger
from pytorch_lightning.utilities import rank_zero_only

from hdoc.console import say
from hdoc.tracking.client import brief, connect, experiment_id, explained, tracking_uri
from hdoc.tracking.datasets import RunDataset, send_datasets
from hdoc.tracking.logged_model import log_model
from hdoc.tracking.outbox import Entry, Outbox, ServerAwayError
from hdoc.tracking.provenance import is_alive, this_process
from hdoc.tracking.sending import flat_values, now, send_metrics, send_parameters

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

UNSENT = "unsent.jsonl"
_HOST, _PROCESS = "hdoc.host", "hdoc.process"


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
        self.uri = uri or tracking_uri()
        self._ending: str | None = None
        connect(self.uri, "training")  # before Lightning does: it has other settings, and takes no lock
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
        """The client of a run that exists."""
        if self._run_id is None and self._experiment_id is None:
            self._experiment_id = experiment_id(self._mlflow_client, self._experiment_name)
        return super().experiment

    @rank_zero_only
    def open(self) -> None:
        """Mark dead runs, start the run or go on with it, and say which process does it.

        Raises:
            HdocError: the server does not answer.
        """
        with explained(f"log to {self.uri}"):
            mark_killed_runs(self._mlflow_client)
            self.experiment.update_run(self.run_id, status="RUNNING")
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
        self._outbox.put({"kind": "parameters", "values": flat_values(values)})

    @rank_zero_only
    def log_datasets(self, datasets: Sequence[RunDataset]) -> None:
        """Log which data the run uses."""
        self._outbox.put({"kind": "datasets", "values": [one.to_plain() for one in datasets]})

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics; Lightning's own way would delete Korean letters from their names."""
        values = {name: float(value) for name, value in metrics.items()}
        self._outbox.put({"kind": "metrics", "values": values, "step": step or 0, "time": now()})

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
    def log_model(self, folder: Path, step: int, form: Mapping[str, Any] | None = None) -> None:
        """Log a model folder as an MLflow model; the form is that of `logged_model.log_model`."""
        entry: Entry = {"kind": "model", "path": str(folder.resolve()), "step": step}
        self._outbox.put(entry if form is None else {**entry, "form": dict(form)})

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
        run_id = str(self.run_id)
        match entry["kind"]:
            case "tags":
                for key, value in entry["values"].items():
                    client.set_tag(run_id, key, value)
            case "parameters":
                send_parameters(client, run_id, entry["values"])
            case "datasets":
                send_datasets(client, run_id, [RunDataset(**plain) for plain in entry["values"]])
            case "metrics":
                send_metrics(client, run_id, entry["values"], entry["step"], entry["time"])
            case "text":
                client.log_text(run_id, entry["text"], entry["name"])
            case "folder":
                client.log_artifacts(run_id, entry["path"], entry["name"])
            case "model":
                log_model(
                    Path(entry["path"]),
                    uri=self.uri,
                    experiment=self._experiment_name,
                    run_id=run_id,
                    step=entry["step"],
                    form=entry.get("form"),
                )
            case "status":
                client.set_terminated(run_id, entry["value"])


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

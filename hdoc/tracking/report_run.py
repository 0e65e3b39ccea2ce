"""A run that reports and trains nothing: an evaluation, a benchmark, a search over trainings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdoc.tracking.client import experiment_id, explained, open_store
from hdoc.tracking.sending import flat_values, send_files, send_metrics, send_parameters

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


class ReportRun:
    """A run that exists. All methods raise HdocError if its server cannot be used.

    Args:
        client: of the store.
        uri: of the store, for errors.
        run_id: of the run.
    """

    def __init__(self, client: MlflowClient, uri: str, run_id: str) -> None:
        self._client, self._uri, self.run_id = client, uri, run_id

    @classmethod
    def start(
        cls, uri: str, experiment: str, name: str, needed_by: str, tags: Mapping[str, str] | None = None
    ) -> ReportRun:
        """Start a run.

        Args:
            uri: of the store.
            experiment: its name; made if there is none.
            name: of the run.
            needed_by: what needs MLflow, for errors.
            tags: of the run.

        Raises:
            HdocError: MLflow is not installed, or the store cannot be used.
        """
        client = open_store(uri, needed_by)
        with explained(f"log to {uri}"):
            number = experiment_id(client, experiment)
            run = client.create_run(number, run_name=name, tags=dict(tags or {}))
        return cls(client, uri, str(run.info.run_id))

    @classmethod
    def again(cls, uri: str, run_id: str, needed_by: str) -> ReportRun:
        """Go on with a run of which the id is known.

        Raises:
            HdocError: MLflow is not installed, or the store cannot be used or has no such run.
        """
        client = open_store(uri, needed_by)
        with explained(f"go on with the run {run_id} of {uri}"):
            client.update_run(run_id, status="RUNNING")
        return cls(client, uri, run_id)

    @classmethod
    def tagged(cls, uri: str, experiment: str, name: str, needed_by: str, tag: tuple[str, str]) -> ReportRun:
        """Go on with the run of an experiment that has a tag, or start one with it.

        Raises:
            HdocError: MLflow is not installed, or the store cannot be used.
        """
        client = open_store(uri, needed_by)
        with explained(f"log to {uri}"):
            wanted = f"tags.`{tag[0]}` = '{tag[1]}'"
            same = client.search_runs([experiment_id(client, experiment)], wanted, max_results=1)
        if same:
            return cls(client, uri, str(same[0].info.run_id))
        return cls.start(uri, experiment, name, needed_by, dict([tag]))

    def log_parameters(self, values: Mapping[str, Any]) -> None:
        """Log a configuration; what the run has already is left as it is."""
        with self._explained():
            send_parameters(self._client, self.run_id, flat_values(values))

    def log_metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log metrics."""
        with self._explained():
            send_metrics(self._client, self.run_id, values, step)

    def log_json(self, name: str, value: Any) -> None:
        """Log plain data as an artifact."""
        with self._explained():
            self._client.log_dict(self.run_id, value, name)

    def log_files(self, folder: Path) -> None:
        """Log the files of a folder as artifacts."""
        with self._explained():
            send_files(self._client, self.run_id, folder)

    def adopt(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Nest another run in this one, and set tags of it."""
        with self._explained():
            for name, value in {"mlflow.parentRunId": self.run_id, **tags}.items():
                self._client.set_tag(run_id, name, value)

    def end(self, status: str = "FINISHED") -> None:
        """End the run as FINISHED, FAILED or KILLED."""
        with self._explained():
            self._client.set_terminated(self.run_id, status)

    def _explained(self) -> AbstractContextManager[None]:
        return explained(f"log to {self._uri}")

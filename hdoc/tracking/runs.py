"""`hdoc runs`: the runs of an experiment, best first, with what tells their configs apart."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hdoc.errors import HdocError
from hdoc.tracking.client import is_missing, open_store, tracking_uri

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_METRICS = ("dev/macro_f1", "dev/accuracy", "dev/ece", "test/macro_f1")
# What differs between any two runs and says nothing about either.
_NAMES = ("run.name", "run.parent")
_WIDTH = 160


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run.

    Attributes:
        name: of the run.
        status: FINISHED, FAILED, KILLED or RUNNING.
        started: local date and time.
        metrics: the last value of each.
        differences: of its parameters those in which the runs differ; None where it has none.
    """

    name: str
    status: str
    started: datetime
    metrics: Mapping[str, float]
    differences: Mapping[str, str | None]


def open_runs() -> MlflowClient:
    """Return a client of the store that runs are logged to.

    Raises:
        HdocError: MLflow is not installed, there is no such store, or it does not answer.
    """
    uri = tracking_uri()
    if is_missing(uri):
        raise HdocError(f"expected runs at {uri}, found none; train first, or set MLFLOW_TRACKING_URI")
    return open_store(uri, "hdoc runs")


def only_experiment(client: MlflowClient) -> str:
    """Return the name of a store's experiment.

    Raises:
        HdocError: there is none, or there are several.
    """
    names = _experiments(client)
    if len(names) != 1:
        raise HdocError(f"expected the name of an experiment: {', '.join(names) or 'there is none yet'}")
    return names[0]


def _experiments(client: MlflowClient) -> list[str]:
    return sorted(one.name for one in client.search_experiments() if one.name != "Default")


def read_runs(
    client: MlflowClient, experiment: str, by: str = "dev/macro_f1", parent: str | None = None
) -> list[RunRow]:
    """Return the trainings of an experiment, the best first and those without the figure last.

    Args:
        client: of the store.
        experiment: its name.
        by: the figure to sort by; of errors (ece, loss) the lowest is best.
        parent: only the runs of this one, such as a search.

    Raises:
        HdocError: there is no such experiment.
    """
    found = client.get_experiment_by_name(experiment)
    if found is None:
        known = ", ".join(_experiments(client))
        raise HdocError(f"expected an experiment, one of {known or 'none yet'}; got {experiment}")
    wanted = "tags.`hdoc.stage` = 'fit'" + (f" and tags.`mlflow.parentRunId` = '{parent}'" if parent else "")
    runs = list(client.search_runs([found.experiment_id], wanted, max_results=1000))
    keys = sorted({key for run in runs for key in run.data.params} - set(_NAMES))
    differing = [key for key in keys if len({run.data.params.get(key) for run in runs}) > 1]
    rows = [
        RunRow(
            run.info.run_name,
            run.info.status,
            datetime.fromtimestamp(run.info.start_time / 1000),
            dict(run.data.metrics),
            {key: run.data.params.get(key) for key in differing},
        )
        for run in runs
    ]
    sign = 1 if by.endswith(("ece", "loss")) else -1
    return sorted(rows, key=lambda row: (by not in row.metrics, sign * row.metrics.get(by, 0.0), row.started))


def print_runs(rows: Sequence[RunRow], by: str) -> None:
    """Print runs as a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    table = Table(box=None, header_style="bold", pad_edge=False)
    columns = list(dict.fromkeys((by, *_METRICS)))
    for heading in ("run", "status", "started"):
        table.add_column(heading, overflow="fold")
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("differs in", overflow="fold")
    for row in rows:
        figures = [f"{row.metrics[name]:.4f}" if name in row.metrics else "" for name in columns]
        differences = "\n".join(f"{key} {value or '-'}" for key, value in row.differences.items())
        cells = (row.name, row.status, f"{row.started:%m-%d %H:%M}", *figures, differences)
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)

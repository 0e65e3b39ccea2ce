"""`hdoc runs`: the runs of an experiment, best first, with what tells their configs apart."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hdoc.errors import HdocError
from hdoc.tracking.runs import deliver, open_store, print_runs, read_runs

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `hdoc runs`."""
    parser = argparse.ArgumentParser(
        prog="hdoc runs",
        description="The runs of an experiment, best first, with what tells their configs apart. "
        "Reads MLFLOW_TRACKING_URI, or mlflow.db here.",
    )
    parser.add_argument("experiment", nargs="?", help="default: the only one there is")
    parser.add_argument("--by", default="dev/macro_f1", metavar="METRIC", help="default: dev/macro_f1")
    parser.add_argument(
        "--deliver",
        type=Path,
        metavar="FOLDER",
        help="send what this run logged while its server was away, and nothing else",
    )
    options = parser.parse_args(arguments)
    if options.deliver:
        deliver(options.deliver)
        return 0
    client = open_store()
    experiment = options.experiment or _only_experiment(client)
    print_runs(read_runs(client, experiment, options.by), options.by)
    return 0


def _only_experiment(client: MlflowClient) -> str:
    names = sorted(one.name for one in client.search_experiments() if one.name != "Default")
    if len(names) != 1:
        raise HdocError(f"expected the name of an experiment: {', '.join(names) or 'there is none yet'}")
    name: str = names[0]
    return name

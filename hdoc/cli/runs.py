"""`hdoc runs`: the runs of an experiment, best first, with what tells their configs apart."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hdoc.tracking.delivery import deliver
from hdoc.tracking.runs import only_experiment, open_runs, print_runs, read_runs


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
        sys.stdout.write(f"{options.deliver}: {deliver(options.deliver)} entries delivered\n")
        return 0
    client = open_runs()
    experiment = options.experiment or only_experiment(client)
    print_runs(read_runs(client, experiment, options.by), options.by)
    return 0

"""`hdoc register`: a model folder into an MLflow registry."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hdoc.models import table_form
from hdoc.storage.identity import task_of
from hdoc.tracking.registry import register
from hdoc.training.known_tasks import find_training


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `hdoc register`."""
    parser = argparse.ArgumentParser(
        prog="hdoc register",
        description="Make a model folder the next version of a registered model of MLflow "
        "(MLFLOW_TRACKING_URI, or mlflow.db here).",
    )
    parser.add_argument("folder", type=Path, help="the model folder, for example runs/NAME/…/model")
    parser.add_argument("--name", required=True, help="of the registered model")
    parser.add_argument("--alias", help="is to mean this version from now on, for example champion")
    options = parser.parse_args(arguments)
    form = table_form(options.folder)
    found = register(options.folder, options.name, options.alias, form)
    uri = f"models:/{options.name}@{options.alias}" if options.alias else f"models:/{options.name}/{found}"
    use = find_training(task_of(options.folder)).use.format(model=uri)
    sys.stdout.write(f"{options.name} version {found}\nnext: {use}\n")
    return 0

"""`hdoc predict`: a model of any task over a table, one row a row, in order.

Which columns are read and what may be asked is the task's affair, and the model says of which task it is: so
the model is looked for before the other arguments are read.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from hdoc.cli.batch import add_task, run_batch
from hdoc.cli.options import add_common, add_inputs
from hdoc.encoders.precision import Runtime
from hdoc.models import find_model, find_task, load
from hdoc.storage.identity import task_of
from hdoc.tasks.task import Model


def main(arguments: Sequence[str]) -> int:
    """Run `hdoc predict`.

    Raises:
        HdocError: an input, the output or the model cannot be used.
    """
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("-m", "--model")
    found, _ = finder.parse_known_args(arguments)
    folder = find_model(found.model)  # once: a registry is asked for one of its models only here
    task = find_task(task_of(folder))
    parser = argparse.ArgumentParser(
        prog="hdoc predict",
        description=f"A row of results for each row of a table. This model gives {task.about}.",
        epilog="What is read and asked is that of the task of the model that -m names.",
    )
    add_inputs(parser)
    add_task(parser, task)
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes that split sentences; default: one for each core",
    )
    add_common(parser)
    options = parser.parse_args(arguments)
    return run_batch(task, lambda: _load(folder, options), options)


def _load(folder: Path, options: argparse.Namespace) -> Model:
    """Load the model in what runs it best for many rows."""
    runtime: Runtime = "onnx" if options.precision == "int8" else "torch"
    if options.runtime != "auto":
        runtime = options.runtime
    return load(folder, options.device, runtime, options.precision)

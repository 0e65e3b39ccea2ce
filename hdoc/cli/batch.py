"""Rows of results for a batch, whatever its task: what `hdoc classify` and `hdoc predict` share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from hdoc.cli.options import argument_type
from hdoc.console import complain, documents_bar, say
from hdoc.errors import HdocError

if TYPE_CHECKING:
    from hdoc.tasks.task import Model, Task


def add_task(parser: argparse.ArgumentParser, task: Task) -> None:
    """Add the columns that a task reads, and what may be asked of it."""
    for field in task.fields:
        parser.add_argument(
            f"--{field.name}-column",
            metavar="NAME",
            help=f"column of tables that holds {field.about}; default: {field.name}",
        )
    for option in task.options:
        shown = "" if option.default in (None, 0) else f"; default: {option.default}"
        parser.add_argument(
            f"--{option.name.replace('_', '-')}",
            type=argument_type(option.read),
            default=option.default,
            metavar=option.metavar,
            help=f"{option.about}{shown}",
        )


def columns(task: Task, options: argparse.Namespace) -> dict[str, str | None]:
    """Return the column of each field, as the command line says."""
    return {field.name: getattr(options, f"{field.name}_column") for field in task.fields}


def asked(task: Task, options: argparse.Namespace) -> dict[str, Any]:
    """Return what was asked of the task."""
    return {option.name: getattr(options, option.name) for option in task.options}


def run_batch(task: Task, load: Callable[[], Model], options: argparse.Namespace) -> int:
    """Read, predict and write; returns the exit code.

    Raises:
        HdocError: an input, the output or the model cannot be used.
    """
    from hdoc.tables.records import read_records
    from hdoc.tables.results import open_writer

    wanted = asked(task, options)
    records = read_records(options.inputs, columns(task, options), options.id_column, options.encoding)
    workers = os.cpu_count() or 1 if options.workers is None else options.workers
    # Or torch's threads would wait for each other by spinning, on cores that splitting needs.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    model = load()
    failed = unsure = 0
    with (
        open_writer(options.output, inputs=options.inputs, columns=task.columns) as writer,
        _progress(options) as advance,
        closing(model.predict(records, workers, **wanted)) as rows,
    ):
        for row in rows:
            writer.write(row)
            failed += row["error"] is not None
            unsure += row["error"] is None and row[task.columns[0].name] is None
            advance()
    if options.output != "-":
        say(f"wrote {writer.n_rows:,} rows to {options.output}")
    tell_missing(task, wanted, writer.n_rows, failed, unsure)
    return 1 if failed and failed == writer.n_rows else 0


def tell_missing(task: Task, wanted: Mapping[str, Any], total: int, failed: int, unsure: int) -> None:
    """Say how many rows have no result, on purpose or for an error."""
    if unsure and task.unsure:
        say(task.unsure.format(n=unsure, total=total, **wanted))
    if failed:
        complain(
            f"{failed:,} of {total:,} {task.items} have no {task.result}; their rows say why under 'error'"
        )


@contextmanager
def _progress(options: argparse.Namespace) -> Iterator[Callable[[], None]]:
    """Show a progress bar on standard error; its total comes as soon as the inputs have been counted."""
    from threading import Thread

    from hdoc.tables.records import count_records

    with documents_bar() as progress:
        task = progress.add_task("reading", total=None)

        def count() -> None:
            with suppress(HdocError):  # an input that cannot be counted is reported when it is read
                progress.update(task, total=count_records(options.inputs, options.encoding))

        Thread(target=count, daemon=True).start()
        yield lambda: progress.advance(task)

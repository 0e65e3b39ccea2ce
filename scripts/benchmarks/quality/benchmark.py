"""Runs or resumes all that is compared, task by task, and keeps the table up to date."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.entries import MOST_TRIALS, choose, entries
from benchmarks.quality.report import Report, ranked
from benchmarks.quality.run import Run
from benchmarks.quality.runs import EXPERIMENT, Bench
from benchmarks.quality.statistics import buckets, lines
from benchmarks.quality.tasks import SPLITS, Task, limit, own_task, shipped_task
from benchmarks.quality.training import Train, train_in_process
from benchmarks.result import command
from hdoc.console import complain
from hdoc.errors import HdocError

Options = argparse.Namespace


def run(
    options: Options,
    configs: Callable[[], dict[str, Path]],
    train: Train | None = None,
    say: Callable[[str], None] = lambda line: print(line, flush=True),
) -> int:
    """Run the command.

    Args:
        options: parsed.
        configs: gives the shipped configs by name.
        train: runs a training; default: in a process of its own, with its part of the cores.
        say: shows a line.

    Returns:
        Exit status: 1 if a run failed or something was wrong, which is shown as one line; 130 after Ctrl-C.
    """
    try:
        settings, epochs = _settings(options), _epochs(options.epochs)
        tasks = _tasks(options, configs())
        failed = False
        for task in tasks:
            bench = Bench(
                task,
                choose(options.entries, task.base),
                settings["seeds"],
                options.trials,
                options.folder,
                options.more,
                epochs,
                train or partial(train_in_process, n_threads=_threads(options.jobs)),
                options.jobs,
                say,
            )
            if options.list:
                _list(bench, say)
                continue
            failed |= _run_task(bench, options, settings, say)
    except HdocError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the same command goes on\n")
        return 130
    return int(failed)


def _run_task(bench: Bench, options: Options, settings: dict[str, Any], say: Callable[[str], None]) -> bool:
    """Make the runs of a task, and the report after each; returns whether one failed."""
    from rich.console import Console

    from benchmarks.quality.pictures import draw
    from benchmarks.quality.tracking import log_report

    folder = _report_folder(options, bench.task.name)
    lengths = {split: bench.task.lengths(split) for split in SPLITS}
    done: list[Run] = []
    for made in bench.find() if options.report else bench.make():
        done.append(made)
        if not options.report:
            _report(bench, settings, lengths).write(folder)
    report = _report(bench, settings, lengths)
    report.write(folder)
    draw(report, folder)
    if options.json is not None:
        report.result().write(options.json / f"quality-{bench.task.name}.json")
    log_report(report, done, folder, _key(bench, settings))
    report.show(Console(width=160))
    say(f"table and pictures: {folder}")
    return bool(bench.failures) and not options.report


def _report(bench: Bench, settings: dict[str, Any], lengths: dict[str, NDArray[np.int64]]) -> Report:
    chosen = {entry.name: bench.chosen(entry) for entry in bench.entries}
    tried = {entry.name: bench.tried(entry) for entry in bench.entries}
    return Report(
        task=bench.task.name,
        date=date.today().isoformat(),
        command=command(),
        settings=settings,
        documents={split: len(found) for split, found in lengths.items()},
        borders=buckets(lengths["test"])[0],
        lines=ranked(lines(chosen, tried, lengths["test"])),
        failures=dict(bench.failures),
    )


def _settings(options: Options) -> dict[str, Any]:
    """Return the budget, after a look at it."""
    if not 1 <= options.trials <= MOST_TRIALS:
        raise HdocError(f"expected --trials from 1 to {MOST_TRIALS}, got {options.trials}")
    for name in ("max_documents", "jobs"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise HdocError(f"expected --{name.replace('_', '-')} of at least 1, got {value}")
    try:
        seeds = [int(seed) for seed in options.seeds.split(",")]
    except ValueError as error:
        raise HdocError(f"expected --seeds such as 0,1,2, got {options.seeds!r}") from error
    return {
        "seeds": seeds,
        "trials": options.trials,
        "epochs": options.epochs,
        "max_documents": options.max_documents,
        "more": shlex.join(options.more),
    }


def _tasks(options: Options, configs: dict[str, Path]) -> list[Task]:
    """Return the tasks that are asked for, made smaller if that is asked for."""
    encoder = _encoder(options.more)
    if options.data is not None:
        if options.tasks:
            raise HdocError("expected either --tasks or --data, got both; run the command twice")
        given = {"train": options.data, "dev": options.dev, "test": options.test}
        files = {split: path for split, path in given.items() if path is not None}
        columns = (options.text_column, options.label_column)
        folder = _report_folder(options, options.data.name.partition(".")[0]) / "data"
        tasks = [own_task(files, _config(options.config, configs), folder, *columns, encoder)]
    else:
        names = [name.strip() for name in (options.tasks or "petitions").split(",")]
        tasks = [shipped_task(name, _config(name, configs), encoder) for name in names]
    if options.max_documents is None:
        return tasks
    return [
        limit(
            task, options.max_documents, _report_folder(options, task.name) / f"first-{options.max_documents}"
        )
        for task in tasks
    ]


def _config(name: str, configs: dict[str, Path]) -> Path:
    if name not in configs:
        raise HdocError(f"expected a task or --config among {', '.join(configs)}; got {name!r}")
    return configs[name]


def _encoder(more: Sequence[str]) -> str | None:
    """Return the encoder that is named among further options, as it decides what some entries are."""
    for place, argument in enumerate(more):
        option, equals, value = argument.partition("=")
        if option == "--model.encoder":
            return value if equals else more[place + 1] if place + 1 < len(more) else None
    return None


def _epochs(given: str | None) -> dict[str, int]:
    """Return the most epochs of entries by name, "" standing for all others: of "5,han=12", or of nothing."""
    fits = {entry.fit for entry in entries().values()}
    found: dict[str, int] = {}
    for part in filter(None, (given or "").split(",")):
        name, equals, number = part.strip().rpartition("=")
        if (equals and name not in fits) or name in found or not number.isdecimal() or int(number) < 1:
            raise HdocError(f"expected --epochs such as 5, or 5,han=12 with names of entries, got {given!r}")
        found[name] = int(number)
    return found


def _threads(jobs: int) -> int | None:
    """Return the threads of each of some trainings at once, or None if that is already decided."""
    if jobs == 1 or "OMP_NUM_THREADS" in os.environ:
        return None
    return max(1, (os.cpu_count() or 1) // jobs)


def _report_folder(options: Options, task: str) -> Path:
    folder: Path = options.folder / EXPERIMENT / "report" / task
    return folder


def _key(bench: Bench, settings: dict[str, Any]) -> str:
    budget = {name: value for name, value in settings.items() if name != "seeds"}
    content = json.dumps([bench.task.arguments(), budget])
    return f"{bench.task.name}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def _list(bench: Bench, say: Callable[[str], None]) -> None:
    for entry in bench.entries:
        for trial in range(bench.n_trials):
            found = bench.run(entry, trial, bench.seeds[0])
            say(f"{'done' if found.is_done else 'open'}  hdoc train {shlex.join(found.arguments)}")

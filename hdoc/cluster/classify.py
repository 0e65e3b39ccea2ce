"""`hdoc classify --engine ray INPUT… OUTPUT`."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hdoc.cluster.plan import SUCCESS, Block, Settings, find_tables, kind_of, make_plan
from hdoc.cluster.ray_data import classify_blocks, ray_cluster, workforce
from hdoc.cluster.worker import tries_file
from hdoc.console import complain, say
from hdoc.errors import HdocError, InputError
from hdoc.tasks.document.folder.loading import load_model
from hdoc.tasks.location import find_model


def classify(options: argparse.Namespace) -> int:
    """Classify tables on a cluster; returns the exit code.

    Args:
        options: of `hdoc classify`; without -o, the last input is the folder to write to.

    Raises:
        HdocError: an input, the output, the model or the cluster cannot be used.
    """
    inputs, output = _inputs_and_output(options)
    tables = find_tables(inputs)
    settings = _settings(options, output)
    with ray_cluster():
        workers = workforce(options.workers, options.device)
        blocks = make_plan(tables, settings, workers.n_workers)
        waiting = [block for block in blocks if not block.file(settings).is_file()]
        if len(waiting) < len(blocks):
            say(f"{len(blocks) - len(waiting):,} of {len(blocks):,} blocks were finished before")
        for block in waiting:
            tries_file(block, settings).unlink(missing_ok=True)  # those of a run before this one
        counts: Counter[str] = Counter()
        if waiting:
            with _progress(blocks, waiting) as advance:
                for done in classify_blocks(waiting, settings, workers):
                    counts.update(done)
                    advance(done["n_rows"])
    _mark_as_done(settings)
    n_written, n_unsure, n_failed = (counts[name] for name in ("n_written", "n_unsure", "n_failed"))
    say(f"wrote {n_written:,} rows in {len(waiting):,} files to {output}")
    if n_unsure:
        say(
            f"{n_unsure:,} of {n_written:,} documents were left without a label: their most probable "
            f"category has a probability below {options.abstain_below:g}"
        )
    if n_failed:
        complain(f"{n_failed:,} of {n_written:,} documents have no label; their rows say why under 'error'")
    return 1 if n_failed and n_failed == n_written else 0


def _settings(options: argparse.Namespace, output: str) -> Settings:
    model = find_model(options.model).resolve()
    return Settings(
        model=str(model),
        checksum=load_model(model).identity.checksum,
        output=str(Path(output).resolve()),
        kind=kind_of(output),
        text_column=options.text_column,
        id_column=options.id_column,
        encoding=options.encoding,
        top=options.top,
        runtime="torch" if options.runtime == "auto" else options.runtime,
        precision=getattr(options, "precision", "float32"),
        abstain_below=options.abstain_below,
        device=options.device,
    )


def _inputs_and_output(options: argparse.Namespace) -> tuple[list[str], str]:
    inputs, output = list(options.inputs), str(options.output)
    if output == "-":
        if len(inputs) < 2:
            raise InputError("expected a folder to write to: hdoc classify --engine ray INPUT OUTPUT")
        output = inputs.pop()
    for given in map(Path, inputs):
        if given.resolve() in [Path(output).resolve(), *Path(output).resolve().parents]:
            raise InputError(f"{output}: writing there would change the input {given}; give another folder")
    return inputs, output


def _mark_as_done(settings: Settings) -> None:
    try:
        (Path(settings.output) / SUCCESS).touch()
    except OSError as error:
        raise HdocError(f"{settings.output}: cannot be written ({error.strerror or error})") from error


@contextmanager
def _progress(blocks: list[Block], waiting: list[Block]) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error, in rows."""
    from hdoc.console import documents_bar

    total = sum(block.part.n_rows for block in blocks)
    done = total - sum(block.part.n_rows for block in waiting)
    with documents_bar() as progress:
        task = progress.add_task("classifying", total=total, completed=done)
        yield lambda n_rows: progress.advance(task, n_rows)

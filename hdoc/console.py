"""What commands say beside their results: lines and progress bars on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

# Where torchrun, Lightning and Slurm say which of several processes this one is.
_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")


def say(message: str) -> None:
    """Write a line to standard error, once however many processes there are."""
    if next((os.environ[name] for name in _RANKS if name in os.environ), "0") == "0":
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()


def complain(message: str) -> None:
    """Write an error as one line to standard error, whatever line breaks it has."""
    sys.stderr.write(f"hdoc: error: {' '.join(message.split())}\n")
    sys.stderr.flush()


def documents_bar() -> Progress:
    """Return a bar on standard error that goes away when it is done; nothing where no terminal is."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def progress(console: Console, what: str, total: int, done: int = 0) -> Iterator[Callable[[], None]]:
    """Show how far a long measurement is: a bar on a terminal, elsewhere a line for each tenth.

    Args:
        console: where to show it.
        what: what is being done.
        total: items in all.
        done: items that an earlier run did.

    Yields:
        What is to be called after each item.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    if done and done < total:
        console.print(f"{what}: going on after {done:,} of {total:,}", highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    plain = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=plain) as shown:
        task = shown.add_task(what, total=total, completed=done)
        n_done = done

        def advance() -> None:
            nonlocal n_done
            n_done += 1
            shown.advance(task)
            if plain and n_done * 10 // total > (n_done - 1) * 10 // total:
                console.print(f"{what}: {n_done:,} of {total:,}", highlight=False)

        yield advance

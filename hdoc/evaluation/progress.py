"""How far a long measurement is: a bar on a terminal, elsewhere a line for each tenth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress(console: Console, what: str, total: int, done: int = 0) -> Iterator[Callable[[], None]]:
    """Show progress; yields what is to be called after each item.

    Args:
        console: where to show it.
        what: what is being done.
        total: items in all.
        done: items that an earlier run did.
    """
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

"""What a drill found."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hdoc.errors import HdocError


@dataclass(slots=True)
class Outcome:
    """Tries of a drill, and which of them did not end as they must.

    Attributes:
        name: what was done.
        n_tries: how often.
        failures: what went wrong, one line each.
        figures: measured numbers, in words.
        skipped: why nothing could be tried, or None.
    """

    name: str
    n_tries: int = 0
    failures: list[str] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)
    skipped: str | None = None

    @property
    def passed(self) -> bool:
        """Whether there were tries and each ended as it must."""
        return self.n_tries > 0 and not self.failures

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table of results."""
        held = {
            "name": self.name,
            "n_tries": self.n_tries,
            "n_failed": len(self.failures),
            "figures": self.figures,
        }
        return held if self.skipped is None else held | {"skipped": self.skipped}

    def lines(self) -> Iterator[str]:
        """Yield what to show of it."""
        if self.skipped is not None:
            yield f"skipped  {self.name}: {self.skipped}"
            return
        figures = "".join(f"; {name} {value}" for name, value in self.figures.items())
        held = self.n_tries - len(self.failures)
        yield f"{'held  ' if self.passed else 'BROKEN'}   {self.name}: {held:,} of {self.n_tries:,}{figures}"
        for failure in self.failures[:20]:
            yield f"         {failure}"


def attempt(outcome: Outcome, what: str, act: Callable[[], object], seconds: int = 60) -> HdocError | None:
    """Do something that may end well or with an error of hdoc; anything else is a failure.

    Args:
        outcome: counts it.
        what: says which try it is.
        act: what to do.
        seconds: after which it is a failure too.

    Returns:
        The error, or None.
    """
    outcome.n_tries += 1
    try:
        with _at_most(seconds):
            act()
    except HdocError as error:
        if len(str(error)) > _LONGEST_ERROR:
            outcome.failures.append(f"{what}: an error of {len(str(error)):,} characters")
        return error
    except TimeoutError:
        outcome.failures.append(f"{what}: took longer than {seconds} s")
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        outcome.failures.append(f"{what}: {type(error).__name__}: {str(error)[:120]}")
    return None


_LONGEST_ERROR = 1_000


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError

    former = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)

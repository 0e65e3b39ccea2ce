"""How a command ends: with an exit status, and with one line where something was wrong."""

from __future__ import annotations

from collections.abc import Callable

from hdoc.console import complain
from hdoc.errors import HdocError

FAILED, INTERRUPTED = 1, 130


def exit_status(run: Callable[[], int]) -> int:
    """Run a command; what hdoc raises on purpose, and Ctrl-C, become one line on standard error."""
    try:
        return run()
    except HdocError as error:
        complain(str(error))
        return FAILED
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED

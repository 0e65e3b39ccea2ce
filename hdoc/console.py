"""What commands say beside their results: lines on standard error."""

from __future__ import annotations

import sys


def say(message: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{message}\n")


def complain(message: str) -> None:
    """Write an error as one line to standard error, whatever line breaks it has."""
    say(f"hdoc: error: {' '.join(message.split())}")

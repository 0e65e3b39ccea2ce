"""`hdoc train` is run in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hdoc.errors import HdocError

Train = Callable[[Sequence[str], Path], None]
"""Runs the training command with arguments, its output going to a file; raises HdocError if it fails."""


def train_in_process(arguments: Sequence[str], log: Path, n_threads: int | None = None) -> None:
    """Run `hdoc train` in a process of its own, so that no run is in another's way.

    Args:
        arguments: of the command.
        log: what its output is added to.
        n_threads: that it computes with; None for as many as it takes.

    Raises:
        HdocError: it failed; with its last line.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as output:
        command = [sys.executable, "-m", "hdoc", "train", *arguments]
        threads = {} if n_threads is None else {"OMP_NUM_THREADS": str(n_threads)}
        environment = {**os.environ, **threads}
        done = subprocess.run(command, stdout=output, stderr=output, env=environment, check=False)  # noqa: S603
    if done.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no output"]
        raise HdocError(f"hdoc train ended with status {done.returncode}: {lines[-1]}; its output: {log}")

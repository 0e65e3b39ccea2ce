"""Trainings that are killed at random moments, again and again, and go on to the same weights."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

from drills.outcome import Outcome
from drills.training import SmallTraining

_LONGEST_WAIT = 3.0
_SECONDS = 900


def drill_kills(folder: Path, n_kills: int, seed: int = 0, training: SmallTraining | None = None) -> Outcome:
    """Kill a training with SIGKILL, go on with it, and compare what it ends with.

    Runs are begun until so many kills are done; each is resumed after each kill until it ends, and its last
    checkpoint is then compared, byte for byte of the weights, with that of a run that nobody disturbed.

    Args:
        folder: an empty one to work in.
        n_kills: how many kills.
        seed: of their moments: up to three seconds after a checkpoint of the process that is killed.
        training: what to run; a small one by default.
    """
    outcome = Outcome("a training killed by SIGKILL goes on to the weights of an undisturbed one")
    training = training or SmallTraining(folder)
    whole = training.fit("whole")
    _, said = whole.communicate(timeout=_SECONDS)
    if whole.returncode:
        outcome.failures.append(f"the undisturbed run failed: {said[-200:]}")
        outcome.n_tries = 1
        return outcome
    wanted = training.weights("whole")
    choose = random.Random(seed)  # noqa: S311 (no secret)
    n_runs = while_writing = 0
    while outcome.n_tries < n_kills:
        name = f"killed-{n_runs}"
        n_runs += 1
        process = training.fit(name)
        while outcome.n_tries < n_kills and _kill(process, training.checkpoint(name), choose):
            outcome.n_tries += 1
            drafts = list(training.checkpoint(name).parent.glob(".*.ckpt.*"))
            while_writing += any(draft.name.endswith(f".{process.pid}") for draft in drafts)
            process = training.resume(name)
        _, said = process.communicate(timeout=_SECONDS)
        if process.returncode:
            outcome.failures.append(f"{name}: failed after a kill: {said[-200:]}")
        elif training.weights(name) != wanted:
            outcome.failures.append(f"{name}: ended with other weights")
    outcome.figures = {"runs": str(n_runs), "kills while a checkpoint was written": str(while_writing)}
    return outcome


def _kill(process: subprocess.Popen[str], checkpoint: Path, choose: random.Random) -> bool:
    """Kill a training a random while after it wrote a checkpoint; returns False if it ended before."""
    before = checkpoint.stat().st_mtime_ns if checkpoint.is_file() else 0
    began = time.monotonic()
    while process.poll() is None and time.monotonic() - began < _SECONDS:
        if checkpoint.is_file() and checkpoint.stat().st_mtime_ns != before:
            break
        time.sleep(0.01)
    time.sleep(choose.uniform(0, _LONGEST_WAIT))
    if process.poll() is not None:
        return False
    process.kill()
    process.communicate()
    return True

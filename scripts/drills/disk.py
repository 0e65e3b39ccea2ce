"""A disk that is full in the middle of a training, an export or a batch: one clear line, nothing lost."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drills.outcome import Outcome
from drills.training import SmallTraining
from hdoc.tasks.document.classifier import DocumentClassifier

_SECONDS = 600
_SIZE = 64 << 20


def drill_full_disk(folder: Path, training: SmallTraining | None = None) -> list[Outcome]:
    """Fill a small disk while it is written to. It needs the right to mount one (Linux, root).

    Args:
        folder: an empty one to work in.
        training: what to run; a small one by default.
    """
    names = ("a full disk while checkpoints are written", "a full disk while a model is exported",
             "a full disk while a batch is classified")  # fmt: skip
    disk = folder / "disk"
    disk.mkdir()
    reason = _mount(disk)
    if reason:
        return [Outcome(name, skipped=f"no small disk can be mounted here ({reason})") for name in names]
    try:
        training = training or SmallTraining(folder)
        return [
            _checkpoints(Outcome(names[0]), training, disk),
            _export(Outcome(names[1]), training, disk),
            _batch(Outcome(names[2]), training, disk),
        ]
    finally:
        subprocess.run(["umount", str(disk)], check=False, capture_output=True)  # noqa: S603, S607


def _checkpoints(outcome: Outcome, training: SmallTraining, disk: Path) -> Outcome:
    """Fill the disk after the first checkpoint; the run ends, and goes on when there is room again."""
    whole = training.fit("whole")
    process = training.fit("full", runs="disk")
    checkpoint = training.checkpoint("full", "disk")
    while not checkpoint.is_file() and process.poll() is None:
        time.sleep(0.01)
    with _filled(disk):
        _, said = process.communicate(timeout=_SECONDS)
        _expect_one_error(outcome, "the training", process.returncode, said)
    _, said = whole.communicate(timeout=_SECONDS)
    resumed = training.resume("full", runs="disk")
    _, said = resumed.communicate(timeout=_SECONDS)
    outcome.n_tries += 1
    if resumed.returncode or training.weights("full", "disk") != training.weights("whole"):
        outcome.failures.append(f"the run that had no room does not go on to the same weights: {said[-200:]}")
    left = [path.name for path in checkpoint.parent.iterdir() if path.name.startswith(".")]
    outcome.figures["drafts left"] = str(len(left))
    return outcome


def _export(outcome: Outcome, training: SmallTraining, disk: Path) -> Outcome:
    """Export where there is no room: a new model is not begun, an older one stays."""
    checkpoint, model = str(training.checkpoint("whole")), disk / "model"
    for former in (False, True):
        if former:
            process = training.start("export", checkpoint, str(model))
            process.communicate(timeout=_SECONDS)
        with _filled(disk):
            process = training.start("export", checkpoint, str(model), "--version", "2")
            _, said = process.communicate(timeout=_SECONDS)
            _expect_one_error(outcome, "the export", process.returncode, said)
        left = [path.name for path in disk.iterdir() if path.name.startswith(".model")]
        if left or model.exists() != former:
            outcome.failures.append(f"the export left {left}, a model: {model.exists()}")
        if former and DocumentClassifier.load(model, "cpu").identity.version != "whole":
            outcome.failures.append("the export without room changed the model that was there")
    return outcome


def _batch(outcome: Outcome, training: SmallTraining, disk: Path) -> Outcome:
    """Classify into a disk with room for a few rows; those that were finished can be read."""
    rows = [json.loads(line) for line in (training.folder / "train.jsonl").read_text("utf-8").splitlines()]
    many = training.folder / "many.jsonl"
    many.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows * 5), encoding="utf-8")
    with _filled(disk, keep=64 << 10):
        process = training.start("classify", str(many), "-o", str(disk / "out.jsonl"))
        _, said = process.communicate(timeout=_SECONDS)
        _expect_one_error(outcome, "the batch", process.returncode, said)
    lines = (disk / "out.partial.jsonl").read_bytes().split(b"\n")[:-1]
    outcome.n_tries += 1
    try:
        outcome.figures["whole rows before the end of the disk"] = str(
            len([json.loads(line) for line in lines])
        )
    except ValueError as error:
        outcome.failures.append(f"a row is torn: {error}")
    if (disk / "out.jsonl").exists():
        outcome.failures.append("the unfinished file has the name of a finished one")
    return outcome


def _expect_one_error(outcome: Outcome, what: str, status: int, said: str) -> None:
    outcome.n_tries += 1
    errors = [line for line in said.splitlines() if "error: " in line]
    if status != 1 or len(errors) != 1 or "No space left" not in errors[0] or "Traceback" in said:
        outcome.failures.append(f"{what}: status {status}, {len(errors)} errors: {said.strip()[-300:]!r}")


def _mount(disk: Path) -> str:
    """Mount a small disk in memory; returns why it cannot be, or nothing."""
    try:
        command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(disk)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    except OSError as error:
        return str(error.strerror or error)
    return " ".join(done.stderr.split()) if done.returncode else ""


@contextmanager
def _filled(disk: Path, keep: int = 0) -> Iterator[None]:
    """Fill a disk but for some bytes, for a while."""
    ballast = disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            try:
                for _ in range(0, free - keep, 4096):
                    file.write(b"\0" * 4096)
            except OSError:
                pass  # full, as it is meant to be
        yield
    finally:
        ballast.unlink()

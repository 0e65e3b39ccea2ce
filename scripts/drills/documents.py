"""`hdoc explain` and `hdoc classify` are run over documents that are damaged, very large or made to do harm.

Each document must come out with a result or one clear line; the process must end soon, in bounded memory,
and never with a traceback.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drills.mutations import extremes, mutate
from drills.outcome import Outcome
from hdoc.tables.columns import whole_row
from hdoc.tasks.document.task import TASK

_FILES_PER_PROCESS = 250
_SECONDS_PER_PROCESS = 3_600


def drill_documents(
    texts: Sequence[str],
    folder: Path,
    n_documents: int,
    model: Path | None = None,
) -> list[Outcome]:
    """Explain and classify damaged documents by the commands.

    Args:
        texts: ordinary documents to damage.
        folder: an empty one to work in.
        n_documents: how many.
        model: to use; None for the one that comes with hdoc.
    """
    damaged = folder / "damaged"
    damaged.mkdir()
    for i, (_, content) in enumerate(mutate(texts, n_documents)):
        (damaged / f"{i:05d}.txt").write_bytes(content)
    return [_explain(damaged, folder, model), _classify(damaged, folder, model)]


def drill_large(folder: Path, model: Path | None = None) -> list[Outcome]:
    """Explain and classify documents that are large, or tell to be, by the commands.

    Args:
        folder: an empty one to work in.
        model: to use; None for the one that comes with hdoc.
    """
    large = folder / "large"
    large.mkdir()
    for i, (name, content) in enumerate(extremes()):
        (large / f"{i:02d}{'.docx' if 'docx' in name else '.txt'}").write_bytes(content)
    return [_explain(large, folder, model), _classify(large, folder, model)]


def _explain(documents: Path, folder: Path, model: Path | None) -> Outcome:
    files = sorted(documents.iterdir())
    outcome = Outcome(f"hdoc explain, {documents.name} documents: a view or one clear line", len(files))
    results = errors = 0
    usage = _Usage()
    formats = ("json", "html", "text")
    for first in range(0, len(files), _FILES_PER_PROCESS):
        group = files[first : first + _FILES_PER_PROCESS]
        view = formats[first // _FILES_PER_PROCESS % len(formats)]
        output = folder / f"explained-{documents.name}-{first}"
        output.mkdir()
        # Two documents at least, so that each has its own file and its own error.
        again = group if len(group) > 1 else group * 2
        said = usage.run(
            ["explain", *map(str, again), "--format", view, "-o", str(output), *_model(model)], outcome
        )
        for file in group:
            made = output / f"{file.name}.{'txt' if view == 'text' else view}"
            lines = [line for line in said if line.startswith("hdoc: error: ") and str(file) in line]
            results += made.is_file()
            errors += len(lines) == 1 and not made.is_file()
            if made.is_file() == bool(lines) or len(lines) > 1:
                outcome.failures.append(f"{file.name}: view {made.is_file()}, {len(lines)} errors")
            if view == "json" and made.is_file():
                json.loads(made.read_bytes())
    outcome.figures |= {"results": f"{results:,}", "errors": f"{errors:,}"} | usage.figures()
    return outcome


def _classify(documents: Path, folder: Path, model: Path | None) -> Outcome:
    files = sorted(documents.iterdir())
    outcome = Outcome(f"hdoc classify, {documents.name} documents: a row each", len(files))
    output = folder / f"{documents.name}.jsonl"
    usage = _Usage()
    given = [str(file) for file in files if file.suffix != ".txt"]
    usage.run(["classify", str(documents), *given, "-o", str(output), *_model(model)], outcome)
    rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()] if output.is_file() else []
    if len(rows) != len(files):
        outcome.failures.append(f"{len(rows):,} rows of {len(files):,} documents")
    for row in rows:
        if list(row) != [column.name for column in whole_row(TASK.columns)] or (row["label"] is None) == (
            row["error"] is None
        ):
            outcome.failures.append(f"{Path(row['id']).name}: label {row['label']!r}, error {row['error']!r}")
    n_errors = sum(row["error"] is not None for row in rows)
    outcome.figures |= {"labels": f"{len(rows) - n_errors:,}", "errors": f"{n_errors:,}"} | usage.figures()
    return outcome


@dataclass(slots=True)
class _Usage:
    """What processes took."""

    seconds: float = 0.0
    longest: float = 0.0
    most_memory: int = 0

    def run(self, arguments: list[str], outcome: Outcome) -> list[str]:
        """Run `hdoc` and return its lines on standard error; a traceback in them is a failure."""
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: S603 (the arguments are the drill's own)
            [sys.executable, "-m", "hdoc", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )
        try:
            _, stderr = process.communicate(timeout=_SECONDS_PER_PROCESS)
        except subprocess.TimeoutExpired:
            process.kill()
            _, stderr = process.communicate()
            outcome.failures.append(f"hdoc {arguments[0]}: took longer than {_SECONDS_PER_PROCESS} s")
        took = time.monotonic() - began
        self.seconds += took
        self.longest = max(self.longest, took)
        self.most_memory = max(self.most_memory, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        lines = stderr.decode("utf-8", "replace").splitlines()
        if process.returncode not in (0, 1):
            outcome.failures.append(f"hdoc {arguments[0]}: exit status {process.returncode}")
        outcome.failures += [
            f"hdoc {arguments[0]}: {line}" for line in lines if "Traceback" in line or "Warning" in line
        ]
        return lines

    def figures(self) -> dict[str, str]:
        """Return the figures in words."""
        return {
            "time": f"{self.seconds:.0f} s",
            "longest process": f"{self.longest:.0f} s",
            "peak memory": f"{self.most_memory >> 10:,} MiB",
        }


def _model(model: Path | None) -> list[str]:
    return [] if model is None else ["-m", str(model)]

"""One run: a fit that is to be made or has been, and its outcome."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.entries import Entry
from benchmarks.quality.tasks import Task


@dataclass(frozen=True, slots=True)
class Run:
    """One fit that is to be, or has been.

    Attributes:
        task: its documents.
        entry: what is trained.
        trial: which of the entry's settings.
        seed: of weights, order and all that is left out at random.
        folder: of the fit; entries that are parts of the same fit share it.
        arguments: of `hdoc train fit`.
    """

    task: Task
    entry: Entry
    trial: int
    seed: int
    folder: Path
    arguments: tuple[str, ...]

    @property
    def place(self) -> Path:
        """Where the outcome is: that of the fit, or of the part of it that the entry is."""
        return self.folder / "parts" / self.entry.part if self.entry.part else self.folder

    @property
    def is_fitted(self) -> bool:
        """Whether the fit is over."""
        return (self.folder / "outcome.json").is_file()

    @property
    def is_done(self) -> bool:
        """Whether there is an outcome."""
        return self.is_fitted and (self.place / "outcome.json").is_file()

    def outcome(self) -> dict[str, Any]:
        """Return what the fit, or the part of it, came to; see `hdoc.training.outcome`."""
        return _read(self.place)

    def dev_macro_f1(self) -> float:
        """Return what settings are chosen by: macro-F1 of the whole fit on dev, also for a part of it."""
        return float(_read(self.folder)["splits"]["dev"]["macro_f1"])

    def scores(self, split: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return logits (documents, classes) and targets (documents,) of a split."""
        with np.load(self.place / "scores" / f"{split}.npz") as stored:
            return stored["logits"], stored["targets"]


def _read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
    return found

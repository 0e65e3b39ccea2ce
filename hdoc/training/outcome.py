"""What a fit came to, as files in the run's folder that need neither hdoc nor torch to be read.

outcome.json      figures of each split, parameters, seconds; written last, so a run that has it is done
scores/NAME.npz   outputs and targets of a split, in the order of its file
parts/NAME        the same of a part of the model alone, if it has several
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

OUTCOME = "outcome.json"

Scores = Mapping[str, tuple[Tensor, Tensor]]
"""Outputs (items, …) and targets of each split."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a fit came to.

    Attributes:
        facts: what the task says of the model, such as its labels.
        n_parameters: numbers that were fitted.
        train_seconds: of the fit with its looks at dev, over all its parts if it was interrupted.
        test_seconds: of scoring test; 0 without test.
        splits: the figures of each split.
    """

    facts: Mapping[str, Any]
    n_parameters: int
    train_seconds: float
    test_seconds: float = 0.0
    splits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, the facts among them."""
        own = {name: value for name, value in asdict(self).items() if name != "facts"}
        return {**self.facts, **own}


def write_outcome(folder: Path, outcome: Outcome, scores: Scores) -> None:
    """Write what a fit came to.

    Args:
        folder: of the run.
        outcome: its figures.
        scores: of each split.
    """
    (folder / "scores").mkdir(parents=True, exist_ok=True)
    for split, (outputs, targets) in scores.items():
        np.savez_compressed(
            folder / "scores" / f"{split}.npz",
            logits=outputs.float().cpu().numpy(),
            targets=targets.cpu().numpy(),
        )
    draft = folder / f".{OUTCOME}"
    draft.write_text(json.dumps(outcome.to_dict(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    draft.replace(folder / OUTCOME)

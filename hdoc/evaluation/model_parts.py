"""How far each part of a model would come without the others; its logits are the sum of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hdoc.evaluation.predictions import Prediction
from hdoc.evaluation.quality import Decisions, intervals, scores
from hdoc.tasks.classes import probabilities
from hdoc.tasks.temperature import UNCALIBRATED


def measure_parts(
    predictions: Sequence[Prediction], labels: Sequence[str], multi_label: bool, seed: int = 0
) -> list[dict[str, Any]]:
    """Return how often each part of the model would be right without the others, as plain data.

    Each is taken as it stands in the sum: its highest score gives the class; of several labels a document
    has those above 0.

    Returns:
        A row for each part, with `part`, `macro_f1`, `accuracy` and their `intervals`; none if the model has
        no more than one.
    """
    names = list(predictions[0].parts) if predictions else []
    rows = []
    for name in names if len(names) > 1 else ():
        alone = []
        for prediction in predictions:
            chances = probabilities(np.array(prediction.parts[name]), UNCALIBRATED, multi_label)
            alone.append(replace(prediction, probabilities=tuple(chances.tolist())))
        decisions = Decisions.of(alone, labels, multi_label)
        macro_f1, accuracy = scores(decisions, np.ones((1, len(alone))))
        rows.append(
            {
                "part": name,
                "macro_f1": float(macro_f1[0]),
                "accuracy": float(accuracy[0]),
                "intervals": intervals(decisions, seed),
            }
        )
    return rows

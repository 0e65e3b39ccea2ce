"""How often a model is right, on what, and how sure one can be of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hdoc.evaluation.predictions import Prediction
from hdoc.metrics.classification import N_BINS, figures

Floats = NDArray[np.float64]

N_RESAMPLES = 1000
LENGTHS = (0, 500, 1_000, 2_000, 4_000, 8_000, 16_000)
"""Where the buckets of document lengths begin, in characters."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """All documents as arrays.

    Attributes:
        probabilities: calibrated, (documents, classes).
        truth: True at right classes, (documents, classes).
        given: True at classes that the model gave, (documents, classes).
        lengths: characters, (documents,).
        multi_label: whether a document may have any number of classes.
    """

    probabilities: Floats
    truth: NDArray[np.bool_]
    given: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    multi_label: bool

    @classmethod
    def of(cls, predictions: Sequence[Prediction], labels: Sequence[str], multi_label: bool) -> Decisions:
        """Gather predictions."""
        chances = np.array([prediction.probabilities for prediction in predictions])
        truth = np.array([[label in prediction.truth for label in labels] for prediction in predictions])
        if multi_label:
            given = chances > 0.5
        else:
            given = np.arange(len(labels)) == chances.argmax(axis=1, keepdims=True)
        lengths = np.array([prediction.n_characters for prediction in predictions])
        return cls(chances, truth, given, lengths, multi_label)

    def logits(self) -> torch.Tensor:
        """Return numbers whose softmax (or sigmoid) are the probabilities, (documents, classes)."""
        chances = np.clip(self.probabilities, 1e-30, 1)
        if self.multi_label:
            return torch.from_numpy(np.log(chances) - np.log(np.clip(1 - self.probabilities, 1e-30, 1)))
        return torch.from_numpy(np.log(chances))

    def targets(self) -> torch.Tensor:
        """Return class indices, (documents,), or 0.0 and 1.0, (documents, classes)."""
        if self.multi_label:
            return torch.from_numpy(self.truth.astype(float))
        return torch.from_numpy(self.truth.argmax(axis=1))


def measure(decisions: Decisions, labels: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """Return all figures of quality, as plain data.

    Intervals hold 95 % of the figures of 1,000 resamples of the documents (percentile bootstrap).
    """
    found = figures(decisions.logits().float(), _float32(decisions.targets()), labels)
    overall = {name: value for name, value in found.items() if "/" not in name}
    hits = (decisions.truth & decisions.given).sum(axis=0)
    n_truth, n_given = decisions.truth.sum(axis=0), decisions.given.sum(axis=0)
    by_class = [
        {
            "label": label,
            "documents": int(n_truth[i]),
            "precision": float(hits[i] / max(n_given[i], 1)),
            "recall": float(hits[i] / max(n_truth[i], 1)),
            "f1": found[f"f1/{label}"],
        }
        for i, label in enumerate(labels)
    ]
    content: dict[str, Any] = {
        "documents": len(decisions.lengths),
        **overall,
        "intervals": intervals(decisions, seed),
        "ece_if_calibrated": calibrated_error(decisions, seed),
        "by_class": by_class,
        "by_length": by_length(decisions),
    }
    if not decisions.multi_label:
        content["confusion"] = (
            decisions.truth.T.astype(np.int64) @ decisions.given.astype(np.int64)
        ).tolist()
    return content


def calibrated_error(decisions: Decisions, seed: int) -> dict[str, float]:
    """Return the calibration error that chance alone makes: of few documents it is never 0.

    Probabilities stay as they are, and what is right is drawn by them, 1,000 times (Bröcker & Smith 2007).

    Returns:
        `mean` and `high`, below which 97.5 % of the draws are.
    """
    chances = decisions.probabilities
    sure = chances.ravel() if decisions.multi_label else chances.max(axis=1)
    bins = np.clip(np.ceil(sure * N_BINS).astype(int) - 1, 0, N_BINS - 1)
    generator = np.random.default_rng([seed, len(sure)])
    errors = [
        np.abs(np.bincount(bins, (generator.random(len(sure)) < sure) - sure)).sum() / len(sure)
        for _ in range(N_RESAMPLES)
    ]
    return {"mean": float(np.mean(errors)), "high": float(np.quantile(errors, 0.975))}


def _float32(targets: torch.Tensor) -> torch.Tensor:
    return targets.float() if targets.is_floating_point() else targets


def by_length(decisions: Decisions) -> list[dict[str, Any]]:
    """Return figures for documents of each length; empty buckets are left out."""
    rows = []
    for start, end in zip(LENGTHS, (*LENGTHS[1:], None), strict=True):
        chosen = decisions.lengths >= start
        if end is not None:
            chosen &= decisions.lengths < end
        if chosen.any():
            macro_f1, accuracy = scores(decisions, chosen[None].astype(float))
            rows.append(
                {
                    "from": start,
                    "to": end,
                    "documents": int(chosen.sum()),
                    "macro_f1": float(macro_f1[0]),
                    "accuracy": float(accuracy[0]),
                }
            )
    return rows


def intervals(decisions: Decisions, seed: int) -> dict[str, list[float]]:
    """Return 95 % intervals of macro-F1 and accuracy (for several labels, of whole sets of labels)."""
    n = len(decisions.lengths)
    draws = np.random.default_rng([seed, n]).multinomial(n, np.full(n, 1 / n), N_RESAMPLES)
    macro_f1, accuracy = scores(decisions, draws.astype(float))
    return {
        "macro_f1": np.quantile(macro_f1, [0.025, 0.975]).tolist(),
        "accuracy": np.quantile(accuracy, [0.025, 0.975]).tolist(),
    }


def scores(decisions: Decisions, weights: Floats) -> tuple[Floats, Floats]:
    """Return macro-F1 and accuracy, (weightings,), for each weighting of the documents.

    Args:
        decisions: about the documents.
        weights: how often each counts, (weightings, documents).
    """
    hits = weights @ (decisions.truth & decisions.given)
    total = weights @ (decisions.truth.astype(float) + decisions.given)
    f1 = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
    macro_f1: Floats = f1.sum(axis=1) / np.maximum((total > 0).sum(axis=1), 1)
    accuracy: Floats = weights @ (decisions.truth == decisions.given).all(axis=1) / weights.sum(axis=1)
    return macro_f1, accuracy

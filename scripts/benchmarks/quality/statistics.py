"""Figures over seeds and documents: means, bootstrap intervals, macro-F1 by length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.run import Run

N_RESAMPLES = 1000
N_BUCKETS = 4

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """What an entry came to on test, over the seeds of the setting that was chosen on dev.

    Attributes:
        entry: its name.
        kind: of entry.
        what: what it is.
        trial: which setting was chosen, from 0.
        n_tried: settings that it was chosen from.
        setting: its arguments.
        seeds: that are done.
        macro_f1: mean over seeds.
        deviation: standard deviation over seeds (n − 1); None with one.
        low: lower bound of the mean's 95 % bootstrap interval over documents.
        high: upper bound.
        difference: mean macro-F1 minus hdoc's; None without hdoc.
        difference_low: lower bound of its 95 % interval, over the same resamples.
        difference_high: upper bound.
        accuracy: mean over seeds.
        ece: mean expected calibration error, after temperature scaling on dev.
        loss: mean cross-entropy in nats, likewise.
        dev_macro_f1: mean on dev.
        parameters: numbers that were fitted.
        train_minutes: mean of a fit.
        documents_per_second: on test.
        by_length: macro-F1 in each bucket of lengths, mean over seeds.
    """

    entry: str
    kind: str
    what: str
    trial: int
    n_tried: int
    setting: list[str]
    seeds: list[int]
    macro_f1: float
    deviation: float | None
    low: float
    high: float
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    accuracy: float
    ece: float
    loss: float
    dev_macro_f1: float
    parameters: int
    train_minutes: float
    documents_per_second: float
    by_length: list[float]


def macro_f1(
    predicted: NDArray[np.int64], true: NDArray[np.int64], n_classes: int, weights: Floats | None = None
) -> Floats:
    """Return macro-F1 for each way to count documents; classes that neither occur nor are predicted are out.

    Args:
        predicted: class of each document, (documents,).
        true: class of each document, (documents,).
        n_classes: number of classes.
        weights: how often each document counts, (ways, documents); once by default.

    Returns:
        (ways,).
    """
    weights = np.ones((1, len(true))) if weights is None else weights
    classes = np.arange(n_classes)
    hits = weights @ ((predicted == true)[:, None] & (true[:, None] == classes)).astype(float)
    both = weights @ ((predicted[:, None] == classes).astype(float) + (true[:, None] == classes))
    with np.errstate(invalid="ignore"):
        found: Floats = np.nanmean(np.where(both > 0, 2 * hits / both, np.nan), axis=1)
    return found


def resamples(n_documents: int) -> Floats:
    """Return how often each document is in each bootstrap sample, (resamples, documents); always the same."""
    generator = np.random.default_rng(0)
    return generator.multinomial(n_documents, np.full(n_documents, 1 / n_documents), size=N_RESAMPLES).astype(
        float
    )


def buckets(lengths: NDArray[np.int64]) -> tuple[list[float], NDArray[np.int64]]:
    """Divide documents by length into quarters.

    Returns:
        The borders between buckets, in characters, and the bucket of each document.
    """
    borders = np.quantile(lengths, np.arange(1, N_BUCKETS) / N_BUCKETS)
    return borders.tolist(), np.searchsorted(borders, lengths, side="left")


def lines(
    chosen: Mapping[str, Sequence[Run]], tried: Mapping[str, int], lengths: NDArray[np.int64]
) -> list[Line]:
    """Return a line for each entry that has runs.

    Args:
        chosen: the runs of each entry, one for each seed.
        tried: how many settings of each they were chosen from.
        lengths: characters of each test document.
    """
    drawn = resamples(len(lengths))
    _, bucket = buckets(lengths)
    measured = {name: _Measured.of(runs, drawn) for name, runs in chosen.items() if runs}
    reference = measured.get("hdoc")
    return [
        _line(chosen[name], tried[name], figures, reference, bucket) for name, figures in measured.items()
    ]


@dataclass(frozen=True, slots=True)
class _Measured:
    """Macro-F1 of each seed (seeds,) and its mean over seeds in each resample (resamples,)."""

    values: Floats
    resampled: Floats

    @classmethod
    def of(cls, runs: Sequence[Run], drawn: Floats) -> _Measured:
        found = [_predictions(run) for run in runs]
        return cls(
            np.array([macro_f1(*one)[0] for one in found]),
            np.mean([macro_f1(*one, drawn) for one in found], axis=0),
        )


def _predictions(run: Run) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    logits, targets = run.scores("test")
    return logits.argmax(axis=1), targets, logits.shape[1]


def _line(
    runs: Sequence[Run],
    n_tried: int,
    found: _Measured,
    reference: _Measured | None,
    bucket: NDArray[np.int64],
) -> Line:
    outcomes = [run.outcome() for run in runs]
    entry = runs[0].entry
    low, high = np.quantile(found.resampled, [0.025, 0.975])
    gaps = None if reference is None else found.resampled - reference.resampled
    return Line(
        entry=entry.name,
        kind=entry.kind,
        what=entry.what,
        trial=runs[0].trial,
        n_tried=n_tried,
        setting=entry.arguments(runs[0].task.base, runs[0].trial),
        seeds=[run.seed for run in runs],
        macro_f1=float(found.values.mean()),
        deviation=float(found.values.std(ddof=1)) if len(runs) > 1 else None,
        low=float(low),
        high=float(high),
        difference=None if reference is None else float(found.values.mean() - reference.values.mean()),
        difference_low=None if gaps is None else float(np.quantile(gaps, 0.025)),
        difference_high=None if gaps is None else float(np.quantile(gaps, 0.975)),
        accuracy=_mean(outcomes, "test", "accuracy"),
        ece=_mean(outcomes, "test", "ece"),
        loss=_mean(outcomes, "test", "loss"),
        dev_macro_f1=_mean(outcomes, "dev", "macro_f1"),
        parameters=outcomes[0]["n_parameters"],
        train_minutes=float(np.mean([outcome["train_seconds"] for outcome in outcomes]) / 60),
        documents_per_second=float(
            len(bucket) / max(1e-9, np.mean([outcome["test_seconds"] for outcome in outcomes]))
        ),
        by_length=[
            float(np.mean([_in_bucket(run, bucket == number) for run in runs]))
            for number in range(int(bucket.max()) + 1)
        ],
    )


def _mean(outcomes: Sequence[Mapping[str, Any]], split: str, name: str) -> float:
    return float(np.mean([outcome["splits"][split][name] for outcome in outcomes]))


def _in_bucket(run: Run, inside: NDArray[np.bool_]) -> float:
    predicted, true, n_classes = _predictions(run)
    return float(macro_f1(predicted[inside], true[inside], n_classes)[0]) if inside.any() else float("nan")

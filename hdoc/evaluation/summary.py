"""From measured documents to figures: means over explanations, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdoc.evaluation.quality import N_RESAMPLES
from hdoc.evaluation.units_and_controls import RANDOM, RANDOM_WEIGHTS, UNITS
from hdoc.faithfulness.erasure import N_DRAWS, SENTENCE_COUNTS, WORD_SHARES

Floats = NDArray[np.float64]


def summarise(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures of all methods, as plain data.

    Args:
        rows: what `ExplanationEvaluator.measure` gave for each explanation.
    """
    names = list(rows[0]["methods"])
    faithful = rows[0]["probability"] is not None
    content: dict[str, Any] = {}
    methods = {name: _method([row["methods"][name] for row in rows]) for name in names}
    if faithful:
        whole = np.array([row["probability"] for row in rows])
        content["probability"] = float(whole.mean())
        for name in names:
            methods[name].update(_erasure(whole, [row["methods"][name] for row in rows]))
    base = methods.get("contribution", {}).get("seconds")
    for method in methods.values():
        if base and method.get("seconds"):
            method["times_contribution"] = method["seconds"] / base
    seeds = [value for row in rows for value in row["seeds"]]
    return content | {
        "explanations": len(rows),
        "documents": len({row["id"] for row in rows}),
        "word_bins": list(WORD_SHARES),
        "sentence_bins": list(SENTENCE_COUNTS),
        "random_draws": N_DRAWS,
        "methods": methods,
        "seeds": {"kendall": float(np.mean(seeds)), "pairs": len(seeds)} if seeds else None,
    }


def _method(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return means of what does not depend on deletion."""
    content: dict[str, Any] = {}
    for name in ("seconds", "leave_one_out", "auprc", "auprc_sentences", "token_f1"):
        known = [result[name] for result in results if result.get(name) is not None]
        if known:
            content[name] = float(np.mean(known))
            content[f"{name}_interval"] = interval(np.array(known))
    peaks = [result["peak_bytes"] for result in results if result.get("peak_bytes") is not None]
    if peaks:
        content["peak_bytes"] = max(peaks)
    named = [result["own_name"] for result in results if "own_name" in result]
    if named:
        content["own_name"] = {
            "documents": len(named),
            "top_word": float(np.mean([found["top_word"] for found in named])),
            "top_sentences": float(np.mean([found["top_sentences"] for found in named])),
        }
    return content


def _erasure(whole: Floats, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return comprehensiveness and sufficiency, and the mean curves with their bands, for each unit."""
    content: dict[str, Any] = {}
    for unit in UNITS:
        figures: dict[str, Any] = {}
        for key, name in (("without", "comprehensiveness"), ("only", "sufficiency")):
            curves = np.array([result[unit][key] for result in results])
            values = (whole[:, None] - curves).mean(axis=1)
            figures[name] = float(values.mean())
            figures[f"{name}_interval"] = interval(values)
            figures[key] = curves.mean(axis=0).tolist()
            figures[f"{key}_intervals"] = [interval(column) for column in curves.T]
        content[unit] = figures
    return content


def interval(values: Floats, seed: int = 0) -> list[float]:
    """Return the 95 % interval of a mean, from 1,000 resamples (percentile bootstrap)."""
    random = np.random.default_rng([seed, len(values)])
    means = values[random.integers(0, len(values), (N_RESAMPLES, len(values)))].mean(axis=1)
    return [float(value) for value in np.quantile(means, [0.025, 0.975])]


def sanity(summary: Mapping[str, Any]) -> dict[str, bool]:
    """Return whether random weights do no better than a random order: within its interval, or worse."""
    methods = summary["methods"]
    verdicts: dict[str, bool] = {}
    for unit in UNITS:
        shuffled, random = methods[RANDOM_WEIGHTS][unit], methods[RANDOM][unit]
        verdicts[unit] = shuffled["comprehensiveness_interval"][0] <= random["comprehensiveness_interval"][1]
    return verdicts

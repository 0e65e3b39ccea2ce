"""What the model cards of all tasks say alike: data, settings, weights, and how to make the model again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hdoc.encoders.precision import StoredWeights

_BITS: dict[StoredWeights, str] = {"32bit": "32 bit", "16bit": "16 bit", "8bit": "8 bit, by rows"}


def weights_line(weights: StoredWeights) -> str:
    """Return a sentence that says how weights are stored."""
    return f"Weights are stored in {_BITS[weights]}."


def origin_sections(stored: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """Return the sections on data, settings and how to make the model again.

    Args:
        stored: hdoc's part of a checkpoint.
        settings: the learner's hyper-parameters.
    """
    return [
        "## Data\n\n" + _table(stored["fingerprint"]),
        "## Settings\n\n" + _table(settings),
        "## Make it again\n\n" + _rebuild(stored["run"]),
    ]


def _table(values: Mapping[str, Any]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {key} | `{value}` |" for key, value in values.items())])


def _rebuild(run: Mapping[str, Any]) -> str:
    state = (
        f"commit {run['commit']}{' with changes' if run.get('dirty') == 'yes' else ''}, "
        if run.get("commit")
        else ""
    )
    return (
        f"Trained as run {run.get('name', 'without a name')} of {run.get('experiment', 'no experiment')} "
        f"({state}seed {run.get('seed', 'unknown')}). The run's `config.yaml` holds every value:\n\n"
        "    hdoc train fit --config config.yaml"
    )

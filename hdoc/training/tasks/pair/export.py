"""A training's checkpoint to the folder of a model of pairs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from hdoc.encoders.precision import StoredWeights
from hdoc.training.finish.checkpoint import network_weights, read_checkpoint
from hdoc.training.finish.model_card import origin_sections, weights_line


def export_checkpoint(
    checkpoint: str | Path,
    folder: str | Path,
    *,
    name: str | None = None,
    version: str | None = None,
    weights: StoredWeights = "32bit",
) -> None:
    """Write the model folder of a checkpoint: JSON, safetensors, tokenizer and a card, never pickle.

    Args:
        checkpoint: what a training saved; the best one has its temperature, others have 1.
        folder: where; an hdoc model already there is replaced, anything else is refused.
        name: of the model; the experiment's by default.
        version: of the model; the run's name by default.
        weights: how many bits they have in the folder.

    Raises:
        ModelError: the checkpoint cannot be used, or the folder cannot be written.
    """
    from hdoc.tasks.pair.folder import save_model
    from hdoc.tasks.temperature import Temperature
    from hdoc.training.tasks.pair.blueprint import PairBlueprint

    content = read_checkpoint(checkpoint)
    stored: Mapping[str, Any] = content["hdoc"]
    blueprint = PairBlueprint.from_plain(stored["blueprint"])
    network = blueprint.build()
    network.load_state_dict(network_weights(content))
    name = name or stored["run"].get("experiment") or "pair"
    version = version or stored["run"].get("name") or "1"
    save_model(
        folder,
        network.eval(),
        blueprint.build_tokenizer(),
        encoder_config=blueprint.encoder_config,
        labels=blueprint.labels,
        temperature=Temperature(**stored["temperature"]),
        name=name,
        version=version,
        card=_card(f"{name} {version}", stored, content.get("hyper_parameters", {}), weights),
        weights=weights,
    )


def _card(title: str, stored: Mapping[str, Any], settings: Mapping[str, Any], weights: StoredWeights) -> str:
    """Return the card as Markdown."""
    labels = stored["blueprint"]["labels"]
    shape = stored["blueprint"]["shape"]
    what = (
        f"{len(labels)} classes: {', '.join(labels)}"
        if labels
        else f"scores from {shape['low']:g} to {shape['high']:g}"
    )
    figures = [
        f"{split}: " + ", ".join(f"{name} {value:.3f}" for name, value in values.items() if "/" not in name)
        for split, values in stored["figures"].items()
    ]
    parts = [
        f"# {title}",
        f"A model of pairs of texts ({what}), trained with hdoc {installed_version('hdoc')}. "
        f"{weights_line(weights)}\n\n"
        "    hdoc predict -m FOLDER pairs.jsonl -o results.jsonl",
        "## Figures\n\n" + ("\n\n".join(figures) or "None: this checkpoint was not evaluated."),
        *origin_sections(stored, settings),
    ]
    return "\n\n".join(parts) + "\n"

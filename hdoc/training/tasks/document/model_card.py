"""The model card: what a model is, how well it does, and how to make it again."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version as installed_version
from typing import Any

from hdoc.encoders.precision import StoredWeights
from hdoc.training.finish.model_card import origin_sections, weights_line

_TITLES = {
    "macro_f1": "macro-F1",
    "micro_f1": "micro-F1",
    "accuracy": "accuracy",
    "subset_accuracy": "subset accuracy",
    "ece": "ECE (15 bins, calibrated)",
    "loss": "loss (nats)",
}


def model_card(
    stored: Mapping[str, Any], settings: Mapping[str, Any], name: str, version: str, weights: StoredWeights
) -> str:
    """Return the card as Markdown.

    Args:
        stored: hdoc's part of a checkpoint.
        settings: the learner's hyper-parameters.
        name: the model's name.
        version: the model's version.
        weights: how many bits they have in the folder.
    """
    labels = stored["blueprint"]["labels"]
    kind = "several classes a document" if stored["blueprint"]["multi_label"] else "one class a document"
    parts = [
        f"# {name} {version}",
        f"A classifier of Korean documents with {len(labels)} classes ({kind}), trained with "
        f"hdoc {installed_version('hdoc')}. {weights_line(weights)}",
        "Every class score is a sum over the words of the document, so each word's share of it is known:\n\n"
        "    hdoc explain -m FOLDER article.txt",
        "## Figures\n\n" + _figures(stored["figures"], labels),
        "## Calibration\n\n" + _calibration(stored),
        *origin_sections(stored, settings),
    ]
    return "\n\n".join(parts) + "\n"


def _figures(splits: Mapping[str, Mapping[str, float]], labels: list[str]) -> str:
    if not splits:
        return "None: this checkpoint was not evaluated at the end of a training.\n\nClasses: " + ", ".join(
            labels
        )
    names = [name for name in _TITLES if name in next(iter(splits.values()))]
    rows = [(_TITLES[name], [splits[split][name] for split in splits]) for name in names]
    rows += [(f"F1 of {label}", [splits[split][f"f1/{label}"] for split in splits]) for label in labels]
    lines = ["| | " + " | ".join(splits) + " |", "|---|" + "---|" * len(splits)]
    lines += [
        f"| {title} | " + " | ".join(f"{value:.3f}" for value in values) + " |" for title, values in rows
    ]
    return "\n".join(lines)


def _calibration(stored: Mapping[str, Any]) -> str:
    if not stored["figures"]:
        return "Not calibrated: the temperature is fitted on dev at the end of a training."
    added = " Scores of words, by their pieces and character n-grams, are added to the network's."
    lexical = added if stored["lexical"] else ""
    base, spread = stored["temperature"]["base"], stored["temperature"]["spread"]
    grows = f" + {spread:.3f} × the standard deviation of the document's logits" if spread else ""
    return f"Logits are divided by the temperature {base:.3f}{grows}, fitted on dev.{lexical}"

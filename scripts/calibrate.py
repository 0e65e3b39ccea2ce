"""Fits a finished model's temperature, and the origin of its contributions, on held-out documents.

    python scripts/calibrate.py my-model dev.jsonl

Trainings do this by themselves. Do it again where documents have changed since, or for a model that an older
hdoc trained: weights, and so classes, stay as they are. The documents must be held out from training.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

from hdoc import DocumentClassifier
from hdoc.encoders.eight_bit import holds_eight_bit
from hdoc.encoders.precision import StoredWeights
from hdoc.errors import DataError, HdocError
from hdoc.evaluation.examples import Columns, Example, read_examples
from hdoc.metrics.classification import figures
from hdoc.tasks.document.folder.loading import load_model
from hdoc.tasks.document.folder.saving import save_model
from hdoc.training.tasks.calibration import fit_origin, fit_temperature


def main(arguments: Iterable[str] | None = None) -> None:
    """Fit, save, and say what it brought."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path, help="a model folder; it is replaced")
    parser.add_argument("data", type=Path, help="held-out labelled table: JSONL, CSV, TSV or Parquet")
    parser.add_argument("--text-column", default="text", help="default: text")
    parser.add_argument("--label-column", default="label", help="default: label")
    options = parser.parse_args(None if arguments is None else list(arguments))
    model = load_model(options.model)
    classifier = DocumentClassifier(model, "cpu")
    examples = read_examples(
        options.data,
        Columns(text=options.text_column, label=options.label_column),
        model.labels,
        multi_label=model.multi_label,
        split="all",
    )
    network, logits = _scores(classifier, examples, options.data)
    truth = np.array([[label in one.labels for label in model.labels] for one in examples])
    targets = torch.from_numpy(truth.astype(float) if model.multi_label else truth.argmax(axis=1))
    temperature = fit_temperature(logits, targets)
    save_model(
        options.model,
        model.network,
        model.tokenizer,
        encoder_config=model.encoder_config,
        labels=list(model.labels),
        multi_label=model.multi_label,
        temperature=temperature,
        name=model.identity.name,
        version=model.identity.version,
        card=(options.model / "README.md").read_text(encoding="utf-8"),
        weights=_stored_weights(options.model / "weights.safetensors"),
        sentence_rule=model.sentence_rule,
        lexical=model.lexical,
        origin=fit_origin(network, model.network.classifier.bias, model.multi_label),
    )
    for name, each in (("before", model.temperature), ("after", temperature)):
        found = figures(logits, targets, model.labels, each)
        print(f"{name}: {each}: ECE {found['ece']:.4f}, loss {found['loss']:.4f}")


def _scores(
    classifier: DocumentClassifier, examples: Sequence[Example], data: Path
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits of the network alone and those of the whole model, (documents, classes) each."""
    documents = [classifier.tokenizer.windows(one.text, classifier.split(one.text)) for one in examples]
    if not all(documents):
        raise DataError(f"{data}: expected documents with words, got some with nothing to read")
    scores = [classifier.engine.score([document])[0] for document in documents]
    network = np.stack([one.parts()["network"] for one in scores])
    return torch.from_numpy(network), torch.from_numpy(np.stack([one.logits for one in scores]))


def _stored_weights(path: Path) -> StoredWeights:
    """How many bits the weights of a file have."""
    if holds_eight_bit(path):
        return "8bit"
    with safe_open(path, "numpy") as file:
        kinds = {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    return "16bit" if "F16" in kinds else "32bit"


if __name__ == "__main__":
    try:
        main()
    except HdocError as error:
        sys.exit(f"hdoc: error: {error}")

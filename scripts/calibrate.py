"""Fits a finished model's temperature, and the origin of its contributions, on held-out documents.

    python scripts/calibrate.py my-model dev.jsonl

Trainings do this by themselves. Do it again where documents have changed since, or for a model that an older
hdoc trained: weights, and so classes, stay as they are. The documents must be held out from training.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from hdoc import DocumentClassifier
from hdoc.errors import DataError, HdocError
from hdoc.evaluation.examples import Columns, read_examples
from hdoc.metrics.classification import figures
from hdoc.tasks.document.folder import load_model, save_model
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
    documents = [classifier.tokenizer.windows(one.text, classifier.split(one.text)) for one in examples]
    if not all(documents):
        raise DataError(f"{options.data}: expected documents with words, got some with nothing to read")
    scores = [classifier.engine.score([document])[0].logits for document in documents]
    logits = network = torch.from_numpy(np.stack(scores))
    if model.lexical is not None:
        pieces = [np.array([i for window in document for i in window.ids]) for document in documents]
        beside = [model.lexical.bias + model.lexical.shares(ids).sum(axis=0) for ids in pieces]
        logits = network + torch.from_numpy(np.stack(beside))
    truth = np.array([[label in one.labels for label in model.labels] for one in examples])
    targets = torch.from_numpy(truth.astype(float) if model.multi_label else truth.argmax(axis=1))
    temperature = fit_temperature(logits, targets)
    # A header of safetensors names the type of each tensor.
    half = b'"F16"' in (options.model / "weights.safetensors").read_bytes()[: 2**16]
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
        half=half,
        sentence_rule=model.sentence_rule,
        lexical=model.lexical,
        origin=fit_origin(network, model.network.classifier.bias, model.multi_label),
    )
    for name, each in (("before", model.temperature), ("after", temperature)):
        found = figures(logits, targets, model.labels, each)
        print(f"{name}: {each}: ECE {found['ece']:.4f}, loss {found['loss']:.4f}")


if __name__ == "__main__":
    try:
        main()
    except HdocError as error:
        sys.exit(f"error: {error}")

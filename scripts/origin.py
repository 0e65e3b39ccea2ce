"""Gives a model that was exported without one the origin of its contributions; its scores stay as they are.

    python scripts/origin.py my-model dev.jsonl

Trainings do this by themselves. The documents must be held out from training, as those for the temperature.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import torch

from hdoc import DocumentClassifier
from hdoc.records import read_records
from hdoc.storage import load_model, save_model
from hdoc.training.calibration import fit_origin


def main(arguments: Iterable[str] | None = None) -> None:
    """Fit and save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path, help="a model folder; it is replaced")
    parser.add_argument("data", type=Path, help="held-out documents with a column text")
    options = parser.parse_args(None if arguments is None else list(arguments))
    model = load_model(options.model)
    classifier = DocumentClassifier(model)
    texts = [record.text for record in read_records([str(options.data)]) if record.text]
    windows = [classifier.tokenizer.windows(text, classifier.split(text)) for text in texts]
    scores = classifier.engine.score([document for document in windows if document])
    logits = torch.stack([torch.from_numpy(score.logits) for score in scores])
    # A header of safetensors names the type of each tensor.
    half = b'"F16"' in (options.model / "weights.safetensors").read_bytes()[: 2**16]
    save_model(
        options.model,
        model.network,
        model.tokenizer,
        encoder_config=model.encoder_config,
        labels=list(model.labels),
        multi_label=model.multi_label,
        temperature=model.temperature,
        name=model.identity.name,
        version=model.identity.version,
        card=(options.model / "README.md").read_text(encoding="utf-8"),
        half=half,
        split=model.split,
        lexical=model.lexical,
        origin=fit_origin(logits, model.network.classifier.bias, model.multi_label),
    )


if __name__ == "__main__":
    main()

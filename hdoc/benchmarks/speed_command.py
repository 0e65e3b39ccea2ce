"""`python scripts/benchmark.py speed`: speed and memory, as a table, JSON and a picture."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from hdoc.attribution import explain_by
from hdoc.benchmarks.speed import (
    Cost,
    Document,
    compared,
    costs,
    length_costs,
    long_costs,
    take,
    training_peak,
)
from hdoc.bert import BertShape
from hdoc.classifier import DocumentClassifier
from hdoc.errors import HdocError
from hdoc.plots import figure, save
from hdoc.records import read_records

SAMPLES = Path(__file__).parents[1] / "assets" / "samples"
_BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
_PARTS = ("mixes", "long", "lengths", "explanations", "memory")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` needs."""
    parser.add_argument("--petitions", default=str(SAMPLES), help="default: the sample articles")
    parser.add_argument("--statutes", help="long documents, as a table or folder; left out by default")
    parser.add_argument("--documents", type=int, default=16, help="of each; default: 16")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--device", help="cpu or cuda; default: a GPU if there is one")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument(
        "--shape", choices=("small", "base"), default="small", help="base: a BERT-base with random weights"
    )
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=list(_PARTS), help="default: all")
    parser.add_argument("-o", "--output", type=Path, default=Path("speed"), help="folder; default: speed")


def run(options: argparse.Namespace) -> int:
    """Measure, and write table, JSON and picture."""
    classifier = _classifier(options)
    petitions = _documents(classifier, options.petitions, options.documents)
    found: list[Cost] = []
    if "mixes" in options.parts:
        mixes = {"petitions": petitions}
        if options.statutes:
            mixes["statutes"] = _documents(classifier, options.statutes, options.documents)
        mixes["one of 10 sentences"] = [take(petitions, 10)]
        for mix, documents in mixes.items():
            found += _shown(costs(classifier, mix, documents, options.rounds))
    if "long" in options.parts:
        found += _shown(long_costs(classifier, options.rounds))
    if "explanations" in options.parts:
        found += _shown(_explanations(classifier, options.petitions, options.rounds))
    lengths = []
    if "lengths" in options.parts:
        sentences = take(petitions, 1000)
        lengths = _shown(length_costs(classifier, sentences, (10, 100, 1000, 10_000), options.rounds))
    peaks = {}
    if "memory" in options.parts:
        shape = BertShape.from_config({"model_type": "bert", **_encoder_sizes(classifier)})
        for n_sentences in (10, 200, 2000, 10_000) if shape is not None else ():
            peaks[n_sentences] = training_peak(n_sentences, shape)  # type: ignore[arg-type]
            peak = peaks[n_sentences] / 2**20
            _say(f"{peak:8.0f} MiB at most: a training step on {n_sentences:,} sentences")
    options.output.mkdir(parents=True, exist_ok=True)
    report = {
        "engine": classifier.engine.description,
        "cores": os.cpu_count(),
        "shape": options.shape,
        "rounds": options.rounds,
        "costs": [asdict(cost) for cost in found],
        "lengths": [asdict(cost) for cost in lengths],
        "training_peak_bytes": peaks,
    }
    (options.output / "speed.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if lengths or peaks:
        _draw(lengths, peaks, options.output / "speed.png")
    return 0


def _classifier(options: argparse.Namespace) -> DocumentClassifier:
    classifier = DocumentClassifier.load(device=options.device, precision=options.precision)
    if options.shape == "base":
        from hdoc.bert import Bert
        from hdoc.network import DocumentNetwork
        from hdoc.torch_engine import TorchEngine

        config = {"model_type": "bert", **_encoder_sizes(classifier), **_BASE}
        shape = BertShape.from_config(config)
        if shape is None:
            raise HdocError("expected a BERT")
        network = DocumentNetwork(Bert(shape), shape.hidden_size, classifier.network.shape).eval()
        classifier.engine = TorchEngine(
            network, classifier.tokenizer, options.device, precision=options.precision
        )
    return classifier


def _encoder_sizes(classifier: DocumentClassifier) -> dict[str, Any]:
    shape = classifier.network.encoder.shape
    return asdict(shape)  # type: ignore[call-overload, no-any-return]


def _documents(classifier: DocumentClassifier, source: str, n_documents: int) -> list[Document]:
    records = islice(read_records([source]), n_documents)
    texts = [record.text for record in records if record.text is not None]
    return [classifier.tokenizer.windows(text, classifier.split(text)) for text in texts]


def _explanations(classifier: DocumentClassifier, source: str, n_rounds: int) -> list[Cost]:
    """Measure each way of explaining beside classifying the same text."""
    record = next(iter(read_records([source])))
    text = record.text or ""
    sentences = classifier.split(text)
    windows = classifier.tokenizer.windows(text, sentences)
    actions: dict[str, Any] = {"floor: classifying": lambda: classifier.engine.score([windows])}
    for method in ("contribution", "gradient", "integrated-gradients", "occlusion"):
        actions[method] = lambda method=method: explain_by(method, classifier, text, sentences=sentences)
    n_tokens = sum(len(window.ids) + 2 for window in windows)
    return list(compared("explaining one petition", actions, n_tokens, n_rounds))


def _shown(found: Sequence[Cost]) -> list[Cost]:
    for cost in found:
        rate = cost.n_tokens / cost.seconds
        spread = f"{cost.ratio:8.2f} ({cost.low:.2f} to {cost.high:.2f})"
        _say(f"{spread:26} {rate:10,.0f} tokens/s  {cost.mix}: {cost.name}")
    return list(found)


def _draw(lengths: Sequence[Cost], peaks: dict[int, float], path: Path) -> None:
    """Draw time and memory against the number of sentences, both on logarithmic axes."""
    image, (left, right) = figure(9, 4, 1, 2)
    counts = [int(cost.mix.split()[0].replace(",", "")) for cost in lengths]
    left.loglog(counts, [cost.seconds for cost in lengths], "o-", color="#1f4e79")
    left.set(xlabel="sentences", ylabel="seconds", title="Classifying a document")
    right.loglog(list(peaks), [peak / 2**20 for peak in peaks.values()], "o-", color="#1f4e79")
    right.set(xlabel="sentences", ylabel="MiB at most", title="A training step on a document")
    save(image, path)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

"""`python scripts/benchmark.py speed`: speed and memory, as tables, JSON and a picture."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.result import add_json, record
from benchmarks.speed.cost import Cost
from benchmarks.speed.documents import documents_of, random_document, texts_of
from benchmarks.speed.explaining import LIME_SAMPLES, explaining_costs
from benchmarks.speed.lengths import Peak, length_costs, peak
from benchmarks.speed.long import long_costs
from benchmarks.speed.reading import reading_costs
from benchmarks.speed.report import show, show_peak, write
from benchmarks.speed.shape import Shape, loaded
from benchmarks.speed.whole import whole_costs
from hdoc.tasks.document.classifier import DocumentClassifier

SAMPLES = Path(__file__).parents[3] / "hdoc" / "assets" / "samples"
_PARTS = ("mixes", "long", "lengths", "explanations", "memory", "whole")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` needs."""
    parser.add_argument("--petitions", default=str(SAMPLES), help="default: the sample articles")
    parser.add_argument("--statutes", help="long documents, as a table or folder; left out by default")
    parser.add_argument(
        "--documents", type=int, default=32, help="petitions; of statutes an eighth; default: 32"
    )
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--device", help="cpu or cuda; default: a GPU if there is one")
    parser.add_argument("--precision", choices=("float32", "bfloat16", "auto"), default="float32")
    parser.add_argument(
        "--shape", choices=("small", "base"), default="small", help="base: a BERT-base with random weights"
    )
    parser.add_argument(
        "--single",
        type=int,
        nargs="+",
        default=[10, 2000],
        help="sentences of the documents that the part mixes reads alone; default: 10 2000",
    )
    parser.add_argument(
        "--counts",
        type=int,
        nargs="+",
        default=[10, 100, 1000, 10_000],
        help="sentences of the documents of the parts lengths and memory; default: 10 100 1000 10000",
    )
    parser.add_argument(
        "--lime-samples",
        type=int,
        default=LIME_SAMPLES // 10,
        help=f"that are measured; its cost is scaled to {LIME_SAMPLES:,}; default: {LIME_SAMPLES // 10}",
    )
    parser.add_argument("--whole", type=int, default=1000, help="petitions of the part whole; default: 1000")
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=list(_PARTS), help="default: all")
    parser.add_argument("-o", "--output", type=Path, default=Path("speed"), help="folder; default: speed")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Measure, and write tables, JSON and picture."""
    shape = Shape(options.shape, options.device, options.precision)
    classifier = loaded(shape)
    costs: list[Cost] = []
    for found in _costs(options, shape, classifier):
        show(found)
        costs += found
    peaks: list[Peak] = []
    for task in ("reading", "training") if "memory" in options.parts else ():
        for count in options.counts:
            peaks.append(peak(task, count, shape))
            show_peak(peaks[-1])
    about = {
        "engine": classifier.engine.description,
        "cores": os.cpu_count(),
        "shape": options.shape,
        "rounds": options.rounds,
    }
    write(options.output, about, costs, peaks)
    record(
        options.json, {"costs": costs, "peaks": peaks}, {name: str(value) for name, value in about.items()}
    )
    return 0


def _costs(options: argparse.Namespace, shape: Shape, classifier: DocumentClassifier) -> Iterator[list[Cost]]:
    """Measure part by part."""
    if "mixes" in options.parts:
        petitions = documents_of(classifier, texts_of(options.petitions, options.documents))
        yield reading_costs(classifier, f"{len(petitions)} petitions", petitions, options.rounds)
        if options.statutes:
            laws = documents_of(classifier, texts_of(options.statutes, max(1, options.documents // 8)))
            yield reading_costs(classifier, f"{len(laws)} statutes", laws, options.rounds)
        for count in options.single:
            document = random_document(classifier, count)
            yield reading_costs(classifier, f"one of {count:,} sentences", [document], options.rounds)
    if "long" in options.parts:
        yield long_costs(classifier, options.rounds)
    if "explanations" in options.parts:
        [text] = texts_of(options.petitions, 1)
        yield explaining_costs(classifier, text, options.rounds, options.lime_samples)
    if "lengths" in options.parts:
        yield length_costs(classifier, options.counts, options.rounds)
    if "whole" in options.parts:
        yield whole_costs(texts_of(options.petitions, options.whole), shape, options.rounds)

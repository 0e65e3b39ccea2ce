"""What each runtime and precision costs and changes, beside torch in 32 bit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median
from typing import Literal

import numpy as np

from hdoc.evaluation.agreement import kendall, word_scores
from hdoc.evaluation.examples import Example
from hdoc.evaluation.predictions import Prediction
from hdoc.evaluation.quality import Decisions, measure
from hdoc.explanation import Explanation
from hdoc.tasks.document.classifier import Classification, DocumentClassifier
from hdoc.tokens.tokenizer import Window

_TOGETHER = 64  # documents that are encoded at once, as in `hdoc classify`
_VARIANTS: tuple[tuple[Literal["torch", "onnx"], Literal["float32", "bfloat16", "int8"]], ...] = (
    ("torch", "float32"),
    ("torch", "bfloat16"),
    ("onnx", "float32"),
    ("onnx", "int8"),
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A runtime in a precision beside torch in 32 bit.

    Attributes:
        name: runtime and precision.
        time: of encoding, over torch's; median over the rounds.
        low: smallest.
        high: largest.
        macro_f1: of its labels.
        accuracy: of its labels.
        changed: documents whose label is another than torch's.
        probability: largest difference of a probability.
        contribution: largest difference of a word's contribution.
        kendall: τ-b of words' contributions with torch's, mean over documents.
        same_top: share of documents with the same strongest word.
    """

    name: str
    time: float
    low: float
    high: float
    macro_f1: float
    accuracy: float
    changed: int
    probability: float
    contribution: float
    kendall: float
    same_top: float


def compare_runtimes(
    model: str | None, examples: Sequence[Example], n_explained: int, n_rounds: int
) -> list[Variant]:
    """Compare all runtimes and precisions of the CPU on labelled documents.

    Args:
        model: a model folder; None for the one that comes with hdoc.
        examples: the documents.
        n_explained: the first of them are also explained.
        n_rounds: how often encoding is measured, all variants in turn.

    Returns:
        A row for each, torch in 32 bit first.
    """
    variants = [
        DocumentClassifier.load(model, device="cpu", runtime=runtime, precision=precision)
        for runtime, precision in _VARIANTS
    ]
    first = variants[0]
    texts = [example.text for example in examples]
    documents = [first.tokenizer.windows(text, first.split(text)) for text in texts]
    times = _times(variants, documents, n_rounds)
    classified = [variant.classify(texts) for variant in variants]
    explained = [
        [
            variant.explain(text, result.label)
            for text, result in zip(texts[:n_explained], classified[0], strict=False)
        ]
        for variant in variants
    ]
    return [
        _row(
            " ".join(name),
            [row[i] / row[0] for row in times],
            first.labels,
            examples,
            (classified[0], classified[i]),
            (explained[0], explained[i]),
        )
        for i, name in enumerate(_VARIANTS)
    ]


def table(variants: Sequence[Variant]) -> str:
    """Return a Markdown table."""
    lines = [
        "| runtime, precision | time of encoding | macro-F1 | accuracy | other labels "
        "| probabilities differ by | contributions differ by | Kendall's τ | same strongest word |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {v.name} | {v.time:.2f} ({v.low:.2f}–{v.high:.2f}) | {v.macro_f1:.4f} | {v.accuracy:.4f} "
        f"| {v.changed} | {v.probability:.1e} | {v.contribution:.1e} | {v.kendall:.4f} | {v.same_top:.1%} |"
        for v in variants
    ]
    return "\n".join(lines)


def _times(
    variants: Sequence[DocumentClassifier], documents: Sequence[Sequence[Window]], n_rounds: int
) -> list[list[float]]:
    """Return seconds of encoding all documents, (rounds, variants); a round before does not count."""
    rounds = []
    for _ in range(n_rounds + 1):
        seconds = []
        for variant in variants:
            start = time.perf_counter()
            for i in range(0, len(documents), _TOGETHER):
                variant.encode([*chain.from_iterable(documents[i : i + _TOGETHER])])
            seconds.append(time.perf_counter() - start)
        rounds.append(seconds)
    return rounds[1:]


def _row(
    name: str,
    ratios: Sequence[float],
    labels: Sequence[str],
    examples: Sequence[Example],
    classified: tuple[Sequence[Classification], Sequence[Classification]],
    explained: tuple[Sequence[Explanation], Sequence[Explanation]],
) -> Variant:
    rows = [
        Prediction.of(example, result, labels)
        for example, result in zip(examples, classified[1], strict=True)
    ]
    quality = measure(Decisions.of(rows, labels, False), labels)
    pairs = list(zip(*classified, strict=True))
    scores = [(word_scores(a), word_scores(b)) for a, b in zip(*explained, strict=True)]
    taus = [tau for a, b in scores if (tau := kendall(a, b)) is not None]
    return Variant(
        name,
        median(ratios),
        min(ratios),
        max(ratios),
        quality["macro_f1"],
        quality["accuracy"],
        sum(a.label != b.label for a, b in pairs),
        max(abs(a.probabilities[label] - b.probabilities[label]) for a, b in pairs for label in labels),
        max(float(np.abs(a - b).max()) for a, b in scores),
        float(np.mean(taus)),
        float(np.mean([a.argmax() == b.argmax() for a, b in scores])),
    )

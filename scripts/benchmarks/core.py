"""What explaining and classifying cost beside what they cannot do without; ratios from one run.

Times depend on the machine and on what else it does; the two sides of a ratio are measured in turn, and
the median of the pairs is what counts.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.tokens.tokenizer import Window


@dataclass(frozen=True, slots=True)
class Ratio:
    """A cost beside another.

    Attributes:
        name: what was measured.
        ratio: median over the pairs.
        low: smallest.
        high: largest.
        limit: what it should not exceed.
    """

    name: str
    ratio: float
    low: float
    high: float
    limit: float


def core_ratios(texts: Sequence[str], sample: str, n_pairs: int = 5) -> list[Ratio]:
    """Measure the cold start, explaining against classifying, and the whole against its parts.

    Args:
        texts: documents, for example 100 petitions.
        sample: a file for the cold start.
        n_pairs: how often each pair is measured.
    """
    classifier = DocumentClassifier.load(device="cpu")
    classifier.explain(texts[0])  # kss and torch warm up
    python = sys.executable
    cold = [python, "-m", "hdoc", "explain", sample]
    return [
        _ratio(
            "hdoc explain, cold / python -c 'import torch, transformers'",
            lambda: _run(cold),
            lambda: _run([python, "-c", "import torch, transformers"]),
            n_pairs,
            1.5,
        ),
        _ratio(
            f"explain / classify, one by one, {len(texts)} texts",
            lambda: [classifier.explain(text) for text in texts],
            lambda: [classifier.classify([text]) for text in texts],
            n_pairs,
            1.15,
        ),
        _ratio(
            f"classify from text / (splitting + encoding), {len(texts)} texts",
            lambda: classifier.classify(texts),
            lambda: _parts(classifier, texts),
            n_pairs,
            1.3,
        ),
    ]


def _parts(classifier: DocumentClassifier, texts: Sequence[str]) -> None:
    """Split all texts, then encode all windows: the two things that classifying cannot do without."""
    windows: list[Window] = []
    for text in texts:
        windows.extend(classifier.tokenizer.windows(text, classifier.split(text)))
    classifier.encode(windows)


def _ratio(
    name: str, cost: Callable[[], object], base: Callable[[], object], n_pairs: int, limit: float
) -> Ratio:
    ratios = sorted(_seconds(cost) / _seconds(base) for _ in range(n_pairs))
    return Ratio(name, statistics.median(ratios), ratios[0], ratios[-1], limit)


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 (our own interpreter)

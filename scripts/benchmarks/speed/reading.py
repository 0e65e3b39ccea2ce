"""Reading documents: the floor, hdoc, rectangles of whole documents, and the beginning alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from itertools import chain

import torch

from benchmarks.speed.cost import Action, Cost, compared, seconds
from benchmarks.speed.documents import Document, length, n_tokens
from benchmarks.speed.rate import RATE, multiplying
from benchmarks.speed.shape import wait
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.tasks.document.engine_torch import TorchEngine
from hdoc.tokens.grouping import ceil_div

FLOOR = "floor: the encoder on dense rows of 128"
ROW = 128
_HEAD = 512
_PIECE = 7  # any word piece
_BATCHES = (8, 64)  # documents that are padded together: few, and as many as Yang et al. 2016
_PASSES = {"cpu": (1024, 2048, 4096), "cuda": (4096, 16_384, 65_536)}


def reading_costs(
    classifier: DocumentClassifier, mix: str, documents: Sequence[Document], n_rounds: int
) -> list[Cost]:
    """Measure the floor, hdoc, the padded way, the encoder cut off at 512 tokens, and bare multiplication.

    Args:
        classifier: in torch.
        mix: what the documents are called.
        documents: split and tokenised already.
        n_rounds: how often each is measured.
    """
    total = n_tokens(classifier, documents)
    per_pass = fastest_pass(classifier)
    actions: dict[str, Action] = {
        FLOOR: partial(read_dense, classifier, total, per_pass),
        "hdoc": partial(classifier.engine.score, documents),
        "hdoc, with a score for each word": partial(classifier.engine.score, documents, words=True),
        "first 512 tokens alone": partial(read_heads, classifier, documents),
    }
    multiply = multiplying(classifier, documents)
    if multiply is not None:
        actions[RATE] = multiply
    distinct = set(chain.from_iterable(documents))
    n_distinct = n_tokens(classifier, [list({window.ids: window for window in distinct}.values())])
    if n_distinct < 0.99 * total:
        # hdoc reads equal sentences once, which is no merit of its encoding.
        name = f"floor of distinct sentences: {n_distinct / total:.0%} of the tokens"
        actions[name] = partial(read_dense, classifier, n_distinct, per_pass)
    for batch in sorted({min(batch, len(documents)) for batch in _BATCHES}):
        name = f"padded: {batch} documents x most sentences x longest"
        actions[name] = partial(read_padded, classifier, documents, batch, per_pass)
    return compared(mix, actions, total, n_rounds)


@cache
def fastest_pass(classifier: DocumentClassifier) -> int:
    """Return how many tokens at a time dense rows are read fastest, so that the floor is one."""
    sizes = _PASSES[classifier.device.type]
    times = {}
    for size in sizes:
        action = partial(read_dense, classifier, sizes[-1], size)
        action()
        times[size] = min(seconds(action) for _ in range(2))
    return min(times, key=lambda size: times[size])


@torch.inference_mode()
def read_dense(classifier: DocumentClassifier, total: int, per_pass: int) -> None:
    """Encode so many tokens in rows of 128 without padding."""
    rows = torch.full((ceil_div(total, ROW), ROW), _PIECE, device=classifier.device)
    with precision(classifier):
        for part in torch.split(rows, per_pass // ROW):
            classifier.network.encoder(part, torch.ones_like(part, dtype=torch.bool))
    wait(classifier)


@torch.inference_mode()
def read_padded(
    classifier: DocumentClassifier, documents: Sequence[Document], n_together: int, per_pass: int
) -> None:
    """Encode documents as rectangles of most sentences times longest sentence, as HAN's code does."""
    for start in range(0, len(documents), n_together):
        batch = documents[start : start + n_together]
        longest = max(length(classifier, window) for window in chain.from_iterable(batch))
        n_rows = len(batch) * max(map(len, batch))
        ids = torch.full((n_rows, longest), _PIECE, device=classifier.device)
        mask = torch.zeros_like(ids, dtype=torch.bool)
        mask[:, : longest // 2 or 1] = True  # what is masked costs the same, whatever it is
        n_at_once = max(1, per_pass // longest)
        with precision(classifier):
            for part, keep in zip(*(torch.split(x, n_at_once) for x in (ids, mask)), strict=True):
                classifier.network.encoder(part, keep)
    wait(classifier)


@torch.inference_mode()
def read_heads(classifier: DocumentClassifier, documents: Sequence[Document]) -> None:
    """Encode the first 512 tokens of each document as one sequence."""
    with precision(classifier):
        for document in documents:
            n = min(_HEAD, n_tokens(classifier, [document]))
            ids = torch.full((1, n), _PIECE, device=classifier.device)
            classifier.network.encoder(ids, torch.ones_like(ids, dtype=torch.bool))
    wait(classifier)


def precision(classifier: DocumentClassifier) -> torch.autocast:
    """Return what has everything computed as the classifier's engine does."""
    engine = classifier.engine
    half = isinstance(engine, TorchEngine) and engine.half
    return torch.autocast(classifier.device.type, torch.bfloat16, enabled=half)

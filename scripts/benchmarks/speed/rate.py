"""How fast the machine multiplies: what the encoder's operations would take as products of large matrices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import torch

from benchmarks.speed.cost import Action
from benchmarks.speed.documents import Document, length
from benchmarks.speed.shape import wait
from hdoc.encoders.bert import Bert, BertShape
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.tasks.document.engine_torch import TorchEngine
from hdoc.tokens.grouping import ceil_div

RATE = "as many operations in products of large matrices"
_SIDE = {"cpu": 2048, "cuda": 8192}


def n_operations(shape: BertShape, lengths: Sequence[int]) -> int:
    """Return the multiplications and additions of an encoder's matrix products.

    Args:
        shape: of the encoder.
        lengths: tokens of each sequence.
    """
    width = shape.hidden_size
    a_token = 2 * (4 * width * width + 2 * width * shape.intermediate_size)
    a_pair = 2 * 2 * width  # its score, and its part of the mixture
    a_layer = sum(a_token * length + a_pair * length * length for length in lengths)
    return shape.num_hidden_layers * a_layer


def multiplying(classifier: DocumentClassifier, documents: Sequence[Document]) -> Action | None:
    """Return what does as many operations as the encoder on documents, and nothing else.

    Args:
        classifier: in torch.
        documents: split and tokenised already.

    Returns:
        The action; None for an encoder of an unknown shape.
    """
    engine, encoder = classifier.engine, classifier.network.encoder
    if not isinstance(encoder, Bert) or not isinstance(engine, TorchEngine):
        return None
    lengths = [length(classifier, window) for window in chain.from_iterable(documents)]
    side = _SIDE.get(engine.device.type, _SIDE["cpu"])
    n_rows = ceil_div(n_operations(encoder.shape, lengths), 2 * side * side)
    dtype = torch.bfloat16 if engine.half else torch.float32
    # Random numbers: a processor that throttles does so on real data, not on zeros.
    left, right = (torch.randn(side, side, device=engine.device).to(dtype) for _ in range(2))

    @torch.inference_mode()
    def multiply() -> None:
        for first in range(0, n_rows, side):
            torch.mm(left[: min(side, n_rows - first)], right)
        wait(classifier)

    return multiply

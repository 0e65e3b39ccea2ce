"""One document of 4,096 tokens beside encoders made for such: Longformer and BigBird."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import nn

from benchmarks.speed.cost import Action, Cost, compared
from benchmarks.speed.documents import sentence
from benchmarks.speed.reading import FLOOR, fastest_pass, precision, read_dense
from benchmarks.speed.shape import wait
from hdoc.encoders.bert import Bert, BertShape
from hdoc.tasks.document.classifier import DocumentClassifier

LONG = 4096
_SENTENCE = 32  # tokens, as long as those of news


def long_costs(classifier: DocumentClassifier, n_rounds: int) -> list[Cost]:
    """Measure the floor, hdoc, and both peers with the width and depth of its encoder and random weights.

    Args:
        classifier: in torch, with hdoc's own BERT.
        n_rounds: how often each is measured.
    """
    encoder = classifier.network.encoder
    if not isinstance(encoder, Bert):
        raise TypeError(f"expected hdoc's own BERT, got {type(encoder).__name__}")
    n_pieces = _SENTENCE - classifier.tokenizer.n_special
    # Each different, as equal ones are read once.
    document = [sentence([7 + i, *[7] * (n_pieces - 1)]) for i in range(LONG // _SENTENCE)]
    actions: dict[str, Action] = {
        FLOOR: partial(read_dense, classifier, LONG, fastest_pass(classifier)),
        "hdoc": partial(classifier.engine.score, [document]),
    }
    for name, peer in _peers(encoder.shape):
        actions[name] = partial(_run, classifier, peer.to(classifier.device))
    return compared("one document of 4,096 tokens", actions, LONG, n_rounds)


@torch.inference_mode()
def _run(classifier: DocumentClassifier, model: nn.Module) -> None:
    ids = torch.full((1, LONG), 7, device=classifier.device)
    with precision(classifier):
        model(input_ids=ids, attention_mask=torch.ones_like(ids))
    wait(classifier)


def _peers(shape: BertShape) -> Iterator[tuple[str, nn.Module]]:
    from transformers import BigBirdConfig, BigBirdModel, LongformerConfig, LongformerModel

    sizes: dict[str, Any] = {
        "vocab_size": shape.vocab_size,
        "hidden_size": shape.hidden_size,
        "num_hidden_layers": shape.num_hidden_layers,
        "num_attention_heads": shape.num_attention_heads,
        "intermediate_size": shape.intermediate_size,
        "max_position_embeddings": LONG + 2,
        "pad_token_id": 0,
    }
    longformer = LongformerConfig(**sizes, attention_window=512)
    yield "Longformer, window 512", LongformerModel(longformer, add_pooling_layer=False).train(False)
    big_bird = BigBirdConfig(**sizes, attention_type="block_sparse", block_size=64, num_random_blocks=3)
    yield "BigBird, blocks of 64", BigBirdModel(big_bird, add_pooling_layer=False).train(False)

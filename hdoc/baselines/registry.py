"""All architectures by name, and how each is built."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, get_args

from torch import nn

from hdoc.baselines import rows
from hdoc.baselines.ablations import MeanSentences, PerceptronHead
from hdoc.baselines.han import HierarchicalAttentionNetwork
from hdoc.baselines.pooled import PooledNetwork, Pooling, Summary, repeat_positions
from hdoc.encoders.config import encoder_width, encoder_window
from hdoc.errors import ModelError
from hdoc.tasks.document.network import DocumentNetwork, NetworkShape
from hdoc.tokens.tokenizer import PieceTokenizer

HDOC = "hdoc"
TFIDF = ("tfidf-svm", "tfidf-logistic")
"""Architectures that are no networks."""

AnyNetwork: TypeAlias = DocumentNetwork | HierarchicalAttentionNetwork | PooledNetwork


@dataclass(frozen=True, slots=True)
class NetworkParts:
    """What a network is built from.

    Attributes:
        encoder: a module `(ids, mask) -> hidden states`.
        encoder_config: its transformers config.
        tokenizer: gives special tokens and the window.
        shape: number of classes, and sizes for those architectures that have them.
        dropout: in training.
    """

    encoder: nn.Module
    encoder_config: Mapping[str, Any]
    tokenizer: PieceTokenizer
    shape: NetworkShape
    dropout: float


def architectures() -> list[str]:
    """Return all names."""
    return [*_BUILDERS, *TFIDF]


def build_network(architecture: str, parts: NetworkParts, options: Mapping[str, Any]) -> AnyNetwork:
    """Build a network by its name.

    Args:
        architecture: one of `architectures()` that is a network.
        parts: what all are built from.
        options: what only this architecture has.

    Raises:
        ModelError: there is no such network, it has no such option, or the encoder does not fit it.
    """
    if architecture not in _BUILDERS:
        raise ModelError(
            f"expected model.architecture to be one of {', '.join(architectures())}, got {architecture!r}"
        )
    build = _BUILDERS[architecture]
    known = [name for name in inspect.signature(build).parameters if name != "parts"]
    for name in options:
        if name not in known:
            raise ModelError(
                f"expected model.options of the architecture {architecture} among: "
                f"{', '.join(known) or 'none'}; got {name!r}"
            )
    return build(parts, **options)


def _hdoc(parts: NetworkParts, network: type[DocumentNetwork]) -> DocumentNetwork:
    width = encoder_width(parts.encoder_config)
    return network(parts.encoder, width, parts.shape, parts.dropout)


def _han(parts: NetworkParts) -> HierarchicalAttentionNetwork:
    return HierarchicalAttentionNetwork(
        parts.encoder, parts.shape.n_classes, parts.shape.value_width, parts.dropout
    )


def _truncating(
    choice: rows.Choice,
    parts: NetworkParts,
    *,
    length: int | None = None,
    summary: Summary = "cls",
    trained_positions: int | None = None,
) -> PooledNetwork:
    """Build a network that reads one row of a document.

    Args:
        choice: what goes into the row.
        parts: what all are built from.
        length: longest row, special tokens included; 512, or all positions of an encoder with fewer.
        summary: what becomes the vector of a row.
        trained_positions: how many of its positions the encoder was trained with, if not with all.
    """
    n_positions = encoder_window(parts.encoder_config)
    length = min(512, n_positions) if length is None else length
    if length > n_positions:
        raise ModelError(
            f"expected model.options.length of at most {n_positions}, the encoder's positions; got {length}"
        )
    if trained_positions is not None and trained_positions < length:
        repeat_positions(parts.encoder, trained_positions)
    return _pooled(parts, choice, length, summary, "mean")


def _chunked(pooling: Pooling, parts: NetworkParts, *, summary: Summary = "cls") -> PooledNetwork:
    return _pooled(parts, rows.chunks, parts.tokenizer.window, summary, pooling)


def _pooled(
    parts: NetworkParts, choice: rows.Choice, length: int, summary: Summary, pooling: Pooling
) -> PooledNetwork:
    if summary not in get_args(Summary):
        raise ModelError(
            f"expected model.options.summary to be one of {', '.join(get_args(Summary))}; got {summary!r}"
        )
    return PooledNetwork(
        parts.encoder,
        encoder_width(parts.encoder_config),
        parts.shape.n_classes,
        parts.tokenizer,
        choice,
        length,
        summary,
        pooling,
        parts.dropout,
    )


_BUILDERS: dict[str, Callable[..., AnyNetwork]] = {
    HDOC: lambda parts: _hdoc(parts, DocumentNetwork),
    "mean-sentences": lambda parts: _hdoc(parts, MeanSentences),
    "perceptron-head": lambda parts: _hdoc(parts, PerceptronHead),
    "han": _han,
    "first": partial(_truncating, rows.first),
    "head-tail": partial(_truncating, rows.head_tail),
    "random-sentences": partial(_truncating, rows.random_sentences),
    "chunk-mean": partial(_chunked, "mean"),
    "tobert": partial(_chunked, "transformer"),
}

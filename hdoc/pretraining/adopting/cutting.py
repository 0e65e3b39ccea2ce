"""Cuts a tokenizer and the rows of its embeddings to some pieces.

A cut tokenizer reads a text as the uncut one does wherever that uses none of the dropped pieces: the
best way to divide a word stays the best among fewer. Works on `tokenizer.json`, so whatever stands
around the vocabulary (normaliser, pre-tokeniser, template) stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from hdoc.encoders.config import first_position
from hdoc.errors import ModelError
from hdoc.pretraining.adopting.source import Source


def cut_tokenizer(tokenizer: Tokenizer, kept: Sequence[int]) -> Tokenizer:
    """Return a tokenizer of the kept pieces alone, numbered anew in their order.

    Args:
        tokenizer: Unigram or WordPiece.
        kept: ids; all special pieces must be among them.

    Raises:
        ModelError: the vocabulary is of another kind, such as BPE, whose merges need each other.
    """
    values = json.loads(tokenizer.to_str())
    model, places = values["model"], {old: new for new, old in enumerate(kept)}
    if model["type"] == "Unigram":
        model["vocab"] = [model["vocab"][old] for old in kept if old < len(model["vocab"])]
        if model["unk_id"] is not None:
            model["unk_id"] = places[model["unk_id"]]
    elif model["type"] == "WordPiece":
        model["vocab"] = {piece: places[old] for piece, old in model["vocab"].items() if old in places}
    else:
        raise ModelError(
            f"expected a Unigram or WordPiece vocabulary, which can be cut, got {model['type']}; "
            "take another encoder, or this one as it is"
        )
    for token in values["added_tokens"]:
        token["id"] = places[token["id"]]
    if values["post_processor"] is not None:
        values["post_processor"] = _renumbered(values["post_processor"], places)
    values["truncation"] = values["padding"] = None
    return Tokenizer.from_str(json.dumps(values))


def _renumbered(part: Any, places: Mapping[int, int]) -> Any:
    """Return a post-processor with new ids: `ids` of a template, `[piece, id]` of BERT's and RoBERTa's."""
    if isinstance(part, list):
        return [_renumbered(item, places) for item in part]
    if not isinstance(part, dict):
        return part
    found = {name: _renumbered(value, places) for name, value in part.items()}
    for name, value in part.items():
        if name == "ids":
            found[name] = [places[i] for i in value]
        elif name in ("sep", "cls"):
            found[name] = [value[0], places[value[1]]]
    return found


def cut_source(source: Source, kept: Sequence[int]) -> Source:
    """Return a source with the kept pieces alone: tokenizer, embeddings and config.

    Raises:
        ModelError: the vocabulary is of a kind that cannot be cut or has pieces without embeddings, or the
            model counts positions from its padding id, and that would change.
    """
    places = {old: new for new, old in enumerate(kept)}
    rows = source.tensors[source.embedding]
    if kept[-1] >= len(rows):
        raise ModelError(
            f"expected an embedding for each piece, got {len(rows):,} for the pieces up to {kept[-1]:,}; "
            "is the tokenizer that of the encoder?"
        )
    config = dict(source.config)
    for name, value in source.config.items():
        if name.endswith("_token_id") and isinstance(value, int):
            config[name] = places.get(value)
    config["vocab_size"] = len(kept)
    if first_position(config) != first_position(source.config):
        raise ModelError(
            f"expected the padding piece to keep its id {source.config['pad_token_id']}, from which "
            f"{config['model_type']} counts positions; it would become {config['pad_token_id']}"
        )
    return replace(
        source,
        config=config,
        tensors={**source.tensors, source.embedding: rows[np.array(kept)]},
        tokenizer=cut_tokenizer(source.tokenizer, kept),
    )

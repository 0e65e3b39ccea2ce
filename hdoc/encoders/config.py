"""What an encoder's transformers config says of its sizes; no torch is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hdoc.errors import ModelError


def encoder_width(config: Mapping[str, Any]) -> int:
    """Return the width of an encoder's hidden states.

    Raises:
        ModelError: the config does not say it.
    """
    for name in ("hidden_size", "dim", "d_model"):
        if isinstance(config.get(name), int):
            return int(config[name])
    raise ModelError(
        "expected hidden_size in the encoder's config, found none; is this an encoder's config.json?"
    )


def encoder_window(config: Mapping[str, Any]) -> int:
    """Return the longest sequence an encoder has positions for, special tokens included."""
    return int(config.get("max_position_embeddings", 512)) - first_position(config)


def first_position(config: Mapping[str, Any]) -> int:
    """Return the position of a sequence's first token: RoBERTa's family counts from behind the padding id."""
    kind = str(config.get("model_type"))
    if "roberta" not in kind and kind != "camembert":
        return 0
    pad_id = config.get("pad_token_id", 1)
    return 1 + int(pad_id or 0)

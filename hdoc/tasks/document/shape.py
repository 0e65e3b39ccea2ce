"""What decides a network beside its weights; plain values, for which no torch is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hdoc.errors import ModelError

Context = Literal["none", "convolution", "gru", "transformer"]
"""How sentence attention sees neighbouring sentences."""


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """What decides the network beside its encoder.

    Attributes:
        n_classes: number of class scores.
        value_width: width of values and sentence vectors.
        kernel_widths: pieces that each convolution of the word attention sees.
        channels: features of each convolution.
        context: how sentence attention sees neighbouring sentences.
    """

    n_classes: int
    value_width: int = 256
    kernel_widths: tuple[int, ...] = (1, 3, 5)
    channels: int = 128
    context: Context = "convolution"


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
    positions = int(config.get("max_position_embeddings", 512))
    # RoBERTa and its family count positions from behind the padding id.
    shifted = "roberta" in str(config.get("model_type")) or config.get("model_type") == "camembert"
    return positions - int(config.get("pad_token_id") or 0) - 1 if shifted else positions

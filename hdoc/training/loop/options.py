"""The options of a training that every task has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Schedule = Literal["linear", "cosine", "constant"]


@dataclass(frozen=True)
class OptimiserOptions:
    """How weights are learned.

    Args:
        encoder_rate: highest learning rate of the encoder's top layer.
        head_rate: highest learning rate of all that stands on the encoder.
        layer_decay: each layer of the encoder learns at this share of the rate of the one above it.
        weight_decay: of matrices; biases and normalisations have none.
        warmup_share: share of all steps over which learning rates rise.
        schedule: how learning rates fall to zero over the rest.
        freeze_encoder: train only what stands on the encoder.
    """

    encoder_rate: float = 1e-4
    head_rate: float = 1e-3
    layer_decay: float = 0.9
    weight_decay: float = 0.01
    warmup_share: float = 0.1
    schedule: Schedule = "linear"
    freeze_encoder: bool = False

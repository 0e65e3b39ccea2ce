"""What decides a network beside its weights; plain values, for which no torch is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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

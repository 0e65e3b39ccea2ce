"""Ablations: hdoc with one of its parts replaced, to see what the part is worth.

Without the CNN (`kernel_widths` empty) and with other sentence contexts (`context`) hdoc is still itself;
here is what its own settings cannot say.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from hdoc.tasks.document.network import DocumentNetwork, NetworkShape


class MeanSentences(DocumentNetwork):
    """hdoc whose sentences all count the same; arguments as for `DocumentNetwork`."""

    def __init__(
        self, encoder: nn.Module, hidden_width: int, shape: NetworkShape, dropout: float = 0.1
    ) -> None:
        super().__init__(encoder, hidden_width, shape, dropout)
        self.sentence_attention = cast("nn.Module", _EvenAttention())  # type: ignore[assignment]


class _EvenAttention(nn.Module):
    def forward(self, _vectors: Tensor, sentence_mask: Tensor) -> Tensor:
        return sentence_mask.float() / sentence_mask.sum(dim=1, keepdim=True)


class PerceptronHead(DocumentNetwork):
    """hdoc with a hidden layer before its scores, which are then no sum over words any more."""

    def __init__(
        self, encoder: nn.Module, hidden_width: int, shape: NetworkShape, dropout: float = 0.1
    ) -> None:
        super().__init__(encoder, hidden_width, shape, dropout)
        width = shape.value_width
        self.classifier = nn.Sequential(  # type: ignore[assignment]
            nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, shape.n_classes)
        )

    @property
    def head_weight(self) -> None:
        """No piece has a score of its own."""
        return

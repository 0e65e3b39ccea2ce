"""How the keys of sentence attention see neighbouring sentences.

Each takes sentence vectors (documents, sentences, width) and where there is a sentence, True = keep,
(documents, sentences); it returns keys of the vectors' shape.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hdoc.tasks.document.shape import Context


class _NoContext(nn.Module):
    def __init__(self, _width: int) -> None:
        super().__init__()

    def forward(self, vectors: Tensor, _mask: Tensor) -> Tensor:
        return vectors


class _ConvolutionContext(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(width, width, kernel_size=3, padding=1)

    def forward(self, vectors: Tensor, _mask: Tensor) -> Tensor:
        return vectors + torch.relu(self.convolution(vectors.transpose(1, 2)).transpose(1, 2))


class _GRUContext(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gru = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(
            vectors, mask.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = nn.utils.rnn.pad_packed_sequence(
            self.gru(packed)[0], batch_first=True, total_length=vectors.shape[1]
        )
        return states


class _TransformerContext(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(
            width, nhead=4, dim_feedforward=2 * width, batch_first=True, norm_first=True
        )

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        states: Tensor = self.layer(vectors, src_key_padding_mask=~mask)
        return states


CONTEXTS: dict[Context, type[nn.Module]] = {
    "none": _NoContext,
    "convolution": _ConvolutionContext,
    "gru": _GRUContext,
    "transformer": _TransformerContext,
}

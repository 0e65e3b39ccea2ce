"""The encoder over rows of a document, one vector a row, pooled, and a linear layer: no explanation.

With one row a document this is how BERT is used on long texts: what does not fit is cut off (Devlin et
al. 2019; Sun et al. 2019). With several it is RoBERT with a mean, or ToBERT with a transformer over the
rows' vectors (Pappagari et al. 2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from hdoc.baselines.rows import Choice, rows_of
from hdoc.encoders.padding import on_device, pad_documents, pad_groups
from hdoc.errors import ModelError
from hdoc.tokens.batches import DocumentBatch
from hdoc.tokens.tokenizer import PieceTokenizer

Summary = Literal["cls", "mean"]
"""What of a row becomes its vector: the state of its first token, or the mean over its word pieces."""

Pooling = Literal["mean", "transformer"]

# Groups of rows whose activations are kept for the way back; those of longer documents are computed anew.
_GROUPS_IN_MEMORY = 8
_HEADS, _LAYERS = 4, 2


@dataclass(frozen=True, slots=True)
class DocumentScores:
    """Scores of documents without any weights that would say where they come from.

    Attributes:
        logits: (documents, classes).
    """

    logits: Tensor


class PooledNetwork(nn.Module):
    """Rows to vectors to one vector a document to class scores.

    Args:
        encoder: a module `(ids, mask) -> hidden states`.
        hidden_width: width of its hidden states.
        n_classes: number of class scores.
        tokenizer: gives the special tokens around a row.
        choice: what of a document is read.
        length: longest row, special tokens included.
        summary: what becomes the vector of a row.
        pooling: how the vectors of several rows become one; of one row it is that row's.
        dropout: share of the pooled vector set to zero in training.
    """

    def __init__(
        self,
        encoder: nn.Module,
        hidden_width: int,
        n_classes: int,
        tokenizer: PieceTokenizer,
        choice: Choice,
        length: int,
        summary: Summary = "cls",
        pooling: Pooling = "mean",
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooler = nn.Linear(hidden_width, hidden_width)  # as BERT's own, before its classifier
        self.context = _RowTransformer(hidden_width, dropout) if pooling == "transformer" else None
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(hidden_width, n_classes)
        self._tokenizer, self._choice, self._length, self._summary = tokenizer, choice, length, summary

    def forward(self, batch: DocumentBatch) -> DocumentScores:
        """Score documents."""
        read = rows_of(batch, self._choice, self._tokenizer, self._length, self.training)
        keeps = not self.training or len(read.windows.groups) <= _GROUPS_IN_MEMORY
        device = self.classifier.weight.device
        summaries = []
        for group in pad_groups(read.windows, device):
            given = (group.ids, group.mask, group.piece_mask)
            summary: Tensor = (
                self._summarise(*given) if keeps else checkpoint(self._summarise, *given, use_reentrant=False)
            )
            summaries.append(summary)
        vectors = torch.cat(summaries)[on_device(read.rows, device)]
        rows, mask = pad_documents(vectors, read.counts)
        if self.context is not None:
            rows = self.context(rows, mask)
        logits: Tensor = self.classifier(self.dropout(masked_mean(rows, mask)))
        return DocumentScores(logits.float())

    def _summarise(self, ids: Tensor, mask: Tensor, piece_mask: Tensor) -> Tensor:
        """Return a vector for each row, (rows, hidden_width)."""
        hidden = self.encoder(ids, mask)
        vectors = hidden[:, 0] if self._summary == "cls" else masked_mean(hidden, piece_mask)
        pooled: Tensor = torch.tanh(self.pooler(vectors))
        return pooled


class _RowTransformer(nn.Module):
    """ToBERT: two transformer layers over the vectors of rows, which know their place by sines."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            width, _HEADS, dim_feedforward=4 * width, dropout=dropout, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        places = sines(rows.shape[1], rows.shape[2]).to(rows)
        states: Tensor = self.layers(rows + places, src_key_padding_mask=~mask)
        return states


def sines(n_places: int, width: int) -> Tensor:
    """Return vectors (places, width) for places in a sequence of any length (Vaswani et al. 2017)."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
    angles = torch.arange(n_places).unsqueeze(1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :width]


def masked_mean(items: Tensor, mask: Tensor) -> Tensor:
    """Return the mean (rows, width) of items (rows, items, width) where the mask (rows, items) is True."""
    weights = mask.to(items.dtype) / mask.sum(dim=1, keepdim=True).to(items.dtype)
    return torch.einsum("ri,riw->rw", weights, items)


def repeat_positions(encoder: nn.Module, n_trained: int) -> None:
    """Start the position vectors that were never trained as copies of those that were.

    An encoder pre-trained on short rows has random vectors for the positions behind them. Longformer starts
    its longer inputs this way (Beltagy et al. 2020): neighbours stay neighbours everywhere but at a seam.

    Args:
        encoder: with a table of positions; changed in place.
        n_trained: how many of its positions were trained.

    Raises:
        ModelError: the encoder has no such table.
    """
    tables = [
        parameter
        for name, parameter in encoder.named_parameters()
        if name.endswith("position_embeddings.weight")
    ]
    if len(tables) != 1:
        raise ModelError(
            f"expected an encoder with one table of positions to repeat, this one has {len(tables)}; leave "
            "trained_positions out of model.options"
        )
    with torch.no_grad():
        for start in range(n_trained, len(tables[0]), n_trained):
            part = tables[0][start : start + n_trained]
            part.copy_(tables[0][: len(part)])

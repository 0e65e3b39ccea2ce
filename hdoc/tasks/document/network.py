"""Encoder, word attention and sentence attention to class scores that are plain sums over words.

    logit_c = bias_c + Σ_s b_s Σ_t a_st ⟨w_c, v_st⟩

with word weights `a`, sentence weights `b` and values `v`. Nothing non-linear follows the pooling, so
each term of the sum is the exact, signed share of one word piece, known after one forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hdoc.encoders.bert import Bert
from hdoc.encoders.memory import trim_heap
from hdoc.encoders.packing import PackedWindows
from hdoc.encoders.padding import PaddedWindows, on_device, pad_documents, pad_groups
from hdoc.tasks.document.attention import SentenceAttention, WordAttention
from hdoc.tasks.document.shape import NetworkShape
from hdoc.tokens.batches import DocumentBatch
from hdoc.tokens.flat_windows import FlatWindows, Ids
from hdoc.tokens.grouping import TOKEN_BUDGET

__all__ = ["DocumentNetwork", "NetworkShape", "Reading", "Verdict"]

# A batch of usual documents fits, and is read once; a longer document is read twice in bounded memory.
KEPT_TOKENS = 16_384


@dataclass(frozen=True, slots=True)
class Reading:
    """What windows came to: those of a padded group, or some that lie end to end.

    Attributes:
        vectors: window vectors `z`, (windows, value_width).
        word_weights: `a`, (windows, length) or (pieces,).
        piece_scores: `⟨w_c, v⟩`, (windows, length, classes) or (pieces, classes); None in training, where
            nobody needs them.
    """

    vectors: Tensor
    word_weights: Tensor
    piece_scores: Tensor | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Scores of documents.

    Attributes:
        logits: (documents, classes).
        sentence_weights: `b`, one for each window of all documents, in order, (windows,).
    """

    logits: Tensor
    sentence_weights: Tensor


class DocumentNetwork(nn.Module):
    """The whole model.

    Args:
        encoder: a module `(ids, mask) -> hidden states`.
        hidden_width: width of its hidden states.
        shape: sizes of what stands on it.
        dropout: share of hidden states, features and pooled values set to zero in training.

    Attributes:
        kept_tokens: hidden states of at most so many tokens are kept for a backward pass.
    """

    def __init__(
        self, encoder: nn.Module, hidden_width: int, shape: NetworkShape, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.shape = shape
        self.kept_tokens = KEPT_TOKENS
        self.encoder = encoder
        self.word_attention = WordAttention(
            hidden_width, shape.value_width, shape.kernel_widths, shape.channels, dropout
        )
        self.sentence_attention = SentenceAttention(shape.value_width, shape.context, dropout)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(shape.value_width, shape.n_classes)

    @property
    def head_weight(self) -> Tensor | None:
        """Weights of the class scores, (classes, value_width); None if they are no plain sum over words."""
        return self.classifier.weight

    def forward(self, batch: DocumentBatch) -> Verdict:
        """Score documents."""
        vectors = self._all_vectors(batch.windows)
        return self.judge(vectors[on_device(batch.rows, vectors.device)], batch.counts)

    def _all_vectors(self, windows: FlatWindows) -> Tensor:
        """Return the vectors of all windows, in memory that does not grow with their number.

        Of more tokens than `kept_tokens`, hidden states are not kept for the backward pass but computed
        again, part by part (Chen et al. 2016; Gao et al. 2021); gradients are the same.
        """
        if not torch.is_grad_enabled() or windows.n_cells <= self.kept_tokens:
            return self.vectors(windows)
        # Imported here: it brings half of torch, which explaining can do without.
        from torch.utils.checkpoint import checkpoint

        # A tensor among the arguments says which device's random numbers are to be drawn again.
        anchor = self.word_attention.value.weight
        return torch.cat(
            [
                checkpoint(self._part, part, anchor, use_reentrant=False)
                for part in windows.parts(TOKEN_BUDGET)
            ]
        )

    def _part(self, windows: FlatWindows, anchor: Tensor) -> Tensor:
        """Return the vectors of one part of many, in the memory that the part before has left."""
        if anchor.device.type == "cpu":
            trim_heap()
        return self.vectors(windows)

    def vectors(self, windows: FlatWindows) -> Tensor:
        """Return the vectors of windows, (windows, value_width)."""
        device = self.word_attention.value.weight.device
        if isinstance(self.encoder, Bert):
            return self.read_packed(PackedWindows.of(windows).to(device)).vectors
        return torch.cat([self.read(group).vectors for group in pad_groups(windows, device)])

    def read_packed(self, windows: PackedWindows) -> Reading:
        """Encode windows that lie end to end and pool each over its words; the encoder must be a `Bert`."""
        if not isinstance(self.encoder, Bert):
            raise TypeError(f"expected hdoc's own BERT, got {type(self.encoder).__name__}")
        pooled = self.word_attention.packed(self.encoder.packed(windows), windows)
        head = self.head_weight
        if self.training or head is None:
            return Reading(pooled.vectors, pooled.weights, None)
        value = self.word_attention.value
        # Scores of values, without the values: the product of both weights is small. In 32 bit as below.
        with torch.autocast(pooled.vectors.device.type, enabled=False):
            scores = F.linear(pooled.features.float(), head @ value.weight, head @ value.bias)
        return Reading(pooled.vectors, pooled.weights, scores)

    def read(self, windows: PaddedWindows) -> Reading:
        """Encode windows and pool each over its words."""
        hidden = self.encoder(windows.ids, windows.mask)
        values, weights = self.word_attention(hidden, windows.piece_mask)
        values = values.float()
        # In 32 bit, whatever the encoder computes in: scores are to be sums of shares to the last digits.
        with torch.autocast(values.device.type, enabled=False):
            vectors = torch.einsum("nl,nlw->nw", weights, values)
            head = self.head_weight
            scores = None if self.training or head is None else values @ head.T
        return Reading(vectors, weights, scores)

    def judge(self, vectors: Tensor, counts: Sequence[int] | Ids) -> Verdict:
        """Pool window vectors over documents and score them.

        Args:
            vectors: of all windows in document order, (windows, value_width).
            counts: windows of each document, (documents,).
        """
        documents, mask = pad_documents(vectors, counts)
        weights = self.sentence_attention(documents, mask)
        pooled = torch.einsum("ds,dsw->dw", weights, documents)
        logits: Tensor = self.classifier(self.dropout(pooled))
        return Verdict(logits.float(), weights[mask])

"""Two texts to logits or a score, through the mean of each text's hidden states.

Each text is read by itself, as Sentence-BERT does (Reimers & Gurevych 2019): with means `u` and `v`,

    logits = W [u; v; |u - v|; u * v] + b          classes
    score  = low + (high - low) cos(u, v)          regression

so a score begins where the encoder's own similarity is, not at nothing. A mean is over word pieces; those of
a text that is longer than the window, and is read in several, are averaged together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hdoc.encoders.bert import Bert
from hdoc.encoders.packing import PackedWindows
from hdoc.encoders.padding import on_device, pad_groups
from hdoc.tokens.batches import DocumentBatch
from hdoc.tokens.flat_windows import FlatWindows


@dataclass(frozen=True, slots=True)
class PairShape:
    """What stands on the encoder.

    Attributes:
        n_classes: number of logits; 0 for regression.
        low: the score of two texts whose means have the cosine 0.
        high: the score of two texts whose means have the cosine 1.
    """

    n_classes: int
    low: float = 0.0
    high: float = 1.0

    @property
    def regression(self) -> bool:
        """Whether the network gives scores, not logits."""
        return self.n_classes == 0


class PairNetwork(nn.Module):
    """The whole model.

    Args:
        encoder: a module `(ids, mask) -> hidden states`.
        hidden_width: width of its hidden states.
        shape: what stands on it.
        dropout: share of the features set to zero in training.
    """

    def __init__(self, encoder: nn.Module, hidden_width: int, shape: PairShape, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape = shape
        self.hidden_width = hidden_width
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.classifier = None if shape.regression else nn.Linear(4 * hidden_width, shape.n_classes)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.parameters()).device

    def forward(self, texts: DocumentBatch) -> Tensor:
        """Judge pairs.

        Args:
            texts: the first text of each pair, then the second of each.

        Returns:
            Logits (pairs, classes), or scores (pairs,).
        """
        first, second = self.means(texts).chunk(2)
        return self.judge(first, second)

    def judge(self, first: Tensor, second: Tensor) -> Tensor:
        """Judge pairs by the means of their texts, both (pairs, hidden_width); see `forward`."""
        # In 32 bit, whatever the encoder computes in: the cosines of close texts differ by little.
        with torch.autocast(first.device.type, enabled=False):
            if self.classifier is None:
                return self.score(F.cosine_similarity(first, second, dim=1))
            features = torch.cat([first, second, (first - second).abs(), first * second], dim=1)
            logits: Tensor = self.classifier(self.dropout(features))
            return logits

    def score(self, cosines: Tensor) -> Tensor:
        """Return the scores that cosines stand for."""
        return self.shape.low + (self.shape.high - self.shape.low) * cosines

    def means(self, texts: DocumentBatch, budget: int | None = None) -> Tensor:
        """Return the mean hidden state of the word pieces of each text, (texts, hidden_width), 32 bit.

        Args:
            texts: each with at least one window.
            budget: most tokens that the encoder reads at once, padding included; None for all.
        """
        owners = np.empty(len(texts.rows), dtype=np.int64)  # the text of each window
        owners[texts.rows] = np.repeat(np.arange(len(texts.counts)), texts.counts)
        n_pieces = np.bincount(owners, texts.windows.n_pieces, len(texts.counts))
        sums = torch.zeros(len(texts.counts), self.hidden_width, device=self.device)
        first = 0
        for part in [texts.windows] if budget is None else texts.windows.parts(budget):
            last = first + len(part.lengths)
            sums = self._add(sums, part, on_device(owners[first:last], self.device))
            first = last
        return sums / on_device(n_pieces.astype(np.float32), self.device).unsqueeze(1)

    def _add(self, sums: Tensor, windows: FlatWindows, owners: Tensor) -> Tensor:
        """Add the hidden states of windows to the sums of their texts."""
        if isinstance(self.encoder, Bert):
            packed = PackedWindows.of(windows).to(self.device)
            states = self.encoder.packed(packed).index_select(0, packed.pieces)
            return sums.index_add(0, owners[packed.owners], states.float())
        first = 0
        for group in pad_groups(windows, self.device):
            states = self.encoder(group.ids, group.mask).float()
            of_windows = (states * group.piece_mask.unsqueeze(-1)).sum(1)
            last = first + len(of_windows)
            sums = sums.index_add(0, owners[first:last], of_windows)
            first = last
        return sums

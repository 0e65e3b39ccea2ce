"""The two attentions that say which words and which sentences count.

Word attention is a CNN over the word pieces of one sentence; sentence attention is that of HAN
(Yang et al. 2016), whose keys may look across sentences. Nothing non-linear follows either of them:
values are only weighted and summed, which is what makes every score a plain sum over words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from hdoc.encoders.packing import PackedWindows
from hdoc.tasks.document.context import CONTEXTS
from hdoc.tasks.document.shape import Context

__all__ = ["AdditiveAttention", "Context", "SentenceAttention", "WordAttention", "masked_softmax"]


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last dimension where the mask is True; exactly 0 elsewhere.

    Args:
        scores: (..., items).
        mask: True = keep, (..., items); at least one per row.
    """
    return scores.masked_fill(~mask, float("-inf")).softmax(dim=-1)


class AdditiveAttention(nn.Module):
    """Weights `softmax(tanh(W x) · q)` over items (Bahdanau et al. 2015; Yang et al. 2016).

    Args:
        width: width of the items.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.key = nn.Linear(width, width)
        self.query = nn.Linear(width, 1, bias=False)

    def forward(self, items: Tensor, mask: Tensor) -> Tensor:
        """Weigh items (rows, items, width) under a mask (rows, items); weights are float32."""
        return masked_softmax(self.scores(items), mask)

    def scores(self, items: Tensor) -> Tensor:
        """Return the weights' logarithms up to a constant, (..., items), float32."""
        scores: Tensor = self.query(torch.tanh(self.key(items))).squeeze(-1)
        return scores.float()


@dataclass(frozen=True, slots=True)
class PooledWindows:
    """Sentences that lie end to end, pooled over their pieces.

    Attributes:
        vectors: sentence vectors, (sentences, value_width).
        weights: those of a sentence sum to 1, (pieces,).
        features: what values are a linear function of, (pieces, hidden_width + features of convolutions).
    """

    vectors: Tensor
    weights: Tensor
    features: Tensor


class WordAttention(nn.Module):
    """Parallel 1-D convolutions over word pieces give local features; those give weights and values.

    Args:
        hidden_width: width of the encoder's hidden states.
        value_width: width of the values, and of a sentence vector.
        kernel_widths: pieces that each convolution sees; odd numbers. Empty: no convolution.
        channels: features of each convolution.
        dropout: share of hidden states and features set to zero in training.
    """

    def __init__(
        self,
        hidden_width: int,
        value_width: int,
        kernel_widths: Sequence[int] = (1, 3, 5),
        channels: int = 128,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if any(kernel_width % 2 == 0 for kernel_width in kernel_widths):
            raise ValueError(
                f"expected odd kernel widths, which keep a piece in the middle; got {kernel_widths}"
            )
        self.convolutions = nn.ModuleList(
            nn.Conv1d(hidden_width, channels, kernel_width, padding=kernel_width // 2)
            for kernel_width in kernel_widths
        )
        feature_width = channels * len(kernel_widths) or hidden_width
        self.attention = AdditiveAttention(feature_width)
        self.value = nn.Linear(hidden_width + channels * len(kernel_widths), value_width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, piece_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Weigh the pieces of sentences.

        Args:
            hidden: (sentences, length, hidden_width).
            piece_mask: True at real pieces, False at special tokens and padding, (sentences, length).

        Returns:
            Values (sentences, length, value_width) and weights (sentences, length); the weights of a
            sentence sum to 1 and are 0 outside the mask.
        """
        hidden = self.dropout(hidden * piece_mask.unsqueeze(-1))
        channels_first = hidden.transpose(1, 2)
        local = [torch.relu(convolution(channels_first)).transpose(1, 2) for convolution in self.convolutions]
        features = self.dropout(torch.cat(local, dim=-1)) if local else hidden
        weights = self.attention(features, piece_mask)
        values: Tensor = self.value(torch.cat([hidden, *local], dim=-1))
        return values, weights

    def packed(self, hidden: Tensor, windows: PackedWindows) -> PooledWindows:
        """Pool sentences that lie end to end: what `forward`'s values and weights come to.

        Args:
            hidden: of all tokens, (tokens, hidden_width).
            windows: which tokens are pieces, and of which sentence.
        """
        if torch.is_autocast_enabled(hidden.device.type):  # products cast it anyway: once is enough
            hidden = hidden.to(torch.get_autocast_dtype(hidden.device.type))
        convolutions = cast("list[nn.Conv1d]", list(self.convolutions))
        margin = max((convolution.kernel_size[0] // 2 for convolution in convolutions), default=0)
        # Zeros between sentences keep convolutions from looking across.
        places = torch.arange(len(windows.owners), device=hidden.device) + margin * windows.owners
        n_rows = len(places) + margin * (windows.n_windows - 1)
        spaced = hidden.new_zeros(n_rows + 2 * margin, hidden.shape[1])
        spaced = spaced.index_copy(0, places + margin, self.dropout(hidden[windows.pieces]))
        local = [torch.relu(_convolve(spaced, convolution, margin)) for convolution in convolutions]
        features = torch.cat([spaced[margin : margin + n_rows], *local], dim=1).index_select(0, places)
        keys = self.dropout(features[:, hidden.shape[1] :]) if local else features
        weights = _softmax_within(self.attention.scores(keys), windows.owners, windows.n_windows)
        # The weights sum to 1, so the sum of the values is the value of the sum: one product a window.
        with torch.autocast(hidden.device.type, enabled=False):
            sums = weights.new_zeros(windows.n_windows, features.shape[1])
            sums = sums.index_add(0, windows.owners, weights.unsqueeze(1) * features.float())
            return PooledWindows(self.value(sums), weights, features)


def _convolve(rows: Tensor, convolution: nn.Conv1d, margin: int) -> Tensor:
    """Apply a convolution to rows (rows, width) as matrix products, which copy nothing.

    Returns:
        (rows - 2 * margin, channels).
    """
    reach = convolution.kernel_size[0] // 2
    n_rows = len(rows) - 2 * margin
    found = cast("Tensor", convolution.bias)
    for i in range(-reach, reach + 1):
        neighbours = rows[margin + i : margin + i + n_rows]
        found = torch.addmm(found, neighbours, convolution.weight[:, :, reach + i].T)
    return found


def _softmax_within(scores: Tensor, owners: Tensor, n_owners: int) -> Tensor:
    """Softmax over the scores (items,) of each owner (items,)."""
    highest = scores.new_full((n_owners,), float("-inf")).scatter_reduce(0, owners, scores.detach(), "amax")
    powers = (scores - highest[owners]).exp()
    return powers / powers.new_zeros(n_owners).index_add(0, owners, powers)[owners]


class SentenceAttention(nn.Module):
    """HAN's attention over the sentences of a document; only the keys look across sentences.

    Args:
        width: width of a sentence vector.
        context: how keys see their neighbours.
        dropout: share of the keys set to zero in training.
    """

    def __init__(self, width: int, context: Context = "convolution", dropout: float = 0.1) -> None:
        super().__init__()
        self.context = CONTEXTS[context](width)
        self.attention = AdditiveAttention(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, vectors: Tensor, sentence_mask: Tensor) -> Tensor:
        """Weigh the sentences of documents.

        Args:
            vectors: sentence vectors, (documents, sentences, width).
            sentence_mask: True where there is a sentence, (documents, sentences).

        Returns:
            Weights (documents, sentences); those of a document sum to 1.
        """
        keys = self.context(vectors * sentence_mask.unsqueeze(-1), sentence_mask)
        weights: Tensor = self.attention(self.dropout(keys), sentence_mask)
        return weights

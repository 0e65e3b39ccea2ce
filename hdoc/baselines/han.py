"""HAN, the hierarchical attention network with bidirectional GRUs (Yang et al. 2016).

A GRU reads the words of a sentence, attention pools them to a vector; a second GRU reads the sentences'
vectors, attention pools its states to the document's. Words are the encoder's word pieces, and their
embeddings start from the encoder's, as those of the paper start from word2vec; nothing else of the encoder
is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hdoc.encoders.padding import PaddedWindows, on_device, pad_documents, pad_groups
from hdoc.errors import ModelError
from hdoc.tasks.document.attention import AdditiveAttention
from hdoc.tokens.batches import DocumentBatch
from hdoc.tokens.flat_windows import Ids


@dataclass(frozen=True, slots=True)
class HanScores:
    """Scores of documents and where they looked.

    Attributes:
        logits: (documents, classes).
        sentence_weights: those of all documents in order; of one document they sum to 1, (windows,).
        sentence_states: what the weights sum up to the document's vector, (windows, width).
    """

    logits: Tensor
    sentence_weights: Tensor
    sentence_states: Tensor


class HierarchicalAttentionNetwork(nn.Module):
    """HAN.

    Args:
        encoder: gives the first embeddings.
        n_classes: number of class scores.
        width: of the GRUs' states, both directions together.
        dropout: share of embeddings and of the document's vector set to zero in training.

    Raises:
        ModelError: the encoder has no table of word embeddings.
    """

    def __init__(self, encoder: nn.Module, n_classes: int, width: int = 256, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = _word_embeddings(
            encoder
        )  # the optimiser knows it as the part that starts from something
        self.words = nn.GRU(self.encoder.embedding_dim, width // 2, batch_first=True, bidirectional=True)
        self.word_attention = AdditiveAttention(width)
        self.sentences = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)
        self.sentence_attention = AdditiveAttention(width)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, n_classes)

    def forward(self, batch: DocumentBatch) -> HanScores:
        """Score documents."""
        device = self.classifier.weight.device
        vectors = torch.cat([self.read(group)[0] for group in pad_groups(batch.windows, device)])
        return self.judge(vectors[on_device(batch.rows, device)], batch.counts)

    def read(self, windows: PaddedWindows) -> tuple[Tensor, Tensor]:
        """Pool each window over its words.

        Returns:
            Vectors (windows, width) and word weights (windows, length), 0 at special tokens.
        """
        # The special tokens are read as boundaries, and get no attention.
        states = _run(self.words, self.dropout(self.encoder(windows.ids)), windows.mask.sum(dim=1))
        weights = self.word_attention(states, windows.piece_mask)
        return torch.einsum("nl,nlw->nw", weights, states.float()), weights

    def judge(self, vectors: Tensor, counts: Sequence[int] | Ids) -> HanScores:
        """Pool window vectors over documents and score them.

        Args:
            vectors: of all windows in document order, (windows, width).
            counts: windows of each document, (documents,).
        """
        documents, mask = pad_documents(vectors, counts)
        states = _run(self.sentences, documents, mask.sum(dim=1)).float()
        weights = self.sentence_attention(states, mask)
        pooled = torch.einsum("ds,dsw->dw", weights, states)
        logits: Tensor = self.classifier(self.dropout(pooled))
        return HanScores(logits.float(), weights[mask], states[mask])


def _run(gru: nn.GRU, items: Tensor, lengths: Tensor) -> Tensor:
    """Return the states (rows, items, width) of a GRU that sees no padding."""
    packed = nn.utils.rnn.pack_padded_sequence(items, lengths.cpu(), batch_first=True, enforce_sorted=False)
    states, _ = nn.utils.rnn.pad_packed_sequence(
        gru(packed)[0], batch_first=True, total_length=items.shape[1]
    )
    return states


def _word_embeddings(encoder: nn.Module) -> nn.Embedding:
    for name, module in encoder.named_modules():
        if isinstance(module, nn.Embedding) and name.endswith("word_embeddings"):
            return module
    raise ModelError(
        "expected an encoder with word_embeddings, which HAN starts from; choose an encoder of BERT's kind"
    )

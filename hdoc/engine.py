"""The network at work in torch: windows in, numbers out, in groups of similar length."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from hdoc.analysis import Floats, PieceScores, Scores
from hdoc.batches import TOKEN_BUDGET, pad_windows, token_budget_batches
from hdoc.encoding import PieceTokenizer, Window
from hdoc.network import DocumentNetwork


class TorchEngine:
    """Runs a network over the windows of documents.

    Args:
        network: in evaluation mode.
        tokenizer: its tokenizer.
        device: where to compute, for example "cpu" or "cuda"; a GPU if there is one by default.
        origin: the score of a piece that argues neither for nor against a class, (classes,); 0 by default.

    Since weights sum to 1, whatever is taken off all piece scores and added to the bias leaves the class
    scores as they are: the origin decides what counts as evidence, not what the classes are.
    """

    def __init__(
        self,
        network: DocumentNetwork,
        tokenizer: PieceTokenizer,
        device: str | None = None,
        origin: Floats | None = None,
    ) -> None:
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.network = network.to(self.device)
        self.tokenizer = tokenizer
        self.origin: Floats = np.zeros(network.shape.n_classes) if origin is None else origin

    @property
    def bias(self) -> Floats:
        """The part of the class scores that does not depend on the text, (classes,)."""
        bias: Floats = self.network.classifier.bias.detach().cpu().numpy().astype(float)
        return bias + self.origin

    @torch.inference_mode()
    def encode(
        self, windows: Sequence[Window], words: bool = False
    ) -> tuple[Tensor, list[PieceScores | None]]:
        """Read windows, of any documents, in groups of similar length.

        Args:
            windows: at least one.
            words: whether to keep what each word piece scored.

        Returns:
            Window vectors (windows, value_width), and for each window the scores of its pieces or None.
        """
        n_special = self.tokenizer.window - self.tokenizer.capacity
        groups = token_budget_batches([len(window.ids) + n_special for window in windows], TOKEN_BUDGET)
        vectors = torch.empty(len(windows), self.network.shape.value_width, device=self.device)
        pieces: list[PieceScores | None] = [None] * len(windows)
        for group in groups:
            padded = pad_windows([windows[i].ids for i in group], self.tokenizer).to(self.device)
            reading = self.network.read(padded)
            vectors[torch.tensor(group, device=self.device)] = reading.vectors
            if words and reading.piece_scores is not None:
                weights, scores = reading.word_weights.cpu().numpy(), reading.piece_scores.cpu().numpy()
                first = len(self.tokenizer.prefix)
                for row, i in enumerate(group):
                    real = slice(first, first + len(windows[i].ids))
                    own = scores[row, real].astype(float) - self.origin
                    pieces[i] = PieceScores(weights[row, real].astype(float), own)
        return vectors, pieces

    @torch.inference_mode()
    def score(self, documents: Sequence[Sequence[Window]], words: bool = False) -> list[Scores]:
        """Score documents, each with at least one window.

        Args:
            documents: the windows of each; at least one document.
            words: whether to keep what each word piece scored.
        """
        vectors, pieces = self.encode(list(chain.from_iterable(documents)), words)
        counts = torch.tensor([len(document) for document in documents], device=self.device)
        verdict = self.network.judge(vectors, counts)
        window_scores = (vectors @ self.network.classifier.weight.T).cpu().numpy().astype(float) - self.origin
        sentence_weights = verdict.sentence_weights.cpu().numpy().astype(float)
        ends = np.cumsum([len(document) for document in documents]).tolist()
        return [
            Scores(
                logits, sentence_weights[end - n : end], window_scores[end - n : end], pieces[end - n : end]
            )
            for logits, end, n in zip(
                verdict.logits.cpu().numpy().astype(float), ends, map(len, documents), strict=True
            )
        ]

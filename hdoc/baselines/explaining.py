"""`HanExplainer`: HAN's weights in the same `Explanation`, so the same pages and figures, as hdoc's shares.

HAN's score is a plain sum over sentences too, `logit_c = bias_c + Σ_s b_s ⟨w_c, h_s⟩`, but over states `h_s`
that a GRU made of all sentences. A sentence's share is exact for that sum; inside a sentence nothing adds
up, so its share is divided among its words as word attention divides itself. That is the reading of
attention weights as an explanation which hdoc is to be compared with.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from hdoc.baselines.han import HierarchicalAttentionNetwork
from hdoc.encoders.padding import pad_windows
from hdoc.errors import InputError
from hdoc.explanation import Explanation, ModelIdentity, SentenceShare, WordShare
from hdoc.tasks.classes import Classes
from hdoc.tasks.document.scores import Floats
from hdoc.tasks.temperature import UNCALIBRATED, Temperature
from hdoc.text.sentences import split_sentences
from hdoc.tokens.grouping import TOKEN_BUDGET, similar_length_groups
from hdoc.tokens.tokenizer import PieceTokenizer, Window, word_spans, words_of_pieces

METHOD = "HAN attention"


class HanExplainer:
    """A trained HAN that explains texts.

    Args:
        network: the network; it is put into evaluation mode.
        tokenizer: with the window it was trained with.
        labels: class names in the order of the scores.
        temperature: what logits are divided by before they become probabilities.
        identity: what explanations call the model.
        multi_label: whether a document may have several classes.
    """

    def __init__(
        self,
        network: HierarchicalAttentionNetwork,
        tokenizer: PieceTokenizer,
        labels: Sequence[str],
        temperature: Temperature = UNCALIBRATED,
        identity: ModelIdentity | None = None,
        multi_label: bool = False,
    ) -> None:
        self.network = network.eval()
        self.tokenizer = tokenizer
        bias: Floats = network.classifier.bias.detach().cpu().numpy().astype(float)
        self.classes = Classes(tuple(labels), multi_label, temperature, bias)
        self.identity = identity or ModelIdentity("han", "1", "")

    def explain(self, text: str, target: str | None = None, versus: str | None = None) -> Explanation:
        """Classify a document and say where HAN looked.

        Args:
            text: the document.
            target: the class to explain; the most probable one by default.
            versus: explain why `target` and not this class; all numbers are then differences.

        Raises:
            InputError: the text has nothing to read.
            LabelError: the model knows no such class, or both are the same.
        """
        windows = self.tokenizer.windows(text, split_sentences(text))
        if not windows:
            raise InputError("expected a text with words, got one with nothing to read")
        logits, sentence_weights, scores, word_weights = self._score(windows)
        probabilities = self.classes.probabilities(logits)
        label = next(iter(probabilities))
        target = target or label
        direction = self.classes.direction(target, versus)
        sentences = tuple(
            _sentence(text, window, weight, weights, float(score @ direction))
            for window, weight, weights, score in zip(
                windows, sentence_weights.tolist(), word_weights, scores, strict=True
            )
        )
        bias = float(self.classes.bias @ direction)
        return Explanation(
            model=self.identity,
            label=label,
            probability=probabilities[label],
            probabilities=probabilities,
            target=target,
            versus=versus,
            logit=bias + sum(sentence.contribution for sentence in sentences),
            bias=bias,
            method=METHOD,
            coverage=1.0,  # windows hold every sentence whole
            n_characters=len(text),
            sentences=sentences,
        )

    @torch.inference_mode()
    def _score(self, windows: Sequence[Window]) -> tuple[Floats, Floats, Floats, list[Floats]]:
        """Return logits (classes,), and the windows' weights, class scores and weights of pieces."""
        device = self.network.classifier.weight.device
        lengths = [len(window.ids) + self.tokenizer.n_special for window in windows]
        groups = similar_length_groups(lengths, TOKEN_BUDGET)
        vectors = torch.empty(len(windows), self.network.classifier.in_features, device=device)
        word_weights: list[Floats] = [np.empty(0)] * len(windows)
        for group in groups:
            padded = pad_windows([windows[i].ids for i in group], self.tokenizer).to(device)
            vectors[torch.tensor(group, device=device)], weights = self.network.read(padded)
            for row, i in enumerate(group):
                word_weights[i] = weights[row, padded.piece_mask[row]].cpu().numpy().astype(float)
        found = self.network.judge(vectors, [len(windows)])
        scores = found.sentence_states @ self.network.classifier.weight.T
        return (
            found.logits[0].cpu().numpy().astype(float),
            found.sentence_weights.cpu().numpy().astype(float),
            scores.cpu().numpy().astype(float),
            word_weights,
        )


def _sentence(text: str, window: Window, weight: float, piece_weights: Floats, score: float) -> SentenceShare:
    """Divide a sentence's share of the score among its words."""
    spans = word_spans(text, window)
    attention = np.bincount(words_of_pieces(window, spans), piece_weights, len(spans))
    shares = weight * score * attention / attention.sum()
    words = tuple(
        WordShare(start, end, a, c)
        for (start, end), a, c in zip(spans, attention.tolist(), shares.tolist(), strict=True)
    )
    return SentenceShare(window.start, window.end, weight, float(shares.sum()), words)

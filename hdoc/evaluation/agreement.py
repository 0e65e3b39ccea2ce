"""How word scores agree with people, and with each other."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

import numpy as np
from numpy.typing import NDArray

from hdoc.explanation import Explanation
from hdoc.faithfulness.erasure import ranking

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

N_TOP_SENTENCES = 3


def word_scores(explanation: Explanation) -> Floats:
    """Return the contributions of all words in text order, (words,)."""
    return np.array([word.contribution for sentence in explanation.sentences for word in sentence.words])


def sentence_means(explanation: Explanation, scores: Floats) -> Floats:
    """Return for each word the mean score of its sentence, (words,).

    People mark phrases and whole sentences; so does a reader who follows an explanation from sentence to
    sentence. The mean is the sentence's share for each of its words.
    """
    counts = [len(sentence.words) for sentence in explanation.sentences]
    starts = np.cumsum([0, *counts[:-1]])
    return np.repeat(np.add.reduceat(scores, starts) / counts, counts)


def kendall(first: Floats, second: Floats) -> float | None:
    """Return Kendall's τ-b of two scorings of the same words; None where one is constant or too short."""
    from scipy.stats import kendalltau

    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    value = float(kendalltau(first, second).statistic)
    return None if isnan(value) else value


def marked_words(explanation: Explanation, spans: Sequence[tuple[int, int]]) -> Flags:
    """Return which words overlap one of the spans, (words,)."""
    marked = np.zeros(explanation.n_characters + 1, dtype=np.bool_)
    for start, end in spans:
        marked[start:end] = True
    words = [word for sentence in explanation.sentences for word in sentence.words]
    return np.array([marked[word.start : word.end].any() for word in words])


def finds_spans(explanation: Explanation, spans: Sequence[tuple[int, int]]) -> dict[str, bool]:
    """Return whether the top word, and one of the top sentences, hold one of the spans."""
    words = [word for sentence in explanation.sentences for word in sentence.words]
    top_word = words[int(ranking(explanation, "word")[0][0])]
    top_sentences = ranking(explanation, "sentence")[0][:N_TOP_SENTENCES].tolist()
    return {
        "top_word": any(start < top_word.end and top_word.start < end for start, end in spans),
        "top_sentences": any(
            start < explanation.sentences[i].end and explanation.sentences[i].start < end
            for i in top_sentences
            for start, end in spans
        ),
    }


def auprc(scores: Floats, marked: Flags) -> float | None:
    """Return the area under precision and recall of the words people marked, as ERASER computes it.

    That is the trapezoidal area over scikit-learn's curve. None where no word is marked, or all are.
    """
    from sklearn.metrics import auc, precision_recall_curve

    if not marked.any() or marked.all():
        return None
    precision, recall, _ = precision_recall_curve(marked, scores)
    return float(auc(recall, precision))


def token_f1(scores: Floats, marked: Flags, share: float) -> float | None:
    """Return the F1 of the strongest words against the marked ones; None where no word is marked.

    Args:
        scores: (words,).
        marked: (words,).
        share: of the words that are taken, at least one: the mean share that people mark.
    """
    if not marked.any():
        return None
    n = max(1, round(share * len(scores)))
    taken = np.argsort(-scores, kind="stable")[:n]
    hits = int(marked[taken].sum())
    return 2 * hits / (n + int(marked.sum()))

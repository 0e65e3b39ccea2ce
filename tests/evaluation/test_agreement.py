from dataclasses import replace

import numpy as np
import pytest

from hdoc.evaluation.agreement import auprc, kendall, sentence_means, token_f1
from hdoc.explanation import SentenceShare, WordShare
from tests.known import known_classifier


def test_agreement() -> None:
    scores = np.array([0.9, 0.1, 0.5, 0.4])
    marked = np.array([True, False, False, True])
    assert kendall(scores, scores) == pytest.approx(1)
    assert kendall(scores, -scores) == pytest.approx(-1)
    # Of the six pairs one is the other way round: (5 - 1) / 6.
    assert kendall(scores, np.array([0.9, 0.1, 0.4, 0.5])) == pytest.approx(4 / 6)
    assert kendall(scores, np.zeros(4)) is None
    # Precision 1 until a recall of 1/2, then 1/2 after the second word and 2/3 after the third.
    assert auprc(scores, marked) == pytest.approx(0.5 * (1 + 1) / 2 + 0.5 * (0.5 + 2 / 3) / 2)
    assert auprc(scores, np.zeros(4, dtype=bool)) is None
    assert token_f1(scores, marked, 0.5) == pytest.approx(2 * 1 / (2 + 2))
    assert token_f1(scores, marked, 0.01) == pytest.approx(2 * 1 / (1 + 2))


def test_sentence_means_give_each_word_its_sentences_share() -> None:
    sentences = [
        SentenceShare(0, 3, 0.5, 3.0, (WordShare(0, 1, 0.5, 1.0), WordShare(2, 3, 0.5, 2.0))),
        SentenceShare(4, 5, 0.5, -4.0, (WordShare(4, 5, 1.0, -4.0),)),
    ]
    explained = known_classifier().explain("가 나 다")
    found = sentence_means(replace(explained, sentences=tuple(sentences)), np.array([1.0, 2.0, -4.0]))
    assert found.tolist() == [1.5, 1.5, -4.0]

import numpy as np
import pytest
import torch

from hdoc.evaluation.random_weights import randomised
from hdoc.tasks.document.lexical import LexicalScores
from tests.known import FOR, document, known_classifier


def test_shuffled_weights_keep_their_values_and_lose_the_evidence() -> None:
    classifier = known_classifier()
    changed = randomised(classifier, [0])
    text = document([f"{FOR} 버스", "오늘 날씨"])
    assert changed.explain(text) == randomised(classifier, [0]).explain(text)
    assert changed.explain(text).logit != pytest.approx(classifier.explain(text).logit, abs=0.01)
    for name, parameter in classifier.network.named_parameters():
        other = changed.network.get_parameter(name)
        assert torch.equal(parameter.flatten().sort().values, other.flatten().sort().values)


def test_what_the_lexical_part_learnt_is_shuffled_too() -> None:
    classifier = known_classifier()
    n_pieces, random = classifier.tokenizer.tokenizer.get_vocab_size(), np.random.default_rng(0)
    classifier.engine.lexical = LexicalScores(
        random.random(n_pieces),
        random.normal(size=(n_pieces, 2)),
        np.zeros(2),
        classifier.tokenizer.spelling,
    )
    changed = randomised(classifier, [0]).engine.lexical
    assert changed is not None
    for name in ("idf", "weights"):
        before, after = getattr(classifier.engine.lexical, name), getattr(changed, name)
        assert not np.array_equal(before, after)
        assert np.array_equal(np.sort(before.ravel()), np.sort(after.ravel()))

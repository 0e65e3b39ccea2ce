"""The lexical part: exact sums, its fit, and its place beside the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdoc import DocumentClassifier
from hdoc.analysis import Analysis
from hdoc.attribution import Method, explain_by
from hdoc.deletion import Scorer, SplitText
from hdoc.evaluation.examples import Example
from hdoc.evaluation.ledger import Ledger
from hdoc.evaluation.parts import measure_parts
from hdoc.evaluation.quality import predict
from hdoc.evaluation.tables import parts_tables
from hdoc.lexical import LexicalScores, pair_keys, weigh_features
from hdoc.sentences import Sentence
from hdoc.storage import load_model

# Five pieces, then the pairs (1, 2), (2, 2), (3, 4) and (4, 0), the last of which does not count.
PAIRS = np.array([7, 12, 19, 20])
IDF = np.array([0.0, 1.0, 2.0, 0.5, 3.0, 1.5, 2.5, 1.0, 0.0])
SCORES = LexicalScores(IDF, np.random.default_rng(0).normal(size=(9, 3)), np.array([0.1, -0.2, 0.3]), PAIRS)
SINGLE = LexicalScores(IDF[:5], SCORES.weights[:5], SCORES.bias)


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), max_size=60))
def test_shares_and_bias_sum_to_the_logits(ids: list[int]) -> None:
    pieces = np.array(ids, dtype=np.int64)
    shares = SCORES.shares(pieces)
    assert shares.shape == (len(ids), 3)
    assert SCORES.bias + shares.sum(axis=0) == pytest.approx(SCORES.logits(pieces), abs=1e-9)


def test_occurrences_of_a_piece_share_equally_and_uncounted_pieces_get_nothing() -> None:
    shares = SCORES.shares(np.array([2, 0, 2, 1]))
    assert shares[0] == pytest.approx(shares[2])
    assert not shares[1].any()
    assert shares[3].any()


def test_a_pair_belongs_by_halves_to_both_its_pieces() -> None:
    ids = np.array([1, 2, 4, 0, 1, 2])
    of_pair = (SCORES.shares(ids) - SINGLE.shares(ids)) @ np.array([1.0, 0.0, 0.0])
    # (1, 2) occurs twice and is the only pair that counts: √½ in all, a quarter of it for each piece.
    assert of_pair == pytest.approx(np.sqrt(0.5) * SCORES.weights[5, 0] * np.array([1, 1, 0, 0, 1, 1]) / 4)
    assert SCORES.logits(ids)[0] - SINGLE.logits(ids)[0] == pytest.approx(of_pair.sum())


def test_weights_are_tf_idf_of_root_frequencies_and_of_fixed_length() -> None:
    found = weigh_features(np.array([1, 1, 1, 2, 2, 0]), IDF, PAIRS)
    pieces, pairs = np.array([np.sqrt(3) * 1.0, np.sqrt(2) * 2.0]), np.array([1.5, 2.5])
    assert found.features.tolist() == [1, 2, 5, 6]
    assert found.counts.tolist() == [3, 2, 1, 1]
    assert found.owners.tolist() == [0, 0, 0, 1, 1, -1, -1, -1, 2, 3, -1]
    expected = [*pieces / np.linalg.norm(pieces), *np.sqrt(0.5) * pairs / np.linalg.norm(pairs)]
    assert found.weights == pytest.approx(expected)


def test_keys_of_pairs_are_theirs_alone() -> None:
    large = 250_000  # whose square needs more than 32 bits
    assert pair_keys(np.array([large - 1, large - 1, 0, 1], dtype=np.int32), large).tolist() == [
        large**2 - 1, large**2 - large, 1,
    ]  # fmt: skip


def test_order_matters_to_pairs_alone() -> None:
    ids = np.array([1, 2, 3, 4, 4, 2])
    assert SINGLE.logits(ids) == pytest.approx(SINGLE.logits(ids[::-1]))
    assert SCORES.logits(ids) != pytest.approx(SCORES.logits(ids[::-1]))


def test_a_document_without_counted_pieces_has_the_bias_alone() -> None:
    assert SCORES.logits(np.array([0, 0])) == pytest.approx(SCORES.bias)
    assert SCORES.logits(np.array([], dtype=np.int64)) == pytest.approx(SCORES.bias)


@pytest.fixture
def classifier(tiny_model: Path) -> DocumentClassifier:
    """The tiny model with a lexical part that speaks as loud as its network."""
    model = load_model(tiny_model)
    tokenizer, random = model.tokenizer, np.random.default_rng(1)
    n_pieces = tokenizer.tokenizer.get_vocab_size()
    [window] = tokenizer.windows(TEXT, [Sentence(TEXT, 0, len(TEXT))])
    pairs = np.unique(pair_keys(np.array(window.ids), n_pieces))
    size = n_pieces + len(pairs)
    lexical = LexicalScores(
        random.random(size),
        random.normal(scale=9, size=(size, len(model.labels))),
        random.normal(size=len(model.labels)),
        pairs,
    )
    return DocumentClassifier(replace(model, lexical=lexical))


TEXT = "버스가 늦게 옵니다. 배차 간격을 줄여 주세요! 버스 정류장도 더 필요합니다."


def test_explanations_stay_exact_sums(classifier: DocumentClassifier) -> None:
    analysis = classifier.analyse([(TEXT, classifier.split(TEXT))])[0]
    assert isinstance(analysis, Analysis)
    for target in classifier.labels:
        explanation = analysis.explanation(target)
        total = explanation.bias + sum(sentence.contribution for sentence in explanation.sentences)
        logit = analysis.scores.logits[classifier.labels.index(target)]
        assert explanation.logit == pytest.approx(logit, abs=1e-4)
        assert total == pytest.approx(logit, abs=1e-4)
        for sentence in explanation.sentences:
            words = sum(word.contribution for word in sentence.words)
            assert words == pytest.approx(sentence.contribution, abs=1e-6)
        words = np.concatenate(analysis.contributions([target])).sum()
        assert analysis.bias(target) + words == pytest.approx(logit, abs=1e-4)


def test_sentences_of_a_classification_are_those_of_its_explanation(classifier: DocumentClassifier) -> None:
    classification, explanation = classifier.classify([TEXT])[0], classifier.explain(TEXT)
    assert classification.probabilities == pytest.approx(explanation.probabilities, abs=1e-6)
    assert [s.contribution for s in classification.sentences] == pytest.approx(
        [s.contribution for s in explanation.sentences], abs=1e-4
    )


def test_the_lexical_part_counts(classifier: DocumentClassifier, tiny_model: Path) -> None:
    alone = DocumentClassifier.load(tiny_model).explain(TEXT, classifier.labels[0])
    assert abs(classifier.explain(TEXT, classifier.labels[0]).logit - alone.logit) > 0.1


def test_parts_of_a_model_are_told_apart(classifier: DocumentClassifier, tiny_model: Path) -> None:
    [both] = classifier.analyse_stream([TEXT])
    [alone] = DocumentClassifier.load(tiny_model).analyse_stream([TEXT])
    assert isinstance(both, Analysis)
    assert isinstance(alone, Analysis)
    assert list(alone.scores.parts()) == ["network"]
    parts = both.scores.parts()
    assert list(parts) == ["network", "word pieces"]
    assert parts["network"] == pytest.approx(alone.scores.logits, abs=1e-5)
    assert classifier.lexical is not None
    ids = np.concatenate([np.array(window.ids) for window in both.document.windows])
    assert parts["word pieces"] == pytest.approx(classifier.lexical.logits(ids))
    assert sum(parts.values()) == pytest.approx(both.scores.logits)


def test_each_part_is_measured_alone(classifier: DocumentClassifier, tmp_path: Path) -> None:
    labels = classifier.labels
    texts = [TEXT, "도서관 문을 늦게까지 열어 주세요.", "세금이 너무 많습니다. 버스도 늦습니다."]
    analyses = [analysis for analysis in classifier.analyse_stream(texts) if isinstance(analysis, Analysis)]
    by_pieces = [labels[int(one.scores.parts()["word pieces"].argmax())] for one in analyses]
    by_network = [labels[int(one.scores.parts()["network"].argmax())] for one in analyses]
    assert by_pieces != by_network
    with Ledger(tmp_path, "predictions", {}) as ledger:
        examples = [
            Example(str(i), *row, None)
            for i, row in enumerate(zip(texts, [(label,) for label in by_pieces], strict=True))
        ]
        predict(classifier, examples, None, ledger)
    with Ledger(tmp_path, "predictions", {}) as ledger:  # read again, as after a kill
        rows = measure_parts(predict(classifier, examples, None, ledger), labels, False)
    assert [row["part"] for row in rows] == ["network", "word pieces"]
    right = np.mean([a == b for a, b in zip(by_pieces, by_network, strict=True)])
    assert [row["accuracy"] for row in rows] == pytest.approx([right, 1])
    assert rows[1]["macro_f1"] == 1 > rows[0]["macro_f1"]
    table = parts_tables(rows)[0].markdown()
    assert "| word pieces | 1.0000 | 1.000…1.000 | 1.0000 | 1.000…1.000 |" in table
    assert measure_parts([], labels, False) == parts_tables([]) == []


def test_what_is_left_of_a_text_is_scored_with_the_lexical_part(classifier: DocumentClassifier) -> None:
    explanation = classifier.explain(TEXT)
    split = SplitText.of(TEXT, explanation)
    everything = np.ones(split.n_words, dtype=bool)
    scorer = Scorer(classifier)
    probability = scorer.probabilities([split.with_words(everything)], explanation.label)[0]
    assert probability == pytest.approx(explanation.probability, abs=1e-5)
    assert scorer.logits([[]])[0] == pytest.approx(classifier.classes.bias, abs=1e-5)


@pytest.mark.parametrize("method", ["gradient", "integrated-gradients", "occlusion"])
def test_other_methods_see_the_lexical_part(
    classifier: DocumentClassifier, tiny_model: Path, method: Method
) -> None:
    pytest.importorskip("captum")
    target = classifier.labels[0]
    with_part = explain_by(method, classifier, TEXT, target)
    without = explain_by(method, DocumentClassifier.load(tiny_model), TEXT, target)
    assert with_part.logit == pytest.approx(classifier.explain(TEXT, target).logit, abs=1e-4)
    assert [s.contribution for s in with_part.sentences] != pytest.approx(
        [s.contribution for s in without.sentences], abs=1e-3
    )

"""The lexical part: exact sums, its fit, and its place beside the network."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdoc import DocumentClassifier
from hdoc.evaluation.examples import Example
from hdoc.evaluation.model_parts import measure_parts
from hdoc.evaluation.predictions import predict
from hdoc.evaluation.progress_file import ProgressFile
from hdoc.evaluation.report_tables import parts_tables
from hdoc.faithfulness.attribution import explain_by
from hdoc.faithfulness.deletion import Scorer, SplitText
from hdoc.faithfulness.methods import Method
from hdoc.tasks.document.analysis import Analysis
from hdoc.tasks.document.folder.loading import load_model
from hdoc.tasks.document.lexical import LexicalScores, ngram_keys, weigh_features
from hdoc.text.sentences import Sentence
from hdoc.tokens.spelling import EDGE, Spelling

SPELLING = Spelling.of(
    ["버스", "가", "늦", "버", None], np.array([False, True, False, False, False])
)  # 버스 ##가 늦 버 and one without a spelling


def spelt(ngram: str) -> int:
    """Return the number of an n-gram, `_` being an edge."""
    letters = [EDGE if letter == "_" else ord(letter) for letter in ngram]
    return int(
        np.array([sum(x << 16 * i for i, x in enumerate(reversed(letters)))], np.uint64).view(np.int64)[0]
    )


# The n-grams of the model, of which 늦_ does not count.
NGRAMS = sorted(["_버", "스가_", "_버스가", "늦_"], key=spelt)
KEYS = np.array([spelt(ngram) for ngram in NGRAMS])
IDF = np.array([1.0, 2.0, 0.5, 3.0, 0.0, *(0.0 if ngram == "늦_" else 1.0 + len(ngram) for ngram in NGRAMS)])
WEIGHTS = np.random.default_rng(0).normal(size=(9, 3))
BIAS = np.array([0.1, -0.2, 0.3])
SCORES = LexicalScores(IDF, WEIGHTS, BIAS, SPELLING, KEYS)
SINGLE = LexicalScores(IDF[:5], WEIGHTS[:5], BIAS, SPELLING)


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), max_size=60))
def test_shares_and_bias_sum_to_the_logits(ids: list[int]) -> None:
    pieces = np.array(ids, dtype=np.int64)
    shares = SCORES.shares(pieces)
    assert shares.shape == (len(ids), 3)
    assert SCORES.bias + shares.sum(axis=0) == pytest.approx(SCORES.logits(pieces), abs=1e-9)


def test_occurrences_of_a_piece_share_equally_and_uncounted_pieces_get_nothing() -> None:
    shares = SINGLE.shares(np.array([2, 4, 2, 1]))
    assert shares[0] == pytest.approx(shares[2])
    assert not shares[1].any()
    assert shares[3].any()


def test_ngrams_are_those_of_two_to_four_characters_within_a_word() -> None:
    for ids, expected in (
        ([0, 1], "_버 버스 스가 가_ _버스 버스가 스가_ _버스가 버스가_"),
        ([3, 2], "_버 버_ _버_ _늦 늦_ _늦_"),
        ([4], ""),
        ([], ""),
    ):
        found = ngram_keys(np.array(ids, dtype=np.int64), SPELLING)
        assert found.tolist() == sorted({spelt(ngram) for ngram in expected.split()})


def test_an_ngram_belongs_to_its_characters_pieces() -> None:
    ids = np.array([0, 1, 4, 0, 1])  # 버스가 twice
    of_ngrams = (SCORES.shares(ids) - SINGLE.shares(ids)) @ np.array([1.0, 0.0, 0.0])
    counting = [ngram for ngram in NGRAMS if ngram != "늦_"]
    x = np.sqrt(2) * np.array([1.0 + len(ngram) for ngram in counting])
    x /= np.linalg.norm(x)
    said = {ngram: x[i] * WEIGHTS[5 + NGRAMS.index(ngram), 0] / 2 for i, ngram in enumerate(counting)}
    first = said["_버"] + said["스가_"] / 2 + said["_버스가"] * 2 / 3
    second = said["스가_"] / 2 + said["_버스가"] / 3
    assert of_ngrams == pytest.approx([first, second, 0, first, second])
    assert SCORES.logits(ids)[0] - SINGLE.logits(ids)[0] == pytest.approx(of_ngrams.sum())


def test_weights_are_tf_idf_of_root_frequencies_and_of_unit_length() -> None:
    found = weigh_features(
        np.array([3, 3, 3, 1, 1, 4]), IDF, KEYS, SPELLING
    )  # 버 버 버가가 and one without a spelling
    pieces = np.array([np.sqrt(2) * 2.0, np.sqrt(3) * 3.0])
    assert found.features.tolist() == [1, 3, 5 + NGRAMS.index("_버")]
    assert found.counts.tolist() == [2, 3, 3]
    assert found.pieces.tolist() == [1, 1, 1, 0, 0, -1]
    assert [places.tolist() for places, _ in found.ngrams] == [[2, 2, 2], [], []]
    assert found.weights == pytest.approx([*pieces / np.linalg.norm(pieces), 1.0])


def test_the_spelling_matters_to_ngrams_alone() -> None:
    whole, cut = np.array([0, 1]), np.array([0, 4, 1])  # 버스가; 버스 ? 가
    of_ngrams = [SCORES.logits(ids) - SINGLE.logits(ids) for ids in (whole, cut)]
    assert SINGLE.logits(whole) == pytest.approx(SINGLE.logits(cut))
    assert of_ngrams[0] != pytest.approx(of_ngrams[1])


def test_a_long_document_takes_little_more_memory_than_its_shares() -> None:
    scores = LexicalScores(IDF, np.ones((9, 50)), np.zeros(50), SPELLING, KEYS)
    ids = np.tile([0, 1], 50_000)
    tracemalloc.start()
    shares = scores.shares(ids)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * shares.nbytes


def test_a_document_without_counted_features_has_the_bias_alone() -> None:
    assert SCORES.logits(np.array([4, 4])) == pytest.approx(SCORES.bias)
    assert SCORES.logits(np.array([], dtype=np.int64)) == pytest.approx(SCORES.bias)


@pytest.fixture
def classifier(tiny_model: Path) -> DocumentClassifier:
    """The tiny model with a lexical part that speaks as loud as its network."""
    model = load_model(tiny_model)
    tokenizer, random = model.tokenizer, np.random.default_rng(1)
    n_pieces = tokenizer.tokenizer.get_vocab_size()
    [window] = tokenizer.windows(TEXT, [Sentence(TEXT, 0, len(TEXT))])
    keys = ngram_keys(np.array(window.ids), tokenizer.spelling)
    size = n_pieces + len(keys)
    lexical = LexicalScores(
        random.random(size),
        random.normal(scale=9, size=(size, len(model.labels))),
        random.normal(size=len(model.labels)),
        tokenizer.spelling,
        keys,
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
    assert list(parts) == ["network", "words"]
    assert parts["network"] == pytest.approx(alone.scores.logits, abs=1e-5)
    assert classifier.engine.lexical is not None
    ids = np.concatenate([np.array(window.ids) for window in both.document.windows])
    assert parts["words"] == pytest.approx(classifier.engine.lexical.logits(ids))
    assert sum(parts.values()) == pytest.approx(both.scores.logits)


def test_each_part_is_measured_alone(classifier: DocumentClassifier, tmp_path: Path) -> None:
    labels = classifier.labels
    texts = [TEXT, "도서관 문을 늦게까지 열어 주세요.", "세금이 너무 많습니다. 버스도 늦습니다."]
    analyses = [analysis for analysis in classifier.analyse_stream(texts) if isinstance(analysis, Analysis)]
    by_words = [labels[int(one.scores.parts()["words"].argmax())] for one in analyses]
    by_network = [labels[int(one.scores.parts()["network"].argmax())] for one in analyses]
    assert by_words != by_network
    with ProgressFile(tmp_path, "predictions", {}) as progress_file:
        examples = [
            Example(str(i), *row, None)
            for i, row in enumerate(zip(texts, [(label,) for label in by_words], strict=True))
        ]
        predict(classifier, examples, None, progress_file)
    with ProgressFile(tmp_path, "predictions", {}) as progress_file:  # read again, as after a kill
        rows = measure_parts(predict(classifier, examples, None, progress_file), labels, False)
    assert [row["part"] for row in rows] == ["network", "words"]
    right = np.mean([a == b for a, b in zip(by_words, by_network, strict=True)])
    assert [row["accuracy"] for row in rows] == pytest.approx([right, 1])
    assert rows[1]["macro_f1"] == 1 > rows[0]["macro_f1"]
    table = parts_tables(rows)[0].markdown()
    assert "| words | 1.0000 | 1.000…1.000 | 1.0000 | 1.000…1.000 |" in table
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

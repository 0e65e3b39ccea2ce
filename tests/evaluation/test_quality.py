import json
import math
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from hdoc.evaluation.agreement import auprc, kendall, marked_words, sentence_means, token_f1
from hdoc.evaluation.cost import measured
from hdoc.evaluation.evidence import gather_evidence
from hdoc.evaluation.evidence_page import evidence_page
from hdoc.evaluation.examples import Columns, Example, marked_share, read_examples
from hdoc.evaluation.explanations import ExplanationMeter, randomised
from hdoc.evaluation.ledger import Ledger
from hdoc.evaluation.quality import (
    Decisions,
    Prediction,
    by_length,
    calibrated_error,
    intervals,
    measure,
)
from hdoc.evaluation.summary import interval, summarise
from hdoc.explanation import SentenceShare, WordShare
from hdoc.tasks.document.lexical import LexicalScores
from hdoc.text.sentences import split_sentences
from tests.known import AGAINST, FOR, document, known_classifier

NAMES = ("가", "나", "다")


def predictions(rows: list[tuple[str, list[float], int]]) -> list[Prediction]:
    return [Prediction(str(i), (truth,), tuple(p), n, 1) for i, (truth, p, n) in enumerate(rows)]


ROWS = predictions(
    [
        ("가", [0.7, 0.2, 0.1], 100),
        ("가", [0.2, 0.7, 0.1], 600),
        ("나", [0.1, 0.8, 0.1], 700),
        ("나", [0.3, 0.6, 0.1], 20_000),
    ]
)


def test_quality_is_what_a_hand_computes() -> None:
    found = measure(Decisions.of(ROWS, NAMES, False), NAMES)
    f1_first, f1_second = 2 * 1 / (1 + 2), 2 * 2 / (3 + 2)
    assert found["accuracy"] == pytest.approx(0.75)
    assert found["macro_f1"] == pytest.approx((f1_first + f1_second) / 2)  # the third class never occurs
    assert found["loss"] == pytest.approx(-sum(map(math.log, (0.7, 0.2, 0.8, 0.6))) / 4, abs=1e-5)
    # Bins of a fifteenth: 0.7 and 0.7 share one (half of it right), 0.8 and 0.6 have one each.
    assert found["ece"] == pytest.approx(2 / 4 * abs(0.5 - 0.7) + 1 / 4 * 0.2 + 1 / 4 * 0.4, abs=1e-5)
    second = {"label": "나", "documents": 2, "precision": 2 / 3, "recall": 1.0, "f1": f1_second}
    assert {**found["by_class"][1], "label": 1} == pytest.approx({**second, "label": 1})
    assert found["confusion"] == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]


@pytest.mark.parametrize("multi_label", [False, True])
def test_few_documents_make_a_calibration_error_by_chance(multi_label: bool) -> None:
    one = Decisions.of(predictions([("가", [0.7], 1)]), ("가",), multi_label)
    found = calibrated_error(one, 0)
    # Right in 0.7 of the draws, and then 0.3 off; else 0.7 off.
    assert found["mean"] == pytest.approx(2 * 0.7 * 0.3, abs=0.02)
    assert found["high"] == pytest.approx(0.7)
    many = Decisions.of(predictions([("가", [0.7], 1)] * 1000), ("가",), multi_label)
    # The mean size of a normal deviation is √(2/π) of its standard deviation.
    deviation = math.sqrt(0.7 * 0.3 / 1000)
    assert calibrated_error(many, 0)["mean"] == pytest.approx(math.sqrt(2 / math.pi) * deviation, rel=0.1)


def test_quality_by_length() -> None:
    rows = by_length(Decisions.of(ROWS, NAMES, False))
    assert [(row["from"], row["to"], row["documents"]) for row in rows] == [
        (0, 500, 1), (500, 1000, 2), (16000, None, 1)
    ]  # fmt: skip
    assert [row["accuracy"] for row in rows] == [1, 0.5, 1]
    assert rows[1]["macro_f1"] == pytest.approx((0 + 2 / 3) / 2)


def test_intervals_are_those_of_resampled_documents() -> None:
    many = predictions([("가", [0.9, 0.1, 0], 1)] * 80 + [("가", [0.1, 0.9, 0], 1)] * 20)
    low, high = intervals(Decisions.of(many, NAMES, False), 0)["accuracy"]
    deviation = math.sqrt(0.8 * 0.2 / 100)
    assert low == pytest.approx(0.8 - 1.96 * deviation, abs=0.02)
    assert high == pytest.approx(0.8 + 1.96 * deviation, abs=0.02)
    low, high = interval(np.random.default_rng(0).normal(3, 1, 400))
    assert (low, high) == pytest.approx((3 - 0.098, 3 + 0.098), abs=0.06)


def test_quality_of_several_labels() -> None:
    rows = [
        Prediction("a", ("가", "나"), (0.9, 0.8, 0.1), 1, 1),
        Prediction("b", (), (0.2, 0.6, 0.1), 1, 1),
        Prediction("c", ("다",), (0.2, 0.1, 0.3), 1, 1),
    ]
    found = measure(Decisions.of(rows, NAMES, True), NAMES)
    assert found["macro_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert found["micro_f1"] == pytest.approx(2 * 2 / (3 + 3))
    assert found["subset_accuracy"] == pytest.approx(1 / 3)
    assert "confusion" not in found


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


def test_rationales_are_spans_of_characters_or_of_tokens(tmp_path) -> None:
    text = f"오늘 {FOR} 버스\n도로 사람"
    start = text.index(FOR)
    rows = [
        {"text": text, "label": "체육", "evidences": [[start, start + 5], [0, 1]]},
        {"text": text, "label": "체육", "evidences": [[{"start_token": 1, "end_token": 3, "text": "…"}]]},
        {"text": text, "label": "체육", "evidences": None},
    ]
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_examples(path, Columns(rationale="evidences"), ["체육"])
    assert found[0].rationale == ((0, 1), (start, start + 5))
    assert found[1].rationale == ((start, start + 5),)
    assert found[2].rationale is None
    explanation = known_classifier().explain(text)
    assert marked_words(explanation, found[1].rationale).tolist() == [False, True, True, False, False]
    assert marked_share(found) == pytest.approx((3 / 5 + 2 / 5) / 2)


def test_a_ledger_keeps_settings_apart_and_survives_a_torn_line(tmp_path) -> None:
    with Ledger(tmp_path, "kind", {"seed": 0}) as ledger:
        ledger.add("1", {"value": "가"})
    with ledger.path.open("a") as file:
        file.write('["2", {"val')
    with Ledger(tmp_path, "kind", {"seed": 0}) as again:
        assert again.rows == {"1": {"value": "가"}}
        again.add("2", 3)
    assert Ledger(tmp_path, "kind", {"seed": 0}).rows == {"1": {"value": "가"}, "2": 3}
    assert Ledger(tmp_path, "kind", {"seed": 1}).rows == {}


def test_shuffled_weights_keep_their_values_and_lose_the_evidence() -> None:
    classifier = known_classifier()
    changed = randomised(classifier, [0])
    text = document([f"{FOR} 버스", "오늘 날씨"])
    assert changed.explain(text) == randomised(classifier, [0]).explain(text)
    assert changed.explain(text).logit != pytest.approx(classifier.explain(text).logit, abs=0.01)
    for name, parameter in classifier.network.named_parameters():
        other = changed.network.get_parameter(name)
        assert torch.equal(parameter.flatten().sort().values, other.flatten().sort().values)


def test_each_document_has_a_shuffle_of_its_own() -> None:
    meter = ExplanationMeter(known_classifier(), partial(split_sentences, rule="lines"), ["contribution"])
    text = document([f"오늘 {FOR} 버스 날씨 도로", f"사람 {AGAINST} 저녁 시장", "공원 의자 학교"])
    example = Example("a", text, ("체육",))
    measured = [meter.measure(row, example, "체육")["methods"] for row in (0, 0, 1, 2, 3, 4)]
    shuffled = [methods["random weights"] for methods in measured]
    assert shuffled[0] == shuffled[1]
    assert any(other != shuffled[0] for other in shuffled[2:])
    assert all(methods["contribution"]["word"] == measured[0]["contribution"]["word"] for methods in measured)


def test_what_the_lexical_part_learnt_is_shuffled_too() -> None:
    classifier = known_classifier()
    n_pieces, random = classifier.tokenizer.tokenizer.get_vocab_size(), np.random.default_rng(0)
    classifier.lexical = LexicalScores(
        random.random(n_pieces),
        random.normal(size=(n_pieces, 2)),
        np.zeros(2),
        classifier.tokenizer.spelling,
    )
    changed = randomised(classifier, [0]).lexical
    assert changed is not None
    for name in ("idf", "weights"):
        before, after = getattr(classifier.lexical, name), getattr(changed, name)
        assert not np.array_equal(before, after)
        assert np.array_equal(np.sort(before.ravel()), np.sort(after.ravel()))


def test_cost_measures_time_and_memory() -> None:
    def work() -> float:
        time.sleep(0.05)
        return float(torch.ones(20_000_000).sum())

    result, cost = measured(work, torch.device("cpu"))
    assert result == 20_000_000
    assert 0.05 <= cost.seconds < 5
    if cost.peak_bytes is not None:
        assert cost.peak_bytes > 60_000_000  # 80 million bytes of numbers


def test_evidence_sums_over_documents_and_finds_boiler_plate() -> None:
    classifier = known_classifier()
    by_line = f"공원 {AGAINST}"  # stands under every document of one class
    examples = [
        Example("a", document([f"{FOR} 버스", "오늘 날씨"]), ("체육",)),
        Example("b", document(["사람 저녁", by_line]), ("경제",)),
        Example("c", document(["버스 도로 <b>", by_line]), ("경제",)),
        Example("d", document([f"{FOR} 학교"]), ("체육",)),
    ]
    sports, economy = gather_evidence(
        classifier, examples, partial(split_sentences, rule="lines"), n_strongest=5
    )
    assert (sports.documents, economy.documents) == (2, 2)
    strongest = economy.sentences_for[0]
    assert (strongest.text, strongest.documents, strongest.share_of_class) == (by_line, 2, 1)
    # 40 √2 over the two words and the two sentences, less the mean over two classes, in two documents.
    assert strongest.contribution == pytest.approx(2 * 40 * math.sqrt(2) / 4 / 2, rel=1e-4)
    assert economy.words_against[0].text == FOR
    assert all(item.documents >= 2 for side in (economy.words_for, sports.words_for) for item in side)
    page = evidence_page([sports, economy], classifier.identity, "data.jsonl", centred=True)
    assert by_line in page
    assert "<b>" not in page


def test_summary_takes_means_over_documents() -> None:
    curves = {"without": [0.5, 0.1], "only": [0.8, 0.6]}
    other = {"without": [0.9, 0.9], "only": [0.2, 0.2]}

    def row(name: str, probability: float, seconds: float, curve: dict, seeds: list[float]) -> dict:
        method = {"seconds": seconds, "word": curve, "sentence": curve}
        return {"id": name, "probability": probability, "seeds": seeds, "methods": {"contribution": method}}

    rows = [row("a", 0.9, 1.0, curves, [0.5]), row("b", 1.0, 3.0, other, [])]
    found = summarise(rows)
    words = found["methods"]["contribution"]["word"]
    assert words["comprehensiveness"] == pytest.approx(((0.4 + 0.8) / 2 + 0.1) / 2)
    assert words["sufficiency"] == pytest.approx(((0.1 + 0.3) / 2 + 0.8) / 2)
    assert found["methods"]["contribution"]["seconds"] == 2
    assert found["seeds"] == {"kendall": 0.5, "pairs": 1}

import json
import math

import numpy as np
import pytest

from hdoc import DocumentClassifier
from hdoc.faithfulness.check import TrustCheck, check
from hdoc.faithfulness.deletion import Scorer, SplitText
from hdoc.faithfulness.erasure import bin_counts, erasure, random_orders, ranking
from hdoc.faithfulness.wording import in_words
from tests.known import AGAINST, FOR, PLAIN, document, known_classifier

SENTENCES = [
    "오늘 날씨 학교",
    f"{FOR} 버스 도로",
    "사람 저녁 시장",
    "공원 의자 오늘",
    "오늘 날씨",
    "사람 버스",
]
TEXT = document(SENTENCES)


@pytest.fixture(scope="module")
def classifier() -> DocumentClassifier:
    return known_classifier()


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def by_hand(classifier: DocumentClassifier, sentences: list[str]) -> float:
    """The probability of 체육, by the formula."""
    means = [
        sum((word == FOR) - (word == AGAINST) for word in sentence.split()) / len(sentence.split())
        for sentence in sentences
    ]
    logit = 40 * math.sqrt(2) * sum(means) / len(means) if means else 0.0
    return sigmoid((0.2 + logit) / 2)


def test_probabilities_without_parts_are_those_of_the_formula(classifier: DocumentClassifier) -> None:
    explanation = classifier.explain(TEXT)
    split = SplitText.of(TEXT, explanation)
    kept = np.ones(split.n_words, dtype=bool)
    kept[[1, 3, 12, 13]] = False  # a plain word, the deciding one, and a whole sentence
    variants = [SENTENCES, SENTENCES[1:3], split.with_words(kept), []]
    expected = [by_hand(classifier, variant) for variant in variants]
    assert split.with_words(kept) == [
        "오늘 학교",
        "버스 도로",
        "사람 저녁 시장",
        "공원 의자 오늘",
        "사람 버스",
    ]
    assert Scorer(classifier).probabilities(variants, "체육") == pytest.approx(expected, abs=1e-5)
    assert by_hand(classifier, SENTENCES) == pytest.approx(explanation.probabilities["체육"], abs=1e-5)


def test_deleting_nothing_changes_nothing_whatever_the_text(tiny_model) -> None:
    from tests.text.test_sentences import NASTY

    classifier = DocumentClassifier.load(tiny_model, "cpu")
    scorer = Scorer(classifier)
    for text in [*NASTY.values(), "버스 노선이 바뀌었다. " * 40]:
        explanation = classifier.explain(text)
        for versus in (None, next(label for label in classifier.labels if label != explanation.label)):
            value = scorer.probabilities(
                [SplitText.of(text, explanation).sentences], explanation.label, versus
            )
            among = explanation.probabilities[versus] + explanation.probability if versus else 1
            assert value[0] == pytest.approx(explanation.probability / among, abs=1e-5)


def test_a_sentence_is_encoded_once(classifier: DocumentClassifier) -> None:
    scorer = Scorer(classifier)
    scorer.logits([SENTENCES] * 50)
    n_words = sum(len(sentence.split()) for sentence in SENTENCES)
    assert scorer.n_tokens == n_words + 2 * len(SENTENCES)


def test_a_check_deletes_the_deciding_sentence_and_beats_random(classifier: DocumentClassifier) -> None:
    found = check(classifier, TEXT, classifier.explain(TEXT))
    start = TEXT.index(SENTENCES[1])
    assert found.sentences is not None
    assert found.words is not None
    assert found.sentences.spans == ((start, start + len(SENTENCES[1])),)  # no other argues for it
    assert found.probability == pytest.approx(by_hand(classifier, SENTENCES), abs=1e-5)
    rest = SENTENCES[:1] + SENTENCES[2:]
    assert found.sentences.without_strongest == pytest.approx(by_hand(classifier, rest), abs=1e-5)
    # One of six: all six ways are tried, none at random.
    ways = [by_hand(classifier, SENTENCES[:i] + SENTENCES[i + 1 :]) for i in range(6)]
    assert found.sentences.without_random == pytest.approx(sum(ways) / 6, abs=1e-5)
    assert [TEXT[start:end] for start, end in found.words.spans] == [FOR]
    assert found.beats_random is True
    assert check(classifier, TEXT, classifier.explain(TEXT)) == found


def test_a_worthless_explanation_is_found_out(classifier: DocumentClassifier) -> None:
    from dataclasses import replace

    explanation = classifier.explain(TEXT)
    # Everything but the deciding sentence and word is said to argue for the class.
    wrong = replace(
        explanation,
        sentences=tuple(
            replace(
                sentence,
                contribution=1.0 - 3 * (FOR in TEXT[sentence.start : sentence.end]),
                words=tuple(
                    replace(word, contribution=1.0 - 3 * (TEXT[word.start : word.end] == FOR))
                    for word in sentence.words
                ),
            )
            for sentence in explanation.sentences
        ),
    )
    found = check(classifier, TEXT, wrong)
    assert found.beats_random is False
    assert any("do not rely on it" in line for line in in_words(found, "en"))
    assert any("무작위보다 낫지 않으니" in line for line in in_words(found, "ko"))
    assert not any("do not rely" in line for line in in_words(check(classifier, TEXT, explanation), "en"))


def test_where_there_is_nothing_to_compare_a_check_says_so(classifier: DocumentClassifier) -> None:
    one_sentence = f"{FOR} 버스 도로"
    found = check(classifier, one_sentence, classifier.explain(one_sentence))
    assert found.sentences is None
    assert found.words is not None
    assert found.beats_random is True
    assert in_words(found, "en")[0].startswith("Sentences: nothing to compare")
    found = check(classifier, FOR, classifier.explain(FOR))
    assert (found.sentences, found.words, found.beats_random) == (None, None, None)
    assert [line[:2] for line in in_words(found, "ko")] == ["문장", "단어"]
    plain = document(["오늘 날씨", "학교 버스", "사람 저녁"])  # nothing in it argues for any class
    assert check(classifier, plain, classifier.explain(plain)).beats_random is None


def test_a_check_in_words(classifier: DocumentClassifier) -> None:
    found = check(classifier, TEXT, classifier.explain(TEXT))
    assert found.sentences is not None
    before, after = f"{found.probability:.1%}", f"{found.sentences.without_strongest:.1%}"
    english, korean = in_words(found, "en")[0], in_words(found, "ko")[0]
    assert english.startswith(
        f"Without the strongest sentence the probability of “체육” falls from {before} to {after};"
    )
    assert korean.startswith(f"가장 강한 문장 하나가 없으면 ‘체육’ 확률이 {before}에서 {after}로 떨어집니다.")
    pair = check(classifier, TEXT, classifier.explain(TEXT, "체육", "경제"))
    assert "“체육 rather than 경제”" in in_words(pair, "en")[0]
    assert "체육(경제 대신)" in in_words(pair)[0]


def test_a_check_as_json_has_its_verdicts(classifier: DocumentClassifier) -> None:
    content = json.loads(json.dumps(check(classifier, TEXT, classifier.explain(TEXT)).to_dict()))
    assert content["beats_random"] is True
    assert content["sentences"]["beats_random"] is True
    assert content["target"] == "체육"


def test_a_check_of_another_text_is_refused(classifier: DocumentClassifier) -> None:
    with pytest.raises(ValueError, match="pass the text exactly as it was explained"):
        check(classifier, TEXT + "!", classifier.explain(TEXT))


@pytest.mark.parametrize("method", ["single", "multi"])
def test_checks_of_all_kinds_of_models(method: str) -> None:
    classifier = known_classifier(
        multi_label=method == "multi", context="gru" if method == "multi" else "none"
    )
    found = check(classifier, TEXT, classifier.explain(TEXT, "체육"))
    assert isinstance(found, TrustCheck)
    assert found.beats_random


def test_bins() -> None:
    assert bin_counts(200, "word") == [2, 10, 20, 40, 100]
    assert bin_counts(7, "word") == [1, 1, 1, 2, 4]
    assert bin_counts(1, "word") == [1, 1, 1, 1, 1]
    assert bin_counts(700, "word")[0] == 7
    assert bin_counts(4, "sentence") == [1, 2, 3, 4]


@pytest.mark.parametrize("unit", ["word", "sentence"])
def test_comprehensiveness_and_sufficiency_are_those_of_the_formula(
    classifier: DocumentClassifier, unit
) -> None:
    explanation = classifier.explain(TEXT)
    split = SplitText.of(TEXT, explanation)
    order, _ = ranking(explanation, unit)
    parts = [word for sentence in SENTENCES for word in sentence.split()] if unit == "word" else SENTENCES
    result = erasure(Scorer(classifier), split, "체육", [order], unit)[0]
    whole = by_hand(classifier, SENTENCES)

    def left(kept: set[int]) -> list[str]:
        if unit == "sentence":
            return [sentence for i, sentence in enumerate(SENTENCES) if i in kept]
        rest, place = [], 0
        for sentence in SENTENCES:
            words = sentence.split()
            rest.append(" ".join(word for i, word in enumerate(words, place) if i in kept))
            place += len(words)
        return [sentence for sentence in rest if sentence]

    drops, losses = [], []
    for n in bin_counts(len(parts), unit):
        top = set(order[:n].tolist())
        drops.append(whole - by_hand(classifier, left(set(range(len(parts))) - top)))
        losses.append(whole - by_hand(classifier, left(top)))
    assert parts[order[0]] == (FOR if unit == "word" else SENTENCES[1])
    assert result.comprehensiveness == pytest.approx(sum(drops) / len(drops), abs=1e-5)
    assert result.sufficiency == pytest.approx(sum(losses) / len(losses), abs=1e-5)


def test_known_evidence_beats_random_orders(classifier: DocumentClassifier) -> None:
    text = document([*SENTENCES, *(" ".join(PLAIN) for _ in range(6))])
    explanation = classifier.explain(text)
    split = SplitText.of(text, explanation)
    best, *random = erasure(
        Scorer(classifier),
        split,
        "체육",
        [ranking(explanation, "word")[0], *random_orders(split.n_words, [0, 1])],
        "word",
    )
    assert best.comprehensiveness > 0.15
    assert best.comprehensiveness > 3 * np.mean([draw.comprehensiveness for draw in random])
    assert best.sufficiency < 0 < np.mean([draw.sufficiency for draw in random])


def test_random_orders_are_the_same_each_time() -> None:
    first, again = random_orders(50, [0, 3]), random_orders(50, [0, 3])
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert len({tuple(order) for order in first}) == 10
    assert not (random_orders(50, [0, 4])[0] == first[0]).all()


def test_the_command_says_what_a_check_found(tmp_path, capsys) -> None:
    from hdoc.cli import main
    from tests.known import save_known_model

    model, article = save_known_model(tmp_path / "model"), tmp_path / "article.txt"
    article.write_text(TEXT, encoding="utf-8")
    assert main(["explain", str(article), "-m", str(model), "--check", "--language", "en"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Without the strongest sentence the probability of “체육” falls from" in shown
    output = tmp_path / "out.json"
    options = ["--check", "--language", "en", "--format", "json", "-o", str(output)]
    assert main(["explain", str(article), "-m", str(model), *options]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "Without the strongest word" in said.err
    explanation = json.loads(output.read_text(encoding="utf-8"))
    assert explanation == json.loads(
        json.dumps(DocumentClassifier.load(model, runtime="onnx").explain(TEXT).to_dict())
    )
    assert json.loads((tmp_path / "out.check.json").read_text(encoding="utf-8"))["beats_random"] is True

import json
import lzma
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hdoc
from hdoc import DocumentClassifier, Explanation, InputError, LabelError
from hdoc.rendering import to_json
from tests.places import DATA
from tests.text.test_sentences import NASTY

PETITIONS = DATA / "petitions.jsonl.xz"
ARTICLE = """버스 노선이 바뀌어 출근 시간이 두 배로 늘었습니다.

시장은 새 도서관을 열겠다고 밝혔다. 아이들은 좋아했다."""


@pytest.fixture(scope="module")
def classifier(tiny_model: Path) -> DocumentClassifier:
    return DocumentClassifier.load(tiny_model, device="cpu")


def check_contract(explanation: Explanation, text: str) -> None:
    """Check all that an explanation promises."""
    assert explanation.coverage == 1
    assert explanation.n_characters == len(text)
    assert sum(explanation.probabilities.values()) == pytest.approx(1)
    assert list(explanation.probabilities.values()) == sorted(
        explanation.probabilities.values(), reverse=True
    )
    assert explanation.probability == explanation.probabilities[explanation.label]
    assert sum(sentence.attention for sentence in explanation.sentences) == pytest.approx(1, abs=1e-5)
    total = sum(sentence.contribution for sentence in explanation.sentences)
    assert explanation.bias + total == pytest.approx(explanation.logit, abs=1e-4)
    position = 0
    for sentence in explanation.sentences:
        assert not text[position : sentence.start].strip()
        position = sentence.start
        assert sum(word.attention for word in sentence.words) == pytest.approx(1, abs=1e-5)
        assert sum(word.contribution for word in sentence.words) == pytest.approx(
            sentence.contribution, abs=1e-5
        )
        for word in sentence.words:
            assert not text[position : word.start].strip()
            assert text[word.start : word.end].split() == [text[word.start : word.end]]
            position = word.end
        assert position == sentence.end
    assert not text[position:].strip()


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_the_contract_holds_for_nasty_text(classifier: DocumentClassifier, text: str) -> None:
    check_contract(classifier.explain(text), text)


@settings(max_examples=40, deadline=None)
@given(
    text=st.text(
        alphabet=st.one_of(st.characters(), st.sampled_from("가나다.! \n\"'버스노선이")),
        min_size=1,
        max_size=200,
    )
)
def test_the_contract_holds_for_any_text(classifier: DocumentClassifier, text: str) -> None:
    try:
        explanation = classifier.explain(text)
    except InputError:
        assert not any(character.isalnum() for character in text)
        return
    check_contract(explanation, text)


def test_the_contract_holds_for_a_document_of_100_000_characters(classifier: DocumentClassifier) -> None:
    text = "주민들은 공장의 소음과 냄새 때문에 잠을 잘 수 없다고 말한다. " * 2900
    assert len(text) > 100_000
    check_contract(classifier.explain(text), text)


@pytest.mark.skipif(not PETITIONS.exists(), reason="needs ../shared/data/petitions.jsonl.xz")
def test_the_contract_holds_for_real_petitions() -> None:
    classifier = DocumentClassifier.load()
    with lzma.open(PETITIONS, "rt", encoding="utf-8") as file:
        texts = [json.loads(next(file))["text"] for _ in range(40)]
    for text in texts:
        check_contract(classifier.explain(text), text)


def test_another_class_and_a_comparison_are_explained(classifier: DocumentClassifier) -> None:
    of_each = {label: classifier.explain(ARTICLE, label) for label in classifier.labels}
    best = classifier.explain(ARTICLE)
    first, second = list(best.probabilities)[:2]
    assert best == of_each[first]
    assert of_each[second].label == first
    assert of_each[second].target == second
    difference = classifier.explain(ARTICLE, first, second)
    check_contract(difference, ARTICLE)
    assert difference.versus == second
    assert difference.logit == pytest.approx(of_each[first].logit - of_each[second].logit)
    for one, other, both in zip(
        of_each[first].sentences, of_each[second].sentences, difference.sentences, strict=True
    ):
        assert both.contribution == pytest.approx(one.contribution - other.contribution)


def test_logits_are_those_of_the_probabilities(classifier: DocumentClassifier) -> None:
    best = classifier.explain(ARTICLE)
    logits = np.array([classifier.explain(ARTICLE, label).logit for label in classifier.labels])
    divided = logits / (1.5 + 0.25 * logits.std())
    powers = dict(zip(classifier.labels, np.exp(divided), strict=True))
    for label, power in powers.items():
        assert best.probabilities[label] == pytest.approx(power / sum(powers.values()), abs=1e-5)


def test_the_same_text_gives_the_same_bytes_whatever_came_before(classifier: DocumentClassifier) -> None:
    first = to_json(classifier.explain(ARTICLE))
    for text in NASTY.values():
        classifier.explain(text)
    classifier.classify([ARTICLE * 3, "짧은 글이다."])
    assert to_json(classifier.explain(ARTICLE)) == first
    assert json.loads(first)["schema_version"] == 1


def test_company_and_order_change_no_result(classifier: DocumentClassifier) -> None:
    texts = [ARTICLE, "짧은 글이다.", *NASTY.values(), "긴 글입니다. " * 300]
    together = classifier.classify(texts)
    for text, result in zip(texts, together, strict=True):
        alone = classifier.explain(text)
        assert result.label == alone.label
        for label, probability in result.probabilities.items():
            assert probability == pytest.approx(alone.probabilities[label], abs=1e-5)
        for one, other in zip(result.sentences, alone.sentences, strict=True):
            assert (one.start, one.end) == (other.start, other.end)
            assert one.contribution == pytest.approx(other.contribution, abs=1e-4)
    backwards = classifier.classify(texts[::-1])[::-1]
    assert [result.label for result in backwards] == [result.label for result in together]


def test_strongest_sentences_come_first(classifier: DocumentClassifier) -> None:
    strongest = classifier.classify([ARTICLE])[0].strongest(2)
    assert len(strongest) == 2
    assert abs(strongest[0].contribution) >= abs(strongest[1].contribution)


def test_a_bad_document_does_not_stop_a_stream(classifier: DocumentClassifier) -> None:
    results = list(classifier.classify_stream(iter(["글이다.", " \n", "또 글이다.", "\x01"]), workers=1))
    assert [isinstance(result, InputError) for result in results] == [False, True, False, True]
    with pytest.raises(InputError, match="text 1: expected a text with words, got one with nothing to read"):
        classifier.classify(["글이다.", ""])
    with pytest.raises(InputError, match="nothing to read"):
        classifier.explain("\x01\x02")


def test_a_stream_reads_only_as_far_as_it_must(classifier: DocumentClassifier) -> None:
    taken = 0

    def endless():  # type: ignore[no-untyped-def]
        nonlocal taken
        while True:
            taken += 1
            yield "글이다."

    next(classifier.classify_stream(endless()))
    assert taken < 200


def test_labels_that_the_model_does_not_know(classifier: DocumentClassifier) -> None:
    with pytest.raises(LabelError, match="the model has no class '스포츠'; it has: 경제, 사회, 문화"):
        classifier.explain(ARTICLE, "스포츠")
    with pytest.raises(LabelError, match="expected two different classes to compare, got '경제' twice"):
        classifier.explain(ARTICLE, "경제", "경제")


def test_one_string_is_not_taken_for_many_texts(classifier: DocumentClassifier) -> None:
    with pytest.raises(TypeError, match=r"write classify\(\[text\]\)"):
        classifier.classify("글이다.")


def test_the_public_names_are_these_and_importing_them_is_cheap() -> None:
    assert sorted(hdoc.__all__) == [
        "Classification", "DataError", "DocumentClassifier", "Explanation", "HdocError", "InputError",
        "LabelError", "ModelError", "ModelIdentity", "PairClassifier", "SentenceShare", "WordShare",
        "__version__", "load",
    ]  # fmt: skip
    assert all(hasattr(hdoc, name) for name in hdoc.__all__)
    heavy = ("torch", "kss", "numpy", "rich", "transformers")
    program = f"import sys, hdoc; print([name for name in {heavy} if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        hdoc.nothing  # noqa: B018


def test_explaining_loads_nothing_of_the_training_side(tiny_model: Path) -> None:
    program = f"""
import sys
from hdoc import DocumentClassifier
DocumentClassifier.load({str(tiny_model)!r}).explain("글이다.")
heavy = ("transformers", "pytorch_lightning", "mlflow", "datasets", "torchmetrics", "torch._dynamo", "pandas")
print([name for name in heavy if name in sys.modules])
"""
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )

"""Documents with several labels: one explanation for each, in every format."""

import json
import re

import pytest

from hdoc import DocumentClassifier
from hdoc.cli import main
from hdoc.faithfulness.attribution import explain_labels
from hdoc.rendering import to_html
from tests.known import AGAINST, FOR, document, known_classifier, save_known_model

TEXT = document([f"{FOR} 오늘 {AGAINST}", "날씨 학교 버스"])


@pytest.fixture(scope="module")
def classifier() -> DocumentClassifier:
    return known_classifier(multi_label=True)


@pytest.fixture
def article(tmp_path):
    path = tmp_path / "article.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def model(tmp_path) -> str:
    return str(save_known_model(tmp_path / "model", multi_label=True))


@pytest.mark.parametrize("method", ["contribution", "occlusion"])
def test_each_label_of_a_document_is_explained_by_its_own_evidence(classifier, method) -> None:
    found = explain_labels(method, classifier, TEXT)
    strongest = {}
    for explanation in found:
        words = [word for sentence in explanation.sentences for word in sentence.words]
        best = max(words, key=lambda word: word.contribution)
        strongest[explanation.target] = TEXT[best.start : best.end]
    assert strongest == {"체육": FOR, "경제": AGAINST}
    assert [explanation.target for explanation in found] == list(found[0].probabilities)


def test_a_document_has_the_labels_above_half_or_else_the_most_probable_one(classifier) -> None:
    text = f"{AGAINST} 오늘 {AGAINST}"  # no word of 체육, whose bias alone makes it likely
    assert [each.target for each in explain_labels("contribution", classifier, text)] == ["경제", "체육"]
    single = known_classifier()
    assert [each.target for each in explain_labels("contribution", single, text)] == ["경제"]
    neither = {"체육": 0.4, "경제": 0.2}
    assert classifier.classes.assigned(neither) == ["체육"]
    assert classifier.classes.assigned({"체육": 0.9, "경제": 0.51}) == ["체육", "경제"]
    assert single.classes.assigned({"체육": 0.9, "경제": 0.51}) == ["체육"]


def test_json_is_an_array_unless_one_label_is_asked_for(article, model, capsysbinary) -> None:
    assert main(["explain", str(article), "-m", model, "--format", "json"]) == 0
    content = json.loads(capsysbinary.readouterr().out)
    assert [each["target"] for each in content] == ["체육", "경제"]
    assert all(each["schema_version"] == 1 for each in content)
    assert main(["explain", str(article), "-m", model, "--format", "json", "--label", "경제"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["target"] == "경제"


def test_the_terminal_shows_the_evidence_for_each_and_checks_each(article, model, capsys) -> None:
    assert main(["explain", str(article), "-m", model, "--language", "en", "--check"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "This is the evidence for “경제”" in shown
    for label in ("체육", "경제"):
        assert f"the probability of “{label}” falls" in shown
    assert shown.index("of “체육” falls") < shown.index("This is the evidence for “경제”")


def test_one_page_holds_all(classifier) -> None:
    page = to_html(explain_labels("contribution", classifier, TEXT), TEXT, name="a.txt")
    assert "<title>a.txt · 체육 · 경제 · hdoc</title>" in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    first, second = page.split('<section class="one"')[1:]
    assert f">{FOR}</mark>" in first
    assert f">{AGAINST}</mark>" in second
    assert page.count("<main") == 1


def test_checks_of_several_labels_are_kept_together(article, model, tmp_path, capsys) -> None:
    output = tmp_path / "out.html"
    options = ["--format", "html", "--check", "-o", str(output)]
    assert main(["explain", str(article), "-m", model, *options]) == 0
    checks = json.loads((tmp_path / "out.check.json").read_text(encoding="utf-8"))
    assert [found["target"] for found in checks] == ["체육", "경제"]
    assert "체육" in output.read_text(encoding="utf-8")

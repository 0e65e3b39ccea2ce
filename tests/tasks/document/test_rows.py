from pathlib import Path

from hdoc.explanation import SentenceShare, strongest
from hdoc.rendering.scale import strongest_sentences
from hdoc.tables.records import Record
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.tasks.document.rows import quoted
from tests.conftest import SENTENCES

TEXT = " ".join(SENTENCES)
N = 8


def test_a_row_has_the_sentences_that_every_view_calls_strongest(tiny_model: Path) -> None:
    classifier = DocumentClassifier.load(tiny_model, "cpu")
    [row] = classifier.predict([Record("a", {"text": TEXT})], top=N)
    values = [sentence["contribution"] for sentence in row["sentences"]]
    assert values == sorted(values, key=abs, reverse=True)
    assert {value > 0 for value in values} == {True, False}  # for the label and against it
    explanation = classifier.explain(TEXT)
    starts = [sentence["start"] for sentence in row["sentences"]]
    assert starts == [explanation.sentences[i].start for i in strongest_sentences(explanation, N)]
    assert starts == [sentence.start for sentence in strongest(explanation.sentences, N)]


def test_shares_are_quoted_with_their_spelling_and_sign() -> None:
    share = SentenceShare(2, 4, 0.5, -1.5, ())
    assert quoted("앞 버스 뒤", [share]) == [{"start": 2, "end": 4, "text": "버스", "contribution": -1.5}]

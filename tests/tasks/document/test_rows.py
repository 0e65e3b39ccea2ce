from hdoc.explanation import SentenceShare, strongest
from hdoc.rendering.scale import strongest_sentences
from hdoc.tables.records import Record
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.tasks.document.rows import quoted

TEXT = (
    "우리 동네 버스 정류장에 쉼터가 없어 비가 오면 모두 젖습니다. "
    "노약자가 많이 이용하는 노선인데도 배차 간격이 30분이나 됩니다. "
    "시청에 여러 번 민원을 넣었지만 답이 없었습니다. "
    "정류장에 지붕과 의자를 놓고 배차를 늘려 주시기를 청원합니다."
)
N = 3


def test_a_row_has_the_sentences_that_every_view_calls_strongest() -> None:
    classifier = DocumentClassifier.load(device="cpu")
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

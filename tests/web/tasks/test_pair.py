"""A model of pairs behind the API."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra serve")

from hdoc import PairClassifier
from tests.conftest import SENTENCES
from tests.pairs import CLASSES, SCORES, save_pair_model
from tests.serving import Served, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Iterator[Served]:
    folder = save_pair_model(tmp_path_factory.mktemp("served") / "scores", tiny_encoder, SCORES)
    with serving(PairClassifier.load(folder, "cpu")) as running:  # type: ignore[arg-type]
        yield running


def test_two_texts_are_compared(server: Served) -> None:
    body = {"a": SENTENCES[0], "b": f"{SENTENCES[1]}\n{SENTENCES[2]}"}
    answer = server.post("/api/v1/compare", body)
    assert answer.status == 200
    model = server.classifier
    assert isinstance(model, PairClassifier)
    [expected] = model.compare([(body["a"], body["b"])])
    assert answer.json["score"] == pytest.approx(expected.score, abs=1e-4)
    assert answer.json["label"] is None
    assert answer.json["model"]["name"] == "짝"


def test_classes_are_answered_with_their_probabilities(tmp_path: Path, tiny_encoder: Path) -> None:
    model = PairClassifier.load(save_pair_model(tmp_path / "classes", tiny_encoder, CLASSES), "cpu")
    with serving(model) as running:  # type: ignore[arg-type]
        answer = running.post("/api/v1/compare", {"a": "버스", "b": "환율"}).json
        assert running.get("/api/v1/model").json["labels"] == list(model.labels)
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert answer["score"] is None


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"a": "가"}, "body"),
        ({"a": "가", "b": "나", "c": "다"}, "body"),
        ({"a": "가", "b": " "}, "input"),
        ({"a": "\u200b", "b": "나"}, "input"),
    ],
)
def test_what_cannot_be_compared_is_told(server: Served, body: dict[str, str], kind: str) -> None:
    answer = server.post("/api/v1/compare", body)
    assert answer.status == 422
    assert answer.kind == kind


def test_routes_of_documents_are_not_there(server: Served) -> None:
    assert server.post("/api/v1/classify", {"text": "가"}).status == 404

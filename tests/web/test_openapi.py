"""Requests made up from the API's own description, good and bad: never a 500, always as described."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from hdoc.library import Article, Library
from tests.serving import Served, serving

TEXT = "버스 노선이 바뀌었다. 시장은 새 도서관을 열겠다고 밝혔다. 아이들은 좋아했다. 환율이 올랐다."
# Any bytes and any name are a request of these, and nothing at all is one of the last.
FREE = {"/api/v1/extract", "/api/v1/samples/{name}", "/api/v1/model"}


@pytest.fixture(scope="module")
def server(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    library = Library(tmp_path_factory.mktemp("library") / "library.sqlite", create=True)
    library.add([Article("버스", "버스가 왔다.", "a", "사회", 0.7, "m")])
    with serving(tiny_model, library) as served:
        yield served
    library.close()


@pytest.fixture(scope="module")
def description(server: Served) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


@pytest.fixture(scope="module")
def schemas(server: Served) -> dict[str, Any]:
    return server.get("/openapi.json").json["components"]["schemas"]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_answer_is_as_described(description: schemathesis.BaseSchema, mode: GenerationMode) -> None:
    n_operations = 0
    for found in description.get_all_operations():
        operation = found.ok()
        if mode.is_negative and operation.path in FREE:
            continue

        @settings(max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def answers(case: schemathesis.Case) -> None:
            case.call_and_validate(
                checks=[
                    not_a_server_error,
                    status_code_conformance,
                    content_type_conformance,
                    response_schema_conformance,
                    negative_data_rejection,
                ]
            )

        answers()
        n_operations += 1
    assert n_operations >= 6


def fields(schemas: dict[str, Any], name: str) -> dict[str, str]:
    """Return the described fields of an answer, each with the name of what it, or its items, are."""
    found = {}
    for field, content in schemas[name]["properties"].items():
        reference = content.get("$ref") or content.get("items", {}).get("$ref") or ""
        found[field] = reference.rpartition("/")[2]
    return found


def test_the_description_has_the_fields_of_the_contract(server: Served, schemas: dict[str, Any]) -> None:
    contract = server.classifier.explain(TEXT).to_dict()
    assert list(server.post("/api/v1/explain", {"text": TEXT}).json) == list(contract)
    explained = fields(schemas, "Explained")
    assert set(explained) - {"by_label"} == set(schemas["Explained"]["required"]) == set(contract)
    sentence = fields(schemas, explained["sentences"])
    assert list(sentence) == list(contract["sentences"][0])
    assert list(fields(schemas, sentence["words"])) == list(contract["sentences"][0]["words"][0])
    assert list(fields(schemas, explained["model"])) == list(contract["model"])


def test_the_description_has_the_fields_of_other_answers(server: Served, schemas: dict[str, Any]) -> None:
    checked = server.post("/api/v1/check", {"text": TEXT}).json
    assert set(fields(schemas, "Checked")) == set(checked)
    assert set(fields(schemas, "WithoutParts")) == set(checked["words"])
    classified = server.post("/api/v1/classify", {"text": TEXT}).json
    described = fields(schemas, "Classified")
    assert list(described) == list(classified)
    assert list(fields(schemas, described["sentences"])) == list(classified["sentences"][0])

"""Requests made up from the API's own description, good and bad: never a 500, always as described."""

from collections.abc import Iterator
from pathlib import Path

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
from tests.serving import serving

# Any bytes and any name are a request of these, and nothing at all is one of the last.
FREE = {"/api/v1/extract", "/api/v1/samples/{name}", "/api/v1/model"}


@pytest.fixture(scope="module")
def description(
    tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[schemathesis.BaseSchema]:
    library = Library(tmp_path_factory.mktemp("library") / "library.sqlite", create=True)
    library.add([Article("버스", "버스가 왔다.", "a", "사회", 0.7, "m")])
    with serving(tiny_model, library) as server:
        yield schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    library.close()


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

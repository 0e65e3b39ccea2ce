"""A task that the server has never heard of is served by a module of its name."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra serve")

from fastapi import APIRouter, Response

import hdoc.web.tasks
from hdoc.errors import HdocError
from hdoc.explanation import ModelIdentity
from hdoc.text.sentences import Sentence, split_sentences
from hdoc.web.app import create_app
from hdoc.web.server.answering import Answering
from tests.serving import serving

MODULE = """
from tests.web.tasks.test_routes import add_routes
"""


class Counter:
    """A model of another task: it counts the sentences of a text."""

    identity = ModelIdentity("counter", "1", "")
    labels = ()
    multi_label = False
    split = staticmethod(split_sentences)

    def __init__(self, task: str = "counting") -> None:
        self.task = task

    def analyse(self, documents: Sequence[tuple[str, Sequence[Sentence]]]) -> list[int]:
        return [len(sentences) for _, sentences in documents]


def add_routes(router: APIRouter, api: Answering[int]) -> None:
    @router.get("/count")
    async def count(text: str) -> Response:
        return await api.one(text, lambda n: str(n).encode(), "text/plain")


def test_a_module_of_the_name_of_a_task_serves_its_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "counting.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.setattr(hdoc.web.tasks, "__path__", [*hdoc.web.tasks.__path__, str(tmp_path)])
    with serving(Counter()) as server:
        assert server.get("/api/v1/count?text=A.%0AB.").body == b"2"
        assert server.post("/api/v1/classify", {"text": "A."}).status == 404
        assert server.get("/api/v1/model").json["model"]["name"] == "counter"
    monkeypatch.delitem(sys.modules, "hdoc.web.tasks.counting")


def test_a_task_without_routes_is_refused_in_one_line() -> None:
    refused = r"expected a model of a task that can be served \(document(, \w+)*\), got one of 'unheard'"
    with pytest.raises(HdocError, match=refused):
        create_app(Counter(task="unheard"))

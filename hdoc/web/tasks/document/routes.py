"""The routes of documents under `/api/v1`."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter, Response

from hdoc.tasks.document.classifier import Analysis, DocumentClassifier
from hdoc.web.server.answering import Answering
from hdoc.web.tasks.document import answers
from hdoc.web.tasks.document.requests import Documents, OneToExplain, ToExplain, ToShow
from hdoc.web.tasks.document.responses import Checked, Classified, Explained, ManyClassified, ManyExplained


def add_routes(router: APIRouter, api: Answering[Analysis]) -> None:
    """Add what can be asked about documents."""
    classifier = cast("DocumentClassifier", api.batcher.model)

    @router.post("/classify", tags=["documents"], response_model=Classified | ManyClassified)
    async def classify(asked: Documents) -> Response:
        """Classify documents."""
        if "text" in asked.model_fields_set:
            return await api.one(asked.text, answers.classified, "application/json")
        return await api.many(asked.texts, answers.classified)

    @router.post("/explain", tags=["documents"], response_model=Explained | ManyExplained)
    async def explain(asked: ToExplain) -> Response:
        """Classify documents, and explain a class by its sentences and words."""
        if "text" in asked.model_fields_set:
            return await api.one(asked.text, answers.explained(asked), "application/json")
        return await api.many(asked.texts, answers.explained(asked))

    @router.post(
        "/explain.html",
        tags=["documents"],
        response_class=Response,
        responses={200: {"content": {"text/html": {}}}},
    )
    async def explain_html(asked: ToShow) -> Response:
        """Explain a document as an HTML page that needs nothing else."""
        return await api.one(asked.text, answers.shown(asked), "text/html; charset=utf-8")

    @router.post("/check", tags=["documents"], response_model=Checked)
    async def check(asked: OneToExplain) -> Response:
        """Delete the strongest supporting sentences and words, and as many at random, and compare."""
        return await api.one(asked.text, answers.checked(asked, classifier), "application/json")

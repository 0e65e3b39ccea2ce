"""The routes under `/api/v1`: those of the served model's task, and those of any server."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath

from hdoc.library import search
from hdoc.web import responses
from hdoc.web.api import Api
from hdoc.web.server.refusals import Refused
from hdoc.web.tasks import AddRoutes

_MOST_OFFSET = 10_000

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": responses.Failure, "description": "The body is no JSON."},
    401: {"model": responses.Failure, "description": "The server wants a token."},
    413: {"model": responses.Failure, "description": "The body is too large."},
    422: {"model": responses.Failure, "description": "The request cannot be answered as it is."},
    503: {
        "model": responses.Failure,
        "description": "Too much is waiting; see `Retry-After`.",
    },
    504: {"model": responses.Failure, "description": "It took too long."},
}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": responses.Failure, "description": "There is none."}
}


def routes(api: Api, add_task: AddRoutes) -> APIRouter:
    """Return the routes of the API.

    Args:
        api: what answers.
        add_task: adds the routes of the served model's task.
    """
    router = APIRouter(prefix="/api/v1", responses=_ERRORS)

    add_task(router, api)

    @router.post(
        "/extract",
        tags=["documents"],
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    async def extract_text(
        request: Request, name: Annotated[str, Query(min_length=1, max_length=255)]
    ) -> responses.Extracted:
        """Return the text of a file: .txt, .md, .html, .docx or .pdf, by the end of its name."""
        return await api.extract(await request.body(), name)

    @router.get("/articles", responses=_NOT_FOUND, tags=["library"])
    async def articles(
        q: Annotated[str, Query(max_length=200, description="words that must all occur")] = "",
        label: Annotated[str | None, Query(max_length=200, description="only this class")] = None,
        offset: Annotated[int, Query(ge=0, le=_MOST_OFFSET)] = 0,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> responses.ArticleList:
        """Search the library; the newest first if there are no words to search for."""
        found = await asyncio.to_thread(search, api.require_library(), q, label, offset, limit)
        return responses.ArticleList(
            articles=[
                responses.ArticleInList(
                    id=hit.article.id,
                    title=hit.article.title,
                    label=hit.article.label,
                    probability=hit.article.probability,
                    added=hit.article.added,
                    snippet=hit.snippet,
                    marks=list(hit.marks),
                )
                for hit in found.hits
            ],
            more=found.more,
        )

    @router.get("/articles/{number}", responses=_NOT_FOUND, tags=["library"])
    async def article(number: Annotated[int, InPath(ge=1, le=2**53)]) -> responses.WholeArticle:
        """Return an article of the library."""
        found = await asyncio.to_thread(api.require_library().get, number)
        if found is None:
            raise Refused(404, "path", f"the library has no article {number}")
        return responses.WholeArticle(**asdict(found))

    @router.get("/model", tags=["server"])
    async def model() -> responses.Facts:
        """Return the model, its classes, and the server's limits."""
        return await asyncio.to_thread(api.facts)

    @router.get("/samples/{name}", responses=_NOT_FOUND, tags=["server"])
    async def sample(name: str) -> responses.Extracted:
        """Return an article that comes with hdoc."""
        return api.sample(name)

    return router

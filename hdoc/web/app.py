"""The server: the page, the API behind it, and its health and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from hdoc import __version__
from hdoc.errors import HdocError
from hdoc.library import Library
from hdoc.web.api import Api
from hdoc.web.routes import routes
from hdoc.web.server.batching import Batcher, Limits, QueueFullError
from hdoc.web.server.gate import Gate, Rules
from hdoc.web.server.metrics import Metrics
from hdoc.web.server.model import ServedModel
from hdoc.web.server.refusals import Refused, error_response, fault
from hdoc.web.server.visits import POLICY
from hdoc.web.tasks import task_routes

_PAGE = Path(str(files("hdoc.web"))) / "page"
# No script of the page may ever be made out of text, whatever the page's own code does.
_PAGE_POLICY = f"{POLICY}; require-trusted-types-for 'script'; trusted-types 'none'"


@dataclass(frozen=True)
class Settings:
    """How a server runs.

    Attributes:
        rules: what the gate allows.
        limits: how much may wait.
        seconds: longest time for the analysis of one request.
        workers: processes that split sentences; one a core by default.
    """

    rules: Rules = field(default_factory=Rules)
    limits: Limits = field(default_factory=Limits)
    seconds: float = 60
    workers: int | None = None


def create_app(
    model: ServedModel[Any], library: Library | None = None, settings: Settings | None = None
) -> Gate:
    """Return the server as an ASGI application.

    Args:
        model: of any task that `hdoc.web.tasks` has routes for.
        library: what is searched; None for none.
        settings: how the server runs.

    Raises:
        HdocError: models of this task cannot be served.
    """
    settings = settings or Settings()
    add_task = task_routes(model.task)
    metrics = Metrics()
    batcher = Batcher(model, settings.limits, settings.workers, metrics.batch_documents.observe)
    metrics.waiting_documents.set_function(lambda: batcher.n_documents)
    api = Api(batcher, library, settings.rules, metrics, settings.seconds)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(batcher.warm_up())
        app.state.warming = warming
        try:
            yield
        finally:
            warming.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await warming
            await asyncio.to_thread(batcher.close)

    app = FastAPI(
        title="hdoc",
        version=__version__,
        summary="What a long Korean document is about, and the sentences and words that made it so.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.include_router(routes(api, add_task))
    _add_errors(app)
    _add_operation(app, metrics)
    _add_pages(app)
    return Gate(app, settings.rules, metrics)


def _add_errors(app: FastAPI) -> None:
    """Give every error the same form, without a word of what the request said."""

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'][:4]))}: {problem['msg']}" for problem in error.errors()[:5]
        )
        broken = any(problem["type"] == "json_invalid" for problem in error.errors())
        return error_response(400 if broken else 422, "body", f"expected another request: {problems}")

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:  # FastAPI could not even read the body
            return error_response(400, "body", "expected JSON in UTF-8 as the body, got something else")
        response = error_response(error.status_code, "path", f"{error.detail}; see /docs for what there is")
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Refused)
    async def turned_away(_: Request, refusal: Refused) -> JSONResponse:
        return refusal.response()

    @app.exception_handler(HdocError)
    async def failed(_: Request, error: HdocError) -> JSONResponse:
        if isinstance(error, QueueFullError):
            return error_response(503, "queue", str(error))
        return error_response(422, **fault(error))

    @app.exception_handler(TimeoutError)
    async def late(_: Request, __: TimeoutError) -> JSONResponse:
        return error_response(504, "time", "this took too long; send less at once, or try again later")

    @app.exception_handler(Exception)
    async def broken(_: Request, __: Exception) -> JSONResponse:
        return error_response(500, "internal", "the server failed at this request; its log says where")


def _add_operation(app: FastAPI, metrics: Metrics) -> None:
    """Add the server's health and metrics."""

    @app.get("/healthz", include_in_schema=False)
    async def alive() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", include_in_schema=False)
    async def ready(request: Request) -> JSONResponse:
        warming: asyncio.Task[None] = request.app.state.warming
        if not warming.done():
            return JSONResponse({"status": "warming up"}, 503, {"Retry-After": "1"})
        if warming.cancelled() or warming.exception() is not None:
            return JSONResponse({"status": "failed to warm up"}, 503)
        return JSONResponse({"status": "ready"})

    @app.get("/metrics", include_in_schema=False)
    async def numbers() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _add_pages(app: FastAPI) -> None:
    swagger = Path(str(files("fastapi_offline"))) / "static"
    fresh = {"Cache-Control": "no-cache"}

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        headers = {**fresh, "Content-Security-Policy": _PAGE_POLICY}
        return FileResponse(_PAGE / "index.html", headers=headers)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(_PAGE / "docs.html", headers=fresh)

    @app.get("/docs/{name}", include_in_schema=False)
    async def docs_part(name: str) -> FileResponse:
        if name not in ("swagger-ui-bundle.js", "swagger-ui.css"):
            raise HTTPException(404)
        return FileResponse(swagger / name, headers=fresh)

    app.mount("/page", _Files(directory=_PAGE))


class _Files(StaticFiles):
    """Files that a browser asks for again each time, and gets only when they have changed."""

    def file_response(self, *arguments: object, **options: object) -> Response:
        response = super().file_response(*arguments, **options)  # type: ignore[arg-type]
        response.headers.setdefault("Cache-Control", "no-cache")
        return response

"""The routes under `/api/v1`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath

from hdoc import __version__
from hdoc.charset import is_blank
from hdoc.classifier import Analysis
from hdoc.errors import HdocError, InputError
from hdoc.extraction import SUFFIXES, extract, extract_in_process
from hdoc.library import Library, search
from hdoc.web import answers, schema
from hdoc.web.batching import Batcher
from hdoc.web.gate import Refused, Rules
from hdoc.web.metrics import Metrics

_SAMPLES = ("transport", "childcare", "pets")
_FILES_AT_ONCE = 2
_MOST_OFFSET = 10_000

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": schema.Failure, "description": "The body is no JSON."},
    401: {"model": schema.Failure, "description": "The server wants a token."},
    413: {"model": schema.Failure, "description": "The body is too large."},
    422: {"model": schema.Failure, "description": "The request cannot be answered as it is."},
    503: {
        "model": schema.Failure,
        "description": "Too much is waiting; see `Retry-After`.",
    },
    504: {"model": schema.Failure, "description": "It took too long."},
}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": schema.Failure, "description": "There is none."}
}


class Api:
    """Answers requests out of the batcher and the library.

    Args:
        batcher: analyses documents.
        library: is searched; None if there is none.
        rules: the limits that the page is told.
        metrics: where characters are counted.
        seconds: longest time for the analysis of one request.
    """

    def __init__(
        self, batcher: Batcher, library: Library | None, rules: Rules, metrics: Metrics, seconds: float
    ) -> None:
        self.batcher = batcher
        self.library = library
        self.rules = rules
        self.metrics = metrics
        self.seconds = seconds
        self._extracting = asyncio.Semaphore(_FILES_AT_ONCE)

    async def one(self, text: str, finish: Callable[[Analysis], bytes], kind: str) -> Response:
        """Analyse one document; whatever is wrong with it is an error of the whole request."""
        _check(text)
        self.metrics.characters.inc(len(text))
        async with asyncio.timeout(self.seconds):
            return Response(await self.batcher.submit(text, finish), media_type=kind)

    async def many(self, texts: Sequence[Any], finish: Callable[[Analysis], bytes]) -> Response:
        """Analyse many documents; a bad one is answered in its place."""
        results: list[bytes | None] = []
        readable: list[str] = []
        for text in texts:
            try:
                _check(text)
            except InputError as error:
                results.append(answers.failed(error))
            else:
                results.append(None)
                readable.append(text)
        self.metrics.characters.inc(sum(map(len, readable)))
        async with asyncio.timeout(self.seconds):
            found = iter(await self.batcher.submit_many(readable, finish))
        parts = [_bytes(next(found)) if result is None else result for result in results]
        return Response(b'{"results":[' + b",".join(parts) + b"]}", media_type="application/json")

    def searched(self) -> Library:
        """Return the library, or say that there is none."""
        if self.library is None:
            raise Refused(404, "path", "this server has no library; start it with: hdoc serve --library FILE")
        return self.library

    def facts(self) -> schema.Facts:
        """Return what the page needs to know."""
        classifier = self.batcher.classifier
        library = None
        if self.library is not None:
            models = set(self.library.models())
            library = schema.LibraryFacts(
                n_articles=len(self.library),
                labels=self.library.labels(),
                same_model=models <= {classifier.identity.checksum},
            )
        return schema.Facts(
            model=schema.Model(**asdict(classifier.identity)),
            version=__version__,
            labels=list(classifier.labels),
            multi_label=classifier.multi_label,
            library=library,
            samples=[schema.Sample(name=name, title=_sample(name).partition("\n")[0]) for name in _SAMPLES],
            body_bytes=self.rules.body_bytes,
            file_bytes=self.rules.file_bytes,
        )

    async def extract(self, data: bytes, name: str) -> schema.Extracted:
        """Return the text of a file."""
        read = extract_in_process if Path(name).suffix.lower() in SUFFIXES else extract
        async with self._extracting:
            text = await asyncio.to_thread(read, data, name)
        return schema.Extracted(name=name, text=text)


def routes(api: Api) -> APIRouter:
    """Return the routes of the API."""
    router = APIRouter(prefix="/api/v1", responses=_ERRORS)

    @router.post("/classify", tags=["documents"], response_model=schema.Classified | schema.ManyClassified)
    async def classify(asked: schema.Documents) -> Response:
        """Say what documents are about."""
        if "text" in asked.model_fields_set:
            return await api.one(asked.text, answers.classified, "application/json")
        return await api.many(asked.texts, answers.classified)

    @router.post("/explain", tags=["documents"], response_model=schema.Explained | schema.ManyExplained)
    async def explain(asked: schema.ToExplain) -> Response:
        """Say what documents are about, and which sentences and words made it so."""
        if "text" in asked.model_fields_set:
            return await api.one(asked.text, answers.explained(asked), "application/json")
        return await api.many(asked.texts, answers.explained(asked))

    @router.post(
        "/explain.html",
        tags=["documents"],
        response_class=Response,
        responses={200: {"content": {"text/html": {}}}},
    )
    async def explain_html(asked: schema.ToShow) -> Response:
        """Explain a document as one page that needs nothing else."""
        return await api.one(asked.text, answers.shown(asked), "text/html; charset=utf-8")

    @router.post("/check", tags=["documents"], response_model=schema.Checked)
    async def check(asked: schema.OneToExplain) -> Response:
        """Delete the strongest sentences and words, and as many at random, and compare."""
        return await api.one(asked.text, answers.checked(asked), "application/json")

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
    ) -> schema.Extracted:
        """Return the text of a file: .txt, .md, .html, .docx or .pdf, by the end of its name."""
        return await api.extract(await request.body(), name)

    @router.get("/articles", responses=_NOT_FOUND, tags=["library"])
    async def articles(
        q: Annotated[str, Query(max_length=200, description="words that must all occur")] = "",
        label: Annotated[str | None, Query(max_length=200, description="only this class")] = None,
        offset: Annotated[int, Query(ge=0, le=_MOST_OFFSET)] = 0,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> schema.ArticleList:
        """Search the library; the newest first if there are no words to search for."""
        found = await asyncio.to_thread(search, api.searched(), q, label, offset, limit)
        return schema.ArticleList(
            articles=[
                schema.ArticleInList(
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
    async def article(number: Annotated[int, InPath(ge=1, le=2**53)]) -> schema.WholeArticle:
        """Return an article of the library."""
        found = await asyncio.to_thread(api.searched().get, number)
        if found is None:
            raise Refused(404, "path", f"the library has no article {number}")
        return schema.WholeArticle(**asdict(found))

    @router.get("/model", tags=["server"])
    async def model() -> schema.Facts:
        """Say which model answers, its classes, and the server's limits."""
        return await asyncio.to_thread(api.facts)

    @router.get("/samples/{name}", responses=_NOT_FOUND, tags=["server"])
    async def sample(name: str) -> schema.Extracted:
        """Return an article that comes with hdoc."""
        if name not in _SAMPLES:
            raise Refused(404, "path", f"expected one of {', '.join(_SAMPLES)}")
        return schema.Extracted(name=name, text=_sample(name))

    return router


def _sample(name: str) -> str:
    return (files("hdoc") / "assets" / "samples" / f"{name}.txt").read_text("utf-8")


def _check(text: Any) -> None:
    """Refuse what cannot be a document before it takes anybody's time."""
    if not isinstance(text, str):
        raise InputError(f"expected a text, got {type(text).__name__}")
    if is_blank(text):
        raise InputError(f"expected a text with words, got nothing to read in {len(text)} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError("expected a text, got half a surrogate pair, which is no character") from None


def _bytes(result: bytes | HdocError) -> bytes:
    return answers.failed(result) if isinstance(result, HdocError) else result

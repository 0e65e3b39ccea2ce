"""What the routes under `/api/v1` do: requests in, answers out of the batcher and the library."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import Response

from hdoc import __version__
from hdoc.errors import HdocError, InputError
from hdoc.library import Library
from hdoc.tasks.document.classifier import Analysis
from hdoc.text.charset import is_blank
from hdoc.text.extraction.extract import SUFFIXES, extract, extract_in_process
from hdoc.web import answers, responses
from hdoc.web.server.batching import Batcher
from hdoc.web.server.gate import Rules
from hdoc.web.server.metrics import Metrics
from hdoc.web.server.refusals import Refused

_SAMPLES = ("transport", "childcare", "pets")
_FILES_AT_ONCE = 2


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

    def facts(self) -> responses.Facts:
        """Return what the page needs to know."""
        classifier = self.batcher.classifier
        library = None
        if self.library is not None:
            models = set(self.library.models())
            library = responses.LibraryFacts(
                n_articles=len(self.library),
                labels=self.library.labels(),
                same_model=models <= {classifier.identity.checksum},
            )
        return responses.Facts(
            model=responses.Model(**asdict(classifier.identity)),
            version=__version__,
            labels=list(classifier.labels),
            multi_label=classifier.multi_label,
            library=library,
            samples=[
                responses.Sample(name=name, title=_sample(name).partition("\n")[0]) for name in _SAMPLES
            ],
            body_bytes=self.rules.body_bytes,
            file_bytes=self.rules.file_bytes,
        )

    async def extract(self, data: bytes, name: str) -> responses.Extracted:
        """Return the text of a file."""
        read = extract_in_process if Path(name).suffix.lower() in SUFFIXES else extract
        async with self._extracting:
            text = await asyncio.to_thread(read, data, name)
        return responses.Extracted(name=name, text=text)

    def sample(self, name: str) -> responses.Extracted:
        """Return an article that comes with hdoc."""
        if name not in _SAMPLES:
            raise Refused(404, "path", f"expected one of {', '.join(_SAMPLES)}")
        return responses.Extracted(name=name, text=_sample(name))


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

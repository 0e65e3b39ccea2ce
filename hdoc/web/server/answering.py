"""Requests about texts: checked, analysed together with others, answered within a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from fastapi import Response

from hdoc.errors import HdocError, InputError
from hdoc.text.charset import is_blank
from hdoc.web.server.batching import Batcher
from hdoc.web.server.metrics import Metrics
from hdoc.web.server.refusals import failed

A = TypeVar("A")


class Answering(Generic[A]):
    """Answers requests with what the batcher gives for their texts.

    Args:
        batcher: analyses documents.
        metrics: counts characters.
        seconds: longest time for the analysis of one request.
    """

    def __init__(self, batcher: Batcher[A], metrics: Metrics, seconds: float) -> None:
        self.batcher = batcher
        self.metrics = metrics
        self.seconds = seconds

    async def one(self, text: str, finish: Callable[[A], bytes], kind: str) -> Response:
        """Answer for one document; if it cannot be analysed, the whole request fails."""
        _check(text)
        self.metrics.characters.inc(len(text))
        async with asyncio.timeout(self.seconds):
            return Response(await self.batcher.submit(text, finish), media_type=kind)

    async def many(self, texts: Sequence[Any], finish: Callable[[A], bytes]) -> Response:
        """Answer for many documents; one that cannot be analysed has an error in its place."""
        results: list[bytes | None] = []
        readable: list[str] = []
        for text in texts:
            try:
                _check(text)
            except InputError as error:
                results.append(failed(error))
            else:
                results.append(None)
                readable.append(text)
        self.metrics.characters.inc(sum(map(len, readable)))
        async with asyncio.timeout(self.seconds):
            found = iter(await self.batcher.submit_many(readable, finish))
        parts = [_bytes(next(found)) if result is None else result for result in results]
        return Response(b'{"results":[' + b",".join(parts) + b"]}", media_type="application/json")

    async def analyses(self, texts: Sequence[str]) -> list[A]:
        """Return the analyses of several texts that one answer is about; where one has none, all fails."""
        for text in texts:
            _check(text)
        self.metrics.characters.inc(sum(map(len, texts)))
        found: list[A] = []
        async with asyncio.timeout(self.seconds):
            for one in await self.batcher.submit_many(texts, _itself):
                if isinstance(one, HdocError):
                    raise one
                found.append(one)
        return found


def _itself(analysis: A) -> A:
    return analysis


def _check(text: Any) -> None:
    """Refuse what cannot be a document before the network sees it."""
    if not isinstance(text, str):
        raise InputError(f"expected a text, got {type(text).__name__}")
    if is_blank(text):
        raise InputError(f"expected a text with words, got nothing to read in {len(text)} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError("expected a text, got half a surrogate pair, which is no character") from None


def _bytes(result: bytes | HdocError) -> bytes:
    return failed(result) if isinstance(result, HdocError) else result

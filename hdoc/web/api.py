"""What the routes under `/api/v1` do, of the model, the library and files."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import Any

from hdoc import __version__
from hdoc.library import Library
from hdoc.text.extraction.extract import SUFFIXES, extract
from hdoc.text.extraction.sandbox import extract_in_process
from hdoc.web import responses
from hdoc.web.server.answering import Answering
from hdoc.web.server.batching import Batcher
from hdoc.web.server.gate import Rules
from hdoc.web.server.metrics import Metrics
from hdoc.web.server.refusals import Refused

_SAMPLES = ("transport", "childcare", "pets")
_FILES_AT_ONCE = 2


class Api(Answering[Any]):
    """Answers requests about texts, files, the library and the server.

    Args:
        batcher: analyses documents.
        library: what is searched; None if there is none.
        rules: of the gate; the page shows its limits.
        metrics: counts characters.
        seconds: longest time for the analysis of one request.
    """

    def __init__(
        self, batcher: Batcher[Any], library: Library | None, rules: Rules, metrics: Metrics, seconds: float
    ) -> None:
        super().__init__(batcher, metrics, seconds)
        self.library = library
        self.rules = rules
        self._extracting = asyncio.Semaphore(_FILES_AT_ONCE)

    def require_library(self) -> Library:
        """Return the library.

        Raises:
            Refused: the server has none.
        """
        if self.library is None:
            raise Refused(404, "path", "this server has no library; start it with: hdoc serve --library FILE")
        return self.library

    def facts(self) -> responses.Facts:
        """Return what the page needs to know."""
        model = self.batcher.model
        library = None
        if self.library is not None:
            models = set(self.library.models())
            library = responses.LibraryFacts(
                n_articles=len(self.library),
                labels=self.library.labels(),
                same_model=models <= {model.identity.checksum},
            )
        return responses.Facts(
            model=model.identity,
            version=__version__,
            labels=list(model.labels),
            multi_label=model.multi_label,
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

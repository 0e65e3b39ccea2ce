"""Concurrent requests share forward passes: processes split texts, one thread runs the network.

No request waits for others. The documents that arrive and are split while the network reads one batch are
the next batch, up to a budget, so batches grow with the load.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from hdoc.errors import HdocError, InputError
from hdoc.text.sentences import Sentence
from hdoc.web.server.memory import Trimmer
from hdoc.web.server.model import ServedModel
from hdoc.web.server.splitting import Splitter, all_or_none

A = TypeVar("A")
T = TypeVar("T")

# Documents and characters of one batch: dense forward passes that still end within a second or two.
_BATCH_DOCUMENTS = 32
_BATCH_CHARACTERS = 100_000


class QueueFullError(HdocError):
    """More documents are waiting than the server takes; come back later."""


@dataclass(frozen=True)
class Limits:
    """How much may wait at once.

    Attributes:
        documents: most documents from their arrival to their answer.
        characters: most characters of them together.
    """

    documents: int = 512
    characters: int = 5_000_000


@dataclass
class _Job(Generic[A, T]):
    text: str
    sentences: Sequence[Sentence]
    finish: Callable[[A], T]
    answer: Future[T]


class Batcher(Generic[A]):
    """Takes documents one by one from many requests and gives them to the model together.

    Args:
        model: analyses them; only the batcher's own thread uses it.
        limits: how much may wait.
        workers: processes that split sentences; one a core by default.
        on_batch: called with the number of documents of each batch.
    """

    def __init__(
        self,
        model: ServedModel[A],
        limits: Limits | None = None,
        workers: int | None = None,
        on_batch: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.model = model
        self.limits = limits or Limits()
        self.on_batch = on_batch
        self.n_documents = 0
        self.n_characters = 0
        self._splitter = Splitter(model.split, workers)
        self._trim = Trimmer()
        self._ready: deque[_Job[A, Any]] = deque()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="hdoc-inference", daemon=True)
        self._thread.start()

    async def submit(self, text: str, finish: Callable[[A], T]) -> T:
        """Analyse a document when its turn comes.

        Args:
            text: the document.
            finish: makes the answer out of the analysis; runs in the inference thread.

        Raises:
            QueueFullError: too much is waiting already.
            HdocError: the document cannot be analysed, or what `finish` raises.
        """
        with self._admitted([text]):
            return await self._work(text, finish)

    async def submit_many(self, texts: Sequence[str], finish: Callable[[A], T]) -> list[T | HdocError]:
        """Analyse documents of one request; an error stands in the place of its document.

        Raises:
            QueueFullError: too much is waiting already; then none is analysed.
        """
        with self._admitted(texts):
            return await all_or_none([self._work_or_error(text, finish) for text in texts])

    @contextmanager
    def _admitted(self, texts: Sequence[str]) -> Iterator[None]:
        """Count documents as waiting; refuse them if too much waits, but never when nothing does."""
        n_characters = sum(map(len, texts))
        if self.n_documents and (
            self.n_documents + len(texts) > self.limits.documents
            or self.n_characters + n_characters > self.limits.characters
        ):
            raise QueueFullError(
                f"{self.n_documents} documents are waiting and no more are taken; try again in a few seconds"
            )
        self.n_documents += len(texts)
        self.n_characters += n_characters
        try:
            yield
        finally:
            self.n_documents -= len(texts)
            self.n_characters -= n_characters

    async def _work_or_error(self, text: str, finish: Callable[[A], T]) -> T | HdocError:
        try:
            return await self._work(text, finish)
        except HdocError as error:
            return error

    async def _work(self, text: str, finish: Callable[[A], T]) -> T:
        job = _Job(text, await self._splitter.split(text), finish, Future())
        with self._wake:
            if self._closed:
                raise QueueFullError("the server is stopping; try again in a few seconds")
            self._ready.append(job)
            self._wake.notify()
        return await asyncio.wrap_future(job.answer)

    def close(self) -> None:
        """Finish what runs, refuse what waits, and end the thread and the processes."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()
        for job in self._ready:
            job.answer.cancel()
        self._splitter.close()

    async def warm_up(self) -> None:
        """Load kss in every process, and run the network once, so that the first request need not wait."""
        await self._splitter.warm_up()
        text = "첫 요청이 기다리지 않도록 미리 한 번 읽는다.\n"
        await self.submit(text * 20, lambda _: None)

    def _run(self) -> None:
        while batch := self._next_batch():
            self._read(batch)
            batch.clear()
            self._trim()

    def _read(self, batch: list[_Job[A, Any]]) -> None:
        self.on_batch(len(batch))
        try:
            found = self.model.analyse([(job.text, job.sentences) for job in batch])
        except Exception as error:
            for job in batch:
                job.answer.set_exception(error)
            return
        for job, analysis in zip(batch, found, strict=True):
            _answer(job, analysis)

    def _next_batch(self) -> list[_Job[A, Any]]:
        """Wait for documents and take as many as make one batch; none when closed."""
        batch: list[_Job[A, Any]] = []
        n_characters = 0
        with self._wake:
            while not batch and not self._closed:
                self._wake.wait_for(lambda: self._ready or self._closed)
                while self._ready and len(batch) < _BATCH_DOCUMENTS:
                    if batch and n_characters + len(self._ready[0].text) > _BATCH_CHARACTERS:
                        break
                    job = self._ready.popleft()
                    if job.answer.set_running_or_notify_cancel():  # else nobody waits for it any more
                        batch.append(job)
                        n_characters += len(job.text)
        return batch


def _answer(job: _Job[A, T], analysis: A | InputError) -> None:
    try:
        if isinstance(analysis, InputError):
            raise analysis
        job.answer.set_result(job.finish(analysis))
    except Exception as error:
        job.answer.set_exception(error)

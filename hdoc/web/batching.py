"""Concurrent requests share forward passes: splitting in worker processes, one thread that runs the network.

No request waits for company. While the network reads one batch, the documents that arrive and are split
meanwhile gather, and all of them (up to a budget) are the next batch: batches grow with the load by
themselves. Long texts are split in parts at their line ends, so that several processes share them and a
short document does not wait behind a long one.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any, Generic, TypeVar

from hdoc.classifier import Analysis, DocumentClassifier
from hdoc.errors import HdocError, InputError
from hdoc.sentences import Sentence, split_sentences

T = TypeVar("T")

# Documents and characters of one batch: dense forward passes that still end within a second or two.
_BATCH_DOCUMENTS = 32
_BATCH_CHARACTERS = 100_000
_PART_CHARACTERS = 10_000


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
class _Job(Generic[T]):
    text: str
    sentences: Sequence[Sentence]
    finish: Callable[[Analysis], T]
    answer: Future[T]


class Batcher:
    """Takes documents one by one from many requests and gives them to the classifier together.

    Args:
        classifier: the model; only the batcher's own thread uses it.
        limits: what may wait.
        workers: processes that split sentences; one a core by default.
        on_batch: told the number of documents of each batch.
    """

    def __init__(
        self,
        classifier: DocumentClassifier,
        limits: Limits | None = None,
        workers: int | None = None,
        on_batch: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.classifier = classifier
        self.limits = limits or Limits()
        self.on_batch = on_batch
        self.n_documents = 0
        self.n_characters = 0
        self._n_workers = max(1, workers or os.cpu_count() or 1)
        self._pool = self._new_pool()
        self._ready: deque[_Job[Any]] = deque()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="hdoc-inference", daemon=True)
        self._thread.start()

    async def submit(self, text: str, finish: Callable[[Analysis], T]) -> T:
        """Analyse a document as soon as it is its turn.

        Args:
            text: the document.
            finish: makes the answer out of the analysis; runs in the inference thread.

        Raises:
            QueueFullError: too much is waiting already.
            HdocError: the document cannot be analysed, or what `finish` raises.
        """
        with self._admitted([text]):
            return await self._work(text, finish)

    async def submit_many(self, texts: Sequence[str], finish: Callable[[Analysis], T]) -> list[T | HdocError]:
        """Analyse documents of one request; an error stands in the place of its document.

        Raises:
            QueueFullError: too much is waiting already; then none is analysed.
        """
        with self._admitted(texts):
            return await _all_or_none([self._work_or_say(text, finish) for text in texts])

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

    async def _work_or_say(self, text: str, finish: Callable[[Analysis], T]) -> T | HdocError:
        try:
            return await self._work(text, finish)
        except HdocError as error:
            return error

    async def _work(self, text: str, finish: Callable[[Analysis], T]) -> T:
        job = _Job(text, await self._split(text), finish, Future())
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
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def warm_up(self) -> None:
        """Load what the first request would wait for: kss in every process, the network's first pass."""
        text = "첫 요청이 기다리지 않도록 미리 한 번 읽는다.\n"
        parts = [self._in_pool(text) for _ in range(self._n_workers * 4)]
        await asyncio.gather(*parts)
        await self.submit(text * 20, lambda analysis: analysis.classification())

    async def _split(self, text: str) -> list[Sentence]:
        parts = list(_parts(text))
        found = await _all_or_none([self._in_pool(text[start:end]) for start, end in parts])
        return [
            replace(sentence, start=sentence.start + start, end=sentence.end + start)
            for (start, _), sentences in zip(parts, found, strict=True)
            for sentence in sentences
        ]

    async def _in_pool(self, text: str) -> list[Sentence]:
        pool = self._pool
        try:
            return await asyncio.wrap_future(pool.submit(split_sentences, text))
        except BrokenProcessPool:
            # A process was ended from outside, for example for memory; the next ones take its place.
            if pool is self._pool:
                self._pool = self._new_pool()
            return await asyncio.wrap_future(self._pool.submit(split_sentences, text))

    def _new_pool(self) -> ProcessPoolExecutor:
        # Spawned, not forked: torch's threads would not survive a fork.
        # They leave Ctrl-C to this process, which ends them.
        return ProcessPoolExecutor(
            self._n_workers, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN)
        )

    def _run(self) -> None:
        while batch := self._next_batch():
            self.on_batch(len(batch))
            try:
                found = self.classifier.analyse([(job.text, job.sentences) for job in batch])
            except Exception as error:
                for job in batch:
                    job.answer.set_exception(error)
                continue
            for job, analysis in zip(batch, found, strict=True):
                _answer(job, analysis)

    def _next_batch(self) -> list[_Job[Any]]:
        """Wait for documents and take as many as make one batch; none when closed."""
        batch: list[_Job[Any]] = []
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


def _answer(job: _Job[T], analysis: Analysis | InputError) -> None:
    try:
        if isinstance(analysis, InputError):
            raise analysis
        job.answer.set_result(job.finish(analysis))
    except Exception as error:
        job.answer.set_exception(error)


async def _all_or_none(parts: list[Awaitable[T]]) -> list[T]:
    """Wait for all parts; if one fails or the wait is cancelled, the others are cancelled too."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of parts that end at line ends, where every sentence ends too."""
    start = 0
    while len(text) - start > _PART_CHARACTERS:
        end = text.rfind("\n", start, start + _PART_CHARACTERS) + 1 or text.find("\n", start) + 1
        if not end:
            break
        yield start, end
        start = end
    yield start, len(text)

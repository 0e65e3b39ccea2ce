"""Worker processes split texts into sentences while the network runs in this one.

A text is divided at line ends and its parts are split separately, so that several processes share a single
text, and a short document need not wait for a long one.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context
from typing import TypeVar

from hdoc.text.sentences import Sentence

T = TypeVar("T")

_LARGEST_PART = 10_000
_SMALLEST_PART = 500


class Splitter:
    """A pool of processes that split texts; a process that was killed is replaced.

    Args:
        divide: divides a text into sentences, of which none crosses a line end; it is sent to the processes.
        n_workers: processes; one a core by default.
    """

    def __init__(self, divide: Callable[[str], list[Sentence]], n_workers: int | None = None) -> None:
        self._divide = divide
        self._n_workers = max(1, n_workers or os.cpu_count() or 1)
        self._n_texts = 0
        self._pool = self._new_pool()

    async def split(self, text: str) -> list[Sentence]:
        """Return the sentences of a text."""
        alone = self._n_texts == 0
        share = len(text) // self._n_workers + 1 if alone else _LARGEST_PART
        parts = list(_parts(text, min(max(share, _SMALLEST_PART), _LARGEST_PART)))
        self._n_texts += 1
        try:
            found = await all_or_none([self._in_pool(text[start:end]) for start, end in parts])
        finally:
            self._n_texts -= 1
        return [
            replace(sentence, start=sentence.start + start, end=sentence.end + start)
            for (start, _), sentences in zip(parts, found, strict=True)
            for sentence in sentences
        ]

    async def warm_up(self) -> None:
        """Have every process load kss."""
        text = "첫 요청이 기다리지 않도록 미리 한 번 읽는다."
        await asyncio.gather(*(self._in_pool(text) for _ in range(self._n_workers * 4)))

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _in_pool(self, text: str) -> list[Sentence]:
        pool = self._pool
        try:
            return await asyncio.wrap_future(pool.submit(self._divide, text))
        except BrokenProcessPool:
            # The system killed a process, for example for its memory; a new pool replaces all.
            if pool is self._pool:
                self._pool = self._new_pool()
            return await asyncio.wrap_future(self._pool.submit(self._divide, text))

    def _new_pool(self) -> ProcessPoolExecutor:
        # Spawned, not forked: torch's threads would not survive a fork.
        # They leave Ctrl-C to this process, which ends them.
        return ProcessPoolExecutor(
            self._n_workers, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN)
        )


async def all_or_none(parts: list[Awaitable[T]]) -> list[T]:
    """Wait for all parts; if one fails or the wait is cancelled, the others are cancelled too."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()


def _parts(text: str, largest: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of parts that end at line ends, where every sentence ends too."""
    start = 0
    while len(text) - start > largest:
        end = text.rfind("\n", start, start + largest) + 1 or text.find("\n", start) + 1
        if not end:
            break
        yield start, end
        start = end
    if start < len(text):
        yield start, len(text)

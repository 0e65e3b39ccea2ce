"""Texts to word pieces in worker processes: sentences, then windows, as the explaining side makes them.

Finding sentences is slower than training a small encoder on the result, so it is done once and in parallel.
Workers are spawned, as torch's threads do not survive a fork, and import neither torch nor Lightning.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from hdoc.errors import HdocError
from hdoc.text.sentences import SentenceRule, split_sentences
from hdoc.tokens.tokenizer import PieceTokenizer

Pieces = tuple[NDArray[np.int32], NDArray[np.int32]]
"""The piece ids of a document's windows end to end, and the number of pieces of each window."""

# What a worker is given at a time: enough to make the way there and back cheap.
_CHUNK_CHARACTERS = 20_000
_CHUNKS_AHEAD = 4

_tokenise: Callable[[str], Pieces]  # in a worker process


def tokenise_many(
    texts: Iterable[str], tokenizer: PieceTokenizer, rule: SentenceRule, workers: int
) -> Iterator[Pieces]:
    """Divide texts into sentences and tokenise these, in order, only a little ahead of what is taken.

    Args:
        texts: any number of texts; read as they are needed.
        tokenizer: the encoder's tokenizer.
        rule: how sentences are found.
        workers: processes to use; 0 works in this one.

    Yields:
        The pieces of each text; none if nothing in it is a piece.

    Raises:
        HdocError: kss or its analyser is not installed, or a worker process died.
    """
    if workers <= 0:
        tokenise = _tokeniser(tokenizer, rule)
        yield from map(tokenise, texts)
        return
    settings = (tokenizer.tokenizer.to_str(), tokenizer.window, tokenizer.pad_id, rule)
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker, initargs=settings)
    waiting: deque[Future[list[Pieces]]] = deque()
    try:
        for chunk in _chunks(texts):
            waiting.append(pool.submit(_tokenise_chunk, chunk))
            if len(waiting) > workers * _CHUNKS_AHEAD:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except BrokenProcessPool as error:
        raise HdocError(
            "expected worker processes to split and tokenise texts, but one ended early, perhaps for want of "
            "memory; try again with fewer of them (data.workers)"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    n_characters = 0
    for text in texts:
        chunk.append(text)
        n_characters += len(text)
        if n_characters >= _CHUNK_CHARACTERS:
            yield chunk
            chunk, n_characters = [], 0
    if chunk:
        yield chunk


def _start_worker(tokenizer: str, window: int, pad_id: int, rule: SentenceRule) -> None:
    global _tokenise  # noqa: PLW0603 - how a worker process keeps what all of its tasks need
    # Each worker is one thread; the tokenizer's own would only be in the others' way.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    _tokenise = _tokeniser(PieceTokenizer(Tokenizer.from_str(tokenizer), window, pad_id), rule)


def _tokenise_chunk(texts: list[str]) -> list[Pieces]:
    return [_tokenise(text) for text in texts]


def _tokeniser(tokenizer: PieceTokenizer, rule: SentenceRule) -> Callable[[str], Pieces]:
    def tokenise(text: str) -> Pieces:
        windows = tokenizer.windows(text, split_sentences(text, rule))
        lengths = np.array([len(window.ids) for window in windows], dtype=np.int32)
        ids = (piece for window in windows for piece in window.ids)
        return np.fromiter(ids, dtype=np.int32, count=lengths.sum()), lengths

    return tokenise

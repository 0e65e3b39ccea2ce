"""Text to sentences. The only module that knows kss.

kss is kept exact and predictable here: it sees one line of text at a time (so that an unbalanced quote
or a missing full stop spoils one line, not a document), never its own cache (which can make the result
depend on the texts before), and never a character that it would drop. Its sentences are then laid back
over the text as given by counting non-space characters.
"""

from __future__ import annotations

import importlib
import re
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import blake2b
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from hdoc.errors import HdocError

if TYPE_CHECKING:
    from concurrent.futures import Future

SentenceRule = Literal["kss", "lines"]
"""How a text becomes sentences: by kss, or each line is one."""

# What kss cannot carry becomes a space for it: MeCab ends a text at NUL, drops other control
# characters, cannot encode half a surrogate pair, and kss knows only ASCII white space.
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
# What one composed character is made of: a base, then marks, or jamo that close a Hangul syllable.
_CLUSTER = re.compile(r".[\u0300-\u036f\u1160-\u11ff\u3099\u309a\ud7b0-\ud7fb]*", re.DOTALL)
_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
# kss builds several Python objects a character, so a line without end is given to it in parts.
_LONGEST_LINE = 20_000
# One character again and again tells kss nothing, but costs as much as text: it sees so many of them.
_LONGEST_RUN = 200
_RUN = re.compile(rf"(.)\1{{{_LONGEST_RUN},}}", re.DOTALL)
_LOOK_AHEAD = 32


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and where it stands.

    Attributes:
        text: the sentence without surrounding white space.
        start: its first character in the document.
        end: one past its last character.
    """

    text: str
    start: int
    end: int


FindSentences: TypeAlias = Callable[[str], list[Sentence]]
"""Divides a text into sentences, as `split_sentences` does by one rule."""


def split_sentences(text: str, rule: SentenceRule = "kss") -> list[Sentence]:
    """Divide a text into sentences that together hold every non-space character, in order.

    Args:
        text: any text; line breaks always end a sentence.
        rule: how sentences are found; "lines" does without kss.

    Returns:
        The sentences; none for a blank text. `text[s.start:s.end] == s.text` for each.

    Raises:
        HdocError: kss or its analyser is not installed.
    """
    spans = _kss_spans(text) if rule == "kss" else (line.span() for line in _LINE.finditer(text))
    sentences = []
    for start, end in spans:
        part = text[start:end]
        stripped = part.strip()
        if stripped:
            first = start + len(part) - len(part.lstrip())
            sentences.append(Sentence(stripped, first, first + len(stripped)))
    return sentences


def split_many(
    texts: Iterable[str], workers: int = 0, rule: SentenceRule = "kss"
) -> Iterator[list[Sentence]]:
    """Divide texts into sentences in worker processes, in order, only a few texts ahead of what is taken.

    Args:
        texts: any number of texts; read as they are needed.
        workers: processes to use; 0 works in this one.
        rule: how sentences are found.

    Yields:
        The sentences of each text.

    Raises:
        HdocError: kss or its analyser is not installed.
    """
    if workers <= 0:
        yield from map(partial(split_sentences, rule=rule), texts)
        return
    # Spawned, not forked: torch's threads would not survive a fork.
    from concurrent.futures import ProcessPoolExecutor  # costs what a short text does
    from multiprocessing import get_context

    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    waiting: deque[Future[list[Sentence]]] = deque()
    try:
        for text in texts:
            waiting.append(pool.submit(split_sentences, text, rule))
            if len(waiting) > workers * _LOOK_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _line_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans that kss sees: lines, the very long ones cut at a space where there is one."""
    for line in _LINE.finditer(text):
        start, end = line.span()
        while end - start > _LONGEST_LINE:
            space = text.rfind(" ", start + _LONGEST_LINE // 2, start + _LONGEST_LINE)
            cut = space + 1 if space >= 0 else start + _LONGEST_LINE
            yield start, cut
            start = cut
        yield start, end


def _kss_spans(text: str) -> Iterator[tuple[int, int]]:
    for start, end in _line_spans(text):
        yield from pairwise([start, *_cuts(text, start, end), end])


def _cuts(text: str, start: int, end: int) -> list[int]:
    """Return the positions in `text[start:end]` where kss begins a new sentence."""
    given, origins = _shortened(*_composed(_BLANK.sub(" ", text[start:end])))
    parts = ["".join(part.split()) for part in _kss_split(given)]
    if "".join(parts) != "".join(given.split()):
        return []  # kss lost or changed a character: the line stays whole, and its offsets right
    solid = [start + origin for origin, character in zip(origins, given, strict=True) if character != " "]
    firsts = accumulate(len(part) for part in parts[:-1])
    return [solid[first] for first in firsts if first < len(solid)]


def _composed(line: str) -> tuple[str, Sequence[int]]:
    """Return the line in NFC, which is all that kss understands, and where each character began."""
    if unicodedata.is_normalized("NFC", line):
        return line, range(len(line))
    characters: list[str] = []
    origins: list[int] = []
    for cluster in _CLUSTER.finditer(line):
        composed = unicodedata.normalize("NFC", cluster.group())
        characters.append(composed)
        origins.extend([cluster.start()] * len(composed))
    return "".join(characters), origins


def _shortened(line: str, origins: Sequence[int]) -> tuple[str, Sequence[int]]:
    """Return the line without the rest of very long runs of one character, and where each one began."""
    edges = [0]
    for run in _RUN.finditer(line):
        edges += [run.start() + _LONGEST_RUN, run.end()]
    edges.append(len(line))
    kept = list(zip(edges[::2], edges[1::2], strict=True))
    if len(kept) == 1:
        return line, origins
    places = [place for first, last in kept for place in origins[first:last]]
    return "".join(line[first:last] for first, last in kept), places


def _kss_split(line: str) -> list[str]:
    splitter, analyser, processor, numbers = _kss()
    # kss remembers parts of earlier texts and may answer with their sentences.
    for remembered in (splitter._split_sentences, analyser.pos, processor.backup, processor.restore):
        remembered.cache_clear()
    processor._normal_backup = numbers.copy()
    parts: list[str] = splitter.split_sentences(line, backend="mecab", num_workers=1, strip=False)
    return parts


@cache
def _kss() -> tuple[Any, Any, Any, dict[str, str]]:
    """Import kss (0.2 s); return its splitting module, its MeCab analyser, and what hides words from that.

    kss shows MeCab a number in the place of an address or a word that it must not cut. It makes the number by
    Python's `hash`, so that each process would have other numbers, and now and then other sentences.
    """
    try:
        import kss  # noqa: F401 (what the next lines import is a part of it)

        splitter = importlib.import_module("kss._modules.sentences.split_sentences")
        hiding = importlib.import_module("kss._modules.sentences.sentence_processor")
        analyser = importlib.import_module("kss._modules.morphemes.analyzers").MecabAnalyzer
    except ImportError as error:
        raise HdocError(
            f"expected kss 5.2 to be installed, but: {error}; run: pip install 'kss>=5.2,<6'"
        ) from error
    if analyser._analyzer is None:
        raise HdocError(
            "expected the MeCab analyser that kss needs, found none; run: pip install python-mecab-ko"
        )
    hiding.hash = _number_of  # type: ignore[attr-defined]
    processor = hiding.SentenceProcessor
    processor._heavy_backup = {
        letters: {word: str(_number_of(word)) for word in words}
        for letters, words in processor._heavy_backup.items()
    }
    return splitter, analyser, processor, {word: str(_number_of(word)) for word in processor._normal_backup}


def _number_of(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1

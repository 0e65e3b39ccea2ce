"""Sentences to token ids and back to characters.

A `Window` is what the encoder reads in one piece: a sentence, or a part of one that is longer than the
encoder's window. Long sentences are divided between words, so that nothing is ever cut off. A sentence
of which the tokenizer leaves nothing (control characters) joins its neighbour, so every window has
pieces. Only the `tokenizers` library and NumPy are needed here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hdoc.text.sentences import Sentence
from hdoc.tokens.spelling import Spelling

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

_EOJEOL = re.compile(r"\S+")
# With what pieces begin that open a word, in vocabularies that do not mark those that continue one.
_OPENINGS = ("▁", "Ġ")
# As SentencePiece calls what it cannot spell; its model does not tell.
_UNKNOWN = "<unk>"
_SURROGATES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Window:
    """A sentence, or a part of a long one, as the encoder reads it.

    Attributes:
        start: first character in the document.
        end: one past the last character.
        ids: its word pieces, at least one, without the special tokens around them.
        positions: for each piece, a non-space character of the document that it came from.
    """

    start: int
    end: int
    ids: tuple[int, ...]
    positions: tuple[int, ...]


class PieceTokenizer:
    """A fast tokenizer, the special tokens it puts around a sentence, and the encoder's window.

    Args:
        tokenizer: any fast tokenizer; its own truncation and padding are switched off.
        window: the longest sequence the encoder is given, special tokens included.
        pad_id: the id that fills short rows up.
    """

    def __init__(self, tokenizer: Tokenizer, window: int, pad_id: int = 0) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.tokenizer = tokenizer
        self.window = window
        self.pad_id = pad_id
        sample = tokenizer.encode("가")
        real = [i for i, special in enumerate(sample.special_tokens_mask) if not special] or [len(sample.ids)]
        self.prefix: list[int] = sample.ids[: real[0]]
        self.suffix: list[int] = sample.ids[real[-1] + 1 :]
        self.capacity = window - self.n_special
        if self.capacity < 1:
            raise ValueError(f"expected a window of at least 3 pieces, got {window}")

    @property
    def n_special(self) -> int:
        """Special tokens around the pieces of a window."""
        return len(self.prefix) + len(self.suffix)

    @cached_property
    def spelling(self) -> Spelling:
        """How the pieces are spelt; each is a word of its own if nothing marks those that continue one."""
        vocabulary, model = self.tokenizer.get_vocab(), self.tokenizer.model
        mark = getattr(model, "continuing_subword_prefix", None)
        opening = None if mark else _opening_mark(vocabulary)
        added = self.tokenizer.get_added_tokens_decoder().values()
        unknown = {_UNKNOWN, getattr(model, "unk_token", None)}
        without = unknown | {token.content for token in added if token.special}
        pieces: list[str | None] = [None] * self.tokenizer.get_vocab_size()
        continuing = np.zeros(len(pieces), dtype=bool)
        for piece, i in vocabulary.items():
            own = mark or opening
            marked = own is not None and piece.startswith(own)
            continuing[i] = marked if mark else opening is not None and not marked
            if piece not in without:
                pieces[i] = piece[len(own or "") :] if marked else piece
        return Spelling.of(pieces, continuing)

    def windows(self, text: str, sentences: Sequence[Sentence]) -> list[Window]:
        """Return the windows of a document, in order; together they hold all that its sentences hold.

        Args:
            text: the document.
            sentences: its sentences.

        Returns:
            At least one window a sentence, but for sentences without pieces, which join a neighbour;
            none at all if the whole document has no pieces.
        """
        # Half a surrogate pair cannot be encoded; one character stands in for it, so offsets stay.
        parts = [_SURROGATES.sub("\ufffd", sentence.text) for sentence in sentences]
        encodings = self.tokenizer.encode_batch(parts, add_special_tokens=False)
        windows: list[Window] = []
        unread: int | None = None  # where pieceless text at the document's beginning starts
        for sentence, encoding in zip(sentences, encodings, strict=True):
            found = list(self._divide(text, sentence, encoding))
            if found:
                windows.extend(found)
            elif windows:
                windows[-1] = replace(windows[-1], end=sentence.end)
            elif unread is None:
                unread = sentence.start
        if windows and unread is not None:
            windows[0] = replace(windows[0], start=unread)
        return windows

    def _divide(self, text: str, sentence: Sentence, encoding: Encoding) -> Iterator[Window]:
        """Yield the windows of a sentence, but for those that would hold white space alone."""
        spans = [(sentence.start + start, sentence.start + end) for start, end in encoding.offsets]
        start, first = sentence.start, 0
        while first < len(spans):
            last = self._cut(text, spans, first) if len(spans) - first > self.capacity else len(spans)
            end = max(start, spans[last][0]) if last < len(spans) else sentence.end
            if text[start:end].strip():
                yield _window(text, start, end, encoding.ids[first:last], spans[first:last])
            start, first = end, last

    def _cut(self, text: str, spans: list[tuple[int, int]], first: int) -> int:
        """Return the piece that opens the next window: one that opens a word, if there is one."""
        last = first + self.capacity
        whole = [i for i in range(first + 1, last + 1) if spans[i][0] >= spans[i - 1][1]]
        for i in reversed(whole):
            before, (start, _) = spans[i - 1], spans[i]
            opens = text[start].isspace() or text[start - 1].isspace()
            if opens and not text[slice(*before)].isspace():  # a space belongs to the word that it opens
                return i
        return whole[-1] if whole else last


def _opening_mark(vocabulary: Iterable[str]) -> str | None:
    """Return the mark of pieces that open a word; a vocabulary may hold the other as a mere character."""
    counts = Counter(piece[:1] for piece in vocabulary)
    mark = max(_OPENINGS, key=lambda one: counts[one])
    return mark if counts[mark] else None


def _window(text: str, start: int, end: int, ids: list[int], spans: list[tuple[int, int]]) -> Window:
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start].isspace():
        start += 1
    # A piece may begin with the space before its word, or be that space alone: it counts to what follows.
    positions = []
    earlier, place = start, start
    for left, _ in spans:
        if not earlier <= left <= place:
            place = min(max(left, start), end - 1)
            while text[place].isspace():
                place += 1
        earlier = left
        positions.append(place)
    return Window(start, end, tuple(ids), tuple(positions))


def word_spans(text: str, window: Window) -> list[tuple[int, int]]:
    """Return the eojeol (runs without white space) of a window as characters of the document."""
    return [
        (window.start + match.start(), window.start + match.end())
        for match in _EOJEOL.finditer(text[window.start : window.end])
    ]


def words_of_pieces(window: Window, spans: Sequence[tuple[int, int]]) -> list[int]:
    """Return for each piece of a window the index of the word (of `spans`) that it belongs to."""
    starts = [start for start, _ in spans]
    return [max(bisect_right(starts, position) - 1, 0) for position in window.positions]

"""Sentences to token ids and back to characters.

A `Window` is what the encoder reads in one piece: a sentence, or a part of one that is longer than the
encoder's window. Long sentences are divided between words, so that nothing is ever cut off. A sentence
of which the tokenizer leaves nothing (control characters) joins its neighbour, so every window has
pieces. Only the `tokenizers` library and NumPy are needed here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
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
        openings = () if mark else tuple(o for o in _OPENINGS if any(p.startswith(o) for p in vocabulary))
        added = self.tokenizer.get_added_tokens_decoder().values()
        without = {getattr(model, "unk_token", None), *(token.content for token in added if token.special)}
        pieces: list[str | None] = [None] * self.tokenizer.get_vocab_size()
        continuing = np.zeros(len(pieces), dtype=bool)
        for piece, i in vocabulary.items():
            marked = piece.startswith(mark or openings)
            continuing[i] = marked if mark else bool(openings) and not marked
            if piece not in without:
                pieces[i] = piece[len(mark or openings[0]) :] if marked else piece
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
            if encoding.ids:
                windows.extend(self._divide(text, sentence, encoding))
            elif windows:
                windows[-1] = replace(windows[-1], end=sentence.end)
            elif unread is None:
                unread = sentence.start
        if windows and unread is not None:
            windows[0] = replace(windows[0], start=unread)
        return windows

    def _divide(self, text: str, sentence: Sentence, encoding: Encoding) -> Iterator[Window]:
        spans = [(sentence.start + start, sentence.start + end) for start, end in encoding.offsets]
        start, first = sentence.start, 0
        while len(spans) - first > self.capacity:
            last = self._cut(text, spans, first)
            cut = spans[last][0]
            yield _window(text, start, cut, encoding.ids[first:last], spans[first:last])
            start, first = cut, last
        yield _window(text, start, sentence.end, encoding.ids[first:], spans[first:])

    def _cut(self, text: str, spans: list[tuple[int, int]], first: int) -> int:
        """Return the piece that opens the next window: one that opens a word, if there is one."""
        last = first + self.capacity
        whole = [i for i in range(first + 1, last + 1) if spans[i][0] >= spans[i - 1][1]]
        for i in reversed(whole):
            if text[spans[i][0]].isspace() or text[spans[i][0] - 1].isspace():
                return i
        return whole[-1] if whole else last


def _window(text: str, start: int, end: int, ids: list[int], spans: list[tuple[int, int]]) -> Window:
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start].isspace():
        start += 1
    positions = []
    for left, right in spans:
        # Some tokenizers count the space before a word as part of its first piece.
        position = left
        while position < right - 1 and text[position].isspace():
            position += 1
        positions.append(position)
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

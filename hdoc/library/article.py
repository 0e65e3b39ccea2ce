"""An article, and its text as it is compared and indexed."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from hashlib import sha256

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Article:
    """One article.

    Attributes:
        title: what it is called in lists.
        text: as it came.
        source: the file or table row that it came from.
        label: its most probable class.
        probability: the calibrated probability of that class, 0 to 1.
        model: checksum of the model that said so.
        id: its number in the library; 0 before it is in one.
        added: when it came in, UTC, ISO 8601.
    """

    title: str
    text: str
    source: str
    label: str
    probability: float
    model: str
    id: int = 0
    added: str = ""


def digest(text: str) -> bytes:
    """Return what tells texts apart: SHA-256 of the composed text, its white space folded."""
    return sha256(" ".join(unicodedata.normalize("NFC", text).split()).encode("utf-8", "replace")).digest()


def folded(text: str) -> str:
    """Return text as it is compared: composed, without case."""
    return unicodedata.normalize("NFC", text).casefold()


def indexed(text: str) -> str:
    """Return text as the index takes it; two spaces let a trigram begin at each of its characters."""
    return folded(text).replace("\0", " ") + "  "


def label_code(number: int) -> str:
    """Return a class as one trigram of its own."""
    return "".join(_DIGITS[number // 36**place % 36] for place in (2, 1, 0))

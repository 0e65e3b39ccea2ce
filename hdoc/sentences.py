"""Text to sentences. The only module that knows kss.

kss is kept exact and predictable here: it sees one line of text at a time (so that an unbalanced quote
or a missing full stop spoils one line, not a document), never its own cache (which can make the result
depend on the texts before), and never a character that it would drop. Its sentences are then laid back
over the text as given by counting non-space characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from hdoc.errors import HdocError

# What kss cannot carry: MeCab ends a text at NUL and treats other control characters as it likes.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
# kss needs time and memory in proportion to a line, some of it Python objects per character.
_LONGEST_LINE = 20_000


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

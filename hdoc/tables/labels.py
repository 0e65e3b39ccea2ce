"""The labels of a row: one way to read them, for training and for evaluation alike.

Labels are compared as text, without white space around them and in composed form (NFC), in which the same
Korean label always has the same characters. Whole numbers and true or false are labels too.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_SEPARATORS = re.compile("[|;]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def read_label(value: Any) -> str | None:
    """Return the one label that stands in a cell, or None if it holds no label."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a column of whole numbers with gaps comes as such
    if not isinstance(value, str | int):
        return None
    return unicodedata.normalize("NFC", without_surrogates(str(value))).strip() or None


def read_labels(value: Any) -> tuple[str, ...] | None:
    """Return the labels of a document that may have any number, sorted and each once.

    Args:
        value: a list of labels, or one text with `|` or `;` between them; an empty list or a blank text
            holds none.

    Returns:
        None if the value is neither, or if one of its labels is empty.
    """
    if isinstance(value, str):
        value = _SEPARATORS.split(value) if value.strip() else []
    if not isinstance(value, list | tuple):
        return None
    labels = [label for label in map(read_label, value) if label is not None]
    return tuple(sorted(set(labels))) if len(labels) == len(value) else None


def without_surrogates(text: str) -> str:
    """Replace halves of surrogate pairs, which cannot be stored; no offset changes."""
    return _SURROGATES.sub("\ufffd", text)

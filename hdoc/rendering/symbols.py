r"""Text that is safe to show: control characters, and those that reorder a line, become visible symbols.

A document may hold anything. An escape sequence could recolour, retitle or script a terminal, a bidirectional
override could show evidence in another order than the model read it, and HTML allows neither NUL nor half a
surrogate pair. Only the shown text changes; offsets are those of the text as given.
"""

from __future__ import annotations

import re

_LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")

_CONTROL_PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_LAYOUT = {ord("\n"): "\n", ord("\t"): "    "}
_NAMELESS = [
    *range(0x80, 0xA0),
    0x061C,
    0x200E,
    0x200F,
    *range(0x202A, 0x202F),
    *range(0x2066, 0x2070),
    0xFEFF,
]
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")

_SYMBOLS: dict[int, int | str] = {
    **_CONTROL_PICTURES,
    **{code: f"⟨U+{code:04X}⟩" for code in _NAMELESS},
    **_SURROGATES,
    **_LAYOUT,
}


def visible(text: str) -> str:
    r"""Return text that is safe to show: control characters as symbols, every line break as `\n`."""
    return _LINE_BREAK.sub("\n", text).translate(_SYMBOLS)


def visible_line(text: str) -> str:
    """Return text that is safe to show within one line, its white space folded."""
    return " ".join(visible(text).split())


def clip(text: str, n_characters: int) -> str:
    """Return at most `n_characters` of a line, an ellipsis standing for the rest."""
    return text if len(text) <= n_characters else text[: n_characters - 1].rstrip() + "…"


def n_line_breaks(text: str) -> int:
    """Count the line breaks."""
    return len(_LINE_BREAK.findall(text))

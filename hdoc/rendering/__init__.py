"""Explanations as JSON, in a terminal and as an HTML page, with the same numbers.

`scale` turns contributions into percentages and shades, `symbols` makes any text safe to show, `wording`
holds every word that a reader sees. `terminal` (the frame) and `terminal_evidence` (the evidence in it) draw
the terminal view with the colours of `palette`; `html` and `html_evidence` write the page with `style.css`.
`table` shows tables of figures in a terminal and as Markdown.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hdoc.explanation import Explanation
from hdoc.rendering.wording import WORDING, Language

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Language", "to_html", "to_json", "to_terminal"]


def to_json(explanation: Explanation | Sequence[Explanation]) -> str:
    """Return the explanation contract as JSON: the same explanation gives the same characters.

    Keys keep the contract's order and numbers are written in full (Python's shortest exact form). The text
    itself is not repeated; the offsets point into it.

    Args:
        explanation: one, or several of the same document, which become an array.

    Raises:
        ValueError: a number is infinite or not a number, which JSON cannot hold.
    """
    if isinstance(explanation, Explanation):
        content: object = explanation.to_dict()
    else:
        content = [each.to_dict() for each in explanation]
    return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def to_terminal(
    explanation: Explanation,
    text: str,
    console: Console,
    *,
    top: int | None = None,
    language: Language = "ko",
    name: str | None = None,
) -> None:
    """Print the category, the most probable labels, and the text with its evidence.

    A text of many sentences is shown by its strongest ones, in their order. The console's own settings
    decide about colour and width.

    Args:
        explanation: what to show.
        text: the document it explains, exactly as it was given.
        console: where to print.
        top: print a ranked list of this many sentences and words instead of the text.
        language: of the words around the text.
        name: of the document, such as its file.

    Raises:
        ValueError: the text is not the one that was explained.
    """
    from hdoc.rendering.terminal import TerminalView

    _check_text(explanation, text)
    view = TerminalView(explanation, text, WORDING[language], console)
    shown = view.whole(name) if top is None else view.ranked(name, top)
    console.print(shown, highlight=False, markup=False, emoji=False)


def to_html(
    explanation: Explanation | Sequence[Explanation],
    text: str,
    *,
    language: Language = "ko",
    name: str | None = None,
) -> str:
    """Return one page that needs nothing else: no script, no network, its own style.

    Args:
        explanation: what to show; one, or several of the same document, one for each of its labels.
        text: the document it explains, exactly as it was given.
        language: of the words around the text.
        name: of the document, such as its file.

    Raises:
        ValueError: the text is not the one that was explained.
    """
    from hdoc.rendering.html import Page

    explanations = [explanation] if isinstance(explanation, Explanation) else explanation
    for each in explanations:
        _check_text(each, text)
    return Page(explanations, text, WORDING[language], language).html(name)


def _check_text(explanation: Explanation, text: str) -> None:
    if len(text) != explanation.n_characters:
        raise ValueError(
            f"the explanation is about a text of {explanation.n_characters} characters, "
            f"this one has {len(text)}; pass the text exactly as it was explained"
        )

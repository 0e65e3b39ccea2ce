"""The article of a web page."""

from __future__ import annotations

from contextlib import suppress

from hdoc.errors import InputError
from hdoc.text.documents import decode
from hdoc.text.extraction.limits import import_parser

_FEWEST_OF_ARTICLE = 200
_HEAD = 4_096


def read_html(data: bytes, name: str) -> str:
    """Return the article of a page, or all its text where there is no article to tell from the rest."""
    trafilatura = import_parser("trafilatura")
    with suppress(InputError):  # a page may declare an encoding that only its parser can find
        data = decode(data, None, name).encode()
    if b"<html" not in data[:_HEAD].lower():  # a part of a page is read as the whole of one
        data = b"<html><body>" + data + b"</body></html>"
    if trafilatura.load_html(data) is None:
        raise InputError(f"{name}: expected a web page, got something else")
    article = trafilatura.extract(data, favor_recall=True, include_comments=False) or ""
    whole = str(trafilatura.html2txt(data) or "")
    return article if len(article) >= min(_FEWEST_OF_ARTICLE, len(whole) // 2) else whole

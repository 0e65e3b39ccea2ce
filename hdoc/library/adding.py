"""Files and tables to classified articles.

Articles are added some at a time, each time in one transaction. What the library has already is passed
over before it is classified, so running an interrupted import again goes on where it stopped.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdoc.errors import HdocError, InputError
from hdoc.library.article import Article, digest
from hdoc.library.store import Library
from hdoc.tables import Row, is_table, open_table
from hdoc.tasks.document.classifier import Classification, DocumentClassifier
from hdoc.text.charset import is_blank
from hdoc.text.documents import read_document, unreadable
from hdoc.text.extraction.extract import SUFFIXES, extract

_LOGGER = logging.getLogger(__name__)
_LONGEST_TITLE = 100
_ARTICLES_AT_ONCE = 64
_DOCUMENT_SUFFIXES = SUFFIXES | {".txt", ".md"}
_NO_TITLE = "(제목 없음)"


@dataclass
class ImportCounts:
    """How many documents an import has added, passed over, and failed on.

    Attributes:
        added: new articles.
        known: documents that the library, or this import, had before.
        failed: documents that cannot be read or classified.
    """

    added: int = 0
    known: int = 0
    failed: int = 0

    @property
    def seen(self) -> int:
        """All documents so far."""
        return self.added + self.known + self.failed


@dataclass(frozen=True, slots=True)
class _Draft:
    title: str
    text: str
    source: str


def add_inputs(
    library: Library,
    classifier: DocumentClassifier,
    inputs: Sequence[str],
    *,
    text_column: str = "text",
    title_column: str = "title",
    encoding: str | None = None,
    workers: int = 0,
    on_progress: Callable[[ImportCounts], None] = lambda _: None,
) -> ImportCounts:
    """Read documents, classify them and add them to a library.

    Args:
        library: where they go.
        classifier: says what they are about.
        inputs: text, HTML, Word and PDF files, folders of them, and tables.
        text_column: of tables, the column of texts.
        title_column: of tables, the column of titles; where there is none, the text's first line is it.
        encoding: of text files and tables; recognised by default.
        workers: processes that find sentences.
        on_progress: told how far the import is.

    Returns:
        What became of the documents; each that failed is logged as a warning that says why.

    Raises:
        InputError: an input is missing or cannot be opened.
    """
    sources = [_open(given, text_column, title_column, encoding) for given in inputs]
    counts = ImportCounts()
    drafts: deque[_Draft] = deque()
    seen: set[bytes] = set()

    def new_texts() -> Iterator[str]:
        for source in sources:
            for draft in source:
                if isinstance(draft, HdocError):
                    _fail(counts, str(draft))
                    continue
                key = digest(draft.text)
                if key in seen or library.has(draft.text):
                    counts.known += 1
                else:
                    seen.add(key)
                    drafts.append(draft)
                    yield draft.text

    articles: list[Article] = []
    for result in classifier.classify_stream(new_texts(), workers):
        draft = drafts.popleft()
        if isinstance(result, HdocError):
            _fail(counts, f"{draft.source}: {result}")
        else:
            articles.append(_article(draft, result, classifier))
        if len(articles) >= _ARTICLES_AT_ONCE:
            _add(library, articles, counts)
            on_progress(counts)
    _add(library, articles, counts)
    on_progress(counts)
    return counts


def _add(library: Library, articles: list[Article], counts: ImportCounts) -> None:
    n_new = library.add(articles)
    counts.added += n_new
    counts.known += len(articles) - n_new  # another import was faster
    articles.clear()


def _fail(counts: ImportCounts, reason: str) -> None:
    counts.failed += 1
    _LOGGER.warning("%s", reason)


def _article(draft: _Draft, found: Classification, classifier: DocumentClassifier) -> Article:
    checksum = classifier.identity.checksum
    return Article(draft.title, draft.text, draft.source, found.label, found.probability, checksum)


def _open(
    given: str, text_column: str, title_column: str, encoding: str | None
) -> Iterator[_Draft | HdocError]:
    path = Path(given)
    try:
        path.stat()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if path.is_dir():
        return (_read(file, encoding) for file in _walk(path))
    if is_table(path):
        table = open_table(path, encoding)
        table.require(text_column, "--text-column")
        rows = table.rows([text_column, title_column])
        return (_draft(row, f"{given}:{row.number}", text_column, title_column) for row in rows)
    return iter([_read(path, encoding)])


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in _DOCUMENT_SUFFIXES:
                yield Path(parent) / name


def _read(path: Path, encoding: str | None) -> _Draft | HdocError:
    source = _printable(str(path))
    try:
        if path.suffix.lower() in SUFFIXES:
            text = extract(path.read_bytes(), source)
        else:
            text = read_document(path, encoding)
    except HdocError as error:
        return error
    except OSError as error:
        return unreadable(path, error)
    return _Draft(_title(None, text), text, source)


def _draft(row: Row, place: str, text_column: str, title_column: str) -> _Draft | HdocError:
    text = row.values.get(text_column)
    if row.error is not None:
        return InputError(f"{place}: {row.error}")
    if not isinstance(text, str) or is_blank(text):
        got = "nothing" if text is None or isinstance(text, str) else type(text).__name__
        return InputError(f"{place}: expected a text in column {text_column!r}, got {got}")
    text = _printable(text)
    return _Draft(_title(row.values.get(title_column), text), text, _printable(place))


def _title(given: Any, text: str) -> str:
    """Return the given title, or the text's first line with words."""
    lines = [given] if isinstance(given, str) and not is_blank(given) else text.splitlines()
    first = next((line for line in lines if any(map(str.isalnum, line))), _NO_TITLE)
    title = " ".join(_printable(first).split())
    return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1].rstrip() + "…"


def _printable(text: str) -> str:
    """Return text that a database can hold: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode()

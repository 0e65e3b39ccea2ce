"""Find articles by any part of a word, so that 버스 finds 버스가, 버스를 and 시내버스.

A query's words must all occur. The index answers which articles have all trigrams of a word; a word of
two characters, of which Korean has many and trigrams none, stands for all trigrams that begin with it.
What the index proposes is then looked up in the article itself, so every hit is one.

Articles with all words in the title come first, the newest first within both groups: an order that needs
no score of all matches, so that common words are answered as fast as rare ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from hdoc.errors import InputError
from hdoc.library.article import Article, folded, label_code
from hdoc.library.store import ARTICLE_COLUMNS, Library

_MOST_WORDS = 16
_LONGEST_QUERY = 200
_TRIGRAM = 3
_SNIPPET_LENGTH = 120
_LENGTH_BEFORE_WORD = 36
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Hit:
    """One article of a result.

    Attributes:
        article: the article.
        snippet: a part of its text that shows the query's words, if it has them.
        marks: where these words stand in the snippet, end-exclusive.
    """

    article: Article
    snippet: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ResultPage:
    """One page of a result.

    Attributes:
        hits: the articles, best first.
        more: whether there are more after these.
    """

    hits: tuple[Hit, ...]
    more: bool


def search(
    library: Library, query: str = "", label: str | None = None, offset: int = 0, limit: int = 20
) -> ResultPage:
    """Find articles.

    Args:
        library: where to look.
        query: words that must all occur, in the title or in the text; empty for all articles.
        label: only articles of this class.
        offset: hits to pass over.
        limit: most hits to return.

    Raises:
        InputError: the query is too long, or none of its words has two characters.
    """
    words = _words(query)
    number = None
    if label is not None:
        row = library.connection().execute("SELECT id FROM labels WHERE name = ?", (label,)).fetchone()
        if row is None:
            return ResultPage((), more=False)
        number = int(row[0])
    articles = _matches(library, words, number) if words else _newest(library, number)
    page = list(islice(articles, offset, offset + limit + 1))
    return ResultPage(tuple(_hit(article, words) for article in page[:limit]), more=len(page) > limit)


def _words(query: str) -> list[str]:
    if len(query) > _LONGEST_QUERY:
        raise InputError(f"expected a query of at most {_LONGEST_QUERY} characters, got {len(query)}")
    words = list(dict.fromkeys(folded(_CONTROL.sub(" ", query)).split()))[:_MOST_WORDS]
    if words and max(map(len, words)) < 2:
        raise InputError("expected a word of at least two characters; write more of it")
    return words


def _newest(library: Library, label: int | None) -> Iterator[Article]:
    where, values = ("", ()) if label is None else ("WHERE label = ?", (label,))
    rows = library.connection().execute(
        f"SELECT {ARTICLE_COLUMNS} FROM articles JOIN labels ON labels.id = label "  # noqa: S608 (fixed text)
        f"{where} ORDER BY articles.id DESC",
        values,
    )
    return (Article(*row) for row in rows)


def _matches(library: Library, words: Sequence[str], label: int | None) -> Iterator[Article]:
    clauses = [_clause(library, word) for word in words if len(word) > 1]
    if "" in clauses:
        return
    wanted = " AND ".join(clauses)
    only = "" if label is None else f' AND label : "{label_code(label)}"'
    for expression in (
        f"{{title}} : ({wanted}){only}",
        f"({{title text}} : ({wanted}){only}) NOT {{title}} : ({wanted})",
    ):
        rows = library.connection().execute(
            f"SELECT {ARTICLE_COLUMNS} FROM trigrams CROSS JOIN articles ON articles.id = trigrams.rowid "  # noqa: S608
            "JOIN labels ON labels.id = articles.label WHERE trigrams MATCH ? ORDER BY trigrams.rowid DESC",
            (expression,),
        )
        for row in rows:
            article = Article(*row)
            content = folded(f"{article.title}\n{article.text}")
            if all(word in content for word in words):
                yield article


def _clause(library: Library, word: str) -> str:
    """Return the condition that an article may have a word; empty if none can."""
    if len(word) >= _TRIGRAM:
        parts = dict.fromkeys(word[i : i + _TRIGRAM] for i in range(len(word) - _TRIGRAM + 1))
        return f"({' AND '.join(map(_quoted, parts))})"
    rows = library.connection().execute(
        "SELECT term FROM terms WHERE term >= ? AND term < ?", (word, word + "\U0010ffff")
    )
    terms = [row[0] for row in rows]
    return f"({' OR '.join(map(_quoted, terms))})" if terms else ""


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'


def _hit(article: Article, words: Sequence[str]) -> Hit:
    text = " ".join(unicodedata.normalize("NFC", article.text).split())
    pattern = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))), re.IGNORECASE)
    body = _start_of_body(article.title, text)
    start = _start_of_snippet(text, body, pattern if words else None)
    end = start + _SNIPPET_LENGTH
    is_cut_before = start > 0 and (start != body or article.title.endswith("…"))
    snippet = ("…" if is_cut_before else "") + text[start:end] + ("…" if end < len(text) else "")
    marks = tuple(match.span() for match in pattern.finditer(snippet)) if words else ()
    return Hit(article, snippet, marks)


def _start_of_snippet(text: str, body: int, pattern: re.Pattern[str] | None) -> int:
    """Return where a snippet begins: a little before the first word, or where the body does."""
    if pattern is None:
        return body
    first = pattern.search(text, body) or pattern.search(text)
    if first is None or body <= first.start() < body + _LENGTH_BEFORE_WORD:
        return body
    return max(0, first.start() - _LENGTH_BEFORE_WORD)


def _start_of_body(title: str, text: str) -> int:
    """Return where the text goes on after its title, which many texts begin with; 0 if there is no more."""
    head = unicodedata.normalize("NFC", title).removesuffix("…")
    if not text.startswith(head):
        head = ""
    if text[len(head) : len(head) + 1] == " ":
        return len(head) + 1
    return len(head) if len(head) < len(text) else 0

"""Articles made up for the tests, and what a search finds of them."""

from hdoc.library import Article, Library, search


def article(text: str, title: str = "제목", label: str = "사회") -> Article:
    return Article(title, text, "source", label, 0.5, "model")


def titles(library: Library, query: str = "", label: str | None = None, **options: int) -> list[str]:
    return [hit.article.title for hit in search(library, query, label, **options).hits]

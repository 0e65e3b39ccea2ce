"""A local library of articles: kept, classified and searched in one SQLite file.

`article` is one of them, `store` keeps them, `search` finds them, `adding` reads and classifies new ones.
"""

from __future__ import annotations

from hdoc.library.article import Article, digest
from hdoc.library.search import Hit, ResultPage, search
from hdoc.library.store import Library, default_path

__all__ = ["Article", "Hit", "Library", "ResultPage", "default_path", "digest", "search"]

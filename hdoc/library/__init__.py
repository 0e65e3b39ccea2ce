"""A local library of articles: kept, classified and searched in one SQLite file.

`store` keeps the articles, `search` finds them, `adding` reads and classifies what comes in, `command` is
`hdoc library`.
"""

from __future__ import annotations

from hdoc.library.search import Found, Hit, search
from hdoc.library.store import Article, Library, default_path, digest

__all__ = ["Article", "Found", "Hit", "Library", "default_path", "digest", "search"]

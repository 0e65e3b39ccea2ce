"""Articles in one SQLite file, each once, with an index of all their trigrams.

An article and its index entry are written in one transaction, and articles are told apart by a digest of
their text, so an import that was interrupted anywhere can simply be run again. Readers and one writer do
not wait for each other (write-ahead log).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

from hdoc.errors import InputError
from hdoc.library.article import Article, digest, indexed, label_code

_APPLICATION = 0x68646F63  # "hdoc" in ASCII: tells this file from any other database
_VERSION = 1
# The index knows of each trigram only which articles and columns have it: a third of the size that
# positions would take. `search` looks into the articles themselves for the rest.
_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
CREATE TABLE labels (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE articles (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    source TEXT NOT NULL,
    added TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    label INTEGER NOT NULL REFERENCES labels,
    probability REAL NOT NULL,
    model TEXT NOT NULL
);
CREATE INDEX articles_by_label ON articles (label, id);
CREATE INDEX articles_by_model ON articles (model);
CREATE VIRTUAL TABLE trigrams USING fts5 (
    title, text, label, content = '', columnsize = 0, detail = column, tokenize = 'trigram'
);
CREATE VIRTUAL TABLE terms USING fts5vocab (trigrams, row);
"""
ARTICLE_COLUMNS = "articles.title, articles.text, source, name, probability, model, articles.id, added"
"""What the fields of an `Article` are in the tables of articles and labels, in their order."""
_BUSY_SECONDS = 30


class Library:
    """A library file. Every thread has a connection of its own.

    Args:
        path: the file, or a folder that holds it as `library.sqlite`.
        create: make a new library if there is none.

    Raises:
        InputError: there is no library, or the file is something else.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path / "library.sqlite" if path.is_dir() or (create and not path.suffix) else path
        if not self.path.is_file() and not create:
            raise InputError(
                f"expected a library at {self.path}, found none; make one with: hdoc library add FILES"
            )
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._prepare()
        except sqlite3.Error as error:
            raise InputError(f"{self.path} cannot be used as a library: {error}") from error
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror or error}") from error

    def _prepare(self) -> None:
        connection = self.connection()
        found = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
        if empty:
            connection.execute("PRAGMA journal_mode = wal")
            connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        elif found != _APPLICATION:
            raise InputError(f"expected an hdoc library, but {self.path} is another database")
        elif version != _VERSION:
            raise InputError(
                f"{self.path} is a library of format {version}, this hdoc knows {_VERSION}; "
                "use the hdoc that made it, or add the articles to a new one"
            )

    def connection(self) -> sqlite3.Connection:
        """Return this thread's connection."""
        if not hasattr(self._local, "connection"):
            self._local.connection = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._local.connection.execute("PRAGMA synchronous = normal")
            self._connections.append(self._local.connection)
        connection: sqlite3.Connection = self._local.connection
        return connection

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._local = threading.local()

    def __len__(self) -> int:
        """Return the number of articles."""
        count: int = self.connection().execute("SELECT count(*) FROM articles").fetchone()[0]
        return count

    def add(self, articles: Iterable[Article]) -> int:
        """Add articles in one transaction: all of them or, if it fails, none.

        Returns:
            How many were new.
        """
        connection = self.connection()
        n_new = 0
        connection.execute("BEGIN IMMEDIATE")
        try:
            for article in articles:
                n_new += self._add(connection, article)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return n_new

    def _add(self, connection: sqlite3.Connection, article: Article) -> int:
        connection.execute("INSERT OR IGNORE INTO labels (name) VALUES (?)", (article.label,))
        label = connection.execute("SELECT id FROM labels WHERE name = ?", (article.label,)).fetchone()[0]
        cursor = connection.execute(
            "INSERT OR IGNORE INTO articles (digest, title, text, source, label, probability, model) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                digest(article.text),
                article.title,
                article.text,
                article.source,
                label,
                article.probability,
                article.model,
            ),
        )
        if cursor.rowcount < 1:
            return 0
        connection.execute(
            "INSERT INTO trigrams (rowid, title, text, label) VALUES (?, ?, ?, ?)",
            (cursor.lastrowid, indexed(article.title), indexed(article.text), label_code(label)),
        )
        return 1

    def has(self, text: str) -> bool:
        """Whether this text, but for its white space, is in the library."""
        row = self.connection().execute("SELECT 1 FROM articles WHERE digest = ?", (digest(text),))
        return row.fetchone() is not None

    def get(self, number: int) -> Article | None:
        """Return an article by its number, or None."""
        row = (
            self.connection()
            .execute(
                f"SELECT {ARTICLE_COLUMNS} FROM articles JOIN labels ON labels.id = label "  # noqa: S608 (fixed text)
                "WHERE articles.id = ?",
                (number,),
            )
            .fetchone()
        )
        return None if row is None else Article(*row)

    def labels(self) -> dict[str, int]:
        """Return how many articles each class has, most first."""
        rows = self.connection().execute(
            "SELECT name, count(*) AS n FROM articles JOIN labels ON labels.id = label "
            "GROUP BY label ORDER BY n DESC, name"
        )
        return dict(rows.fetchall())

    def models(self) -> list[str]:
        """Return the checksums of the models that classified the articles."""
        rows = self.connection().execute("SELECT DISTINCT model FROM articles")
        return [row[0] for row in rows]


def default_path() -> Path:
    """Return where the library is if nobody says: $HDOC_LIBRARY, or the user's data folder."""
    given = os.environ.get("HDOC_LIBRARY")
    if given:
        return Path(given)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "hdoc" / "library.sqlite"

"""Sources of pre-training text: which files, which rows of them, how much, and how often they are seen.

Files are plain text (a blank line ends a document), JSON lines or tab-separated values with a header and
no quoting, each also as `.gz` or `.xz`.
"""

from __future__ import annotations

import hashlib
import json
import random
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import yaml

from hdoc.errors import DataError
from hdoc.tables.lines import open_binary
from hdoc.tables.table import BROKEN_FILE

_SPLITS_TO_READ = (None, "", "train", "unlabelled")
# What a reader of a row would call its text.
_TEXT_FIELDS = ("title", "text", "paragraph", "context", "question", "document", "a", "b")


@dataclass(frozen=True)
class Source:
    """One kind of text in a corpus.

    Attributes:
        name: a short name; a folder and a metric bear it.
        files: paths; relative ones start at the sources file's folder.
        weight: share of the training rows that come from here, relative to the other sources.
        fields: of each row, the fields that make the document, one below the other.
        where: only rows with these values of these fields are taken.
        max_characters: take documents in random order until there are so many characters.
        max_document_characters: of a longer document, take a random excerpt of so many characters.
        split_sentences: False where every document is one sentence, such as a short review.
        licence: under what terms the text may be used.
        attribution: who is to be named.
    """

    name: str
    files: tuple[str, ...]
    weight: float = 1.0
    fields: tuple[str, ...] = ("text",)
    where: Mapping[str, str] = field(default_factory=dict)
    max_characters: int | None = None
    max_document_characters: int | None = None
    split_sentences: bool = True
    licence: str = ""
    attribution: str = ""


def load_sources(path: Path) -> list[Source]:
    """Read the list of sources from a YAML file with one mapping `sources: {name: {files: …, …}}`.

    Raises:
        DataError: the file has no such mapping, an unknown setting, or a weight that is not positive.
    """
    content = yaml.safe_load(path.read_text(encoding="utf8"))
    if not isinstance(content, dict) or not isinstance(content.get("sources"), dict):
        raise DataError(f"{path}: expected a mapping 'sources' of name to settings")
    known = {item.name for item in fields(Source)} - {"name"}
    sources = []
    for name, settings in content["sources"].items():
        unknown = sorted(set(settings) - known)
        if unknown or "files" not in settings:
            raise DataError(
                f"{path}, source {name!r}: expected 'files' and any of {', '.join(sorted(known))}; "
                + (f"got also {', '.join(unknown)}" if unknown else "'files' is missing")
            )
        settings["files"] = tuple(str(path.parent / file) for file in settings["files"])
        settings["fields"] = tuple(settings.get("fields", ("text",)))
        sources.append(Source(name=name, **settings))
        if sources[-1].weight <= 0:
            raise DataError(f"{path}, source {name!r}: expected a weight above 0, got {sources[-1].weight}")
    return sources


def read_documents(source: Source, seed: int = 0) -> Iterator[str]:
    """Yield the source's documents in NFC, limited as it says, every line only the first time it is met.

    Lines are compared before sentences are found and anything is counted: statutes repeat whole articles.

    Raises:
        DataError: a file is missing, has another format, or lacks a field.
    """
    documents = distinct_lines(
        unicodedata.normalize("NFC", document) for file in source.files for document in _read(file, source)
    )
    generator = random.Random(seed)  # noqa: S311  # chooses text, guards nothing
    if source.max_characters is not None:
        pool = list(documents)
        generator.shuffle(pool)
        documents = iter(pool)
    n_characters = 0
    for document in documents:
        excerpt = _excerpt(document, source.max_document_characters, generator)
        yield excerpt
        n_characters += len(excerpt)
        if source.max_characters is not None and n_characters >= source.max_characters:
            return


def distinct_lines(documents: Iterable[str]) -> Iterator[str]:
    """Yield each document without blank lines and lines met before; documents left empty are dropped."""
    seen: set[bytes] = set()
    for document in documents:
        lines = []
        for line in map(str.strip, document.splitlines()):
            key = fingerprint(line)
            if line and key not in seen:
                seen.add(key)
                lines.append(line)
        if lines:
            yield "\n".join(lines)


def fingerprint(text: str) -> bytes:
    """Return eight bytes that stand for a text; spaces do not count."""
    return hashlib.blake2b("".join(text.split()).encode("utf8", "replace"), digest_size=8).digest()


def _excerpt(document: str, n_characters: int | None, generator: random.Random) -> str:
    """Return about `n_characters` of a document in whole lines, from a random line on."""
    if n_characters is None or len(document) <= n_characters:
        return document
    start = document.rfind("\n", 0, generator.randrange(len(document) - n_characters + 1)) + 1
    end = document.find("\n", start + n_characters)
    return document[start : end if end >= 0 else len(document)]


def _read(file: str, source: Source) -> Iterator[str]:
    path = Path(file)
    if not path.is_file():
        raise DataError(f"source {source.name!r}: no file {file}; paths start at the sources file's folder")
    if _kind(path) == ".txt":
        yield from _read_paragraphs(path)
        return
    for number, row in enumerate(_read_rows(path), start=1):
        missing = [name for name in (*source.fields, *source.where) if name not in row]
        if missing:
            raise DataError(f"{file}, row {number}: no field {missing[0]!r}, only {', '.join(row)}")
        if all(str(row[name]) == value for name, value in source.where.items()):
            yield "\n".join(str(row[name] or "") for name in source.fields)


def read_training_texts(path: Path) -> Iterator[str]:
    """Return every text of a file that no list of sources describes, once it is known to be there.

    Of a row that is each field with a usual name of text, such as title or question. Rows of a split to
    judge by, as dev or test, are left out; lines that repeat are not.

    Raises:
        DataError: the file is missing, has another format, or a row has no field of text.
    """
    if not path.is_file():
        raise DataError(f"expected a file of text, but {path} is none; check the path")
    _check_kind(path)
    return _read_paragraphs(path) if _kind(path) == ".txt" else _texts_of_rows(path)


def _texts_of_rows(path: Path) -> Iterator[str]:
    for number, row in enumerate(_read_rows(path), start=1):
        texts = [row[name] for name in _TEXT_FIELDS if isinstance(row.get(name), str)]
        if not texts:
            raise DataError(
                f"{path}, row {number}: expected a field of text ({', '.join(_TEXT_FIELDS)}), got only "
                f"{', '.join(row)}; name the fields in a list of sources"
            )
        if row.get("split") in _SPLITS_TO_READ:
            yield from map(str, texts)


def _check_kind(path: Path) -> None:
    if _kind(path) not in (".txt", ".jsonl", ".tsv"):
        raise DataError(f"{path}: expected .txt, .jsonl or .tsv (also with .gz or .xz), got {path.name}")


def _kind(path: Path) -> str:
    return next((suffix for suffix in reversed(path.suffixes) if suffix not in {".gz", ".xz"}), "")


@contextmanager
def _open_text(path: Path) -> Iterator[TextIOWrapper]:
    try:
        with TextIOWrapper(open_binary(path), encoding="utf8") as stream:
            yield stream
    except (*BROKEN_FILE, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected a whole file in UTF-8, but: {error}") from error


def _read_paragraphs(path: Path) -> Iterator[str]:
    with _open_text(path) as stream:
        yield from _paragraphs(stream)


def _read_rows(path: Path) -> Iterator[dict[str, Any]]:
    _check_kind(path)
    with _open_text(path) as stream:
        header = next(stream, "").rstrip("\r\n").split("\t") if _kind(path) == ".tsv" else []
        for number, line in enumerate(stream, start=1):
            if header:
                yield dict(zip(header, line.rstrip("\r\n").split("\t"), strict=False))
            else:
                yield _json_row(path, number, line)


def _json_row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}, row {number}: expected a JSON object a line, but: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{path}, row {number}: expected a JSON object a line, got {type(row).__name__}")
    return row


def _paragraphs(stream: Iterable[str]) -> Iterator[str]:
    lines: list[str] = []
    for line in stream:
        if line.strip():
            lines.append(line)
        elif lines:
            yield "".join(lines)
            lines = []
    if lines:
        yield "".join(lines)

"""Text out of documents that are more than text: .html, .docx and .pdf.

Such files are programs for their readers: a few kilobytes can unpack to gigabytes or keep a parser busy
for hours. `extract_in_process` therefore reads a file in a process of its own with bounded memory and
time; `extract` does the same in this one, for files that are trusted.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from hdoc.errors import HdocError, InputError
from hdoc.text.documents import decode

SUFFIXES = frozenset({".html", ".htm", ".docx", ".pdf"})
"""The files that `extract` reads beside plain text."""

_MOST_UNPACKED = 200 * 2**20
_MOST_CHARACTERS = 5_000_000
_SECONDS = 30
_MEMORY = 2 * 2**30
_FEWEST_OF_ARTICLE = 200
_HEAD = 4_096


def extract(data: bytes, name: str) -> str:
    """Return the text of a document.

    Args:
        data: the content of the file.
        name: the file's name; its suffix says what it is, any other than `SUFFIXES` is plain text.

    Returns:
        The text: of a web page its article, of .docx paragraphs and tables, of .pdf page after page.

    Raises:
        InputError: the file is damaged, locked, too large when unpacked, or holds no text.
        HdocError: the library that reads such files is not installed.
    """
    read = {".html": _html, ".htm": _html, ".docx": _docx, ".pdf": _pdf}.get(Path(name).suffix.lower())
    if read is None:
        return decode(data, None, name)
    if not data:
        raise InputError(f"{name}: expected a document, got nothing (0 bytes)")
    try:
        text = read(data, name).strip()
    except HdocError:
        raise
    except MemoryError as error:
        raise InputError(
            f"{name}: expected a document of ordinary size, this one needs too much memory"
        ) from error
    except Exception as error:  # the parsers raise whatever a damaged file makes them run into
        raise InputError(
            f"{name}: the file is damaged, or not what its name says ({type(error).__name__})"
        ) from error
    if not text:
        raise InputError(
            f"{name}: expected text, found none; a scanned document needs text recognition first"
        )
    if len(text) > _MOST_CHARACTERS:
        raise InputError(f"{name}: expected at most {_MOST_CHARACTERS:,} characters, got {len(text):,}")
    return text


def extract_in_process(data: bytes, name: str) -> str:
    """Do the same as `extract` in a process that is ended when it takes too long or too much memory.

    Raises:
        InputError: the same, or that.
    """
    try:
        done = subprocess.run(  # noqa: S603 (nothing of the arguments comes from outside but a suffix)
            [
                sys.executable,
                "-m",
                "hdoc.text.extraction.extract",
                f"document{Path(name).suffix.lower()[:8]}",
            ],
            input=data,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"{name}: expected a document that is read within {_SECONDS} s") from None
    if done.returncode == 0:
        return done.stdout.decode("utf-8")
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode == 1 and said.startswith("hdoc: "):
        raise InputError(name + said.removeprefix("hdoc: "))
    raise InputError(f"{name}: expected a document of ordinary size, this one takes too much to read")


def _html(data: bytes, name: str) -> str:
    """Return the article of a page, or all its text where there is no article to tell from the rest."""
    trafilatura = _library("trafilatura")
    with suppress(InputError):  # a page may declare an encoding that only its parser can find
        data = decode(data, None, name).encode()
    if b"<html" not in data[:_HEAD].lower():  # a part of a page is read as the whole of one
        data = b"<html><body>" + data + b"</body></html>"
    if trafilatura.load_html(data) is None:
        raise InputError(f"{name}: expected a web page, got something else")
    article = trafilatura.extract(data, favor_recall=True, include_comments=False) or ""
    whole = str(trafilatura.html2txt(data) or "")
    return article if len(article) >= min(_FEWEST_OF_ARTICLE, len(whole) // 2) else whole


def _docx(data: bytes, name: str) -> str:
    docx = _library("docx")
    try:
        with ZipFile(BytesIO(data)) as archive:
            n_bytes = sum(entry.file_size for entry in archive.infolist())
    except BadZipFile as error:
        raise InputError(
            f"{name}: expected a .docx document, which is a zip archive; this is none"
        ) from error
    if n_bytes > _MOST_UNPACKED:
        raise InputError(
            f"{name}: expected at most {_MOST_UNPACKED:,} bytes when unpacked, this says {n_bytes:,}"
        )
    lines: list[str] = []
    for block in docx.Document(BytesIO(data)).iter_inner_content():
        if hasattr(block, "rows"):
            lines.extend("\t".join(cell.text for cell in _cells(row)) for row in block.rows)
        else:
            lines.append(block.text)
    return "\n".join(lines)


def _cells(row: Any) -> list[Any]:
    """Return the cells of a table row; a merged cell counts once."""
    return list({id(cell._tc): cell for cell in row.cells}.values())


def _pdf(data: bytes, name: str) -> str:
    pypdf = _library("pypdf")
    reader = pypdf.PdfReader(BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise InputError(f"{name}: expected an open document, this one is locked with a password")
    pages = []
    n_characters = 0
    for page in reader.pages:
        pages.append(page.extract_text().strip())
        n_characters += len(pages[-1])
        if n_characters > _MOST_CHARACTERS:
            raise InputError(f"{name}: expected at most {_MOST_CHARACTERS:,} characters, got more")
    return "\n\n".join(pages)


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise HdocError(f"reading such files needs {error.name}; run: pip install 'hdoc[serve]'") from error


def _bound() -> None:
    """Bound this process, where the system can."""
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))


def _main() -> int:
    import logging

    logging.disable()  # the parsers warn about the document, with parts of it
    _bound()
    try:
        text = extract(sys.stdin.buffer.read(), sys.argv[1])
    except HdocError as error:
        sys.stderr.write(f"hdoc: {str(error).removeprefix(sys.argv[1])}")
        return 1
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    sys.exit(_main())

"""Text out of documents that are more than text: .html, .docx and .pdf.

Such files are programs for their readers: a few kilobytes can unpack to gigabytes or keep a parser busy
for hours. `sandbox.extract_in_process` therefore reads a file in a process of its own with bounded memory and
time; `extract` does the same in this one, for files that are trusted.
"""

from __future__ import annotations

from pathlib import Path

from hdoc.errors import HdocError, InputError
from hdoc.text.documents import decode
from hdoc.text.extraction.docx import read_docx
from hdoc.text.extraction.html import read_html
from hdoc.text.extraction.limits import MOST_CHARACTERS
from hdoc.text.extraction.pdf import read_pdf

SUFFIXES = frozenset({".html", ".htm", ".docx", ".pdf"})
"""The files that `extract` reads beside plain text."""

_READERS = {".html": read_html, ".htm": read_html, ".docx": read_docx, ".pdf": read_pdf}


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
    read = _READERS.get(Path(name).suffix.lower())
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
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"{name}: expected at most {MOST_CHARACTERS:,} characters, got {len(text):,}")
    return text

"""The pages of a PDF file."""

from __future__ import annotations

from io import BytesIO

from hdoc.errors import InputError
from hdoc.text.extraction.limits import MOST_CHARACTERS, import_parser


def read_pdf(data: bytes, name: str) -> str:
    """Return the text of all pages, with an empty line between them."""
    pypdf = import_parser("pypdf")
    reader = pypdf.PdfReader(BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise InputError(f"{name}: expected an open document, this one is locked with a password")
    pages = []
    n_characters = 0
    for page in reader.pages:
        pages.append(page.extract_text().strip())
        n_characters += len(pages[-1])
        if n_characters > MOST_CHARACTERS:
            raise InputError(f"{name}: expected at most {MOST_CHARACTERS:,} characters, got more")
    return "\n\n".join(pages)

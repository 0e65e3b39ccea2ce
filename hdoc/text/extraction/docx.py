"""Paragraphs and tables of a Word document."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

from hdoc.errors import InputError
from hdoc.text.extraction.limits import MOST_UNPACKED, import_parser


def read_docx(data: bytes, name: str) -> str:
    """Return paragraphs and table rows, a line each."""
    docx = import_parser("docx")
    try:
        with ZipFile(BytesIO(data)) as archive:
            n_bytes = sum(entry.file_size for entry in archive.infolist())
    except BadZipFile as error:
        raise InputError(
            f"{name}: expected a .docx document, which is a zip archive; this is none"
        ) from error
    if n_bytes > MOST_UNPACKED:
        raise InputError(
            f"{name}: expected at most {MOST_UNPACKED:,} bytes when unpacked, this says {n_bytes:,}"
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

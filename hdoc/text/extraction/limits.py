"""How large a document may be, and the libraries that read it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from hdoc.errors import HdocError

MOST_UNPACKED = 200 * 2**20
MOST_CHARACTERS = 5_000_000


def import_parser(name: str) -> Any:
    """Import a library that reads a kind of document.

    Raises:
        HdocError: it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise HdocError(f"reading such files needs {error.name}; run: pip install 'hdoc[serve]'") from error

"""Tables in files of lines, plain or compressed: a byte that does not decode spoils only its own line."""

from __future__ import annotations

import codecs
import gzip
import lzma
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, ClassVar, cast

from hdoc.errors import InputError
from hdoc.tables.table import BROKEN_FILE, Table
from hdoc.text.charset import codec_of, refuse_known_binary
from hdoc.text.documents import unreadable

UNDECODABLE = "\udc80"
"""Stands where bytes do not decode; half a surrogate pair, so no text that does decode holds it."""

_SAMPLE_BYTES = 1 << 18
_SAMPLE_LINES = 100
_SAMPLE_CHARACTERS = 1 << 20


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNDECODABLE, error.end


codecs.register_error("hdoc.mark", _mark_undecodable)


@dataclass(frozen=True)
class LinesTable(Table):
    """A table in a file of lines.

    Attributes:
        codec: what decodes the file and takes off its byte order mark.
    """

    codec: str
    # Lines end where the format ends them, and come as they are: nothing is translated.
    newline: ClassVar[str]

    def count(self) -> int:
        """Count the rows in one pass over the file, without taking them apart."""
        n_rows = 0
        try:
            with self.stream() as stream:
                for _ in self._row_ends(stream):
                    n_rows += 1
        except BROKEN_FILE:
            n_rows += 1  # the row that reports it
        return n_rows

    def stream(self) -> TextIOWrapper:
        """Open the file as text, with `UNDECODABLE` where it does not decode."""
        return _open_text(self.path, self.codec, self.newline)

    def undecodable(self) -> str:
        """Say that a row holds `UNDECODABLE`."""
        return f"expected {self.codec.removesuffix('-sig').upper()}, got bytes that are not"

    @abstractmethod
    def _row_ends(self, stream: TextIOWrapper) -> Iterator[None]:
        """Yield once for every row."""


def first_lines(path: Path, encoding: str | None, newline: str) -> tuple[str, list[str]]:
    """Read the beginning of a file of lines.

    Returns:
        The codec that reads the file, and its first lines, whole.

    Raises:
        InputError: the file cannot be read, is empty, binary, or of an unknown encoding.
    """
    try:
        with open_binary(path) as stream:
            sample = stream.read(_SAMPLE_BYTES)
        if not sample:
            raise InputError(f"{path}: expected a table, got nothing (0 bytes)")
        refuse_known_binary(sample, str(path))
        codec = codec_of(sample, encoding, str(path))
        lines: list[str] = []
        n_characters = 0
        with _open_text(path, codec, newline) as text:
            while len(lines) < _SAMPLE_LINES and n_characters < _SAMPLE_CHARACTERS:
                line = text.readline()
                if not line:
                    break
                lines.append(line)
                n_characters += len(line)
    except (*BROKEN_FILE, ValueError) as error:
        raise unreadable(path, error) from error
    return codec, lines


def open_binary(path: Path) -> BinaryIO:
    """Open a file to read its bytes; .gz and .xz are unpacked."""
    if path.suffix.lower() == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if path.suffix.lower() == ".xz":
        return cast(BinaryIO, lzma.open(path, "rb"))
    return path.open("rb")


def _open_text(path: Path, codec: str, newline: str) -> TextIOWrapper:
    return TextIOWrapper(open_binary(path), encoding=codec, errors="hdoc.mark", newline=newline)

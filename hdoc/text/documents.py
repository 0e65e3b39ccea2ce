"""A file or bytes to text, or one clear line on why not.

Text is never altered: line ends, spaces, NUL and composition stay as they came, and decoding is strict.
Only a byte order mark is taken off, since it says how to read the text and is not part of it: offsets
count from the character after it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hdoc.errors import InputError
from hdoc.text.charset import codec_of, is_blank, refuse_controls, refuse_known_binary


def read_document(path: Path | str, encoding: str | None = None) -> str:
    """Read one document.

    Args:
        path: a file, or "-" for standard input.
        encoding: any text encoding that Python knows; None to have it recognised.

    Returns:
        The text as it stands in the file, without its byte order mark.

    Raises:
        InputError: the file is missing, a folder, not readable, empty, blank, binary or not decodable.
    """
    if str(path) == "-":
        return decode(sys.stdin.buffer.read(), encoding, "standard input")
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    return decode(data, encoding, str(path))


def decode(data: bytes, encoding: str | None, name: str) -> str:
    """Decode a whole document, strictly.

    Args:
        data: the bytes of the document.
        encoding: any text encoding that Python knows; None to have UTF-8, UTF-16 (without a byte order
            mark if its text is Korean or ASCII), UTF-32 with a mark, CP949 or EUC-KR recognised.
        name: what errors call the document.

    Returns:
        The text, unaltered but for its byte order mark.

    Raises:
        InputError: the bytes are empty, blank, binary or not in that encoding.
    """
    if not data:
        raise InputError(f"{name}: expected a text, got nothing (0 bytes)")
    refuse_known_binary(data, name)
    codec = codec_of(data, encoding, name)
    try:
        text = data.decode(codec)
    except UnicodeError as error:
        raise InputError(f"{name}: {_damage(data, codec, error, recognised=encoding is None)}") from error
    refuse_controls(text, name)
    if is_blank(text):
        raise InputError(f"{name}: expected a text, got nothing but white space ({len(text)} characters)")
    return text


def unreadable(path: Path | str, error: Exception) -> InputError:
    """Turn what the system says about a file into an error with a remedy."""
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path}: expected a file, but there is nothing of this name; check the path")
    if isinstance(error, IsADirectoryError):
        return InputError(
            f"{path}: expected a file, got a folder; give a file in it, or the folder to hdoc classify"
        )
    if isinstance(error, PermissionError):
        return InputError(
            f"{path}: expected a readable file, but there is no permission to read it; change that"
        )
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return InputError(f"{path}: expected a readable file, but it cannot be read ({reason})")


def _damage(data: bytes, codec: str, error: UnicodeError, recognised: bool) -> str:
    """Say where strict decoding failed, and what to do."""
    label = codec.removesuffix("-sig").upper()
    if not isinstance(error, UnicodeDecodeError):
        return f"expected {label}, but it cannot be decoded so ({error}); leave --encoding out"
    where = f"at byte offset {error.start} of {len(data)}"
    if error.end >= len(data) and error.reason in {
        "unexpected end of data",
        "truncated data",
        "incomplete multibyte sequence",
    }:
        return f"expected whole {label}, but it ends in the middle of a character {where}; get the whole file"
    remedy = (
        "repair it, or give its encoding with --encoding"
        if recognised
        else "leave --encoding out to have it recognised"
    )
    return f"expected {label}, got byte 0x{data[error.start]:02x} {where}; {remedy}"

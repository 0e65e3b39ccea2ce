"""The files of a model folder: read within bounds, and compared with their checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from stat import S_ISREG
from typing import Any

from hdoc.errors import ModelError

CHECKSUMS = "checksums.json"

_LARGEST_JSON = 64 * 2**20
_LARGEST_WEIGHTS = 16 * 2**30
_LONGEST_QUOTE = 200


def read_files(
    root: Path, required: Sequence[str], optional: Sequence[str] = ()
) -> tuple[dict[str, bytes], str]:
    """Read the files of a model folder, each compared with its checksum.

    Args:
        root: the folder.
        required: files that every model of the task has.
        optional: files that it may have; they count where `checksums.json` names them.

    Returns:
        Their contents by name, and the checksum over all of them.

    Raises:
        ModelError: it is no model folder, is unfinished, or a file is missing, too large or changed.
    """
    expected = read_checksums(root)
    names = (*required, *(name for name in optional if name in expected))
    contents = {}
    for name in names:
        contents[name] = _read(root / name)
        if sha256(contents[name]) != expected.get(name):
            raise ModelError(
                f"{root / name} is not what was exported (SHA-256 differs); copy the model again"
            )
    return contents, checksum_over({name: expected[name] for name in names})


def read_checksums(root: Path) -> dict[str, Any]:
    """Return the SHA-256 of each file of a model folder, as its `checksums.json` says.

    Raises:
        ModelError: it is no model folder, or an unfinished one.
    """
    if not root.is_dir():
        raise ModelError(
            f"expected a model folder, but {root} is {'a file' if root.exists() else 'not there'}"
        )
    if not (root / "config.json").is_file():
        raise ModelError(
            f"expected a model folder, but {root} has no config.json; export one with: hdoc export"
        )
    if not (root / CHECKSUMS).is_file():
        raise ModelError(f"the model {root} is unfinished (no {CHECKSUMS}); export it again")
    return json_object(root / CHECKSUMS, _read(root / CHECKSUMS))


def read_config(root: Path) -> dict[str, Any]:
    """Return a model folder's `config.json`, before any other file is looked at.

    Raises:
        ModelError: it is no model folder, or an unfinished one.
    """
    read_checksums(root)
    return json_object(root / "config.json", _read(root / "config.json"))


def checksum_over(checksums: Mapping[str, str]) -> str:
    """Return the checksum of a model: over its files' names and checksums, in their order."""
    return sha256("".join(f"{name} {checksum}\n" for name, checksum in checksums.items()).encode())


def _read(path: Path) -> bytes:
    most = _LARGEST_JSON if path.suffix == ".json" else _LARGEST_WEIGHTS
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):  # reading a device or a pipe may never end
            raise ModelError(f"expected a file, but {path} is none; copy the model again")
        if status.st_size > most:
            raise ModelError(f"{path} has {status.st_size:,} bytes; expected at most {most:,}")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error
    except MemoryError as error:
        raise ModelError(f"cannot read {path}: it is larger than the free memory") from error


def json_value(path: Path, content: bytes) -> Any:
    """Return what the JSON of a file says."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is no JSON: {error}") from error


def json_object(path: Path, content: bytes) -> dict[str, Any]:
    """Return the object that the JSON of a file holds."""
    value = json_value(path, content)
    if not isinstance(value, dict):
        raise ModelError(f"expected a JSON object in {path}, got {type(value).__name__}")
    return value


def sha256(content: bytes) -> str:
    """Return the digest in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def short(value: object) -> str:
    """Return a value as an error may quote it: on one line, and not all of a long one."""
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"

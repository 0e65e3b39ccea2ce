"""The files of a model folder: read within bounds, and compared with their checksums."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from stat import S_ISREG
from typing import Any

from hdoc.errors import ModelError
from hdoc.tasks.document.folder.model import LEXICAL, PARTS

_LARGEST_JSON = 64 * 2**20
_LARGEST_WEIGHTS = 16 * 2**30
_LONGEST_QUOTE = 200


def read_parts(root: Path) -> tuple[dict[str, bytes], str]:
    """Return the files' contents and the checksum over all, after each was compared with its own."""
    if not root.is_dir():
        raise ModelError(
            f"expected a model folder, but {root} is {'a file' if root.exists() else 'not there'}"
        )
    if not (root / "config.json").is_file():
        raise ModelError(
            f"expected a model folder, but {root} has no config.json; export one with: hdoc export"
        )
    if not (root / "checksums.json").is_file():
        raise ModelError(f"the model {root} is unfinished (no checksums.json); export it again")
    expected = json_object(root / "checksums.json", _read(root / "checksums.json"))
    parts = {}
    names = (*PARTS, LEXICAL) if LEXICAL in expected else PARTS
    for part in names:
        parts[part] = _read(root / part)
        if sha256(parts[part]) != expected.get(part):
            raise ModelError(
                f"{root / part} is not what was exported (SHA-256 differs); copy the model again"
            )
    return parts, sha256("".join(f"{part} {expected[part]}\n" for part in names).encode())


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

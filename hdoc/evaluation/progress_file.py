"""What was measured already, one JSON line a document, so that a killed evaluation goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Self


class ProgressFile:
    """Results of one kind of measurement, by key, in a file that only grows.

    The file's name holds a digest of all that decides the results, so other settings never mix with them.

    Args:
        folder: where the file is.
        kind: of measurement.
        settings: all that decides the results.
    """

    def __init__(self, folder: Path, kind: str, settings: Mapping[str, Any]) -> None:
        digest = sha256(json.dumps(settings, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
        self.path = folder / f"{kind}-{digest[:12]}.jsonl"
        self.rows: dict[str, Any] = {}
        if self.path.exists():
            self._read()

    def _read(self) -> None:
        content = self.path.read_bytes()
        # A kill can tear the last line; it is cut off, so that the next one starts on a line of its own.
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            self.path.write_bytes(whole)
        for line in whole.decode().splitlines():
            key, row = json.loads(line)
            self.rows[key] = row

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __contains__(self, key: str) -> bool:
        return key in self.rows

    def add(self, key: str, row: Any) -> None:
        """Keep a result."""
        self._file.write(json.dumps([key, row], ensure_ascii=False, allow_nan=False) + "\n")
        self._file.flush()
        self.rows[key] = row

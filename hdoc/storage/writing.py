"""Writing a model folder, whole or not at all."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hdoc.errors import ModelError
from hdoc.storage.reading import CHECKSUMS, sha256


@contextmanager
def whole_folder(folder: str | Path, files: Sequence[str]) -> Iterator[Path]:
    """Give a folder to write to, which takes its place, with checksums, when all is written.

    Args:
        folder: where; an hdoc model already there is replaced, anything else is refused.
        files: those that count as the model, where they are written, in the order of the checksums.

    Yields:
        An empty folder.

    Raises:
        ModelError: the place holds something else, or cannot be written.
    """
    target = Path(folder)
    if target.is_dir() and any(target.iterdir()) and not (target / "config.json").is_file():
        raise ModelError(f"expected a new folder or an hdoc model to replace, but {target} holds other files")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
            draft = Path(scratch) / "model"
            draft.mkdir()
            yield draft
            written = [name for name in files if (draft / name).is_file()]
            write_json(draft / CHECKSUMS, {name: sha256((draft / name).read_bytes()) for name in written})
            if target.is_dir():
                target.replace(Path(scratch) / "former")
            draft.replace(target)
    except OSError as error:
        raise ModelError(f"cannot write the model folder {target}: {error.strerror or error}") from error


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON that people can read."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

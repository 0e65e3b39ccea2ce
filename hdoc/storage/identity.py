"""Which model a folder holds, and of which task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hdoc.errors import ModelError
from hdoc.explanation import ModelIdentity
from hdoc.storage.reading import read_checksums, read_config, read_files

FORMAT = "hdoc-model"
# Folders from before there were several tasks do not name theirs.
_FIRST_TASK = "document"
_MOST_FILES = 32


def check_format(root: Path, config: Mapping[str, Any], versions: Sequence[int]) -> None:
    """Refuse a folder whose `config.json` names another format, or a version that is not read any more.

    Raises:
        ModelError: says which versions are read.
    """
    if config.get("format") != FORMAT or config.get("format_version") not in versions:
        raise ModelError(
            f"expected format {FORMAT} version {' or '.join(map(str, versions))} in {root / 'config.json'}, "
            f"got {config.get('format')!r} version {config.get('format_version')!r}; train it again with "
            "this hdoc, or use the hdoc that trained it"
        )


def identity_of(config: Mapping[str, Any], checksum: str) -> ModelIdentity:
    """Return name, version and checksum of a model."""
    return ModelIdentity(str(config["name"]), str(config["version"]), checksum)


def task_of(folder: Path) -> str:
    """Return the name of the task that a model folder is for.

    Raises:
        ModelError: it is no model folder, or an unfinished one.
    """
    return str(read_config(folder).get("task", _FIRST_TASK))


def verified_identity(folder: Path) -> ModelIdentity:
    """Return the identity of a folder, after each of its files was compared with its checksum.

    Raises:
        ModelError: it is no model folder, is unfinished, or a file is missing or changed.
    """
    names = list(read_checksums(folder))
    if len(names) > _MOST_FILES or any(Path(name).name != name for name in names):
        raise ModelError(f"expected the names of a model's files in {folder / 'checksums.json'}, got others")
    config = read_config(folder)
    if config.get("format") != FORMAT or not {"name", "version"} <= config.keys():
        raise ModelError(f"expected a model of hdoc in {folder}, got another; export one with: hdoc export")
    _, checksum = read_files(folder, names)
    return identity_of(config, checksum)

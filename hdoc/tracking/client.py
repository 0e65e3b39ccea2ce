"""Where runs are recorded: the MLflow store of this folder, or the one the environment names."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

STORE_FILE = "mlflow.db"


def tracking_uri() -> str:
    """Return the URI of the store that runs are logged to.

    Returns:
        MLFLOW_TRACKING_URI where it is set; else `mlflow.db` in the current folder, by its full path:
        MLflow keeps its connections by URI, so that a relative one would go on meaning the folder in which
        it was first used.
    """
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path.cwd().as_posix()}/{STORE_FILE}"


def alone(uri: str) -> AbstractContextManager[object]:
    """Keep other processes out while a new SQLite store gets its tables; two at once would break it."""
    if not uri.startswith("sqlite:///"):
        return nullcontext()
    from filelock import FileLock

    path = Path(uri.removeprefix("sqlite:///")).resolve()
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir()) / f"hdoc-mlflow-{os.getuid()}-{name}.lock")


def metric_name(name: str) -> str:
    """Return a name that MLflow takes: letters of any script, digits and ` _ - . : /`; others become `_`."""
    return re.sub(r"[^\w\-. :/]", "_", name)


def flat_values(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return a nested configuration as MLflow's parameters: `section.option` to text, without None."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flat_values(value, f"{name}."))
        elif value is not None:
            flat[metric_name(name)] = str(value)
    return flat


def brief(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__

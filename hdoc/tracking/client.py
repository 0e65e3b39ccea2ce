"""Where runs are recorded: the MLflow store of this folder, or the one the environment names."""

from __future__ import annotations

import os
from pathlib import Path

STORE_FILE = "mlflow.db"


def tracking_uri() -> str:
    """Return the URI of the store that runs are logged to.

    Returns:
        MLFLOW_TRACKING_URI where it is set; else `mlflow.db` in the current folder, by its full path:
        MLflow keeps its connections by URI, so that a relative one would go on meaning the folder in which
        it was first used.
    """
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path.cwd().as_posix()}/{STORE_FILE}"

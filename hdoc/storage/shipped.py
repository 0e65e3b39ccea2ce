"""The models that come with hdoc, by name."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

DEFAULT = "petitions"
"""The model that is used where none is named."""


def shipped_models() -> dict[str, Path]:
    """Return the folders of the models that come with hdoc, by name."""
    folder = Path(str(files("hdoc"))) / "assets" / "models"
    return {path.name: path for path in sorted(folder.iterdir()) if (path / "config.json").is_file()}


def default_model() -> Path:
    """Return the folder of the model that is used where none is named."""
    return shipped_models()[DEFAULT]

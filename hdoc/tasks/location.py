"""Where a model is that somebody names."""

from __future__ import annotations

from pathlib import Path

from hdoc.storage.shipped import default_model, shipped_models


def find_model(name: str | Path | None) -> Path:
    """Return the folder of a model; one of an MLflow registry is fetched, which needs MLflow.

    Args:
        name: a folder; `models:/NAME@ALIAS`, `models:/NAME/VERSION` or `runs:/RUN/model`; the name of a
            model that comes with hdoc, where no folder has that name; None for the default one.

    Raises:
        HdocError: the registry cannot be reached, or has no such model.
    """
    if name is None:
        return default_model()
    if str(name).startswith(("models:/", "runs:/")):
        from hdoc.tracking.registry import fetch_model

        return fetch_model(str(name))
    if not Path(name).exists() and str(name) in shipped_models():
        return shipped_models()[str(name)]
    return Path(name)

"""Where a model is that somebody names."""

from __future__ import annotations

from pathlib import Path

from hdoc.errors import ModelError
from hdoc.storage.shipped import default_model, shipped_models


def find_model(name: str | Path | None) -> Path:
    """Return the folder of a model; one of an MLflow registry is fetched, which needs MLflow.

    Args:
        name: a folder; `models:/NAME@ALIAS`, `models:/NAME/VERSION` or `runs:/RUN/model`; the name of a
            model that comes with hdoc, where no folder has that name; None for the default one.

    Raises:
        ModelError: there is no such model.
        HdocError: the registry cannot be reached.
    """
    if name is None:
        return default_model()
    if str(name).startswith(("models:/", "runs:/")):
        from hdoc.tracking.registry import fetch_model

        return fetch_model(str(name))
    if Path(name).exists():
        return Path(name)
    shipped = shipped_models()
    if str(name) not in shipped:
        raise ModelError(
            f"expected a model folder, but {name} is not there; name one that is, a model that comes with "
            f"hdoc ({', '.join(shipped)}), or one of a registry, models:/NAME@ALIAS"
        )
    return shipped[str(name)]

"""Models in an MLflow registry: registered by name, and fetched again by `models:/NAME@ALIAS`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hdoc.errors import HdocError, ModelError
from hdoc.tracking.client import STORE_FILE, connect, explained, fluent_mlflow, is_missing, tracking_uri
from hdoc.tracking.logged_model import LOADER, NEEDED_BY, log_model

_CACHE_FOLDER = "~/.cache/hdoc/models"


def register(folder: Path, name: str, alias: str | None = None, form: Mapping[str, Any] | None = None) -> str:
    """Make a model folder the next version of a registered model.

    Args:
        folder: what a training or `hdoc export` wrote; with a training's own, the version names its run.
        name: of the registered model; made if there is none.
        alias: is to mean this version from now on.
        form: the tables that it takes and gives, see `hdoc.models.table_form`; None to say nothing of them.

    Returns:
        The version.

    Raises:
        HdocError: the folder is no model, or the server cannot be used or does not take the name.
    """
    uri = tracking_uri()
    run = _run_of(folder, uri)
    client = connect(uri, NEEDED_BY)
    with explained(f"register {folder} as {name} at {uri}"):
        info = log_model(folder, uri=uri, experiment=name, run_id=run, register_as=name, form=form)
        found = str(info.registered_model_version)
        if alias:
            client.set_registered_model_alias(name, alias, found)
    return found


def _run_of(folder: Path, uri: str) -> str | None:
    """Return the run that wrote a folder, if it is known to the server."""
    try:
        run: dict[str, str] = json.loads((folder.parent / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return run.get("run_id") if run.get("tracking_uri") == uri else None


def fetch_model(uri: str) -> Path:
    """Return the folder of a model that MLflow knows; it is downloaded once.

    Args:
        uri: `models:/NAME@ALIAS`, `models:/NAME/VERSION` or `runs:/RUN/model`.

    Raises:
        HdocError: there is no such model, it is not of hdoc, or the server cannot be used.
    """
    server = tracking_uri()
    if is_missing(server):
        raise HdocError(f"{uri}: expected MLFLOW_TRACKING_URI to name a server: no {STORE_FILE} is here")
    mlflow = fluent_mlflow(server, NEEDED_BY)
    try:
        with explained(f"get {uri} from {server}"):
            return _download(mlflow, uri)
    except OSError as error:
        raise ModelError(f"cannot keep {uri} in {_CACHE_FOLDER}: {error.strerror or error}") from error


def _download(mlflow: Any, uri: str) -> Path:
    """Return the folder of a model in the cache, downloaded if it is not there."""
    info = mlflow.models.get_model_info(uri)
    flavor = info.flavors.get("python_function", {})
    if flavor.get("loader_module") != LOADER:
        raise ModelError(f"expected a model that hdoc register logged, {uri} is another")
    target: Path = Path(_CACHE_FOLDER).expanduser() / info.model_uuid
    if not (target / "checksums.json").is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as scratch:
            copy = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=scratch)
            (Path(copy) / flavor["data"]).replace(target)
    return target

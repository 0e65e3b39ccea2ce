"""Models in MLflow: logged with a run, registered by name, and fetched again by `models:/NAME@ALIAS`.

What MLflow keeps is the model folder and the name of the module that reads it (`hdoc.pyfunc`); a model is
neither pickled nor does it bring code along.
"""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
import warnings
from importlib.metadata import requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdoc.errors import HdocError, ModelError
from hdoc.storage.identity import verified_identity
from hdoc.tracking.client import brief, tracking_uri

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

_LOADER = "hdoc.pyfunc"
_EXAMPLE = "시청 앞 정류장에서 버스를 한 시간이나 기다렸습니다. 배차 간격을 줄여 주십시오."
_CACHE_FOLDER = "~/.cache/hdoc/models"


def log_model(
    folder: Path,
    *,
    uri: str,
    experiment: str,
    run_id: str | None = None,
    step: int = 0,
    register_as: str | None = None,
) -> ModelInfo:
    """Log a model folder as an MLflow model.

    Args:
        folder: what a training or `hdoc export` wrote.
        uri: the tracking server's.
        experiment: its name; made if there is none.
        run_id: the run that it comes from.
        step: of the training, whose figures are then shown with the model.
        register_as: also make it the next version of this registered model.

    Returns:
        What MLflow says of it.

    Raises:
        ModelError: the folder is no model.
    """
    identity = verified_identity(folder)
    mlflow = _mlflow(uri)
    from mlflow.models import Model

    mlflow.set_experiment(experiment)
    info: ModelInfo = Model.log(
        artifact_path=None,
        name="model",
        flavor=mlflow.pyfunc,
        run_id=run_id,
        step=step,
        registered_model_name=register_as,
        loader_module=_LOADER,
        data_path=str(folder),
        signature=_signature(),
        input_example=({"text": [_EXAMPLE]}, {"top": 1}),
        pip_requirements=pinned_requirements(),
        metadata={"name": identity.name, "version": identity.version, "checksum": identity.checksum},
    )
    return info


def _mlflow(uri: str) -> Any:
    # MLflow would report its use to its makers.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of type hints inside MLflow
            import mlflow
            import mlflow.pyfunc
    except ImportError as error:
        raise HdocError("a model of an MLflow server needs MLflow; run: pip install 'hdoc[train]'") from error
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    mlflow.set_tracking_uri(uri)
    return mlflow


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import Array, Map, Object, Property

    span = Array(
        Object(
            [
                Property("start", DataType.long),
                Property("end", DataType.long),
                Property("text", DataType.string),
                Property("contribution", DataType.double),
            ]
        )
    )
    outputs = {
        "label": DataType.string,
        "probability": DataType.double,
        "probabilities": Map(DataType.double),
        "sentences": span,
        "words": span,
        "error": DataType.string,
    }
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "text")]),
        outputs=Schema([ColSpec(kind, name) for name, kind in outputs.items()]),
        params=ParamSchema(
            [
                ParamSpec("explain", DataType.boolean, True),
                ParamSpec("top", DataType.long, 3),
                ParamSpec("abstain_below", DataType.double, 0.0),
            ]
        ),
    )


def pinned_requirements() -> list[str]:
    """Return hdoc and what its explaining side needs, each at the version that is installed here."""
    needed = [line for line in requires("hdoc") or [] if "extra ==" not in line]
    names = [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in needed]
    # A local version such as 2.13.0+cpu is not to be had from a package index.
    return [f"{name}=={version(name).partition('+')[0]}" for name in ("hdoc", *sorted(names))]


def register(folder: Path, name: str, alias: str | None = None) -> str:
    """Make a model folder the next version of a registered model.

    Args:
        folder: what a training or `hdoc export` wrote; with a training's own, the version names its run.
        name: of the registered model; made if there is none.
        alias: is to mean this version from now on.

    Returns:
        The version.

    Raises:
        HdocError: the folder is no model, or the server cannot be used or does not take the name.
    """
    uri = tracking_uri()
    run = _run_of(folder, uri)
    mlflow = _mlflow(uri)
    try:
        info = log_model(folder, uri=uri, experiment=name, run_id=run, register_as=name)
        found = str(info.registered_model_version)
        if alias:
            mlflow.MlflowClient(uri).set_registered_model_alias(name, alias, found)
    except mlflow.exceptions.MlflowException as error:
        raise HdocError(f"cannot register {folder} as {name} at {uri}: {brief(error)}") from error
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
    if server.startswith("sqlite:///") and not Path(server.removeprefix("sqlite:///")).is_file():
        raise HdocError(f"{uri}: expected MLFLOW_TRACKING_URI to name a server: no mlflow.db is here")
    mlflow = _mlflow(server)
    try:
        info = mlflow.models.get_model_info(uri)
        flavor = info.flavors.get("python_function", {})
        if flavor.get("loader_module") != _LOADER:
            raise ModelError(f"expected a model that hdoc register logged, {uri} is another")
        target: Path = Path(_CACHE_FOLDER).expanduser() / info.model_uuid
        if not (target / "checksums.json").is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as scratch:
                copy = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=scratch)
                (Path(copy) / flavor["data"]).replace(target)
    except mlflow.exceptions.MlflowException as error:
        raise HdocError(f"cannot get {uri} from {server}: {brief(error)}") from error
    except OSError as error:
        raise ModelError(f"cannot keep {uri} in {_CACHE_FOLDER}: {error.strerror or error}") from error
    return target

"""A model folder as an MLflow model: what MLflow keeps of it, and what it says of its inputs and outputs.

What MLflow keeps is the model folder and the name of the module that reads it (`hdoc.pyfunc`); a model is
neither pickled nor does it bring code along.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdoc.storage.identity import verified_identity
from hdoc.tracking.client import experiment_id, fluent_mlflow

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

LOADER = "hdoc.pyfunc"
NEEDED_BY = "a model of an MLflow server"


def log_model(
    folder: Path,
    *,
    uri: str,
    experiment: str,
    run_id: str | None = None,
    step: int = 0,
    register_as: str | None = None,
    form: Mapping[str, Any] | None = None,
) -> ModelInfo:
    """Log a model folder as an MLflow model.

    Args:
        folder: what a training or `hdoc export` wrote.
        uri: the tracking server's.
        experiment: its name; made if there is none.
        run_id: the run that it comes from.
        step: of the training, whose figures are then shown with the model.
        register_as: also make it the next version of this registered model.
        form: the tables that it takes and gives, see `hdoc.models.table_form`; None to say nothing of them.

    Returns:
        What MLflow says of it.

    Raises:
        ModelError: the folder is no model.
        MlflowException: the server cannot be used.
    """
    identity = verified_identity(folder)
    mlflow = fluent_mlflow(uri, NEEDED_BY)
    from mlflow.models import Model

    mlflow.set_experiment(experiment_id=experiment_id(mlflow.MlflowClient(uri), experiment))
    info: ModelInfo = Model.log(
        artifact_path=None,
        name="model",
        flavor=mlflow.pyfunc,
        run_id=run_id,
        step=step,
        registered_model_name=register_as,
        loader_module=LOADER,
        data_path=str(folder),
        signature=None if form is None else _signature(form),
        input_example=None if form is None else _example(form),
        pip_requirements=pinned_requirements(),
        metadata={"name": identity.name, "version": identity.version, "checksum": identity.checksum},
    )
    return info


def _signature(form: Mapping[str, Any]) -> Any:
    """Return the signature of the tables that a form describes."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import Array, Map, Object, Property

    plain = {
        "text": DataType.string,
        "number": DataType.double,
        "integer": DataType.long,
        "flag": DataType.boolean,
        "numbers": Map(DataType.double),
    }
    of_python = {bool: DataType.boolean, int: DataType.long, float: DataType.double, str: DataType.string}

    def kind(value: Any) -> Any:
        if isinstance(value, str):
            return plain[value]
        return Array(Object([Property(name, plain[part]) for name, part in value.items()]))

    asked = form["parameters"].items()
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string, name) for name in form["inputs"]]),
        outputs=Schema([ColSpec(kind(value), name) for name, value in form["outputs"].items()]),
        params=ParamSchema([ParamSpec(name, of_python[type(value)], value) for name, value in asked])
        if asked
        else None,
    )


def _example(form: Mapping[str, Any]) -> Any:
    """Return a row of input, with parameters if there are any."""
    row = {name: [text] for name, text in form["inputs"].items()}
    return (row, dict(form["example"])) if form["example"] else row


def pinned_requirements() -> list[str]:
    """Return hdoc and what its explaining side needs, each at the version that is installed here."""
    needed = [line for line in requires("hdoc") or [] if "extra ==" not in line]
    names = [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in needed]
    # A local version such as 2.13.0+cpu is not to be had from a package index.
    return [f"{name}=={version(name).partition('+')[0]}" for name in ("hdoc", *sorted(names))]

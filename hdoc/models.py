"""Any model by its name or folder: the folder says of which task it is, and the task how it is used."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import hdoc.tasks
from hdoc.encoders.precision import Precision, Runtime
from hdoc.errors import ModelError
from hdoc.storage.identity import task_of
from hdoc.tables.columns import ERROR, Column
from hdoc.tasks.location import find_model
from hdoc.tasks.task import Model, Task

__all__ = ["by_task", "find_model", "find_task", "load", "table_form", "task_of_model"]


def load(
    model: str | Path | None = None,
    device: str | None = None,
    runtime: Runtime = "torch",
    precision: Precision = "float32",
) -> Model:
    """Load a model, whatever its task is.

    Args:
        model: a model folder; `models:/NAME@ALIAS` or `models:/NAME/VERSION` of an MLflow registry; the name
            of a model that comes with hdoc, such as "petitions"; None for the default one.
        device: where to compute; a GPU if there is one by default.
        runtime: what runs the network.
        precision: of matrix products.

    Returns:
        The right object for the model, such as a `DocumentClassifier`.

    Raises:
        ModelError: there is no such model, or it is damaged, or of a task that this hdoc does not know.
        HdocError: a registry cannot be reached, or what runs the model is not installed.
    """
    folder = find_model(model)
    return find_task(task_of(folder)).load(folder, device, runtime, precision)


def task_of_model(model: str | Path | None) -> Task:
    """Return the task of a model, see `load`."""
    return find_task(task_of(find_model(model)))


def find_task(name: str) -> Task:
    """Return a task by its name.

    Raises:
        ModelError: there is none of this name.
    """
    known = by_task(hdoc.tasks, "TASK")
    if name not in known:
        raise ModelError(
            f"expected a model of a task that this hdoc knows ({', '.join(known)}), got one of {name!r}; "
            "install the hdoc that made it"
        )
    task: Task = known[name]
    return task


def by_task(package: ModuleType, attribute: str, in_folders: str = "task") -> dict[str, Any]:
    """Return what the modules of a package call by some name, by the names of these modules.

    So a room knows its tasks without naming one: each is a module, or a folder with a module, that has this
    attribute.

    Args:
        package: with a module or folder for each task, perhaps beside others.
        attribute: of those that are of a task.
        in_folders: the module that has it where a task is a folder.
    """
    found = sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name)
    modules = {
        name: import_module(".".join([package.__name__, name, *[in_folders] * is_folder]))
        for _, name, is_folder in found
    }
    return {
        name: getattr(module, attribute) for name, module in modules.items() if hasattr(module, attribute)
    }


def table_form(model: str | Path) -> dict[str, Any]:
    """Return what MLflow is told of a model: the tables that it takes and gives, as plain values.

    Returns:
        `inputs`: an example of each column; `outputs`: the kind of each, of a list those of its parts;
        `parameters`: defaults; `example`: parameters of the example.
    """
    task = task_of_model(model)
    own = task.in_tables
    columns = (*(task.columns if own is None else own.columns), Column(ERROR))
    return {
        "inputs": {field.name: field.example for field in task.fields},
        "outputs": {
            column.name: {part.name: part.kind for part in column.parts}
            if column.kind == "list"
            else column.kind
            for column in columns
        },
        "parameters": dict(own.parameters) if own else {one.name: one.default for one in task.options},
        "example": dict(own.example) if own else {},
    }

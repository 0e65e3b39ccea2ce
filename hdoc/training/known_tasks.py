"""The trainings of all tasks by name: the modules of `hdoc.training.tasks` that have a `TRAINING`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import hdoc.training.tasks
from hdoc.errors import HdocError
from hdoc.training.task import TrainingTask


def training_names() -> list[str]:
    """Return the names of all tasks that can be trained."""
    names = sorted(module.name for module in pkgutil.iter_modules(hdoc.training.tasks.__path__))
    return [name for name in names if hasattr(import_module(f"hdoc.training.tasks.{name}"), "TRAINING")]


def find_training(name: str) -> TrainingTask:
    """Return the training of a task.

    Raises:
        HdocError: there is none of this name.
    """
    known = training_names()
    if name not in known:
        raise HdocError(f"expected --task to be one of {', '.join(known)}; got {name!r}")
    found: TrainingTask = import_module(f"hdoc.training.tasks.{name}").TRAINING
    return found

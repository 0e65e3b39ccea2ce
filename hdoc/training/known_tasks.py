"""The trainings of all tasks by name: the modules of `hdoc.training.tasks` that have a `TRAINING`."""

from __future__ import annotations

import hdoc.training.tasks
from hdoc.errors import HdocError
from hdoc.models import by_task
from hdoc.training.task import TrainingTask


def find_training(name: str) -> TrainingTask:
    """Return the training of a task.

    Raises:
        HdocError: there is none of this name.
    """
    known = by_task(hdoc.training.tasks, "TRAINING")
    if name not in known:
        raise HdocError(f"expected --task to be one of {', '.join(known)}; got {name!r}")
    found: TrainingTask = known[name]
    return found

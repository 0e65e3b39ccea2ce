"""The routes of each task, and what they take and answer.

A module with the task's name, or the module `routes` of a folder, has a function `add_routes(router, api)`,
which adds the task's routes to a router of FastAPI; `api` gives it analyses of texts. Nothing else in the
server knows tasks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeAlias

from fastapi import APIRouter

from hdoc.errors import HdocError
from hdoc.models import by_task
from hdoc.web.server.answering import Answering

AddRoutes: TypeAlias = Callable[[APIRouter, Answering[Any]], None]


def task_routes(task: str) -> AddRoutes:
    """Return what adds the routes of a task.

    Args:
        task: its name.

    Raises:
        HdocError: models of this task cannot be served.
    """
    known = by_task(sys.modules[__name__], "add_routes", "routes")
    if task not in known:
        raise HdocError(
            f"expected a model of a task that can be served ({', '.join(known)}), got one of {task!r}; "
            "use it from Python or on the command line"
        )
    add_routes: AddRoutes = known[task]
    return add_routes

"""Any model by its name or folder: the folder says of which task it is, and the task how it is used."""

from __future__ import annotations

from hdoc.tasks.location import find_model

__all__ = ["find_model"]

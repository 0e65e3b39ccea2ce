"""Which packages a command needs and does not find; looking imports none of them."""

from __future__ import annotations

from importlib.util import find_spec


def first_missing(*packages: str) -> str | None:
    """Return the first of some top-level packages that is not installed; None if all are."""
    return next((package for package in packages if find_spec(package) is None), None)

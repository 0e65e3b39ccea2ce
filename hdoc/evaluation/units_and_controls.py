"""What an evaluation calls its units and its controls."""

from __future__ import annotations

from hdoc.faithfulness.erasure import Unit

UNITS: tuple[Unit, ...] = ("word", "sentence")
RANDOM = "random"
"""A random order of the parts."""
RANDOM_WEIGHTS = "random weights"
"""The order that a model with shuffled weights gives."""

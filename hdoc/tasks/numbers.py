"""Numbers that people type: what is not one says what was expected."""

from __future__ import annotations


def positive(value: str) -> int:
    """Read a number from 1."""
    number = int(value) if value.strip().lstrip("+-").isdecimal() else 0
    if number < 1:
        raise ValueError(f"expected a number from 1, got {value}")
    return number


def probability(value: str) -> float:
    """Read a probability, 0 to 1."""
    try:
        number = float(value)
    except ValueError:
        number = -1
    if not 0 <= number <= 1:
        raise ValueError(f"expected a probability from 0 to 1, got {value}")
    return number

"""`calibration.json`: the temperature, and the scores that argue for and against nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdoc.errors import ModelError
from hdoc.storage.reading import json_object, short
from hdoc.tasks.temperature import Temperature

_LEAST_TEMPERATURE = 1e-6


def calibration_content(temperature: Temperature, origin: Sequence[float] | None) -> dict[str, Any]:
    """Return what the file is to hold."""
    content: dict[str, Any] = {"temperature": temperature.base}
    if temperature.spread:
        content["temperature_spread"] = temperature.spread
    return content if origin is None else content | {"origin": list(origin)}


def read_temperature(root: Path, content: bytes) -> Temperature:
    """Return the temperature that the file of a folder holds."""
    calibration = json_object(root / "calibration.json", content)
    temperature, spread = calibration.get("temperature"), calibration.get("temperature_spread", 0.0)
    if not isinstance(temperature, int | float) or not _LEAST_TEMPERATURE < temperature < float("inf"):
        raise ModelError(
            f"expected a temperature above {_LEAST_TEMPERATURE} in {root / 'calibration.json'}, "
            f"got {short(temperature)}"
        )
    if not isinstance(spread, int | float) or not 0 <= spread < float("inf"):
        raise ModelError(
            f"expected a temperature_spread of 0 or more in {root / 'calibration.json'}, got {short(spread)}"
        )
    return Temperature(float(temperature), float(spread))


def read_origin(root: Path, content: bytes, n_classes: int) -> NDArray[np.float64] | None:
    """Return the origin that the file of a folder holds, (classes,); None if it holds none."""
    origin = json_object(root / "calibration.json", content).get("origin")
    if origin is None:
        return None
    found = np.array(origin, dtype=float) if isinstance(origin, list) else np.empty(0)
    if found.shape != (n_classes,) or not np.isfinite(found).all():
        raise ModelError(
            f"expected an origin of {n_classes} numbers, one a class, in {root / 'calibration.json'}, "
            f"got {origin!r}"
        )
    return found

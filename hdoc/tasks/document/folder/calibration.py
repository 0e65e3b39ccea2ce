"""`calibration.json`: the temperature, and the scores that argue for and against nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdoc.errors import ModelError
from hdoc.storage.reading import json_object
from hdoc.tasks.stored import temperature_content
from hdoc.tasks.temperature import Temperature


def calibration_content(temperature: Temperature, origin: Sequence[float] | None) -> dict[str, Any]:
    """Return what the file is to hold."""
    content = temperature_content(temperature)
    return content if origin is None else content | {"origin": list(origin)}


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

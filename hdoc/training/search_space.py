"""Which options a search tries, and over which ranges."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hdoc.errors import HdocError

# They span what BERTs of any size bear.
RATES: dict[str, Any] = {
    "model.optimiser.encoder_rate": {"low": 2e-5, "high": 5e-4, "log": True},
    "model.optimiser.head_rate": {"low": 2e-4, "high": 3e-3, "log": True},
}


def read_space(path: Path | None, default: Mapping[str, Any] = RATES) -> dict[str, Any]:
    """Return the options to search over and their ranges.

    Args:
        path: of a YAML file, or None.
        default: where there is no file.

    Raises:
        HdocError: the file cannot be read, or a range is none.
    """
    if path is None:
        return dict(default)
    import yaml

    try:
        space = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise HdocError(f"cannot read the space {path}: {' '.join(str(error).split())}") from error
    if not isinstance(space, dict) or not space:
        raise HdocError(f"expected options and their ranges in {path}, see: hdoc train sweep --help")
    for name, values in space.items():
        is_range = isinstance(values, dict) and {"low", "high"} <= set(values) <= {"low", "high", "log"}
        is_choice = isinstance(values, dict) and set(values) == {"choices"} and values["choices"]
        if not (is_range or is_choice):
            raise HdocError(
                f"{path}, {name}: expected {{low: , high: }}, perhaps with log: true, or {{choices: [ ]}}, "
                f"got {values!r}"
            )
    return space

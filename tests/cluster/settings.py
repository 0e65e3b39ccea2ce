"""Settings of a run on a cluster."""

from pathlib import Path
from typing import Any

from hdoc.cluster import plan


def settings(output: Path, **changes: Any) -> plan.Settings:
    values: dict[str, Any] = {
        "model": "m", "checksum": "1", "output": str(output), "kind": "jsonl", "text_column": None,
        "id_column": None, "encoding": None, "top": 3, "abstain_below": 0.0, "runtime": "torch",
        "precision": "float32", "device": None,
    }  # fmt: skip
    return plan.Settings(**values | changes)

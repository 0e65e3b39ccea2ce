"""Sends what a run's server was not told while it was away, after the run's own process has ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hdoc.errors import HdocError


def deliver(folder: Path) -> int:
    """Send what is kept in a run's folder; returns how many entries that were.

    Raises:
        HdocError: it is no run's folder, or the server is still away.
    """
    try:
        run: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        config = (folder / "config.yaml").read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise HdocError(f"expected the folder of a run, {folder} has no run.json") from error
    import yaml

    from hdoc.tracking.run_logger import RunLogger

    names = yaml.safe_load(config)["run"]
    logger = RunLogger(names["experiment"], names["name"], run["run_id"], folder, uri=run["tracking_uri"])
    n_waiting = len(logger.unsent)
    if not logger.deliver():
        raise HdocError(
            f"{run['tracking_uri']} is still away; {len(logger.unsent)} entries are kept in {folder}"
        )
    return n_waiting

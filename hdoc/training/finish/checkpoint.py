"""Reading the checkpoint of a training; nothing in it is executed."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdoc.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

_FIRST_TASK = "document"  # checkpoints from before there were several do not name theirs


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint of `hdoc train`; nothing in it is executed.

    Raises:
        ModelError: it is missing, damaged or not of hdoc.
    """
    import torch

    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"cannot read the checkpoint {path}: {error.strerror or error}") from error
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path} is no checkpoint, or not a whole one: {reason}") from error
    if not isinstance(checkpoint, dict) or "hdoc" not in checkpoint:
        raise ModelError(f"expected a checkpoint that hdoc train wrote, {path} is of something else")
    return checkpoint


def task_of_checkpoint(content: Mapping[str, Any]) -> str:
    """Return the name of the task that a checkpoint is of."""
    return str(content["hdoc"].get("task", _FIRST_TASK))


def network_weights(content: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the weights of the network in a checkpoint, by their names in the network."""
    prefix = "network."
    return {
        key.removeprefix(prefix): value
        for key, value in content["state_dict"].items()
        if key.startswith(prefix)
    }

"""Seconds and memory of a call."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

_T = TypeVar("_T")
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call took.

    Attributes:
        seconds: by the clock.
        peak_bytes: the most memory in use beyond what was in use before: the GPU's, or else the process's
            resident memory; None where the system does not tell (it is Linux that does).
    """

    seconds: float
    peak_bytes: int | None


def measured(call: Callable[[], _T], device: torch.device) -> tuple[_T, Cost]:
    """Call and measure."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before: int | None = torch.cuda.memory_allocated(device)
    else:
        with suppress(OSError):
            _CLEAR.write_text(_RESET_PEAK)
        before = _resident("VmRSS")
    start = time.perf_counter()
    result = call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    seconds = time.perf_counter() - start
    after = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else _resident("VmHWM")
    peak = None if before is None or after is None else max(0, after - before)
    return result, Cost(seconds, peak)


def _resident(field: str) -> int | None:
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(found.group(1)) * 1024 if found else None

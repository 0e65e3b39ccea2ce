"""How much memory is kept for what may be needed again: by torch on a CPU, and by the C library."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

_VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
_KERNELS = 16


def bound_kernel_cache() -> None:
    """Let oneDNN keep few compiled kernels, unless the environment says how many.

    It keeps up to 1,024, one for each shape it met, and windows without padding come in hundreds of
    shapes; compiling anew costs no time that could be measured. Call it before torch computes anything.
    """
    os.environ.setdefault(_VARIABLE, str(_KERNELS))


def trim_heap() -> bool:
    """Give memory that is free back to the system; returns whether the C library can (glibc).

    Tensors of ever other sizes leave its heap full of holes that it keeps, and that the next sizes do not
    fit. Trimming takes about 10 ms, and what is used again has to be fetched again.
    """
    trim = _trim()
    if trim is None:
        return False
    trim(0)
    return True


@cache
def _trim() -> Any:
    import ctypes  # explaining does without

    return getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None

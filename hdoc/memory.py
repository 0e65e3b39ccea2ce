"""How much memory torch on a CPU keeps for what it may need again."""

from __future__ import annotations

import os

_VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
_KERNELS = 16


def bound_kernel_cache() -> None:
    """Let oneDNN keep few compiled kernels, unless the environment says how many.

    It keeps up to 1,024, one for each shape it met, and windows without padding come in hundreds of
    shapes; compiling anew costs no time that could be measured. Call it before torch computes anything.
    """
    os.environ.setdefault(_VARIABLE, str(_KERNELS))

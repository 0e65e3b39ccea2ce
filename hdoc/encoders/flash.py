"""Attention within sequences of any lengths that lie end to end, on a GPU and without padding (Dao 2023).

Only this module knows torch's variable-length attention. It multiplies in 16 bit, on an NVIDIA GPU from
Ampere on, in torch 2.10 and later; whoever calls it asks `runs_on` or `fits` first and has another way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

_WIDEST_HEAD = 256
_AMPERE = (8, 0)

Kernel = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, int, int], Tensor]


def runs_on(device: torch.device, head_width: int) -> bool:
    """Return whether a device has the kernel for heads of this width, given that values are in 16 bit."""
    return (
        device.type == "cuda"
        and head_width % 8 == 0
        and head_width <= _WIDEST_HEAD
        and _capability(device) >= _AMPERE
        and _kernel() is not None
    )


def fits(query: Tensor, dropout: float) -> bool:
    """Return whether the kernel takes such queries, (tokens, heads, head_width); it knows no dropout."""
    in_16_bit = query.dtype in (torch.bfloat16, torch.float16)
    return in_16_bit and not dropout and runs_on(query.device, query.shape[-1])


def attend(query: Tensor, key: Tensor, value: Tensor, bounds: Tensor, longest: int) -> Tensor:
    """Attend within sequences.

    Args:
        query: of all sequences, (tokens, heads, head_width), in 16 bit.
        key: the same.
        value: the same.
        bounds: where each sequence begins, and where the last one ends, (sequences + 1,), int32.
        longest: tokens of the longest sequence, or more.

    Returns:
        (tokens, heads, head_width).

    Raises:
        RuntimeError: this torch has no such kernel.
    """
    kernel = _kernel()
    if kernel is None:
        raise RuntimeError(f"expected variable-length attention, which torch {torch.__version__} lacks")
    return kernel(query, key, value, bounds, bounds, longest, longest)


@cache
def _kernel() -> Kernel | None:
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    return varlen_attn  # type: ignore[return-value]


@cache
def _capability(device: torch.device) -> tuple[int, int]:
    return torch.cuda.get_device_capability(device)

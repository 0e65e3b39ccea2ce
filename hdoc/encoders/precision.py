"""What runs a network, and what it multiplies in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Runtime = Literal["torch", "onnx"]
"""What runs the network; ONNX Runtime starts faster and needs no torch, torch can use a GPU."""

Precision = Literal["float32", "bfloat16", "int8", "auto"]
"""`auto` is bfloat16 where the processor multiplies it faster; int8 is for ONNX Runtime."""


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 faster than float32."""
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in known)

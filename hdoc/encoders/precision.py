"""What runs a network, what it multiplies in, and how its weights are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Runtime = Literal["torch", "onnx"]
"""What runs the network; ONNX Runtime starts faster and needs no torch, torch can use a GPU."""

Precision = Literal["float32", "bfloat16", "int8", "auto"]
"""`auto` is bfloat16 where the processor multiplies it faster; int8 is for ONNX Runtime."""

StoredWeights = Literal["32bit", "16bit", "8bit"]
"""How many bits a weight has on disk; in memory all have 32. 8 bit is by rows (`eight_bit`)."""

_FAST_ON_CPU = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 faster than float32."""
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # They are private to torch, so a later one may lack them.
    questions = (getattr(torch.cpu, name, None) for name in _FAST_ON_CPU)
    return device.type == "cpu" and any(ask() for ask in questions if ask is not None)

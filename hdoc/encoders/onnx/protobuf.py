"""The few messages of ONNX that a graph is made of, as bytes.

Field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Writing them takes a
page; the library that would write them is large, and would be needed wherever a model is loaded.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

FLOAT, INT64, BOOL = 1, 7, 9
"""Element types of tensors."""

_KINDS = {"float32": FLOAT, "int64": INT64}
_EXTERNAL = 1
_OPSET = 20  # the first with Gelu
_IR_VERSION = 9

Attribute = int | float | Sequence[int]


def node(kind: str, inputs: Sequence[str], output: str, attributes: Mapping[str, Attribute]) -> bytes:
    """Return a node with one output."""
    return b"".join(
        [
            *(_text(1, name) for name in inputs),
            _text(2, output),
            _text(3, f"make {output}"),
            _text(4, kind),
            *(_bytes(5, _attribute(name, value)) for name, value in attributes.items()),
        ]
    )


def tensor(name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    """Return a constant with its values."""
    return _tensor_head(name, _KINDS[str(values.dtype)], values.shape) + _bytes(9, values.tobytes())


def tensor_elsewhere(name: str, shape: Sequence[int]) -> bytes:
    """Return a float32 constant whose values the runtime is given beside the graph."""
    location = _text(1, "location") + _text(2, "weights.safetensors")
    return _tensor_head(name, FLOAT, shape) + _bytes(13, location) + _number(14, _EXTERNAL)


def value(name: str, kind: int, sizes: Sequence[str]) -> bytes:
    """Return what goes into or comes out of a graph: element type, and a name for each size."""
    shape = b"".join(_bytes(1, _text(2, size)) for size in sizes)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, shape)))


def model(
    name: str,
    nodes: Sequence[bytes],
    constants: Sequence[bytes],
    inputs: Sequence[bytes],
    outputs: Sequence[bytes],
) -> bytes:
    """Return a whole model."""
    graph = b"".join(
        [
            *(_bytes(1, part) for part in nodes),
            _text(2, name),
            *(_bytes(5, part) for part in constants),
            *(_bytes(11, part) for part in inputs),
            *(_bytes(12, part) for part in outputs),
        ]
    )
    opset = _text(1, "") + _number(2, _OPSET)
    return _number(1, _IR_VERSION) + _text(2, "hdoc") + _bytes(7, graph) + _bytes(8, opset)


def _attribute(name: str, value: Attribute) -> bytes:
    head = _text(1, name)
    if isinstance(value, float):
        return head + b"\x15" + struct.pack("<f", value) + _number(20, 1)
    if isinstance(value, int):
        return head + _number(3, value) + _number(20, 2)
    return head + b"".join(_number(8, item) for item in value) + _number(20, 7)


def _tensor_head(name: str, kind: int, shape: Sequence[int]) -> bytes:
    return b"".join(_number(1, size) for size in shape) + _number(2, kind) + _text(8, name)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    value &= 2**64 - 1  # negative numbers are written as 64 bit
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)

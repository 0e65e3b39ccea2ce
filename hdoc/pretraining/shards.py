"""Token shards: a source's tokens as 16-bit numbers in one flat file, read through memory mapping.

A shard is a folder of three files that numpy alone reads:

- `tokens.bin`, little-endian uint16: the pieces of all sentences, each sentence closed by `[SEP]`;
- `sentences.npy`, int64: where each sentence starts in it, and where the last one ends;
- `documents.npy`, int64: which sentence each document starts with, and how many sentences there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdoc.errors import DataError

LARGEST_VOCABULARY = 1 << 16
# Beside the sources' folders: what is in them, text that is set aside, and vectors of the pieces.
MANIFEST = "manifest.json"
HELD_OUT = "held-out"
EMBEDDINGS = "embeddings.npy"
_TOKEN = np.dtype("<u2")


@dataclass(frozen=True, eq=False)
class Shard:
    """Tokens of one source.

    Attributes:
        tokens: uint16, shape (tokens).
        sentences: int64, shape (sentences + 1): bounds in `tokens`.
        documents: int64, shape (documents + 1): bounds in `sentences`.
    """

    tokens: NDArray[np.uint16]
    sentences: NDArray[np.int64]
    documents: NDArray[np.int64]

    @property
    def document_bounds(self) -> NDArray[np.int64]:
        """Bounds of the documents in `tokens`, shape (documents + 1)."""
        bounds: NDArray[np.int64] = self.sentences[self.documents]
        return bounds


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what `prepare` wrote about a folder of shards.

    Raises:
        DataError: the folder holds no prepared corpus.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(f"no {MANIFEST} in {folder}; run scripts/pretrain.py prepare first")
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
    return manifest


def write_shard(folder: Path, documents: Iterable[Sequence[Sequence[int]]], sep_id: int) -> Shard:
    """Write documents of sentences of piece numbers; documents and sentences without pieces are left out.

    Args:
        folder: made if it does not exist; an older shard in it is replaced.
        documents: streamed, so that a corpus need not fit into memory.
        sep_id: number of `[SEP]`, written after each sentence.

    Returns:
        The shard as it will be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sentences, starts = [0], [0]
    with (folder / "tokens.bin").open("wb") as file:
        for document in documents:
            kept = [sentence for sentence in document if sentence]
            for sentence in kept:
                file.write(np.asarray([*sentence, sep_id], dtype=_TOKEN).tobytes())
                sentences.append(sentences[-1] + len(sentence) + 1)
            if kept:
                starts.append(len(sentences) - 1)
    np.save(folder / "sentences.npy", np.asarray(sentences, dtype=np.int64))
    np.save(folder / "documents.npy", np.asarray(starts, dtype=np.int64))
    return read_shard(folder)


def read_shard(folder: Path) -> Shard:
    """Open a shard; tokens stay on disk until they are used.

    Raises:
        DataError: a file is missing, or the files do not fit together.
    """
    try:
        sentences = np.load(folder / "sentences.npy")
        documents = np.load(folder / "documents.npy")
        size = (folder / "tokens.bin").stat().st_size
    except (OSError, ValueError) as error:
        raise DataError(f"{folder} is no token shard ({error}); prepare the corpus again") from error
    if size != sentences[-1] * _TOKEN.itemsize or documents[-1] != len(sentences) - 1:
        raise DataError(
            f"{folder}: expected {sentences[-1] * _TOKEN.itemsize} bytes of tokens and {documents[-1]} "
            f"sentences, got {size} and {len(sentences) - 1}; the shard is cut short, prepare it again"
        )
    empty = np.empty(0, dtype=_TOKEN)  # an empty file cannot be mapped
    tokens = np.memmap(folder / "tokens.bin", dtype=_TOKEN, mode="r") if size else empty
    return Shard(tokens, sentences, documents)

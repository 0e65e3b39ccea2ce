"""Windows as padded tensors, for encoders that take nothing else, and what moves arrays to a device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hdoc.tokens.flat_windows import FlatWindows, flatten
from hdoc.tokens.tokenizer import PieceTokenizer


@dataclass(frozen=True, slots=True)
class PaddedWindows:
    """Windows of similar length as one rectangle; all (windows, length).

    Attributes:
        ids: token ids, special tokens included.
        mask: True at tokens, False at padding.
        piece_mask: True at word pieces, False at special tokens and padding.
    """

    ids: Tensor
    mask: Tensor
    piece_mask: Tensor

    def to(self, device: torch.device) -> PaddedWindows:
        """Return the same windows on a device."""
        return PaddedWindows(*(moved(part, device) for part in (self.ids, self.mask, self.piece_mask)))


def pad_groups(windows: FlatWindows, device: torch.device) -> Iterator[PaddedWindows]:
    """Yield each group of windows as a rectangle on a device."""
    for rectangle in windows.rectangles():
        yield PaddedWindows(*(on_device(part, device) for part in rectangle))


def pad_windows(windows: Sequence[Sequence[int]], tokenizer: PieceTokenizer) -> PaddedWindows:
    """Put special tokens around windows and pad them to the longest."""
    together = FlatWindows.of(*flatten(windows), [range(len(windows))], tokenizer)
    return next(pad_groups(together, torch.device("cpu")))


def pad_documents(vectors: Tensor, counts: Sequence[int] | NDArray[np.integer]) -> tuple[Tensor, Tensor]:
    """Lay the vectors of documents, which lie end to end, beside each other.

    Args:
        vectors: of all windows in document order, (windows, width).
        counts: windows of each document, (documents,).

    Returns:
        Vectors (documents, windows, width), and where there is one, (documents, windows).
    """
    sizes = np.asarray(counts, dtype=np.int64)
    documents = nn.utils.rnn.pad_sequence(list(torch.split(vectors, sizes.tolist())), batch_first=True)
    mask = np.arange(documents.shape[1]) < sizes[:, None]
    return documents, on_device(mask, vectors.device)


def on_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """Return an array as a tensor on a device."""
    return moved(torch.from_numpy(array), device)


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device; only from pinned memory does a copy not wait for what a GPU is at."""
    to_gpu = device.type == "cuda" and tensor.device.type == "cpu"
    return (tensor.pin_memory() if to_gpu else tensor).to(device, non_blocking=True)

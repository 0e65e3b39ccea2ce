"""Windows of any lengths as one row of tokens, without padding.

All that an encoder computes token by token is done once, for all windows of a batch; only attention needs
to know which tokens belong together. A GPU has a kernel for that; elsewhere attention sees the windows in
their padded groups.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from hdoc.encoders import flash
from hdoc.encoders.padding import moved
from hdoc.tokens.flat_windows import FlatWindows, Ids, WindowGroup

Attend = Callable[[Tensor, Tensor, Tensor, float], Tensor]
"""Queries, keys, values, all (..., tokens, heads, head_width), and dropout, to what the queries attend to."""


@dataclass(frozen=True, slots=True)
class _Padding:
    """Where tokens go when a group is padded, and where they come from.

    Attributes:
        mask: True at tokens, (windows, length).
        from_row: for each place of the rectangle a token of the group, any one at padding.
        to_row: for each token of the group its place.
    """

    mask: Tensor
    from_row: Tensor
    to_row: Tensor

    def to(self, device: torch.device) -> _Padding:
        return _Padding(*(moved(part, device) for part in (self.mask, self.from_row, self.to_row)))


@dataclass(frozen=True, slots=True)
class _Rectangle:
    """Where the tokens of one padded group lie in the row.

    Attributes:
        size: windows and length.
        n_tokens: tokens without padding.
        padding: None if there is none.
    """

    size: tuple[int, int]
    n_tokens: int
    padding: _Padding | None

    @classmethod
    def of(cls, lengths: Ids, group: WindowGroup) -> _Rectangle:
        """Lay out the windows of a group, of which `lengths`, (windows,), says how long each is."""
        size, n_tokens = (group.n_windows, group.length), int(lengths.sum())
        if n_tokens == group.n_cells:
            return cls(size, n_tokens, None)
        mask = np.arange(group.length) < lengths[:, None]
        from_row = np.maximum(np.cumsum(mask) - 1, 0)
        return cls(size, n_tokens, _Padding(*map(torch.from_numpy, (mask, from_row, np.flatnonzero(mask)))))

    def to(self, device: torch.device) -> _Rectangle:
        padding = None if self.padding is None else self.padding.to(device)
        return _Rectangle(self.size, self.n_tokens, padding)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
        """Attend within the windows of this group; all (tokens, heads, head_width)."""
        query, key, value = self._lay(query), self._lay(key), self._lay(value)
        if self.padding is None:
            return attention(query, key, value, None, dropout).flatten(0, 1)
        mixed = attention(query, key, value, self.padding.mask, dropout).flatten(0, 1)
        return mixed.index_select(0, self.padding.to_row)

    def _lay(self, row: Tensor) -> Tensor:
        if self.padding is not None:
            row = row.index_select(0, self.padding.from_row)
        return row.view(*self.size, *row.shape[1:])


@dataclass(frozen=True, slots=True)
class PackedWindows:
    """Windows end to end, in the order of their groups.

    Attributes:
        ids: token ids, special tokens included, (tokens,).
        positions: place of each token in its window, (tokens,).
        pieces: the tokens that are word pieces, (pieces,).
        owners: for each word piece its window, (pieces,).
        bounds: where each window begins, and where the last one ends, (windows + 1,), int32.
        longest: tokens of the longest window, or more.
        n_windows: number of windows.
        rectangles: the groups.
    """

    ids: Tensor
    positions: Tensor
    pieces: Tensor
    owners: Tensor
    bounds: Tensor
    longest: int
    n_windows: int
    rectangles: list[_Rectangle]

    @classmethod
    def of(cls, windows: FlatWindows) -> PackedWindows:
        """Say of each token where it belongs."""
        owners = windows.owners
        ends = np.cumsum([0, *(group.n_windows for group in windows.groups)])
        parts = [windows.lengths[start:end] for start, end in pairwise(ends.tolist())]
        return cls(
            ids=torch.from_numpy(windows.ids),
            positions=torch.from_numpy(windows.positions),
            pieces=torch.from_numpy(np.flatnonzero(windows.piece_mask)),
            owners=torch.from_numpy(owners[windows.piece_mask]),
            bounds=torch.from_numpy(np.cumsum([0, *windows.lengths.tolist()], dtype=np.int32)),
            longest=max(group.length for group in windows.groups),
            n_windows=len(windows.lengths),
            rectangles=[_Rectangle.of(*one) for one in zip(parts, windows.groups, strict=True)],
        )

    def to(self, device: torch.device) -> PackedWindows:
        """Return the same windows on a device."""
        return PackedWindows(
            ids=moved(self.ids, device),
            positions=moved(self.positions, device),
            pieces=moved(self.pieces, device),
            owners=moved(self.owners, device),
            bounds=moved(self.bounds, device),
            longest=self.longest,
            n_windows=self.n_windows,
            rectangles=[rectangle.to(device) for rectangle in self.rectangles],
        )

    def attend(self, query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
        """Attend within windows; all (tokens, heads, head_width)."""
        if flash.fits(query, dropout):
            return flash.attend(query, key, value, self.bounds, self.longest)
        sizes = [rectangle.n_tokens for rectangle in self.rectangles]
        rows = (torch.split(part, sizes) for part in (query, key, value))
        parts = zip(self.rectangles, *rows, strict=True)
        return torch.cat([rectangle.attend(q, k, v, dropout) for rectangle, q, k, v in parts])


def attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    """Scaled dot-product attention within sequences.

    Args:
        query: (sequences, length, heads, head_width).
        key: the same.
        value: the same.
        mask: True at the tokens to attend to, (sequences, length); None for all.
        dropout: share of the weights set to zero.

    Returns:
        (sequences, length, heads, head_width).
    """
    query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
    keep = None if mask is None else mask[:, None, None, :]
    if query.device.type != "cpu" or not query.requires_grad:
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=keep, dropout_p=dropout)
        return mixed.transpose(1, 2)
    # On a CPU going back through torch's fused attention takes several times as long as through this.
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if keep is not None:
        scores = scores.masked_fill(~keep, float("-inf"))
    weights = scores.softmax(dim=-1, dtype=torch.float32).to(value.dtype)
    return (F.dropout(weights, dropout) @ value).transpose(1, 2)

"""Windows of many documents end to end, in groups of similar length; NumPy alone, for every runtime.

Packed windows come out of them by arithmetic on indices. Padded rectangles are made, group by group, only for
what needs them: encoders that run in transformers, and ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from hdoc.tokens.tokenizer import PieceTokenizer

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WindowGroup:
    """Neighbouring windows of similar length.

    Attributes:
        n_windows: how many.
        length: tokens of the longest, or more: what the others are padded to where padding is needed.
    """

    n_windows: int
    length: int

    @property
    def n_cells(self) -> int:
        """Tokens of the rectangle, padding included."""
        return self.n_windows * self.length


@dataclass(frozen=True, slots=True)
class FlatWindows:
    """Windows of any documents, end to end.

    Attributes:
        ids: token ids of all windows, special tokens included, (tokens,).
        piece_mask: True at word pieces, False at special tokens, (tokens,).
        lengths: tokens of each window, (windows,).
        groups: the groups, whose windows follow one another.
        pad_id: the id that fills rectangles up.
    """

    ids: Ids
    piece_mask: Flags
    lengths: Ids
    groups: tuple[WindowGroup, ...]
    pad_id: int

    @classmethod
    def of(
        cls,
        pieces: NDArray[np.integer],
        lengths: NDArray[np.integer],
        groups: Sequence[Sequence[int]],
        tokenizer: PieceTokenizer,
    ) -> FlatWindows:
        """Put special tokens around windows, and lay them in the order of their groups.

        Args:
            pieces: ids of all windows end to end, without special tokens, (pieces,).
            lengths: pieces of each window, (windows,).
            groups: which windows make up each group; every window is in exactly one.
            tokenizer: gives the special tokens.
        """
        order = np.fromiter(chain.from_iterable(groups), dtype=np.int64, count=len(lengths))
        n_pieces = lengths[order].astype(np.int64)
        n_tokens = n_pieces + tokenizer.n_special
        ends = np.cumsum(n_tokens)
        ids = np.empty(n_tokens.sum(), dtype=np.int64)
        piece_mask = np.ones(len(ids), dtype=bool)
        before = [(ends - n_tokens + i, special) for i, special in enumerate(tokenizer.prefix)]
        after = [(ends - i, special) for i, special in enumerate(reversed(tokenizer.suffix), 1)]
        for places, special in before + after:
            ids[places] = special
            piece_mask[places] = False
        firsts = np.cumsum(lengths) - lengths
        ids[piece_mask] = pieces[_ranges(firsts[order], n_pieces)]
        longest = [max(int(lengths[i]) for i in group) + tokenizer.n_special for group in groups]
        sizes = tuple(WindowGroup(len(group), length) for group, length in zip(groups, longest, strict=True))
        return cls(ids, piece_mask, n_tokens, sizes, tokenizer.pad_id)

    @property
    def n_cells(self) -> int:
        """Tokens of all rectangles, padding included."""
        return sum(group.n_cells for group in self.groups)

    @property
    def starts(self) -> Ids:
        """Where each window starts among the tokens, (windows,)."""
        starts: Ids = np.cumsum(self.lengths) - self.lengths
        return starts

    @property
    def owners(self) -> Ids:
        """The window of each token, (tokens,)."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def positions(self) -> Ids:
        """The place of each token in its window, (tokens,)."""
        return _ranges(np.zeros_like(self.lengths), self.lengths)

    @property
    def n_pieces(self) -> Ids:
        """Word pieces of each window, (windows,)."""
        return np.bincount(self.owners[self.piece_mask], minlength=len(self.lengths))

    def keep_windows(self, keep: Flags) -> FlatWindows:
        """Leave out the windows where `keep`, (windows,), is False; groups keep their lengths."""
        tokens = np.repeat(keep, self.lengths)
        n_left = [int(part.sum()) for part in self._by_group(keep)]
        groups = (WindowGroup(n, group.length) for n, group in zip(n_left, self.groups, strict=True) if n)
        return FlatWindows(
            self.ids[tokens], self.piece_mask[tokens], self.lengths[keep], tuple(groups), self.pad_id
        )

    def keep_tokens(self, keep: Flags) -> FlatWindows:
        """Leave out the tokens where `keep`, (tokens,), is False; each window must keep one."""
        lengths = np.bincount(self.owners[keep], minlength=len(self.lengths))
        groups = (WindowGroup(len(part), int(part.max())) for part in self._by_group(lengths))
        return FlatWindows(self.ids[keep], self.piece_mask[keep], lengths, tuple(groups), self.pad_id)

    def parts(self, budget: int) -> Iterator[FlatWindows]:
        """Yield consecutive groups together, each part as large as a budget of tokens allows.

        Args:
            budget: most tokens of a part, padding included; a larger group is a part of its own.
        """
        taken: list[WindowGroup] = []
        bundles = [taken]
        for group in self.groups:
            if taken and sum(one.n_cells for one in taken) + group.n_cells > budget:
                taken = []
                bundles.append(taken)
            taken.append(group)
        return self._cut(bundles if self.groups else [])

    def rectangles(self) -> Iterator[tuple[Ids, Flags, Flags]]:
        """Yield each group padded to its length.

        Yields:
            Ids, what are tokens, and what are word pieces; all (windows, length).
        """
        for part in self._cut([group] for group in self.groups):
            mask = np.arange(part.groups[0].length) < part.lengths[:, None]
            ids = np.full(mask.shape, self.pad_id, dtype=np.int64)
            piece_mask = np.zeros_like(mask)
            ids[mask], piece_mask[mask] = part.ids, part.piece_mask
            yield ids, mask, piece_mask

    def _cut(self, bundles: Iterable[Sequence[WindowGroup]]) -> Iterator[FlatWindows]:
        """Yield the windows of each bundle of groups; the bundles together are all groups, in order."""
        window = token = 0
        for bundle in bundles:
            lengths = self.lengths[window : window + sum(group.n_windows for group in bundle)]
            end = token + int(lengths.sum())
            ids, piece_mask = self.ids[token:end], self.piece_mask[token:end]
            yield FlatWindows(ids, piece_mask, lengths, tuple(bundle), self.pad_id)
            window, token = window + len(lengths), end

    def _by_group(self, values: NDArray[np.generic]) -> list[NDArray[np.generic]]:
        """Divide what each window has, (windows,), by groups."""
        ends = np.cumsum([group.n_windows for group in self.groups], dtype=np.int64)
        return np.split(values, ends[:-1]) if len(ends) else []


def flatten(windows: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    """Return the ids of windows end to end, (pieces,), and the length of each, (windows,)."""
    lengths = np.array([len(window) for window in windows], dtype=np.int64)
    return np.fromiter(chain.from_iterable(windows), dtype=np.int64, count=lengths.sum()), lengths


def _ranges(starts: Ids, lengths: Ids) -> Ids:
    """Return the numbers from each start on, as many as its length says, end to end."""
    ends = np.cumsum(lengths)
    return np.arange(lengths.sum()) + np.repeat(starts - ends + lengths, lengths)

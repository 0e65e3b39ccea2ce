"""Which tokens a training row holds: a pure function of the seed and the row's number.

Nothing is remembered between rows, so a run that was killed goes on exactly where it was, and neither the
number of processes nor of workers changes what is trained on.

Rows are full: the documents of a source are laid end to end in an order drawn anew each epoch, and cut into
rows (no padding, as in RoBERTa's DOC-SENTENCES without the shorter rows at document ends). Every sentence
is followed by `[SEP]`. Which source a row comes from follows the weights exactly over each thousand rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hdoc.errors import DataError
from hdoc.training.pretraining.shards import Shard

# What a random stream is for, so that no two uses share one.
SOURCE_ORDER, DOCUMENT_ORDER, MASKING, PARTNERS = range(4)
_CYCLE = 1000


class PackedRows:
    """Rows of equal length, `[CLS]` and then sentences, from several sources.

    Args:
        shards: one per source.
        weights: the sources' shares of the rows, in any unit.
        row_length: pieces in a row.
        cls_id: number of `[CLS]`.
        seed: another seed, another order.

    Raises:
        DataError: a source has fewer tokens than one row.
    """

    def __init__(
        self, shards: Sequence[Shard], weights: Sequence[float], row_length: int, cls_id: int, seed: int = 0
    ) -> None:
        self.shards = list(shards)
        self.row_length = row_length
        self.cls_id = cls_id
        self.seed = seed
        self._bounds = [shard.document_bounds for shard in self.shards]
        for number, shard in enumerate(self.shards):
            if len(shard.tokens) < row_length - 1:
                raise DataError(
                    f"source {number}: expected at least {row_length - 1} tokens for one row, "
                    f"got {len(shard.tokens)}; give it more text or leave it out"
                )
        self._quotas = _quotas(weights)
        # Caches of pure functions; one epoch's order of each source and the cycle in use are enough.
        self._cycle = lru_cache(maxsize=2)(self._draw_cycle)
        self._order = lru_cache(maxsize=2 * len(self.shards))(self._draw_order)

    def __getitem__(self, row: int) -> tuple[NDArray[np.int64], int]:
        """Return the row's piece numbers, shape (row_length), and the number of its source."""
        source, turn = self.place(row)
        return self.pack(source, turn), source

    def place(self, row: int) -> tuple[int, int]:
        """Return which source a row comes from, and how many rows that source gave before."""
        cycle, position = divmod(row, _CYCLE)
        sources, turns = self._cycle(cycle)
        source = int(sources[position])
        return source, cycle * int(self._quotas[source]) + int(turns[position])

    def pack(self, source: int, turn: int) -> NDArray[np.int64]:
        """Return row number `turn` of one source, shape (row_length)."""
        tokens, bounds = self.shards[source].tokens, self._bounds[source]
        width = self.row_length - 1
        epoch, place = divmod(turn, len(tokens) // width)
        order, starts = self._order(source, epoch)
        row = np.empty(self.row_length, dtype=np.int64)
        row[0] = self.cls_id
        filled, position = 0, place * width
        nth = int(np.searchsorted(starts, position, side="right")) - 1
        while filled < width:
            document = order[nth]
            first = bounds[document] + position - starts[nth]
            taken = tokens[first : min(bounds[document + 1], first + width - filled)]
            row[1 + filled : 1 + filled + len(taken)] = taken
            filled += len(taken)
            position += len(taken)
            nth += 1
        return row

    def _draw_cycle(self, cycle: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return, for each row of a cycle, its source and its turn among that source's rows."""
        sources = np.repeat(np.arange(len(self.shards)), self._quotas)
        np.random.default_rng([self.seed, SOURCE_ORDER, cycle]).shuffle(sources)
        turns = np.empty_like(sources)
        for source in range(len(self.shards)):
            chosen = sources == source
            turns[chosen] = np.arange(chosen.sum())
        return sources, turns

    def _draw_order(self, source: int, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return an epoch's order of documents, and where each starts when they are laid end to end."""
        sizes = np.diff(self._bounds[source])
        order = np.random.default_rng([self.seed, DOCUMENT_ORDER, source, epoch]).permutation(len(sizes))
        starts = np.concatenate(([0], np.cumsum(sizes[order])[:-1]))
        return order, starts


def _quotas(weights: Sequence[float]) -> NDArray[np.int64]:
    """Share out one cycle's rows by weight, the largest remainders rounded up."""
    exact = np.asarray(weights, dtype=float) / sum(weights) * _CYCLE
    quotas = np.floor(exact).astype(np.int64)
    remainders = np.argsort(quotas - exact, kind="stable")
    quotas[remainders[: _CYCLE - quotas.sum()]] += 1
    return quotas

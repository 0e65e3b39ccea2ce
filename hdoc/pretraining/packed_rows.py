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
from hdoc.pretraining.shards import Shard

# The uses of random numbers: each is a part of the seed of its generator, so that no two share a stream.
SOURCE_ORDER, DOCUMENT_ORDER, MASKING, PARTNERS = range(4)
_ROWS_PER_CYCLE = 1000


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
        # Caches of pure functions: the cycle in use, and of each source the epoch in use.
        self._cycle = lru_cache(maxsize=2)(self._draw_cycle)
        self.document_order = lru_cache(maxsize=2 * len(self.shards))(self._draw_order)

    def __getitem__(self, row: int) -> tuple[NDArray[np.int64], int]:
        """Return the row's piece numbers, shape (row_length), and the number of its source."""
        source, turn = self.source_and_turn(row)
        return self.row_of_source(source, turn), source

    def source_and_turn(self, row: int) -> tuple[int, int]:
        """Return which source a row comes from, and how many rows that source gave before."""
        cycle, position = divmod(row, _ROWS_PER_CYCLE)
        sources, turns = self._cycle(cycle)
        source = int(sources[position])
        return source, cycle * int(self._quotas[source]) + int(turns[position])

    def row_of_source(self, source: int, turn: int) -> NDArray[np.int64]:
        """Return row number `turn` of one source, shape (row_length)."""
        epoch, position = self.epoch_and_position(source, turn)
        row = np.empty(self.row_length, dtype=np.int64)
        row[0] = self.cls_id
        row[1:] = self.consecutive_tokens(source, epoch, position, self.row_length - 1)
        return row

    def epoch_and_position(self, source: int, turn: int) -> tuple[int, int]:
        """Return the epoch that a source's row number `turn` is in, and its first token's place in it."""
        width = self.row_length - 1
        epoch, place = divmod(turn, len(self.shards[source].tokens) // width)
        return epoch, place * width

    def consecutive_tokens(self, source: int, epoch: int, position: int, width: int) -> NDArray[np.int64]:
        """Return tokens of an epoch's documents laid end to end, the first after the last again.

        Args:
            source: number of the source.
            epoch: which order of the documents.
            position: first token.
            width: number of tokens.

        Returns:
            Piece numbers, shape (width).
        """
        tokens, bounds = self.shards[source].tokens, self._bounds[source]
        order, starts = self.document_order(source, epoch)
        consecutive = np.empty(width, dtype=np.int64)
        nth = int(np.searchsorted(starts, position, side="right")) - 1
        document = order[nth]
        first = bounds[document] + position - starts[nth]
        filled = 0
        while True:
            taken = tokens[first : min(bounds[document + 1], first + width - filled)]
            consecutive[filled : filled + len(taken)] = taken
            filled += len(taken)
            if filled == width:
                return consecutive
            nth = (nth + 1) % len(order)
            document = order[nth]
            first = bounds[document]

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
        """Return an epoch's order of documents, and where each starts in it, each of shape (documents)."""
        sizes = np.diff(self._bounds[source])
        order = np.random.default_rng([self.seed, DOCUMENT_ORDER, source, epoch]).permutation(len(sizes))
        starts = np.concatenate(([0], np.cumsum(sizes[order])[:-1]))
        return order, starts


def _quotas(weights: Sequence[float]) -> NDArray[np.int64]:
    """Share out one cycle's rows by weight, the largest remainders rounded up."""
    exact = np.asarray(weights, dtype=float) / sum(weights) * _ROWS_PER_CYCLE
    quotas = np.floor(exact).astype(np.int64)
    remainders = np.argsort(quotas - exact, kind="stable")
    quotas[remainders[: _ROWS_PER_CYCLE - quotas.sum()]] += 1
    return quotas

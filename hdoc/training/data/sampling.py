"""Which documents make up which batch: a pure function of seed and epoch, for each of several processes.

Padding does not depend on which documents meet in a batch, as it is their windows that are sorted by
length and padded. So batches are free to mix long and short documents, as gradients like it. What is laid
out once is the lengths: each batch has places for documents of certain lengths, and in each epoch the
documents of about the same length change places and the batches their order. So every epoch has the same
number of batches, which schedules of learning rates count on, and no batch is ever over its limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hdoc.errors import DataError

# Documents count as equally long whose lengths differ by less than this factor.
_SAME_LENGTH = 1.1
# Batches that wait for a document that fits while they are laid out.
_OPEN_BATCHES = 8

Batch = NDArray[np.int64]
"""The indices of a batch's documents."""


class BatchSampler:
    """The batches of one process in one epoch.

    Over all processes, each document is in exactly one batch of an epoch, and each process has the same
    number of batches.

    Args:
        lengths: tokens of each document.
        max_documents: most documents in a batch.
        max_tokens: most tokens in a batch; a longer document is a batch of its own.
        shuffle: False to have the same batches in the same order in every epoch, longest documents first.
        seed: of the order.
        rank: number of this process.
        n_ranks: number of processes.

    Raises:
        DataError: there are fewer documents than processes.
    """

    def __init__(
        self,
        lengths: Sequence[int] | NDArray[np.int64],
        max_documents: int,
        max_tokens: int,
        shuffle: bool = True,
        seed: int = 0,
        rank: int = 0,
        n_ranks: int = 1,
    ) -> None:
        if len(lengths) < n_ranks:
            raise DataError(
                f"expected at least as many documents as processes ({n_ranks}), got {len(lengths)}; "
                "add documents, or use fewer devices"
            )
        self.epoch = 0
        self._shuffle, self._seed, self._rank, self._n_ranks = shuffle, seed, rank, n_ranks
        exact = np.maximum(np.asarray(lengths, dtype=np.int64), 1)
        self._classes = np.ceil(np.log(exact) / np.log(_SAME_LENGTH)).astype(np.int64)
        if shuffle:
            # Every place is as long as the longest document that may come to it.
            longest = np.zeros(self._classes.max() + 1, dtype=np.int64)
            np.maximum.at(longest, self._classes, exact)
            order, room = np.random.default_rng([seed]).permutation(len(exact)), longest[self._classes]
        else:
            order, room = np.argsort(-exact, kind="stable"), exact
        batches = _lay_out(order, room, max_documents, max_tokens)
        self._batches = _even_out(batches, room, n_ranks)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; Lightning calls this before each."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._batches) // self._n_ranks

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches())

    def batches(self) -> list[Batch]:
        """Return the batches of this process in this epoch."""
        if not self._shuffle:
            return self._batches[self._rank :: self._n_ranks]
        generator = np.random.default_rng([self._seed, self.epoch])
        places = np.concatenate(self._batches)
        # Both sorted by class of length: the places in their order, the documents at random.
        by_class = np.argsort(self._classes[places], kind="stable")
        documents = np.empty_like(places)
        documents[by_class] = np.lexsort((generator.random(len(places)), self._classes))
        batches = np.split(documents, np.cumsum([len(batch) for batch in self._batches])[:-1])
        order = generator.permutation(len(batches))
        return [batches[i] for i in order[self._rank :: self._n_ranks]]


def _lay_out(order: Batch, room: NDArray[np.int64], max_documents: int, max_tokens: int) -> list[Batch]:
    """Put documents into batches in an order, each into the oldest open batch that has room for it."""
    batches: list[list[int]] = []
    open_batches: dict[int, int] = {}  # batch -> tokens that it still has room for
    for document in order.tolist():
        length = int(room[document])
        batch = next((batch for batch, left in open_batches.items() if length <= left), len(batches))
        if batch == len(batches):
            batches.append([])
            open_batches[batch] = max_tokens
            if len(open_batches) > _OPEN_BATCHES:
                del open_batches[next(iter(open_batches))]
        batches[batch].append(document)
        open_batches[batch] -= length
        if len(batches[batch]) == max_documents or open_batches[batch] <= 0:
            del open_batches[batch]
    return [np.array(batch, dtype=np.int64) for batch in batches]


def _even_out(batches: list[Batch], room: NDArray[np.int64], n_ranks: int) -> list[Batch]:
    """Make the number of batches one that every process has the same share of."""
    while len(batches) % n_ranks:
        largest = max(range(len(batches)), key=lambda i: len(batches[i]))
        if len(batches[largest]) == 1:
            break
        batches[largest : largest + 1] = np.array_split(batches[largest], 2)
    # No batch can be halved any more: the shortest documents share batches after all.
    while len(batches) % n_ranks:
        batches = sorted(batches, key=lambda batch: -int(room[batch].sum()))
        batches[-2:] = [np.concatenate(batches[-2:])]
    return batches

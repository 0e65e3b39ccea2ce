from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdoc.errors import DataError
from hdoc.training.data.sampling import BatchSampler

some_lengths = st.lists(st.integers(1, 3_000), min_size=4, max_size=80)


def documents(sampler: BatchSampler) -> list[int]:
    return [int(document) for batch in sampler for document in batch]


@settings(deadline=None)  # machines are shared
@given(some_lengths, st.integers(1, 9), st.integers(1, 2_000), st.integers(0, 3), st.booleans())
def test_batches_hold_each_document_once_and_keep_their_limits(
    lengths: list[int], max_documents: int, max_tokens: int, epoch: int, shuffle: bool
) -> None:
    sampler = BatchSampler(lengths, max_documents, max_tokens, shuffle)
    sampler.set_epoch(epoch)
    assert sorted(documents(sampler)) == list(range(len(lengths)))
    assert len(sampler.batches()) == len(sampler)
    for batch in sampler:
        assert len(batch) <= max_documents
        assert len(batch) == 1 or sum(lengths[i] for i in batch) <= max_tokens


@settings(deadline=None)  # machines are shared
@given(some_lengths, st.integers(1, 9), st.integers(1, 2_000), st.integers(1, 4), st.booleans())
def test_processes_share_documents_and_have_equally_many_batches(
    lengths: list[int], max_documents: int, max_tokens: int, n_ranks: int, shuffle: bool
) -> None:
    for epoch in range(2):
        found = []
        for rank in range(n_ranks):
            sampler = BatchSampler(lengths, max_documents, max_tokens, shuffle, rank=rank, n_ranks=n_ranks)
            sampler.set_epoch(epoch)
            found.append(sampler.batches())
        assert len({len(batches) for batches in found}) == 1
        everything = [int(i) for batch in chain(*found) for i in batch]
        assert sorted(everything) == list(range(len(lengths)))
        assert all(len(batch) for batch in chain(*found))


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    lengths = np.random.default_rng(0).integers(50, 2_000, 300)

    def order(seed: int, epoch: int) -> list[int]:
        sampler = BatchSampler(lengths, 16, 8_000, seed=seed)
        sampler.set_epoch(epoch)
        return documents(sampler)

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(0, 4)
    assert order(0, 3) != order(1, 3)


def test_epochs_have_equally_many_batches_of_other_documents() -> None:
    lengths = np.random.default_rng(0).integers(50, 2_000, 300)
    sampler = BatchSampler(lengths, 16, 8_000)
    batches = []
    for epoch in range(5):
        sampler.set_epoch(epoch)
        batches.append({frozenset(batch.tolist()) for batch in sampler})
        assert len(batches[-1]) == len(sampler)
    assert not batches[0] & batches[1]
    # Long and short documents meet: the mean length of batches differs little from that of documents.
    means = [lengths[batch].mean() for batch in sampler]
    assert np.std(means) < np.std(lengths) / 2


def test_evaluation_has_one_order() -> None:
    sampler = BatchSampler([5, 9, 7, 9], 2, 100, shuffle=False)
    first = [batch.tolist() for batch in sampler]
    sampler.set_epoch(3)
    assert [batch.tolist() for batch in sampler] == first == [[1, 3], [2, 0]]


def test_fewer_documents_than_processes() -> None:
    with pytest.raises(DataError, match=r"as many documents as processes \(4\), got 3; add documents"):
        BatchSampler([1, 2, 3], 2, 10, n_ranks=4)

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdoc.errors import DataError
from hdoc.training.data.loading import BatchLoader
from hdoc.training.data.sampling import BatchSampler

some_lengths = st.lists(st.integers(1, 3_000), min_size=4, max_size=80)


def documents(sampler: BatchSampler) -> list[int]:
    return [int(document) for batch in sampler for document in batch]


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


def loader(n_trained: int | None = None) -> BatchLoader[list[int]]:
    sampler = BatchSampler([10] * 20, 2, 100)
    return BatchLoader(
        sampler, lambda batch: batch.tolist(), None if n_trained is None else lambda: n_trained
    )


def test_the_state_counts_what_was_handed_out_not_what_was_made_ahead() -> None:
    batches = iter(running := loader())
    assert running.state_dict() == {"epoch": 0, "batch": 0, "n_batches": 10}
    whole = [next(batches) for _ in range(4)]
    state = running.state_dict()
    assert state == {"epoch": 0, "batch": 4, "n_batches": 10}
    whole += list(batches)
    resumed = loader()
    resumed.load_state_dict(state)
    assert list(resumed) == whole[4:]
    assert list(resumed) == whole  # the next time from the start again
    assert len(resumed) == 10


def test_a_batch_that_was_not_trained_on_comes_again() -> None:
    batches = iter(running := loader(n_trained=2))
    whole = [next(batches) for _ in range(3)]
    resumed = loader()
    resumed.load_state_dict(running.state_dict())
    assert next(iter(resumed)) == whole[2]


def test_the_epoch_that_counts_is_that_of_the_first_batch() -> None:
    resumed = loader()
    resumed.load_state_dict({"epoch": 3, "batch": 10, "n_batches": 10})
    batches = iter(resumed)  # Lightning does so before it sets the epoch
    resumed.sampler.set_epoch(4)
    expected = BatchSampler([10] * 20, 2, 100)
    expected.set_epoch(4)
    assert list(batches) == [batch.tolist() for batch in expected]
    assert resumed.state_dict()["epoch"] == 4


def test_a_state_of_other_data_is_refused() -> None:
    with pytest.raises(DataError, match=r"expected 7 batches an epoch, .* got 10; resume with the same data"):
        loader().load_state_dict({"epoch": 0, "batch": 1, "n_batches": 7})


def test_an_error_in_the_background_reaches_the_one_who_waits() -> None:
    def fail(batch: object) -> object:
        raise DataError("no such batch")

    with pytest.raises(DataError, match="no such batch"):
        list(BatchLoader(BatchSampler([1, 2], 1, 1), fail))

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from hdoc.encoders.batches import batch_documents, pad_windows, token_budget_batches, within_budget
from hdoc.tokens.grouping import equal_length_batches
from hdoc.tokens.tokenizer import PieceTokenizer


@given(st.lists(st.integers(1, 200), max_size=60), st.integers(1, 1000))
def test_groups_keep_the_budget_and_hold_each_row_once(lengths: list[int], budget: int) -> None:
    groups = token_budget_batches(lengths, budget)
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) == 1 or len(group) * max(lengths[i] for i in group) <= budget


@given(st.lists(st.integers(1, 200), max_size=60), st.integers(1, 1000))
def test_groups_of_equal_length_fill_the_budget_one_after_the_other(lengths: list[int], budget: int) -> None:
    groups = equal_length_batches(lengths, budget)
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    assert all(len({lengths[i] for i in group}) == 1 for group in groups)
    sizes = [sum(lengths[i] for i in group) for group in groups]
    assert all(len(group) == 1 or size <= budget for group, size in zip(groups, sizes, strict=True))
    # A length is cut in two only where not even one more row of it would have fitted.
    n_tokens = 0
    for one, other, size in zip(groups, groups[1:], sizes, strict=False):
        n_tokens = size if n_tokens + size > budget else n_tokens + size
        assert lengths[one[0]] > lengths[other[0]] or n_tokens + lengths[other[0]] > budget


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> PieceTokenizer:
    return PieceTokenizer(Tokenizer.from_file(str(tiny_encoder / "tokenizer.json")), window=128)


def test_rows_lead_back_to_document_order(tokenizer: PieceTokenizer) -> None:
    documents = [[[7], [8] * 9], [[9] * 3], [[10] * 5, [11], [12] * 7]]
    batch = batch_documents(documents, tokenizer, budget=24)
    assert batch.counts.tolist() == [2, 1, 3]
    assert len(batch.groups) > 1
    rows = [
        row[mask].tolist()
        for group in batch.groups
        for row, mask in zip(group.ids, group.piece_mask, strict=True)
    ]
    assert [rows[i] for i in batch.rows.tolist()] == [window for document in documents for window in document]


def test_masks_tell_pieces_special_tokens_and_padding_apart(tokenizer: PieceTokenizer) -> None:
    group = batch_documents([[[7, 8], [9]]], tokenizer).groups[0]
    cls, sep = tokenizer.prefix[0], tokenizer.suffix[0]
    assert group.ids.tolist() == [[cls, 7, 8, sep], [cls, 9, sep, 0]]
    assert group.mask.tolist() == [[True] * 4, [True, True, True, False]]
    assert group.piece_mask.tolist() == [[False, True, True, False], [False, True, False, False]]
    assert group.to(torch.device("cpu")).ids.equal(group.ids)


def test_groups_are_read_together_up_to_a_budget(tokenizer: PieceTokenizer) -> None:
    groups = [pad_windows([[7] * length] * n, tokenizer) for length, n in ((8, 3), (6, 2), (6, 1), (1, 9))]
    assert [[part.ids.numel() for part in parts] for parts in within_budget(groups, 30)] == [
        [30],
        [16, 8],
        [27],
    ]
    assert list(within_budget([], 30)) == []

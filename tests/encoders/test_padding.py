from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from hdoc.encoders.padding import on_device, pad_documents, pad_groups, pad_windows
from hdoc.tokens.batches import batch_documents
from hdoc.tokens.tokenizer import PieceTokenizer

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> PieceTokenizer:
    return PieceTokenizer(Tokenizer.from_file(str(tiny_encoder / "tokenizer.json")), window=128)


def test_masks_tell_pieces_special_tokens_and_padding_apart(tokenizer: PieceTokenizer) -> None:
    group = next(pad_groups(batch_documents([[[7, 8], [9]]], tokenizer).windows, CPU))
    cls, sep = tokenizer.prefix[0], tokenizer.suffix[0]
    assert group.ids.tolist() == [[cls, 7, 8, sep], [cls, 9, sep, 0]]
    assert group.mask.tolist() == [[True] * 4, [True, True, True, False]]
    assert group.piece_mask.tolist() == [[False, True, True, False], [False, True, False, False]]
    assert group.to(CPU).ids.equal(group.ids)


def test_windows_keep_their_order_where_they_are_one_group(tokenizer: PieceTokenizer) -> None:
    group = pad_windows([[7], [8, 9], [5]], tokenizer)
    cls, sep = tokenizer.prefix[0], tokenizer.suffix[0]
    assert group.ids.tolist() == [[cls, 7, sep, 0], [cls, 8, 9, sep], [cls, 5, sep, 0]]


def test_documents_lie_beside_each_other() -> None:
    vectors = torch.arange(6.0).reshape(3, 2)
    for counts in ([1, 2], np.array([1, 2])):
        documents, mask = pad_documents(vectors, counts)
        assert mask.tolist() == [[True, False], [True, True]]
        assert documents[mask].equal(vectors)
        assert not documents[~mask].any()


def test_arrays_become_tensors() -> None:
    assert on_device(np.arange(3), CPU).equal(torch.arange(3))

"""What of a document is left out in training."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from hdoc.encoders.bert import Bert, BertShape
from hdoc.tasks.document.network import DocumentNetwork, NetworkShape
from hdoc.tokens.batches import DocumentBatch, batch_documents
from hdoc.tokens.tokenizer import PieceTokenizer
from hdoc.training.tasks.document.dropout import drop_pieces, drop_windows

DOCUMENTS = [[[7, 8, 9], [10] * 9, [11, 12]], [[13]], [[14] * 5, [15, 16], [17], [18] * 7, [19, 20, 21]]]
LEFT = [[[11]], [[13]], [[14, 14, 14], [17], [18, 18, 18, 18], [20]]]
"""What the seed 3 leaves of them where 0.4 of the windows go, and then 0.4 of the pieces."""


@pytest.fixture
def tokenizer(tiny_encoder: Path) -> PieceTokenizer:
    return PieceTokenizer(Tokenizer.from_file(str(tiny_encoder / "tokenizer.json")), window=32)


def windows(batch: DocumentBatch) -> list[list[list[int]]]:
    """Return the word pieces of each window of each document, out of a batch."""
    pieces = [
        row[keep].tolist()
        for ids, _, piece_mask in batch.windows.rectangles()
        for row, keep in zip(ids, piece_mask, strict=True)
    ]
    in_order = iter([pieces[row] for row in batch.rows.tolist()])
    return [[next(in_order) for _ in range(count)] for count in batch.counts.tolist()]


def test_some_windows_go_and_each_document_keeps_one(tokenizer: PieceTokenizer) -> None:
    batch = batch_documents(DOCUMENTS, tokenizer, budget=16)
    n_left = []
    for seed in range(50):
        torch.manual_seed(seed)
        thinned = windows(drop_windows(batch, 0.5))
        for left, whole in zip(thinned, DOCUMENTS, strict=True):
            assert left
            places = [whole.index(window) for window in left]
            assert places == sorted(places)
        n_left.append(sum(map(len, thinned)))
    assert 9 * 0.5 < np.mean(n_left) < 9 * 0.7


def test_long_documents_keep_no_more_than_the_limit(tokenizer: PieceTokenizer) -> None:
    long = [[[piece] for piece in range(5, 45)], [[5], [6]], [[7]]]
    batch = batch_documents(long, tokenizer)
    drawn: set[int] = set()
    for seed in range(30):
        torch.manual_seed(seed)
        first, *others = windows(drop_windows(batch, 0.0, 10))
        assert len(first) == 10
        assert first == sorted(first)
        assert others == long[1:]
        drawn |= {piece for window in first for piece in window}
    assert drawn == set(range(5, 45)), "each has its turn"
    torch.manual_seed(0)
    assert max(map(len, windows(drop_windows(batch, 0.9, 10)))) < 10, "the share goes first"
    assert drop_windows(batch, 0.0, 40) is batch


def test_what_is_left_is_scored_as_a_document_of_its_own(tokenizer: PieceTokenizer) -> None:
    torch.manual_seed(1)
    thinned = drop_pieces(drop_windows(batch_documents(DOCUMENTS, tokenizer, budget=16), 0.4), 0.4)
    again = batch_documents(windows(thinned), tokenizer)
    torch.manual_seed(0)
    encoder = Bert(BertShape(500, 16, 3, 2, 32, max_position_embeddings=32))
    network = DocumentNetwork(encoder, 16, NetworkShape(3, value_width=16, channels=8)).eval()
    assert windows(thinned) != DOCUMENTS
    torch.testing.assert_close(network(thinned).logits, network(again).logits, atol=1e-5, rtol=0)


def test_some_pieces_go_and_each_window_keeps_one(tokenizer: PieceTokenizer) -> None:
    torch.manual_seed(0)
    long = [[list(range(5, 25))] * 50, [[5]]]
    batch = drop_pieces(batch_documents(long, tokenizer), 0.3)
    lengths = [len(window) for window in windows(batch)[0]]
    assert np.mean(lengths) == pytest.approx(14, abs=1)
    assert all(window == sorted(window) for window in windows(batch)[0])
    assert windows(batch)[1] == [[5]]
    rows, masks, _ = next(batch.windows.rectangles())
    assert all(ids[0] == tokenizer.prefix[0] for ids in rows)
    assert [int(ids[mask][-1]) for ids, mask in zip(rows, masks, strict=True)] == [
        tokenizer.suffix[-1]
    ] * len(rows)


def test_a_seed_leaves_out_what_it_always_did(tokenizer: PieceTokenizer) -> None:
    torch.manual_seed(3)
    thinned = drop_pieces(drop_windows(batch_documents(DOCUMENTS, tokenizer, budget=16), 0.4), 0.4)
    assert windows(thinned) == LEFT


def test_nothing_goes_at_zero(tokenizer: PieceTokenizer) -> None:
    batch = batch_documents(DOCUMENTS, tokenizer)
    assert drop_windows(batch, 0.0) is batch
    assert drop_pieces(batch, 0.0) is batch


def test_even_a_share_of_one_leaves_something(tokenizer: PieceTokenizer) -> None:
    thinned = windows(drop_pieces(drop_windows(batch_documents(DOCUMENTS, tokenizer), 1.0), 1.0))
    assert [[len(window) for window in document] for document in thinned] == [[1], [1], [1]]

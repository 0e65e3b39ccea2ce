from pathlib import Path

import pytest
from tokenizers import Tokenizer

from hdoc.tokens.batches import batch_documents
from hdoc.tokens.tokenizer import PieceTokenizer


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> PieceTokenizer:
    return PieceTokenizer(Tokenizer.from_file(str(tiny_encoder / "tokenizer.json")), window=128)


def test_rows_lead_back_to_document_order(tokenizer: PieceTokenizer) -> None:
    documents = [[[7], [8] * 9], [[9] * 3], [[10] * 5, [11], [12] * 7]]
    batch = batch_documents(documents, tokenizer, budget=24)
    assert batch.counts.tolist() == [2, 1, 3]
    assert len(batch.windows.groups) > 1
    rows = [
        row[mask].tolist()
        for ids, _, piece_mask in batch.windows.rectangles()
        for row, mask in zip(ids, piece_mask, strict=True)
    ]
    assert [rows[i] for i in batch.rows.tolist()] == [window for document in documents for window in document]


def test_no_documents_are_an_empty_batch(tokenizer: PieceTokenizer) -> None:
    batch = batch_documents([], tokenizer)
    assert (len(batch.rows), len(batch.counts), len(batch.windows.ids)) == (0, 0, 0)
    assert batch.windows.groups == ()

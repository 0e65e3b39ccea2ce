"""What can be cut, and what cannot."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, processors

from hdoc.errors import ModelError
from hdoc.pretraining.adopting.cutting import cut_source, cut_tokenizer
from hdoc.pretraining.adopting.source import load_source
from hdoc.pretraining.adopting.vocabulary import choose_pieces, count_usage
from tests.pretraining.adopting.encoders import NASTY, TEXTS, save_encoder, unigram, word_piece

PAIRS = [
    (one, cut_tokenizer(one, choose_pieces(one, count_usage(one, TEXTS))))
    for one in (unigram(), word_piece())
]


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text("나라의말이abc123漢字한자글z ～\n", max_size=40), st.sampled_from(NASTY)))
def test_what_uses_kept_pieces_alone_is_read_the_same(text: str) -> None:
    for uncut, cut in PAIRS:
        before, after = uncut.encode(text), cut.encode(text)
        places = cut.get_vocab()
        # An unknown character is the unknown piece in both, whose token is the character in some models.
        unknown = uncut.token_to_id("<unk>") if uncut.token_to_id("<unk>") is not None else 1
        if all(i == unknown or token in places for i, token in zip(before.ids, before.tokens, strict=True)):
            assert after.tokens == before.tokens
            assert after.offsets == before.offsets


def test_a_post_processor_of_roberta_is_renumbered() -> None:
    tokenizer = unigram()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    cut = cut_tokenizer(tokenizer, [0, 2, 3, 4, 5, 1, 26])
    assert cut.encode("나라").ids == [0, 4, 1]


def test_other_vocabularies_are_refused() -> None:
    with pytest.raises(ModelError, match=r"expected a Unigram or WordPiece vocabulary, .* got BPE"):
        cut_tokenizer(Tokenizer(models.BPE({"a": 0}, [])), [0])


def test_positions_counted_from_another_padding_id_are_refused(tmp_path: Path) -> None:
    source = load_source(str(save_encoder(tmp_path / "source", "roberta-unigram")))
    kept = list(range(len(source.tensors[source.embedding])))
    assert cut_source(source, kept).config["pad_token_id"] == 1
    with pytest.raises(ModelError, match=r"expected the padding piece to keep its id 1, .* become 0"):
        cut_source(source, kept[1:])


def test_pieces_without_embeddings_are_refused(tmp_path: Path) -> None:
    source = load_source(str(save_encoder(tmp_path / "source", "bert-wordpiece")))
    fewer = {**source.tensors, source.embedding: np.zeros((5, 16), np.float32)}
    with pytest.raises(ModelError, match=r"an embedding for each piece, got 5 for the pieces up to 18"):
        cut_source(replace(source, tensors=fewer), [0, 18])

"""Which pieces are kept."""

import numpy as np
from tokenizers import Tokenizer, models

from hdoc.pretraining.adopting.vocabulary import choose_pieces, count_usage
from tests.pretraining.adopting.encoders import TEXTS, unigram, word_piece


def kept(tokenizer: Tokenizer, texts: list[str], least: int = 5) -> set[str]:
    ids = choose_pieces(tokenizer, count_usage(tokenizer, texts), least)
    assert ids == sorted(set(ids))
    pieces = {i: piece for piece, i in tokenizer.get_vocab().items()}
    return {pieces[i] for i in ids}


def test_special_pieces_hangul_and_what_occurs_often_are_kept() -> None:
    found = kept(unigram(), TEXTS)
    assert {"<s>", "<pad>", "</s>", "<unk>", "<mask>", "▁"} < found
    assert {"▁나라", "글", "▁abc", "漢字"} < found
    assert found.isdisjoint({"zz", "z"})
    assert "글" in kept(unigram(), ["abc"])  # Hangul stays, also what never occurred


def test_characters_of_longer_pieces_are_kept_so_that_what_is_dropped_can_be_spelt() -> None:
    assert {"a", "b", "c", "漢", "字"} < kept(unigram(), TEXTS)
    assert "##b" in kept(word_piece(), TEXTS)


def test_rare_pieces_go_and_one_time_may_be_enough() -> None:
    assert "12" not in kept(unigram(), ["12"] * 4)
    assert "12" in kept(unigram(), ["12"], least=1)


def test_the_piece_of_the_lowest_score_stays() -> None:
    assert "～" in kept(unigram(), ["나라"])


def test_bytes_that_spell_the_unknown_are_kept() -> None:
    pieces = [("<unk>", 0.0), ("<0xEA>", -3.0), ("<0xEAB>", -2.0), ("x", -1.0)]
    assert "<0xEA>" in kept(Tokenizer(models.Unigram(pieces, 0, byte_fallback=True)), ["x"])
    pieces.append(("least", -9.0))
    assert "<0xEA>" not in kept(Tokenizer(models.Unigram(pieces, 0, byte_fallback=False)), ["x"])


def test_long_texts_and_half_surrogate_pairs_are_counted() -> None:
    tokenizer = unigram()
    usage = count_usage(tokenizer, ["나라 " * 5000, "말\ud800", "", "a" * 9000])
    vocabulary = tokenizer.get_vocab()
    assert usage.pieces[vocabulary["▁나라"]] == 5000
    assert usage.pieces[vocabulary["▁말"]] == 1
    assert usage.characters["라"] == 5000
    assert usage.pieces.dtype == np.int64

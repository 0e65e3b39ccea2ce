"""Offsets of a Unigram tokenizer point into the text as given, whatever the text."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdoc.pretraining.adopting.unigram import build_normalizer
from tests.pretraining.adopting.encoders import NASTY, unigram

TOKENIZER = unigram()
SPECIAL = {"<s>", "</s>", "<pad>", "<unk>", "<mask>"}


def check_offsets(text: str) -> None:
    """Pieces stand in order, never begin at a space, and are never empty."""
    encoding = TOKENIZER.encode(text, add_special_tokens=False)
    starts = [start for start, _ in encoding.offsets]
    assert starts == sorted(starts)
    for (start, end), piece in zip(encoding.offsets, encoding.tokens, strict=True):
        assert start < end, (text, piece)
        if piece.strip() not in SPECIAL:
            assert not text[start].isspace(), (text, piece, start, end)


@pytest.mark.parametrize("text", NASTY)
def test_offsets_of_nasty_texts(text: str) -> None:
    check_offsets(text)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_offsets_of_any_text(text: str) -> None:
    check_offsets(text)


def test_a_piece_that_opens_a_word_begins_at_the_word() -> None:
    encoding = TOKENIZER.encode("나라의  말", add_special_tokens=False)
    assert list(zip(encoding.tokens, encoding.offsets, strict=True)) == [
        ("▁나라", (0, 2)), ("의", (2, 3)), ("▁말", (5, 6)),
    ]  # fmt: skip


def test_what_stands_around_texts_and_pairs() -> None:
    assert TOKENIZER.encode("말").tokens == ["<s>", "▁말", "</s>"]
    assert TOKENIZER.encode("말", "말").tokens == ["<s>", "▁말", "</s>", "</s>", "▁말", "</s>"]


def test_the_normaliser_is_nfkc_but_for_what_the_map_says() -> None:
    normalizer = build_normalizer({"㎏": "kg", "～": "～", "\u200b": " "})
    text = "\u1112\u1161\u11ab 5㎏ e\u0301"
    assert normalizer.normalize_str(text) == unicodedata.normalize("NFKC", text)
    assert normalizer.normalize_str("～가\u200b나") == "～가 나"
    assert normalizer.normalize_str("½") == "½"  # old enough to be in the map, and not in it
    assert normalizer.normalize_str("\u33ff") == "gal"  # younger than the map

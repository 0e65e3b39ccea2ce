"""How pieces are spelt: characters, edges of words, and the piece that each character is of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdoc.tasks.document.folder.loading import load_model
from hdoc.tokens.spelling import EDGE, UNKNOWN, Spelling
from hdoc.tokens.tokenizer import PieceTokenizer
from tests.tokens.unigrams import PRE_TOKENIZERS, unigram

OPENING = [PieceTokenizer(unigram(kind), window=64, pad_id=1) for kind in PRE_TOKENIZERS]

# 버스 ##가 😀 늦 (an empty piece) and one without a spelling.
PIECES = ["버스", "가", "😀", "늦", "", None]
SPELLING = Spelling.of(PIECES, np.array([False, True, False, False, True, False]))


def spelt(ids: list[int]) -> tuple[str, list[int]]:
    characters, owners = SPELLING.spell(np.array(ids, dtype=np.int64))
    return "".join(
        "_" if character == EDGE else "?" if character == UNKNOWN else chr(character)
        for character in characters
    ), (owners.tolist())


@pytest.mark.parametrize(
    ("ids", "expected", "owners"),
    [
        ([0, 1, 3], "_버스가_늦_", [-1, 0, 0, 1, -1, 2, -1]),
        ([1, 1], "_가가_", [-1, 0, 1, -1]),  # what continues nothing opens a word
        ([0, 4, 1], "_버스가_", [-1, 0, 0, 2, -1]),
        ([2, 5], "_?_?_", [-1, 0, -1, 1, -1]),  # neither has a character of 16 bits
        ([4], "__", [-1, -1]),
        ([], "", []),
    ],
)
def test_words_are_spelt_between_edges(ids: list[int], expected: str, owners: list[int]) -> None:
    assert spelt(ids) == (expected, owners)


def test_a_tokenizer_spells_a_text_as_it_is_and_special_pieces_not_at_all(tiny_model: Path) -> None:
    tokenizer = load_model(tiny_model).tokenizer
    encoded = tokenizer.tokenizer.encode("버스가 버스.", add_special_tokens=False)
    characters, owners = tokenizer.spelling.spell(np.array(encoded.ids))
    assert "".join(map(chr, characters)) == " 버스가 버스 . "
    assert sorted(set(owners[owners >= 0].tolist())) == list(range(len(encoded.ids)))
    special = tokenizer.tokenizer.encode("가").ids[0]
    assert tokenizer.spelling.spell(np.array([special]))[0].tolist() == [EDGE, UNKNOWN, EDGE]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text("오늘국회에서버스노선이바뀌어가,.1aS", min_size=1, max_size=6), min_size=1, max_size=6)
)
def test_pieces_that_open_words_spell_a_text_as_it_is(words: list[str]) -> None:
    """Whatever the tokenizer cuts, its edges are those of the words."""
    for tokenizer in OPENING:
        ids = np.array(tokenizer.tokenizer.encode(" ".join(words), add_special_tokens=False).ids)
        characters, owners = tokenizer.spelling.spell(ids)
        if UNKNOWN not in characters:
            assert "".join(map(chr, characters)) == f" {' '.join(words)} "
        else:
            assert (characters == EDGE).sum() == len(words) + 1
        assert "▁" not in set(map(chr, characters))
        assert set(owners.tolist()) <= {-1, *range(len(ids))}


def test_special_and_unknown_pieces_of_other_names_are_spelt_not_at_all() -> None:
    for tokenizer in OPENING:
        vocabulary = tokenizer.tokenizer.get_vocab()
        for name in ("<s>", "</s>", "<pad>", "<mask>", "<unk>"):
            characters, _ = tokenizer.spelling.spell(np.array([vocabulary[name]]))
            assert characters.tolist() == [EDGE, UNKNOWN, EDGE]

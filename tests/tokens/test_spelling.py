"""How pieces are spelt: characters, edges of words, and the piece that each character is of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hdoc.tasks.document.folder import load_model
from hdoc.tokens.spelling import EDGE, UNKNOWN, Spelling

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

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import Unigram

from hdoc.text.sentences import split_sentences
from hdoc.tokens.tokenizer import PieceTokenizer, Window, word_spans, words_of_pieces


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> PieceTokenizer:
    return PieceTokenizer(Tokenizer.from_file(str(tiny_encoder / "tokenizer.json")), window=12)


def windows_of(tokenizer: PieceTokenizer, text: str) -> list[Window]:
    return tokenizer.windows(text, split_sentences(text))


def check(tokenizer: PieceTokenizer, text: str) -> list[Window]:
    windows = windows_of(tokenizer, text)
    position = 0
    for window in windows:
        assert not text[position : window.start].strip()
        assert 1 <= len(window.ids) <= tokenizer.capacity
        assert len(window.ids) == len(window.positions)
        spans = word_spans(text, window)
        assert "".join(text[start:end] for start, end in spans) == "".join(
            text[window.start : window.end].split()
        )
        for owner, place in zip(words_of_pieces(window, spans), window.positions, strict=True):
            assert spans[owner][0] <= place < spans[owner][1]
        position = window.end
    assert not windows or not text[position:].strip()
    return windows


def test_special_tokens_are_those_of_the_tokenizer(tokenizer: PieceTokenizer) -> None:
    vocabulary = tokenizer.tokenizer.get_vocab()
    assert tokenizer.prefix == [vocabulary["[CLS]"]]
    assert tokenizer.suffix == [vocabulary["[SEP]"]]
    assert tokenizer.capacity == 10


def test_pieces_that_continue_a_word_are_known_by_their_mark(tokenizer: PieceTokenizer) -> None:
    continuing = {i for piece, i in tokenizer.tokenizer.get_vocab().items() if piece.startswith("##")}
    assert set(np.flatnonzero(tokenizer.spelling.continuing)) == continuing
    assert 0 < len(continuing) < len(tokenizer.spelling.continuing)


@pytest.mark.parametrize(
    ("pieces", "expected", "spelt"),
    [
        (["▁버스", "가", "▁", "늦"], [False, True, False, True], " 버스가 늦 "),
        (["Ġbus", "es", "Ġ", "."], [False, True, False, True], " buses . "),
        (["버스", "가", "늦"], [False, False, False], " 버스 가 늦 "),  # nothing tells where words begin
    ],
)
def test_pieces_that_continue_a_word_lack_the_mark_of_those_that_open_one(
    pieces: list[str], expected: list[bool], spelt: str
) -> None:
    unigram = Tokenizer(Unigram([(piece, -1.0) for piece in pieces], unk_id=0))
    spelling = PieceTokenizer(unigram, window=12).spelling
    assert spelling.continuing.tolist() == expected
    characters, _ = spelling.spell(np.arange(len(pieces)))
    assert "".join(map(chr, characters)) == spelt


def test_one_sentence_is_one_window_if_it_fits(tokenizer: PieceTokenizer) -> None:
    text = "시장은 새 도서관을 열겠다. 그렇다."
    assert [text[window.start : window.end] for window in check(tokenizer, text)] == [
        "시장은 새 도서관을 열겠다.",
        "그렇다.",
    ]


def test_a_long_sentence_is_divided_between_words(tokenizer: PieceTokenizer) -> None:
    text = "버스 노선이 바뀌어 출근 시간이 두 배로 늘고 " * 20
    windows = check(tokenizer, text)
    assert len(windows) > 5
    for window in windows:
        assert text[window.start - 1 : window.start].strip() == ""
        assert text[window.end : window.end + 1].strip() == ""


def test_a_word_longer_than_a_window_is_divided_too(tokenizer: PieceTokenizer) -> None:
    # Punctuation becomes one piece a character, so this is one word of 200 pieces.
    windows = check(tokenizer, "말" + "?" * 200 + "끝")
    assert len(windows) == 21


def test_a_sentence_without_pieces_joins_its_neighbour(tokenizer: PieceTokenizer) -> None:
    text = "\x01\x02\n글이다.\n\x03\n또 있다."
    windows = check(tokenizer, text)
    assert [(window.start, window.end) for window in windows] == [(0, 9), (10, 15)]


def test_a_text_without_pieces_has_no_windows(tokenizer: PieceTokenizer) -> None:
    assert windows_of(tokenizer, "\x01 \x02\n\x03") == []


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(
        alphabet=st.one_of(st.characters(), st.sampled_from("가나다.! \n\x00버스노선이")), max_size=300
    )
)
def test_any_text_is_wholly_in_its_windows(tokenizer: PieceTokenizer, text: str) -> None:
    check(tokenizer, text)


def test_a_window_too_small_is_refused(tiny_encoder: Path) -> None:
    with pytest.raises(ValueError, match="expected a window of at least 3 pieces, got 2"):
        PieceTokenizer(Tokenizer.from_file(str(tiny_encoder / "tokenizer.json")), window=2)

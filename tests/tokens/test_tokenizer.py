from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import Unigram

from hdoc.text.sentences import split_sentences
from hdoc.tokens.tokenizer import PieceTokenizer, Window, word_spans, words_of_pieces
from tests.conftest import SENTENCES
from tests.text.test_sentences import NASTY
from tests.tokens.unigrams import PRE_TOKENIZERS, unigram


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
        assert spans
        for owner, place in zip(words_of_pieces(window, spans), window.positions, strict=True):
            assert not text[place].isspace()
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


@pytest.fixture(scope="module", params=PRE_TOKENIZERS)
def opening(request: pytest.FixtureRequest) -> PieceTokenizer:
    """A tokenizer whose pieces open words with `▁`."""
    return PieceTokenizer(unigram(request.param), window=12, pad_id=1)


def test_special_tokens_of_other_names_are_found(opening: PieceTokenizer) -> None:
    vocabulary = opening.tokenizer.get_vocab()
    assert (opening.prefix, opening.suffix) == ([vocabulary["<s>"]], [vocabulary["</s>"]])
    assert opening.capacity == 10


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(
        alphabet=st.one_of(
            st.characters(), st.sampled_from("가나버스 노선이▁ \n\t\x00\x1c\u200b\u3000ﷺ㎏<s>")
        ),
        max_size=120,
    )
)
def test_any_text_is_wholly_in_the_windows_of_pieces_that_open_words(
    opening: PieceTokenizer, text: str
) -> None:
    check(opening, text)


@pytest.mark.parametrize("name", NASTY)
def test_nasty_texts_are_wholly_in_the_windows_of_pieces_that_open_words(
    opening: PieceTokenizer, name: str
) -> None:
    check(opening, NASTY[name])


def test_pieces_belong_to_the_word_that_they_spell(opening: PieceTokenizer) -> None:
    pieces = {i: piece for piece, i in opening.tokenizer.get_vocab().items()}
    for text in (*SENTENCES[:10], "버스  가   뷁 뷁뷁 😀 늦게"):
        for window in windows_of(opening, text):
            spans = word_spans(text, window)
            words: list[str] = ["" for _ in spans]
            opened = [0 for _ in spans]
            for owner, i in zip(words_of_pieces(window, spans), window.ids, strict=True):
                words[owner] += pieces[i].removeprefix("▁")
                opened[owner] += pieces[i].startswith("▁")
            for (start, end), word in zip(spans, words, strict=True):
                if "<unk>" not in word:
                    assert word == text[start:end]
            assert min(opened) >= 1  # a space counts to the word that it opens


def test_a_long_run_of_spaces_makes_no_window(opening: PieceTokenizer) -> None:
    text = "버스" + " " * 500 + "노선"
    windows = check(opening, text)
    assert {text[start:end] for w in windows for start, end in word_spans(text, w)} == {"버스", "노선"}
    assert len(windows) <= 4


def test_a_character_of_more_pieces_than_a_window_holds_makes_one_window() -> None:
    tokenizer = PieceTokenizer(unigram("divided"), window=5)
    assert len(tokenizer.tokenizer.encode("ﷺ", add_special_tokens=False).ids) > tokenizer.capacity
    windows = check(tokenizer, "버스 ﷺ 노선 ﷺﷺ")
    assert all(window.start < window.end for window in windows)


def test_a_mark_is_the_one_that_most_pieces_begin_with() -> None:
    pieces = ["<unk>", "▁bus", "es", "▁tram", "Ġ", "Ġawli"]  # the last are Maltese, as XLM-R knows it
    spelling = PieceTokenizer(Tokenizer(Unigram([(piece, -1.0) for piece in pieces], unk_id=0)), 12).spelling
    assert spelling.continuing.tolist() == [True, False, True, False, True, True]
    characters, _ = spelling.spell(np.array([1, 2, 3, 5]))
    assert "".join(map(chr, characters)) == " buses tramĠawli "

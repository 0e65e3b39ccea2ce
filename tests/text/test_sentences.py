import subprocess
import sys
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdoc.text.sentences import Sentence, split_many, split_sentences

NASTY = {
    "nul": "앞에\x00는 있다. 뒤에도\x00 있습니다.\x00",
    "only controls": "\x01\x02 \x03\n글이다.",
    "emoji family": "가족 👨‍👩‍👧‍👦 입니다. 좋아요 👍🏽 정말로.",
    "nfd": unicodedata.normalize("NFD", "한국어 문장입니다. 또 하나 있습니다."),
    "right to left": "שלום עולם. مرحبا بالعالم. 안녕하세요.",
    "old hangul": "나랏말ᄊᆞ미 듕귁에 달아 문ᄍᆞᆼ와로 서르 ᄉᆞᄆᆞᆺ디 아니ᄒᆞᆯᄊᆡ",
    "no full stops": "정부는 오늘 새 정책을 발표하고 국회는 이를 따지며 " * 100,
    "unbalanced quotes": '"그는 말했다. 그리고 갔다. (또 왔다. ' * 40,
    "one long word": "가" * 20_000,
    "runs of one character": f"줄이다.{'=' * 700} 다음이다{'.' * 300}\n{'ㅋ' * 201}\u0301{'아' * 45_000} 끝",
    "zero width": "\u200b\ufeff글\u200b 이다.\u200d",
    "half a surrogate pair": "\ud800 반쪽이다. \udfff 끝.",
    "odd white space": "가\u3000나.\xa0다\x1c라\x85마\u2028바\r\n사\v아\f자",
    "markup": "<b>굵다.</b> &amp; \\n {x} %s [[링크]]",
}


def holds_everything(text: str) -> list[Sentence]:
    """Check that the sentences are in order, exact, trimmed, and hold each non-space character."""
    sentences = split_sentences(text)
    position = 0
    for sentence in sentences:
        assert not text[position : sentence.start].strip()
        assert text[sentence.start : sentence.end] == sentence.text == sentence.text.strip() != ""
        position = sentence.end
    assert not text[position:].strip()
    return sentences


def test_korean_sentences_are_found_with_their_places() -> None:
    text = "버스가 늦게 왔습니다. 그래서 지각했어요!\n\n 다음부터는 일찍 나가겠다고 말했다."
    assert [sentence.text for sentence in holds_everything(text)] == [
        "버스가 늦게 왔습니다.",
        "그래서 지각했어요!",
        "다음부터는 일찍 나가겠다고 말했다.",
    ]


def test_lines_are_sentences_where_a_text_is_split_already() -> None:
    text = "  하나다. 둘이다.\n\n\t셋\r\n넷"
    found = split_sentences(text, "lines")
    assert [sentence.text for sentence in found] == ["하나다. 둘이다.", "셋", "넷"]
    assert all(text[sentence.start : sentence.end] == sentence.text for sentence in found)
    assert list(split_many([text], rule="lines")) == [found]


def test_sentences_without_full_stops_are_found_by_their_endings() -> None:
    assert len(split_sentences("저는 평범한 주부입니다 저희 동네에 공장이 있습니다 냄새가 심합니다")) == 3


@pytest.mark.parametrize("text", ["", "   ", "\n\r\n\t\u3000"])
def test_blank_text_has_no_sentences(text: str) -> None:
    assert split_sentences(text) == []


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_nothing_is_lost_of_nasty_text(text: str) -> None:
    assert holds_everything(text)


def test_decomposed_hangul_is_split_like_composed() -> None:
    text = "한국어 문장입니다. 또 하나 있습니다. 그리고 끝났다."
    assert len(holds_everything(unicodedata.normalize("NFD", text))) == len(split_sentences(text)) == 3


def test_an_unbalanced_quote_spoils_one_line_only() -> None:
    text = '"그는 말했다. 이 따옴표는 닫히지 않는다.\n다음 줄이다. 여기는 괜찮다.'
    assert [sentence.text for sentence in split_sentences(text)][-2:] == ["다음 줄이다.", "여기는 괜찮다."]


def test_a_long_run_of_one_character_does_not_move_the_sentences_around_it() -> None:
    text = "그랬다{} 그리고 갔습니다. {} 라고 했다. 끝이다."
    short = [sentence.text for sentence in split_sentences(text.format("." * 150, "ㅋ" * 150))]
    found = holds_everything(text.format("." * 9_000, "ㅋ" * 9_000))
    assert len(found) == len(short) > 2
    for sentence, expected in zip(found, short, strict=True):
        assert sentence.text == expected.replace("." * 150, "." * 9_000).replace("ㅋ" * 150, "ㅋ" * 9_000)


def test_one_letter_again_and_again_takes_less_time_than_text() -> None:
    """Ten times the characters in less time: 10 MB of one letter would take minutes at the pace of text."""
    split_sentences("버스가 늦게 왔습니다.")
    began = time.process_time()
    split_sentences("버스가 늦게 왔습니다. " * 3_000)
    text_seconds = time.process_time() - began
    for letter in "가a.“":
        began = time.process_time()
        holds_everything(letter * 400_000)
        assert time.process_time() - began < text_seconds, letter


@settings(max_examples=60, deadline=None)
@given(
    st.text(alphabet=st.one_of(st.characters(), st.sampled_from("가나다.?! \n\"'()\x00요다")), max_size=200)
)
def test_nothing_is_lost_of_any_text(text: str) -> None:
    holds_everything(text)


def test_the_result_does_not_depend_on_texts_before() -> None:
    texts = [
        "'인용문이다. 두 번째다.' 라고 했다.",
        "인용문이다. 두 번째다.' 라고 했다.",
        "(괄호다. 안이다.) 밖이다.",
    ]
    first = [split_sentences(text) for text in texts]
    assert [split_sentences(text) for text in reversed(texts)] == first[::-1]


def test_worker_processes_give_the_same_in_order() -> None:
    texts = [f"{i}번째 글입니다. 문장이 둘입니다." for i in range(100)] + ["", "끝"]
    assert list(split_many(iter(texts), workers=2)) == [split_sentences(text) for text in texts]


def test_workers_read_only_a_little_ahead() -> None:
    taken = 0

    def endless():  # type: ignore[no-untyped-def]
        nonlocal taken
        while True:
            taken += 1
            yield "글이다."

    stream = split_many(endless(), workers=1)
    assert next(stream)
    stream.close()
    assert taken < 100


def test_the_slow_analyser_is_never_used_silently() -> None:
    program = (
        "import sys; sys.modules['mecab'] = None; sys.modules['konlpy'] = None; sys.modules['MeCab'] = None\n"
        "from hdoc.text.sentences import split_sentences; split_sentences('가.')"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "HdocError: expected the MeCab analyser that kss needs, found none" in result.stderr
    assert "pip install python-mecab-ko" in result.stderr


def test_an_address_in_one_text_does_not_change_how_another_is_split() -> None:
    """kss would hide the words of an address from MeCab in all texts after the one it stood in."""
    from hdoc.text import sentences

    split_sentences("자세한 것은 http://www.example.kr/a 를 보십시오. me@example.kr 로 써 주세요.")
    split_sentences("버스가 늦게 왔습니다.")
    *_, processor, numbers = sentences._kss()
    assert processor._normal_backup == numbers

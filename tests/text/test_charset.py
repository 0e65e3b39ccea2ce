import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdoc.text.charset import SAMPLE_SIZE, codec_of, recognise
from hdoc.text.documents import decode
from tests.text.articles import ARTICLE, SENTENCES

EVERYDAY = [
    syllable for syllable in map(chr, range(0xAC00, 0xD7A4)) if len(syllable.encode("euc_kr", "replace")) == 2
]


@settings(deadline=None)
@given(
    words=st.lists(st.text(st.sampled_from(EVERYDAY), min_size=1, max_size=6), min_size=3, max_size=80),
    separator=st.sampled_from([" ", "\n", "\r\n", ", ", "\t", ". "]),
    encoding=st.sampled_from(["utf-8", "cp949", "euc-kr", "utf-16-le", "utf-16-be"]),
)
def test_korean_without_mark_is_recognised(words, separator, encoding):
    text = separator.join(words)
    assert decode(text.encode(encoding), None, "x") == text


@pytest.mark.parametrize("text", [*SENTENCES, ARTICLE, ARTICLE * 500])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16", "utf-32"])
def test_sentences_and_articles_are_recognised(text, encoding):
    assert decode(text.encode(encoding), None, "x") == text


@pytest.mark.parametrize("length", [10, 20, 50, 200])
def test_every_stretch_of_an_article_is_recognised_as_cp949(length):
    for start in range(len(ARTICLE) - length):
        stretch = ARTICLE[start : start + length]
        assert decode(stretch.encode("cp949"), None, "x") == stretch


def test_cp949_after_much_ascii_is_recognised():
    text = "date,level,message\n" * 20_000 + ARTICLE
    assert decode(text.encode("cp949"), None, "x") == text


def test_cp949_without_any_white_space_is_recognised_beyond_the_sample():
    text = "가나" + "다" * SAMPLE_SIZE
    for shift in ("", "a"):
        assert decode((shift + text).encode("cp949"), None, "x") == shift + text


def test_detector_is_not_loaded_for_utf8():
    code = (
        "import sys; from hdoc.text.documents import decode;"
        "decode('국회는 오늘'.encode(), None, 'x'); decode('국회는 오늘'.encode('cp949'), None, 'x');"
        "sys.exit('charset_normalizer' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_large_files_are_recognised_from_a_sample():
    data = (ARTICLE * 40_000).encode("cp949")  # some 30 MB
    start = time.perf_counter()
    assert recognise(data) == "cp949"
    assert time.perf_counter() - start < 0.5


def test_codec_of_ascii_is_utf8():
    assert codec_of(b"plain", None, "x") == "utf-8"

import codecs
import io
import os
import random
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hdoc.errors import InputError
from hdoc.text.charset import is_blank
from hdoc.text.documents import decode, read_document
from tests.text.articles import ARTICLE

MARKED = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


# What texts are made of: any character of any script but lone surrogates, which no encoding can carry.
texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=200).filter(
    lambda text: not is_blank(text) and sum(map(text.count, map(chr, range(32)))) <= 8
)


@settings(deadline=None)  # first calls import, and machines are shared
@given(text=texts, encoding=st.sampled_from(sorted(MARKED)))
def test_marked_text_comes_back_unaltered(text, encoding):
    # FF FE 00 00 begins UTF-32 by the standard, though it could be UTF-16 that starts with NUL.
    assume(not text.startswith("\0"))
    assert decode(MARKED[encoding] + text.encode(encoding), None, "x") == text


@settings(deadline=None)
@given(text=texts)
def test_utf8_without_mark_comes_back_unaltered(text):
    assume(not text.startswith("\ufeff") and "\0" not in text)
    assert decode(text.encode(), None, "x") == text


@settings(deadline=None)
@given(text=st.lists(st.sampled_from([*ARTICLE, "\x00"]), min_size=4, max_size=60).map("".join))
def test_some_nul_among_korean_is_text(text):
    assume(not is_blank(text) and text.count("\x00") <= 8 and not text.isascii())
    assert decode(text.encode(), None, "x") == text


@settings(deadline=None)
@given(text=texts, encoding=st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-32-be", "gb18030"]))
def test_encoding_that_is_given_is_used(text, encoding):
    assume(not text.startswith("\ufeff"))
    assert decode(text.encode(encoding), encoding, "x") == text


def test_two_marks_lose_only_one():
    assert decode(codecs.BOM_UTF8 * 2 + b"a", None, "x") == "\ufeffa"
    assert decode(codecs.BOM_UTF8 + b"a", "utf-8", "x") == "a"
    assert decode(codecs.BOM_UTF16_BE + "가".encode("utf-16-be"), "utf-16-be", "x") == "가"


def test_utf16_that_starts_with_nul_is_not_utf32():
    assert decode(codecs.BOM_UTF16_LE + "\0가나다".encode("utf-16-le"), None, "x") == "\0가나다"


def test_line_ends_spaces_nul_and_jamo_stay():
    text = "  첫 줄\r\n둘째\r셋째\x00\n\n\u2028\u1112\u1161\u11ab 끝 \t\n"
    assert decode(text.encode(), None, "x") == text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "got nothing (0 bytes)"),
        (codecs.BOM_UTF8, "nothing but white space (0 characters)"),
        (b" \r\n\t ", "nothing but white space (5 characters)"),
        ("\u3000\n".encode(), "nothing but white space (2 characters)"),
        (b"\0\0\0", "nothing but white space"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "got a PDF file"),
        (b"PK\x03\x04\x14\x00\x06\x00", "HWPX"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(20), "got an HWP, DOC or XLS file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "got a PNG picture"),
        (b"GIF89a\x01\x00\x01\x00\x80\x00\x00", "got a GIF picture"),
        (random.Random(0).randbytes(5000), "got binary data"),
        (bytes(4096), "4096 of 4096 characters are control characters"),
        (b"a" * 100 + bytes(4096), "4096 of 4196 characters are control characters"),
        ("국회는 오늘 본회의를 열었다".encode()[:-1], "middle of a character at byte offset 36 of 38"),
        (
            "국회는 오늘 ".encode() + b"\xb0\xa1" + "본회의를 열어".encode(),
            "expected UTF-8, got byte 0xb0 at byte offset 17 of",
        ),
        ("국회는".encode("utf-16")[:-1], "ends in the middle of a character at byte offset 6 of 7"),
        (
            ARTICLE.encode("cp949") + b"\xff\xff" + ARTICLE.encode("cp949"),
            "expected CP949, got byte 0xff at byte",
        ),
        ((ARTICLE * 200).encode("cp949") + b"\xff\xff", "expected CP949, got byte 0xff at byte offset"),
        (
            "本日午後、国会では環境保護に関する法律案が審議されました。".encode("shift_jis"),
            "give --encoding shift_jis",
        ),
        ("Ça va être difficile, les élèves sont naïfs.".encode("cp1252"), "give --encoding cp125"),
    ],
)
def test_what_is_no_text_gets_one_clear_line(data, words):
    with pytest.raises(InputError) as raised:
        decode(data, None, "news.txt")
    message = str(raised.value)
    assert message.startswith("news.txt: expected ")
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("words", ["GIF89a는 그림 형식이다.", "PAR1은 예약이 아니다.", "BZh", "PK 전쟁"])
def test_texts_that_begin_like_a_binary_file_are_texts(words):
    assert decode(words.encode(), None, "x") == words


@pytest.mark.parametrize(
    ("data", "encoding", "words"),
    [
        (
            "국회".encode("cp949"),
            "utf-8",
            "expected UTF-8, got byte 0xb1 at byte offset 0 of 4; leave --encoding out",
        ),
        (b"a", "utf8000", "unknown encoding 'utf8000': expected a name such as utf-8, cp949"),
        (b"a", "hex", "unknown encoding 'hex'"),
        (b"a", "a\0b", "unknown encoding"),
        (b"a", "", "unknown encoding ''"),
        (b"a", "undefined", "cannot be decoded"),
        (
            "국회".encode("cp949")[:-1],
            "cp949",
            "expected whole CP949, but it ends in the middle of a character",
        ),
    ],
)
def test_encoding_that_is_given_is_strict(data, encoding, words):
    with pytest.raises(InputError) as raised:
        decode(data, encoding, "news.txt")
    assert words in str(raised.value)


def test_files_and_standard_input_are_read(tmp_path, monkeypatch):
    path = tmp_path / "기사.txt"
    path.write_bytes(ARTICLE.encode("cp949"))
    assert read_document(path) == read_document(str(path), "cp949") == ARTICLE
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ARTICLE.encode("cp949"))))
    assert read_document("-") == ARTICLE


def test_empty_standard_input_is_named(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(InputError, match=r"^standard input: expected a text, got nothing"):
        read_document("-")


def test_files_that_cannot_be_read_say_why(tmp_path):
    with pytest.raises(InputError, match=r"no\.txt: expected a file, but there is nothing of this name"):
        read_document(tmp_path / "no.txt")
    with pytest.raises(InputError, match="got a folder; give a file in it"):
        read_document(tmp_path)
    loop = tmp_path / "loop.txt"
    loop.symlink_to(loop)
    with pytest.raises(InputError, match=r"cannot be read \(Too many levels"):
        read_document(loop)
    with pytest.raises(InputError, match="cannot be read"):
        read_document("a\0b")


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX permissions")
def test_files_without_permission_say_so():
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        Path(folder).chmod(0o755)
        path = Path(folder) / "secret.txt"
        path.write_text("비밀", encoding="utf-8")
        path.chmod(0)
        try:
            if user == 0:  # root may read everything
                os.seteuid(65534)
            with pytest.raises(InputError, match=r"secret\.txt: .* no permission to read it"):
                read_document(path)
        finally:
            if user == 0:
                os.seteuid(user)

"""Which encoding bytes are in, in the order of certainty, and which bytes are no text.

A byte order mark settles it; then UTF-16 without one, UTF-8, and CP949 (which holds EUC-KR) where what
comes out is Korean. charset-normalizer alone takes one in three Korean lines of up to eight characters
for Chinese, so it is asked last: about Korean with much Hanja, and to put a name to what hdoc does not
decode on its own, since a wrong guess would be a wrong text.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter

from hdoc.errors import InputError

SAMPLE_SIZE = 65_536
"""Bytes that decide: a few hundred Korean characters tell every encoding apart."""

# (mark, codec that takes it off, codec that would leave it in); UTF-32 first, its mark begins like UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)
_DECODED_UNASKED = {"utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp949"}
_CANDIDATES = ["cp949", "shift_jis", "euc_jp", "gb18030", "big5", "cp1252", "cp1251"]
# Of the letters beyond ASCII, Korean read as CP949 has more than the first share of everyday Hangul in
# 99.4 % of its lines; Chinese or Japanese read as CP949 falls below it within a sentence or two. Between
# the two shares charset-normalizer has to confirm it.
_HANGUL_SHARE = 0.7
_HANGUL_SHARE_CONFIRMED = 0.5
_DAMAGE_SHARE = 0.01
_UTF16_SHARE = 0.8
_UTF16_KNOWN = re.compile(r"[\t\n\r -~\u2010-\u203b\u3000-\u3015\u3131-\u318e가-힣]")

_CONTROLS = bytes(code for code in (*range(32), 127) if code not in b"\a\b\t\n\v\f\r\x1b")
"""Control characters that no editor writes. Tab, line and page ends, backspace, bell and escape (colours
in logs) are text, as they are for file(1)."""
# A stray control belongs to the text; more than one character in twenty is data. The first few pass
# whatever their share, or a short text could not hold one.
_STRAY_CONTROLS = 8
_CONTROL_SHARE = 0.05
_BINARY_KINDS = (
    (b"%PDF-", "a PDF file"),
    (b"PK\x03\x04", "a ZIP file (DOCX, XLSX and HWPX are such files)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an HWP, DOC or XLS file"),
    (b"HWP Document File", "an HWP file"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x1f\x8b\x08", "a gzip file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"BZh", "a bzip2 file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z file"),
    (b"Rar!\x1a", "a RAR file"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x7fELF", "a program"),
)


def codec_of(data: bytes, encoding: str | None, name: str) -> str:
    """Name the codec that reads a file without its byte order mark.

    Args:
        data: the file or its first bytes (`SAMPLE_SIZE` are enough), which may end inside a character.
        encoding: what the user says; None to recognise it.
        name: what errors call the file.

    Raises:
        InputError: Python knows no such encoding, or none was recognised.
    """
    if encoding is None:
        return _recognised(data, name)
    try:
        codec = codecs.lookup(encoding).name
        b"hdoc".decode(codec)  # codecs that turn bytes into bytes, such as hex, are refused only here
    except UnicodeError:
        pass
    except (LookupError, ValueError) as error:
        raise InputError(
            f"unknown encoding {encoding!r}: expected a name such as utf-8, cp949, euc-kr or utf-16; "
            "leave --encoding out to have it recognised"
        ) from error
    return next((clean for mark, clean, bare in _MARKS if data.startswith(mark) and codec == bare), codec)


def _recognised(data: bytes, name: str) -> str:
    codec = recognise(data)
    if codec in _DECODED_UNASKED:
        return str(codec)
    if codec is None and share_of_controls(data) > _CONTROL_SHARE:
        raise InputError(f"{name}: expected a text, got binary data; save it as plain text (.txt)")
    remedy = "if it is a text, give its encoding, for example --encoding cp949"
    if codec:
        remedy = f"it looks like {codec}: if so, give --encoding {codec}"
    raise InputError(
        f"{name}: expected a text in UTF-8, UTF-16 or CP949 (EUC-KR), got bytes that fit none; {remedy}"
    )


def recognise(data: bytes) -> str | None:
    """Name the codec of bytes whose end may be cut off, or None if they fit none that is known.

    Bytes that are UTF-8 but for some damage are called UTF-8, so that strict decoding can say where.
    """
    codec = _marked(data) or _unmarked_utf16(data[:SAMPLE_SIZE])
    if codec:
        return codec
    # ASCII says nothing about the encoding: the sample starts where something else does.
    first = re.search(rb"[\x80-\xff]", data)
    if first is None:
        return "utf-8"
    sample = data[first.start() : first.start() + SAMPLE_SIZE]
    if _is_utf8(sample):
        return "utf-8"
    if _hangul_share(sample) > _HANGUL_SHARE:
        return "cp949"
    # The detector knows no cut-off character, and no encoding has a space or a line feed inside one.
    if first.start() + SAMPLE_SIZE < len(data) and len(sample.split()) > 1:
        sample = sample.rsplit(maxsplit=1)[0]
    return _detected(sample)


def refuse_known_binary(data: bytes, name: str) -> None:
    """Refuse what is known by its first bytes to be no text.

    Raises:
        InputError: names what the file is.
    """
    for mark, kind in _BINARY_KINDS:
        # A text may well begin with "GIF8" or "PAR1"; such a file has control characters right after it.
        if data.startswith(mark) and (mark == b"%PDF-" or share_of_controls(data[:64])):
            raise InputError(f"{name}: expected a text, got {kind}; save it as plain text (.txt)")


def refuse_controls(text: str, name: str) -> None:
    """Refuse a text that has too many control characters to be one; a few of them are text.

    Raises:
        InputError: says how many there are.
    """
    n_controls = sum(text.count(chr(code)) for code in _CONTROLS)
    if n_controls > max(_STRAY_CONTROLS, _CONTROL_SHARE * len(text)):
        raise InputError(
            f"{name}: expected a text, got binary data ({n_controls} of {len(text)} characters are control "
            "characters); save it as plain text (.txt)"
        )


def is_blank(text: str) -> bool:
    """Whether a text holds nothing but white space and control characters."""
    controls = _CONTROLS.decode()
    return all(character.isspace() or character in controls for character in text)


def share_of_controls(data: bytes) -> float:
    """Share of bytes that are control characters in any encoding that extends ASCII, 0 to 1."""
    return 1 - len(data.translate(None, _CONTROLS)) / len(data) if data else 0.0


def _marked(data: bytes) -> str | None:
    for mark, codec, _ in _MARKS:
        if data.startswith(mark):
            if codec == "utf-32" and not _decodes(data[: min(len(data), SAMPLE_SIZE) // 4 * 4], codec):
                continue  # UTF-16 whose text begins with NUL
            return codec
    return None


def _unmarked_utf16(sample: bytes) -> str | None:
    """UTF-16 whose text is nearly all Korean and ASCII, which no other encoding looks like by chance.

    It has a NUL byte in every space, digit and line end; text without any of them needs a mark.
    """
    if b"\x00" not in sample:
        return None
    for codec in ("utf-16-le", "utf-16-be"):
        text = sample[: len(sample) // 2 * 2].decode(codec, errors="replace")
        n_known = len(_UTF16_KNOWN.findall(text))
        if n_known >= _UTF16_SHARE * len(text) and any(character <= "~" for character in text):
            return codec
    return None


def _is_utf8(sample: bytes) -> bool:
    """Whether a sample, whose end may be cut off, is UTF-8 or was until some of it was damaged."""
    decoder = codecs.getincrementaldecoder("utf-8")
    try:
        text = decoder().decode(sample)
    except UnicodeDecodeError:
        # Sequences of three bytes and more turn up by chance far more rarely than bytes that are wrong.
        text = decoder("replace").decode(sample)
        n_long = sum(1 for character in text if character >= "\u0800" and character != "\ufffd")
        return n_long > text.count("\ufffd")
    return bool(text)


def _detected(sample: bytes) -> str | None:
    """What charset-normalizer takes the sample for; its CP949 needs some Hangul to be believed."""
    if share_of_controls(sample) > _CONTROL_SHARE:
        return None

    from charset_normalizer import from_bytes

    match = from_bytes(sample, cp_isolation=_CANDIDATES, enable_fallback=False).best()
    if match is None or (match.encoding == "cp949" and _hangul_share(sample) < _HANGUL_SHARE_CONFIRMED):
        return None
    return match.encoding


def _hangul_share(sample: bytes) -> float:
    """Share of everyday Hangul in the letters beyond ASCII, read as CP949; 0 if it is not CP949.

    The sample's end may be cut off, and a little damage is let pass, so that strict decoding can say where.
    """
    counts = Counter(codecs.getincrementaldecoder("cp949")("replace").decode(sample))
    letters = {character: n for character, n in counts.items() if character > "~" and character.isalpha()}
    n_letters = sum(letters.values())
    if not n_letters or counts["\ufffd"] > _DAMAGE_SHARE * n_letters:
        return 0.0
    return (
        sum(n for letter, n in letters.items() if "가" <= letter <= "힣" and _is_everyday(letter)) / n_letters
    )


def _is_everyday(syllable: str) -> bool:
    """Whether it is one of the 2,350 syllables of KS X 1001, which chance rarely hits again and again."""
    return len(syllable.encode("euc_kr", errors="replace")) == 2


def _decodes(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeError:
        return False
    return True

"""What is done to documents: they are damaged, made very large, or made to do harm."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO

_ENCODINGS = ("utf-8", "cp949", "utf-16", "utf-16-le", "utf-32", "utf-8-sig")
_MEGABYTE = 1 << 20

Mutation = Callable[[str, random.Random], bytes]


def mutate(texts: Sequence[str], n_documents: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield what was done to a document, and the document.

    Args:
        texts: ordinary documents.
        n_documents: how many to make, evenly over the mutations.
        seed: decides all of it.
    """
    choose = random.Random(seed)  # noqa: S311 (no secret)
    kinds = list(_MUTATIONS.items())
    for i in range(n_documents):
        name, change = kinds[i % len(kinds)]
        yield name, change(choose.choice(texts), choose)


def extremes() -> Iterator[tuple[str, bytes]]:
    """Yield documents that are large, or tell to be."""
    yield "10 MB of one Korean letter", "가".encode() * (10 * _MEGABYTE // 3)
    yield "10 MB of one Latin letter", b"a" * (10 * _MEGABYTE)
    yield (
        "10 MB of one mark that joins the letter before",
        "가".encode() + "\u0301".encode() * (5 * _MEGABYTE),
    )
    yield "1 MB of full stops", b"." * _MEGABYTE
    yield "1 MB of opened quotes", "“".encode() * (_MEGABYTE // 3)
    yield "1 MB of line feeds and a word", b"\n" * _MEGABYTE + "버스".encode()
    yield "10 MB of NULs", b"\0" * (10 * _MEGABYTE)
    yield "10 MB of spaces", b" " * (10 * _MEGABYTE)
    yield "100,000 short lines", "버스.\n".encode() * 100_000
    yield "a zip that unpacks to 4 GB, as .docx", zip_bomb()
    yield "a zip within a zip, as .docx", _zipped("word/document.xml", zip_bomb())


def zip_bomb(size: int = 4 << 30) -> bytes:
    """Return a .docx of a few megabytes whose document unpacks to so many bytes."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/document.xml", "w", force_zip64=True) as part:
            for _ in range(size // (16 * _MEGABYTE)):
                part.write(b" " * (16 * _MEGABYTE))
    return out.getvalue()


def _flip(text: str, choose: random.Random) -> bytes:
    content = bytearray(text.encode())
    for _ in range(choose.choice((1, 3, 30))):
        content[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
    return bytes(content)


def _cut(text: str, choose: random.Random) -> bytes:
    content = text.encode()
    start = choose.randrange(len(content))
    return content[start : start + choose.randrange(1, 400)]


def _mixed(text: str, choose: random.Random) -> bytes:
    place = choose.randrange(len(text))
    one, other = choose.sample(_ENCODINGS, 2)
    return text[:place].encode(one, "replace") + text[place:].encode(other, "replace")


def _noise(text: str, choose: random.Random) -> bytes:
    return choose.randbytes(choose.randrange(1, len(text) + 2))


def _nuls(text: str, choose: random.Random) -> bytes:
    characters = list(text)
    for _ in range(choose.choice((1, 5, 200))):
        characters.insert(
            choose.randrange(len(characters)), choose.choice("\0\x01\x1b\x7f\ufeff\u200b\u202e\x85")
        )
    return "".join(characters).encode()


def _letter(text: str, choose: random.Random) -> bytes:
    return (choose.choice(text) * choose.choice((1, 50, 5_000))).encode()


def _shuffled(text: str, choose: random.Random) -> bytes:
    characters = list(text)
    choose.shuffle(characters)
    return "".join(characters).encode(choose.choice(_ENCODINGS), "replace")


def _strange(text: str, choose: random.Random) -> bytes:
    """Put any characters that there are among those of the text, half surrogates as WTF-8 too."""
    characters = list(text[:500])
    for _ in range(50):
        characters.insert(choose.randrange(len(characters)), chr(choose.randrange(0x110000)))
    return "".join(characters).encode("utf-8", choose.choice(("surrogatepass", "replace")))


def _decomposed(text: str, choose: random.Random) -> bytes:
    import unicodedata

    return unicodedata.normalize("NFD", text[: choose.randrange(1, len(text))]).encode()


def _zipped(name: str, content: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def _document(text: str, choose: random.Random) -> bytes:
    """Return a .docx that says it is a text, whole or cut."""
    content = _zipped("word/document.xml", text.encode())
    return content[: choose.randrange(1, len(content))] if choose.random() < 0.5 else content


_MUTATIONS: dict[str, Mutation] = {
    "bits flipped": _flip,
    "UTF-8 cut": _cut,
    "encodings mixed": _mixed,
    "random bytes": _noise,
    "NULs and controls": _nuls,
    "one letter again and again": _letter,
    "characters shuffled": _shuffled,
    "any characters": _strange,
    "decomposed and cut": _decomposed,
    "an archive": _document,
}

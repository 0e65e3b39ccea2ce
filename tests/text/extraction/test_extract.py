import struct
import zlib
from contextlib import suppress
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdoc import InputError
from hdoc.text.extraction.extract import extract
from hdoc.text.extraction.sandbox import extract_in_process
from tests.places import ROOT

for module in ("docx", "pypdf", "trafilatura"):
    pytest.importorskip(module, reason="needs the extra serve")

SAMPLES = ROOT / "hdoc" / "assets" / "samples"


def docx_of(*paragraphs: str) -> bytes:
    import docx

    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    table = document.add_table(1, 2)
    for cell, text in zip(table.rows[0].cells, ("왼쪽", "오른쪽"), strict=True):
        cell.text = text
    content = BytesIO()
    document.save(content)
    return content.getvalue()


def pdf_of(text: str) -> bytes:
    """Return a PDF of one page in a font that every reader has; Latin text only."""
    content = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    pdf = BytesIO(b"")
    pdf.write(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(pdf.tell())
        pdf.write(b"%d 0 obj%s endobj\n" % (number, body))
    start = pdf.tell()
    pdf.write(b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places))
    pdf.write(b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % start)
    return pdf.getvalue()


@pytest.mark.parametrize("read", [extract, extract_in_process])
def test_a_word_document_gives_paragraphs_and_tables(read) -> None:
    text = read(docx_of("버스 노선이 바뀌었다.", "", "모두 늦었다."), "글.docx")
    assert text == "버스 노선이 바뀌었다.\n\n모두 늦었다.\n왼쪽\t오른쪽"


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_a_web_page_gives_its_article_without_menus(encoding: str) -> None:
    paragraphs = (SAMPLES / "pets.txt").read_text("utf-8").split("\n\n")
    menu = "".join(f"<li><a href='/{i}'>메뉴 {i}</a></li>" for i in range(30))
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs[1:])
    page = f"<html><head><title>t</title><script>alert(1)</script></head><body><nav><ul>{menu}</ul></nav>"
    page += f"<article><h1>{paragraphs[0]}</h1>{body}</article><footer>저작권 표시</footer></body></html>"
    text = extract(page.encode(encoding), "기사.html")
    for paragraph in paragraphs:
        assert paragraph.strip() in text
    assert "메뉴 7" not in text
    assert "alert" not in text
    assert text.count("\n") >= len(paragraphs) - 1


def test_a_page_that_is_no_article_gives_all_its_text() -> None:
    assert extract(b"<p>" + "짧은 글입니다.".encode() + b"</p>", "a.htm") == "짧은 글입니다."


def test_a_pdf_gives_its_pages() -> None:
    assert extract(pdf_of("Bus 42 is late"), "a.pdf") == "Bus 42 is late"


def test_plain_text_is_decoded() -> None:
    assert extract("버스 노선".encode("cp949"), "편지.txt") == "버스 노선"


@pytest.mark.parametrize("suffix", ["docx", "pdf", "html"])
def test_what_cannot_be_read_is_told(suffix: str) -> None:
    with pytest.raises(InputError, match=rf"^글\.{suffix}: expected a document, got nothing \(0 bytes\)"):
        extract(b"", f"글.{suffix}")
    if suffix != "html":
        with pytest.raises(InputError, match=rf"^글\.{suffix}: (the file is damaged|expected a \.docx)"):
            extract_in_process(b"\x00\x01 broken", f"글.{suffix}")


def test_a_document_without_text_is_told() -> None:
    with pytest.raises(InputError, match="text recognition first"):
        extract(pdf_of(""), "scan.pdf")


def test_a_locked_pdf_is_told() -> None:
    import pypdf

    writer = pypdf.PdfWriter(clone_from=BytesIO(pdf_of("secret")))
    writer.encrypt("key", algorithm="RC4-128")
    content = BytesIO()
    writer.write(content)
    with pytest.raises(InputError, match="locked with a password"):
        extract(content.getvalue(), "a.pdf")


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    content = BytesIO(docx_of("글"))
    with ZipFile(content, "a", ZIP_DEFLATED) as archive:
        archive.writestr("word/media/bomb", b"\0" * (210 * 2**20))
    assert len(content.getvalue()) < 2**20
    with pytest.raises(InputError, match="at most 209,715,200 bytes when unpacked"):
        extract(content.getvalue(), "a.docx")


def test_an_archive_that_lies_about_its_size_does_no_harm() -> None:
    content = BytesIO()
    with ZipFile(BytesIO(docx_of("글"))) as given, ZipFile(content, "w", ZIP_DEFLATED) as archive:
        for name in given.namelist():
            data = given.read(name)
            archive.writestr(name, data + b" " * (20 * 2**20) if name == "word/document.xml" else data)
    lying = bytearray(content.getvalue())
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = lying.find(signature)
        while place >= 0:
            if struct.unpack_from("<I", lying, place + offset)[0] > 2**20:
                struct.pack_into("<I", lying, place + offset, 4_000)
            place = lying.find(signature, place + 4)
    with pytest.raises(InputError, match=r"a\.docx: "):
        extract_in_process(bytes(lying), "a.docx")


def test_entities_are_not_expanded() -> None:
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e0 "버스">{levels}]><html><p>&e9;</p></html>'
    with suppress(InputError):  # refusing it is as good
        assert len(extract_in_process(bomb.encode(), "a.html")) < 10_000


def test_a_pdf_stream_that_unpacks_without_end_is_refused() -> None:
    data = zlib.compress(b"BT " + b" " * (120 * 2**20), 1)
    pdf = pdf_of("x").replace(b"<</Length", b"<</Filter/FlateDecode/Length")
    start = pdf.index(b"stream\n") + 7
    pdf = pdf[:start] + data + pdf[pdf.index(b"\nendstream") :]
    pdf = pdf.replace(b"/Length 40", b"/Length %d" % len(data))
    with pytest.raises(InputError, match=r"a\.pdf: "):
        extract_in_process(pdf, "a.pdf")


@settings(max_examples=60, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=300),
        st.builds(
            lambda whole, at, what: whole[: at % len(whole)] + what + whole[at % len(whole) + len(what) :],
            st.sampled_from([docx_of("버스 노선"), pdf_of("bus"), "<p>버스</p>".encode()]),
            st.integers(0, 10**6),
            st.binary(min_size=1, max_size=40),
        ),
    ),
    suffix=st.sampled_from([".docx", ".pdf", ".html", ".txt", ""]),
)
def test_damage_gives_text_or_one_clear_error(data: bytes, suffix: str) -> None:
    try:
        text = extract(data, f"a{suffix}")
    except InputError as error:
        text = str(error).partition(f"a{suffix}: ")[2]
    assert text

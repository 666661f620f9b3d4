# SPDX-License-Identifier: Apache-2.0
"""Documents and text files carry one label, which independent readers find; all else stays as it was (Article 16)."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import zipfile
from collections.abc import Callable

import docx
import openpyxl
import pptx
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pdfminer.pdfdocument import PDFDocument
from pdfminer.pdfparser import PDFParser
from pypdf import PdfReader, PdfWriter

from guiju.marking.family import Family, MarkingError
from guiju.marking.html_page import HTML_PAGE
from guiju.marking.label import generated, parse
from guiju.marking.markdown import MARKDOWN
from guiju.marking.office import OFFICE
from guiju.marking.pdf import PDF
from guiju.marking.plain import PLAIN
from guiju.terms import Label

OURS = generated(Label("001191110000600037341L10000", "06EXAMPLE0000000000000000"))
OTHER = generated(Label("001191110000600037341L10000", "07EXAMPLE0000000000000000", "2"))


@functools.cache
def _docx() -> bytes:
    made, out = docx.Document(), io.BytesIO()
    made.add_heading("题目", 1)
    made.core_properties.author = "某人"
    made.save(out)
    return out.getvalue()


@functools.cache
def _xlsx() -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    made.active["A1"] = "=1+1"
    made.save(out)
    return out.getvalue()


@functools.cache
def _pptx() -> bytes:
    made, out = pptx.Presentation(), io.BytesIO()
    made.slides.add_slide(made.slide_layouts[0]).shapes.title.text = "题目"
    made.save(out)
    return out.getvalue()


@functools.cache
def _pdf() -> bytes:
    made, out = PdfWriter(), io.BytesIO()
    made.add_blank_page(200, 200)
    made.add_metadata({"/Title": "题目", "/Author": "某人"})
    made.write(out)
    return out.getvalue()


MARKED = "---\ntitle: 题目\ntags: [a, b]\n---\n\n# 题目\n\n---\n\n正文\n".encode()
PAGE = "<!DOCTYPE html>\n<html><head><title>题目 <head></title></head><body><meta name=aigc content=x></body></html>".encode()


def _in_custom(data: bytes) -> str:
    return next(prop.value for prop in openpyxl.load_workbook(io.BytesIO(data)).custom_doc_props.props)


def _in_part(data: bytes) -> str:
    """Read by another way than the writer's: the office libraries open the file, a tree gives the property."""
    tree = docx.opc.oxml.parse_xml if zipfile.ZipFile(io.BytesIO(data)).NameToInfo.get("word/document.xml") else None
    if tree:
        docx.Document(io.BytesIO(data))
    else:
        pptx.Presentation(io.BytesIO(data))
    root = docx.opc.oxml.parse_xml(zipfile.ZipFile(io.BytesIO(data)).read("docProps/custom.xml"))
    return root.xpath("string(/*/*[@name='AIGC']/*)")


def _in_pdf(data: bytes) -> str:
    return PDFDocument(PDFParser(io.BytesIO(data))).info[0]["AIGC"].decode()


def _in_front(data: bytes) -> str:
    return json.dumps(next(yaml.safe_load_all(data))["AIGC"])


def _in_page(data: bytes) -> str:
    return docx.opc.oxml.etree.fromstring(data, docx.opc.oxml.etree.HTMLParser(encoding="utf-8")).xpath(
        "string(/html/head/meta[@name='AIGC']/@content)"
    )


CASES = {
    "docx": (OFFICE, _docx, _in_part),
    "xlsx": (OFFICE, _xlsx, _in_custom),
    "pptx": (OFFICE, _pptx, _in_part),
    "pdf": (PDF, _pdf, _in_pdf),
    "markdown": (MARKDOWN, lambda: MARKED, _in_front),
    "html": (HTML_PAGE, lambda: PAGE, _in_page),
}
Case = tuple[Family, Callable[[], bytes], Callable[[bytes], str]]


def written(family: Family, data: bytes, aigc: object = OURS) -> bytes:
    out = io.BytesIO()
    family.write(io.BytesIO(data), out, aigc)  # type: ignore[arg-type] # any label
    return out.getvalue()


@pytest.mark.parametrize("name", CASES)
def test_one_label_is_written_and_an_independent_reader_finds_it(name: str) -> None:
    family, made, reader = CASES[name]
    data = made()
    assert family.knows(data[:4096])
    assert family.read(io.BytesIO(data)) == []
    once = written(family, data)
    assert json.loads(reader(once)) == OURS.fields()
    twice = written(family, once, OTHER)
    assert json.loads(reader(twice)) == OTHER.fields()
    (found,) = family.read(io.BytesIO(twice))
    read = parse(found.text)
    assert read is not None
    assert (read.aigc, read.faults) == (OTHER, ())


@pytest.mark.parametrize("name", ["docx", "xlsx", "pptx"])
def test_all_other_members_of_a_package_stay(name: str) -> None:
    _, made, _ = CASES[name]
    before, after = (zipfile.ZipFile(io.BytesIO(data)) for data in (made(), written(OFFICE, made())))
    changed = {"[Content_Types].xml", "_rels/.rels", "docProps/custom.xml"}
    for info in before.infolist():
        if info.filename not in changed:
            assert after.read(info.filename) == before.read(info.filename)
            assert after.getinfo(info.filename).date_time == info.date_time
    assert set(after.namelist()) - set(before.namelist()) == {"docProps/custom.xml"}


def test_a_package_without_a_break_between_its_elements_is_labelled() -> None:
    """The tag that closes the root stands behind one that closes itself."""
    out, old = io.BytesIO(), zipfile.ZipFile(io.BytesIO(_docx()))
    with zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            new.writestr(info, old.read(info.filename).replace(b"\n", b"").replace(b"\r", b""))
    (found,) = OFFICE.read(io.BytesIO(written(OFFICE, out.getvalue())))
    assert json.loads(found.text) == OURS.fields()


def test_custom_properties_of_others_stay() -> None:
    made, out = openpyxl.Workbook(), io.BytesIO()
    for name, value in (("Department", "研发"), ("aigc", "old")):
        made.custom_doc_props.append(openpyxl.packaging.custom.StringProperty(name=name, value=value))
    made.save(out)
    book = openpyxl.load_workbook(io.BytesIO(written(OFFICE, out.getvalue())))
    assert {prop.name: prop.value for prop in book.custom_doc_props.props} == {
        "Department": "研发",
        "AIGC": OURS.bare(),
    }


def test_a_signed_package_is_refused_with_the_reason() -> None:
    out = io.BytesIO(_docx())
    with zipfile.ZipFile(out, "a") as package:
        relations = package.read("_rels/.rels").replace(
            b"</Relationships>",
            b'<Relationship Id="s" Type="http://schemas.openxmlformats.org/package/2006/relationships/digital-signature'
            b'/origin" Target="_xmlsignatures/origin.sigs"/></Relationships>',
        )
    made = io.BytesIO()
    with zipfile.ZipFile(out) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            new.writestr(info, relations if info.filename == "_rels/.rels" else old.read(info.filename))
    with pytest.raises(MarkingError, match="signed"):
        written(OFFICE, made.getvalue())


def test_a_pdf_keeps_every_byte_and_its_information() -> None:
    data = _pdf()
    made = written(PDF, data)
    assert made.startswith(data)
    assert PDFDocument(PDFParser(io.BytesIO(made))).info[0]["Title"].decode("utf-16") == "题目"


def test_a_label_in_the_xmp_of_a_pdf_is_read_and_replaced() -> None:
    writer, out = PdfWriter(io.BytesIO(_pdf())), io.BytesIO()
    writer.xmp_metadata = (
        b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        b'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/" TC260:AIGC="{}"/></rdf:RDF></x:xmpmeta>'
        b'<?xpacket end="w"?>'
    )
    writer.write(out)
    assert [one.place for one in PDF.read(io.BytesIO(out.getvalue()))] == ["Metadata XMP"]
    assert [one.place for one in PDF.read(io.BytesIO(written(PDF, out.getvalue())))] == ["Info AIGC"]


def test_an_encrypted_pdf_is_refused_with_the_reason() -> None:
    writer, out = PdfWriter(io.BytesIO(_pdf())), io.BytesIO()
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(out)
    with pytest.raises(MarkingError, match="encrypted"):
        written(PDF, out.getvalue())


def test_a_pdf_without_information_gets_it() -> None:
    writer, out = PdfWriter(), io.BytesIO()
    writer.add_blank_page(10, 10)
    writer.metadata = None
    writer.write(out)
    assert "/Info" not in PdfReader(io.BytesIO(out.getvalue())).trailer
    assert json.loads(_in_pdf(written(PDF, out.getvalue()))) == OURS.fields()


FRONTS = [
    ("# 无\n", "---\nAIGC:\n", "# 无\n"),
    ("---\n---\n正文", "---\nAIGC:\n", "---\n正文"),
    ("---\n\n一条线\n\n---\n", "---\nAIGC:\n", "---\n\n一条线\n\n---\n"),
    ("---\r\na: 1\r\n---\r\n正文\r\n", "---\r\na: 1\r\nAIGC:\r\n", "---\r\n正文\r\n"),
    ("---\naigc: {Label: '2'}\nb: 1\n---\n", "---\nb: 1\nAIGC:\n", "---\n"),
    ('---\nAIGC: \'{"Label":"1"}\'\n# 话\nb: |\n  AIGC: x\n---\n', "---\nb: |\n  AIGC: x\nAIGC:\n", "---\n"),
]


@pytest.mark.parametrize(("text", "begins", "ends"), FRONTS)
def test_front_matter_of_others_stays(text: str, begins: str, ends: str) -> None:
    made = written(MARKDOWN, text.encode()).decode()
    assert made.startswith(begins)
    assert made.endswith(ends)
    (found,) = MARKDOWN.read(io.BytesIO(made.encode()))
    assert json.loads(found.text) == OURS.fields()


def test_plain_text_says_that_it_holds_no_label() -> None:
    assert PLAIN.read(io.BytesIO("话".encode())) == []
    with pytest.raises(MarkingError, match="no metadata"):
        written(PLAIN, b"words")
    with pytest.raises(MarkingError, match="UTF-8"):
        PLAIN.read(io.BytesIO("话".encode("gb18030")))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_what_is_broken_is_refused_and_nothing_else_happens(name: str, data: st.DataObject) -> None:
    family, made, _ = CASES[name]
    whole = bytearray(written(family, made()))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
        whole[place] ^= data.draw(st.integers(1, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else whole)
    for doing in (lambda: family.read(io.BytesIO(cut)), lambda: written(family, cut)):
        with contextlib.suppress(MarkingError):
            doing()

# SPDX-License-Identifier: Apache-2.0
"""Documents and packages: the three forms say the same, nothing in them is ever an order, and what was changed is named
(Articles 6 and 17)."""

from __future__ import annotations

import datetime
import io
import json
import re
import shutil
import zipfile
from functools import cache
from pathlib import Path

import msgspec
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from dossier_kit import FACTS, NAME, SERVICE, clauses, figures, sources
from guiju.dossier import package, typeset, verify, word, workbook
from guiju.dossier.compose import compose, gaps
from guiju.dossier.kinds import kind, kinds
from guiju.dossier.model import Document, Paragraph, Section, Span, Table, lines, plain
from guiju.dossier.package import Manifest, Options
from guiju.dossier.template import template
from guiju.dossier.verify import against_books
from guiju.dossier.wording import chinese
from guiju.errors import ConfigError

pytestmark = pytest.mark.slow
BUILT = ("assessment", "algorithm")
EVERY = sorted({id for one in kinds().values() for id in one.documents})


@pytest.fixture(scope="module")
def filing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of a filing."""
    made, manifest = package.build(kind("filing"), sources(), Options())
    out = tmp_path_factory.mktemp("built") / "out"
    package.write(out, made, manifest)
    return out


@pytest.fixture
def copied(filing: Path, tmp_path: Path) -> Path:
    """A copy of it that may be changed."""
    shutil.copytree(filing, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.parametrize("id", EVERY)
def test_both_languages_have_the_same_places(id: str) -> None:
    zh, en = (compose(template(id), sources(), language) for language in ("zh", "en"))
    assert [one.place for one in lines(zh)] == [one.place for one in lines(en)]
    assert not list(gaps(lines(zh)))
    said = "".join(one.text for one in lines(zh))
    assert NAME in said or SERVICE in said
    assert "{{" not in said
    assert not re.search(r"[\u4e00-\u9fff]", "".join(section.title for section in en.sections))


@pytest.mark.parametrize("id", EVERY)
def test_what_is_missing_is_said_where_it_is_missing(id: str) -> None:
    nothing = sources(
        facts={}, figures={}, conclusions={}, exhibits=(), clauses=msgspec.structs.replace(clauses(), clause=())
    )
    for language in ("zh", "en"):
        made = compose(template(id), nothing, language)
        assert list(gaps(lines(made)))


def test_every_number_of_a_document_has_its_evidence_in_the_annotated_build_only() -> None:
    made = compose(template("filing-form"), sources(), "zh")
    evidence = {span.evidence for one in lines(made) for span in one.spans if span.evidence}
    assert len(evidence) > 8
    notes = zipfile.ZipFile(io.BytesIO(word.written(made, annotated=True))).read("word/footnotes.xml").decode()
    pdf = _pdf(typeset.written(made, annotated=True))
    book = "\n".join(workbook.read(workbook.written(made, annotated=True)))
    for one in evidence:
        assert one in notes
        assert one in pdf
        assert one in book
    clean = _pdf(typeset.written(made)) + "\n".join(workbook.read(workbook.written(made)))
    assert "main/2026-11" not in clean
    with zipfile.ZipFile(io.BytesIO(word.written(made))) as parts:
        assert "main/2026-11" not in "".join(parts.read(name).decode("utf-8", "replace") for name in parts.namelist())


def _pdf(content: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).replace("\u200b", "")


def test_the_same_sources_make_the_same_bytes() -> None:
    first, one = package.build(kind("store"), sources(), Options())
    again, two = package.build(kind("store"), sources(), Options())
    assert first == again
    assert one == two
    assert one.digest == one.own_digest()


def test_a_document_is_of_its_date_and_of_no_other() -> None:
    made = compose(template("publicity"), sources(), "zh")
    with zipfile.ZipFile(io.BytesIO(word.written(made))) as parts:
        core = parts.read("docProps/core.xml").decode()
        assert {one.date_time for one in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert core.count("2026-11-24T00:00:00Z") == 2
    assert str(PdfReader(io.BytesIO(typeset.written(made))).metadata["/CreationDate"]).startswith("D:20261124")


WRITABLE = st.characters(exclude_categories=("Cc", "Cs", "Cn"), exclude_characters="\ufffe\uffff")
"""Signs that a document can hold."""
SPANS = st.lists(st.builds(Span, st.text(WRITABLE, max_size=30)), max_size=3).map(tuple)
HOSTILE = (
    '#import "x"',
    "=cmd|' /C calc'!A0",
    "<w:p/>",
    "]] \\ $x$ *b*",
    "{{org.name}}",
    "\u202e反",
    "@ref",
    "// x",
    "-1+1",
)


@given(
    st.lists(st.lists(SPANS, min_size=2, max_size=2).map(tuple), min_size=1, max_size=4),
    st.lists(st.one_of(SPANS, st.sampled_from(HOSTILE).map(plain)), min_size=1, max_size=4),
    st.sampled_from(("zh", "en")),
)
@settings(deadline=None, max_examples=12)
def test_any_text_comes_out_as_it_went_in(rows: list, paragraphs: list, language: str) -> None:
    """In Word to the letter; in a workbook it is no formula; typst takes it as text, not as orders."""
    made = Document(
        id="x",
        title="标题",
        language=language,
        on=datetime.date(2026, 1, 2),
        sections=(Section("1", "1", "一", 1, (Table(tuple(rows)), *(Paragraph(one) for one in paragraphs))),),
        contents=False,
    )
    want = word.printed([one.spans for one in lines(made)])
    got = word.read(word.written(made))
    assert [one for one in got if one in want] == want
    for row in openpyxl.load_workbook(io.BytesIO(workbook.written(made))).worksheets[0].iter_rows():
        assert all(cell.data_type != "f" for cell in row)
    assert _printed(made) in (b"%PDF", "not_printable")  # a sign that the font does not have is named, never a box


def _printed(made: Document) -> bytes | str:
    try:
        return typeset.written(made)[:4]
    except ConfigError as error:
        return error.code


def test_a_package_is_whole_as_it_is_built(filing: Path) -> None:
    manifest, faults = verify.verify(filing)
    assert not faults
    names = {one.path for one in manifest.files}
    folder = f"beian-{SERVICE}-20261124"
    assert f"{folder}.zip" in names
    for path in (
        "0 生成式人工智能(大语言模型)上线备案表.docx",
        "1 附件1-安全评估报告/安全评估报告.pdf",
        "4 附件4-拦截关键词列表.xlsx",
    ):
        assert f"{folder}/{path}" in names
    assert f"en/{folder}/1 附件1-安全评估报告/安全评估报告.docx" in names
    with zipfile.ZipFile(filing / f"{folder}.zip") as archive:
        assert all(name.startswith(f"{folder}/") for name in archive.namelist())
        assert not [name for name in archive.namelist() if "MANIFEST" in name or name.startswith("en/")]


def test_every_changed_file_is_named(filing: Path, copied: Path) -> None:
    manifest = package.manifest_of(filing)
    for one in manifest.files[:: max(1, len(manifest.files) // 9)]:
        path = copied / one.path
        before = path.read_bytes()
        path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        assert one.path in [fault.path for fault in verify.verify(copied)[1]]
        path.write_bytes(before)
    (copied / "说明.txt").write_text("x")
    (copied / manifest.files[0].path).unlink()
    assert {(fault.what, fault.path) for fault in verify.verify(copied)[1]} == {
        ("unknown", "说明.txt"),
        ("missing", manifest.files[0].path),
    }


def test_a_changed_number_is_named(copied: Path) -> None:
    path = next(copied.glob("beian*/1*/安全评估报告.docx"))
    _rewrite(path, "word/document.xml", "4,203条", "9,203条")
    faults = verify.verify(copied)[1]
    named = [one for one in faults if one.figure == "corpus.manual.items"]
    assert named, [one.said("en") for one in faults]
    assert named[0].what == "figure"
    assert (named[0].was, "9,203条" in named[0].now) == ("4,203条", True)
    assert "3.5" in named[0].place


def test_a_changed_number_of_a_workbook_is_named(copied: Path) -> None:
    path = next(copied.glob("beian*/1*/安全评估报告.xlsx"))
    book = openpyxl.load_workbook(path)
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value == "4,203条":
                    cell.value = "4,204条"
    book.save(path)
    assert any(one.figure == "corpus.manual.items" for one in verify.verify(copied)[1])


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_whichever_number_is_changed_is_named(data: st.DataObject) -> None:
    manifest, its, texts = printed_report()
    places = {one.place: quoted.name for quoted in manifest.figures for one in quoted.printed if one.language == "zh"}
    place = data.draw(st.sampled_from(sorted(places)))
    at = [one for one, _ in its.lines].index(place)
    changed = list(texts)
    changed[at] = changed[at].translate(str.maketrans("0123456789", "1234567890"))
    named = {(one.what, one.figure, one.place) for one in verify._lines(manifest, its, "x.docx", changed)}
    assert named == {("figure", places[place], place)}


@cache
def printed_report() -> tuple[Manifest, package.Lines, list[str]]:
    """The manifest of a report, its lines, and what it prints."""
    made = compose(template("safety-assessment"), sources(), "zh")
    found = list(lines(made))
    manifest = package._manifest(kind("filing"), sources(), Options(), "x", {}, {}, [made])
    return manifest, manifest.documents[0], [one.text for one in found if one.text]


def test_a_changed_sentence_is_named_by_its_place(copied: Path) -> None:
    path = next(copied.glob("beian*/0*.docx"))
    _rewrite(path, "word/document.xml", "解码器结构的变换器", "另一种结构")
    assert [one.place for one in verify.verify(copied)[1] if one.what == "line"] == ["3.1/1/2/2"]


def _rewrite(path: Path, part: str, old: str, new: str) -> None:
    with zipfile.ZipFile(path) as before:
        parts = {name: before.read(name) for name in before.namelist()}
    assert old in parts[part].decode()
    parts[part] = parts[part].decode().replace(old, new).encode()
    with zipfile.ZipFile(path, "w") as after:
        for name, content in parts.items():
            after.writestr(name, content)


def test_a_manifest_that_was_changed_is_found_out(copied: Path) -> None:
    path = copied / package.MANIFEST
    raw = json.loads(path.read_bytes())
    figure = next(one for one in raw["figures"] if one["name"] == "corpus.manual.items")
    figure["value"] = 9203.0
    path.write_text(json.dumps(raw), "utf-8")
    named = {(one.what, one.figure) for one in verify.verify(copied)[1]}
    assert {("manifest", ""), ("figure", "corpus.manual.items")} <= named
    raw["digest"] = msgspec.json.decode(path.read_bytes(), type=Manifest).own_digest()
    path.write_text(json.dumps(raw), "utf-8")  # and now the digest fits, but the books don't
    manifest, faults = verify.verify(copied)
    assert "manifest" not in {one.what for one in faults}
    books = against_books(manifest, lambda name: [figures()[name]], {"another"})
    assert {(one.what, one.figure) for one in books} == {
        ("not_built_here", ""),
        ("not_in_books", "corpus.manual.items"),
    }


def test_what_changed_since_the_last_submission_is_told() -> None:
    before = package.build(kind("store"), sources(), Options())[1]
    after = package.build(kind("store"), sources(facts={**FACTS, "rights.phone": "010-99999999"}), Options())[1]
    changed = package.changes(before, after)
    assert changed["facts"] == {"rights.phone": {"was": "010-00000002", "is": "010-99999999"}}
    assert changed["figures"] == changed["conclusions"] == changed["exhibits"] == {}
    assert changed["since"] == before.digest


def test_a_folder_that_holds_something_is_never_written_over(filing: Path) -> None:
    manifest = package.manifest_of(filing)
    with pytest.raises(Exception, match="folder_not_empty"):
        package.write(filing, {}, manifest)


def test_lists_can_be_edited_and_hold_no_formula(filing: Path) -> None:
    path = next(filing.glob("beian*/5*.xlsx"))
    book = openpyxl.load_workbook(path)
    heads = {tuple(cell.value for cell in sheet[1]) for sheet in book.worksheets}
    assert heads == {("序号", "测试题", "一级分类", "二级分类", "模型回答", "研判结果")}
    assert len(book.worksheets) == 8  # five classes of content, two of what to refuse, one of what to answer
    assert {sheet.cell(2, 6).value for sheet in book.worksheets} == {"合格"}


def test_chapters_are_counted_as_the_form_counts_them() -> None:
    assert [chinese(number) for number in (1, 9, 10, 11, 20, 31)] == ["一", "九", "十", "十一", "二十", "三十一"]
    made = compose(template("algorithm-assessment"), sources(), "zh")
    assert [one.heading for one in made.sections][:2] == ["一、评估信息", "（一）评估算法描述"]


@pytest.fixture(params=BUILT)
def built(request: pytest.FixtureRequest) -> tuple[dict[str, bytes], Manifest]:
    """Drafts."""
    return package.build(kind(request.param), sources(), Options(draft=True))


def test_a_draft_says_so_on_each_page(built: tuple[dict[str, bytes], Manifest]) -> None:
    made, manifest = built
    assert manifest.draft
    for path, content in made.items():
        if path.endswith(".pdf") and not path.startswith("en/"):
            assert all("草稿" in page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)

# SPDX-License-Identifier: Apache-2.0
"""A document as DOCX: the same document makes the same bytes. Chinese fonts by their common names, which every office
program of the country has; contents, page numbers, tables whose head comes again on each page, real footnotes.
"""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from guiju.dossier.model import Document, Paragraph, Picture, Section, Spans, Table, text_of
from guiju.dossier.wording import choose, date
from guiju.records.sources import optional

BODY_FONT: Final = "宋体"
HEADING_FONT: Final = "黑体"
_LATIN: Final = "Times New Roman"
_W: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_FOOTNOTES: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
_FOOTNOTES_TYPE: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
_WIDTH_CM: Final = 15.9
_RIGHT: Final = 2
"""WD_TAB_ALIGNMENT.RIGHT and, below, WD_TAB_LEADER.DOTS of python-docx, which is there only where the extra is."""
_DOTS: Final = 1
EXTRA: Final = "dossier"


def written(document: Document, *, annotated: bool = False) -> bytes:
    """The document as DOCX.

    Args:
        document: what is written.
        annotated: whether each figure's evidence id stands as a footnote.

    Raises:
        ConfigError: `config_invalid`: the extra `dossier` is not installed.
    """
    return _Writer(document, annotated).bytes()


class _Writer:
    """Writes one document."""

    def __init__(self, document: Document, annotated: bool) -> None:
        self._document, self._annotated = document, annotated
        self._made: Any = optional("docx", "python-docx", EXTRA).Document()
        self._shared: Any = optional("docx.shared", "python-docx", EXTRA)
        self._oxml: Any = optional("docx.oxml", "python-docx", EXTRA)
        self._notes: list[str] = []
        self._marks = 0

    def bytes(self) -> bytes:
        """The whole file."""
        self._page()
        self._title()
        if self._document.contents:
            self._contents()
        for section in self._document.sections:
            self._section(section)
        if self._notes:
            self._footnotes()
        out = io.BytesIO()
        self._made.save(out)
        return timeless(out.getvalue())

    def _page(self) -> None:
        made, cm, pt = self._made, self._shared.Cm, self._shared.Pt
        properties = made.core_properties
        properties.title, properties.author, properties.comments = self._document.title, "", ""
        properties.last_modified_by = ""
        properties.language = choose(self._document.language, "zh-CN", "en")
        at = datetime.datetime.combine(self._document.on, datetime.time())
        properties.created = properties.modified = at
        page = made.sections[0]
        page.page_width, page.page_height = cm(21), cm(29.7)
        page.left_margin = page.right_margin = cm(2.55)
        page.top_margin = page.bottom_margin = cm(2.5)
        self._tongue()
        self._font(made.styles["Normal"], BODY_FONT, 11)
        for level, size in ((1, 15), (2, 13), (3, 11.5)):
            style = made.styles[f"Heading {level}"]
            self._font(style, HEADING_FONT, size)
            style.font.color.rgb = self._shared.RGBColor(0, 0, 0)
        self._font(made.styles["Title"], HEADING_FONT, 22)
        title = made.styles["Title"]
        title.font.color.rgb = self._shared.RGBColor(0, 0, 0)
        for line in title.element.pPr.findall(f"{{{_W}}}pBdr"):
            title.element.pPr.remove(line)
        normal = made.styles["Normal"].paragraph_format
        normal.space_after, normal.line_spacing = pt(6), 1.3
        head = page.header.paragraphs[0]
        head.text = self._document.header
        head.alignment = 1
        foot = page.footer.paragraphs[0]
        foot.alignment = 1
        before, between, after = choose(self._document.language, "第|页 共|页", "|/|").split("|")
        for text, field in ((before, "PAGE"), (between, "NUMPAGES")):
            foot.add_run(text)
            self._field(foot, field)
        foot.add_run(after)

    def _tongue(self) -> None:
        """Han characters are those of the mainland, where a program has to choose between shapes of one character."""
        for one in self._made.styles.element.iter(f"{{{_W}}}lang"):
            one.set(f"{{{_W}}}eastAsia", "zh-CN")

    def _font(self, style: Any, name: str, size: float) -> None:
        style.font.name, style.font.size = _LATIN, self._shared.Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for attribute in [one for one in fonts.attrib if "heme" in one]:
            del fonts.attrib[attribute]
        fonts.set(f"{{{_W}}}eastAsia", name)
        fonts.set(f"{{{_W}}}hAnsi", _LATIN)

    def _title(self) -> None:
        title = self._made.add_paragraph(self._document.title, style="Title")
        title.alignment = 1
        if self._document.cover:
            self._table(Table(self._document.cover, widths=(0.35, 0.65)))
        on = self._made.add_paragraph(date(self._document.on, self._document.language))
        on.alignment = 1

    def _contents(self) -> None:
        """The list of sections, as links, each with a field for its page. No number is written here: pages are the
        office program's own, which fills the fields in when it opens the file or brings its fields up to date."""
        head = self._made.add_paragraph()
        head.alignment = 1
        head.add_run(choose(self._document.language, "目　录", "Contents")).bold = True
        wanted = [(at, one) for at, one in enumerate(self._document.sections) if one.level <= 2]
        for at, section in wanted:
            line = self._made.add_paragraph()
            line.paragraph_format.tab_stops.add_tab_stop(self._shared.Cm(_WIDTH_CM), _RIGHT, _DOTS)
            line.paragraph_format.left_indent = self._shared.Cm(0.8 * (section.level - 1))
            line.paragraph_format.space_after = self._shared.Pt(2)
            self._link(line, f"_s{at}", section.heading)
            line.add_run()._r.append(self._oxml.OxmlElement("w:tab"))
            self._mark(line, "begin", dirty=True)
            self._instruction(line, f" PAGEREF _s{at} \\h ")
            self._mark(line, "separate")
            self._mark(line, "end")
        self._made.add_page_break()

    def _section(self, section: Section) -> None:
        heading = self._made.add_heading(section.heading, min(section.level, 3))
        number = self._document.sections.index(section)
        for kind, attributes in (
            ("bookmarkStart", {"id": number, "name": f"_s{number}"}),
            ("bookmarkEnd", {"id": number}),
        ):
            mark = self._oxml.OxmlElement(f"w:{kind}")
            for name, value in attributes.items():
                mark.set(f"{{{_W}}}{name}", str(value))
            heading._p.append(mark)
        for block in section.blocks:
            if isinstance(block, Paragraph):
                self._paragraph(block)
            elif isinstance(block, Table):
                self._table(block)
            else:
                self._picture(block)

    def _paragraph(self, block: Paragraph) -> None:
        style = "List Bullet" if block.style == "bullet" else "Normal"
        paragraph = self._made.add_paragraph(style=style)
        if block.style in ("body", "conclusion") and self._document.language == "zh":
            paragraph.paragraph_format.first_line_indent = self._shared.Pt(22)
        size = 9 if block.style == "note" else None
        self._spans(paragraph, block.spans, size)

    def _table(self, block: Table) -> None:
        rows = ([block.head] if block.head else []) + list(block.rows)
        if not rows:
            return
        made = self._made.add_table(rows=len(rows), cols=block.columns, style="Table Grid")
        made.autofit = False
        widths = [self._shared.Cm(_WIDTH_CM * one) for one in block.widths or [1 / block.columns] * block.columns]
        for column, width in zip(made.columns, widths, strict=True):
            column.width = width
        for number, (line, cells) in enumerate(zip(made.rows, rows, strict=True)):
            whole = line._tr.get_or_add_trPr()
            whole.append(self._oxml.OxmlElement("w:cantSplit"))
            if block.head and number == 0:
                whole.append(self._oxml.OxmlElement("w:tblHeader"))
            for place, (cell, spans, width) in enumerate(zip(line.cells, cells, widths, strict=True)):
                cell.width = width
                paragraph = cell.paragraphs[0]
                paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = self._shared.Pt(2)
                bold = (bool(block.head) and number == 0) or (not block.head and place == 0)
                self._spans(paragraph, spans, 9.5, bold=bold)
                if bold:
                    self._shade(cell)
        self._made.add_paragraph().paragraph_format.space_after = self._shared.Pt(4)

    def _shade(self, cell: Any) -> None:
        shade = self._oxml.OxmlElement("w:shd")
        for name, value in (("val", "clear"), ("color", "auto"), ("fill", "EDEDED")):
            shade.set(f"{{{_W}}}{name}", value)
        cell._tc.get_or_add_tcPr().append(shade)

    def _picture(self, block: Picture) -> None:
        width = self._shared.Cm(_WIDTH_CM * 0.8)
        shown = self._made.add_picture(io.BytesIO(block.content), width=width)
        most = self._shared.Cm(18)  # a long page stays on one sheet with its caption
        if shown.height > most:
            shown.width, shown.height = int(shown.width * most / shown.height), most
        last = self._made.paragraphs[-1]
        last.alignment, last.paragraph_format.keep_with_next = 1, True
        below = self._made.add_paragraph()
        below.alignment = 1
        self._spans(below, block.caption, 9)

    def _spans(self, paragraph: Any, spans: Spans, size: float | None = None, *, bold: bool = False) -> None:
        for span in spans:
            run = paragraph.add_run(span.text)
            run.bold = True if bold else None
            if size:
                run.font.size = self._shared.Pt(size)
            if self._annotated and span.evidence:
                self._notes.append(note_of(span.source, span.evidence))
                mark = paragraph.add_run()
                mark.font.superscript = True
                reference = self._oxml.OxmlElement("w:footnoteReference")
                reference.set(f"{{{_W}}}id", str(len(self._notes)))
                mark._r.append(reference)

    def _link(self, paragraph: Any, to: str, text: str) -> None:
        link = self._oxml.OxmlElement("w:hyperlink")
        link.set(f"{{{_W}}}anchor", to)
        run = paragraph.add_run(text)
        link.append(run._r)
        paragraph._p.append(link)

    def _field(self, paragraph: Any, instruction: str) -> None:
        self._mark(paragraph, "begin")
        self._instruction(paragraph, f" {instruction} ")
        self._mark(paragraph, "separate")
        paragraph.add_run("1")
        self._mark(paragraph, "end")

    def _mark(self, paragraph: Any, kind: str, *, dirty: bool = False) -> None:
        mark = self._oxml.OxmlElement("w:fldChar")
        mark.set(f"{{{_W}}}fldCharType", kind)
        if dirty:  # its result is not there yet: whoever opens it makes it
            mark.set(f"{{{_W}}}dirty", "true")
        paragraph.add_run()._r.append(mark)

    def _instruction(self, paragraph: Any, text: str) -> None:
        made = self._oxml.OxmlElement("w:instrText")
        made.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        made.text = text
        paragraph.add_run()._r.append(made)

    def _footnotes(self) -> None:
        """The part of the footnotes, which the library does not know."""
        packuri, part = (optional(f"docx.opc.{one}", "python-docx", EXTRA) for one in ("packuri", "part"))
        root = f'<w:footnotes xmlns:w="{_W}">'
        for id, kind in ((-1, "separator"), (0, "continuationSeparator")):
            root += f'<w:footnote w:type="{kind}" w:id="{id}"><w:p><w:r><w:{kind}/></w:r></w:p></w:footnote>'
        for number, note in enumerate(self._notes, 1):
            said = note.replace("&", "&amp;").replace("<", "&lt;")
            mark = '<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:footnoteRef/></w:r>'
            text = f'<w:r><w:rPr><w:sz w:val="16"/></w:rPr><w:t xml:space="preserve"> {said}</w:t></w:r>'
            root += f'<w:footnote w:id="{number}"><w:p>{mark}{text}</w:p></w:footnote>'
        made = part.Part(
            packuri.PackURI("/word/footnotes.xml"),
            _FOOTNOTES_TYPE,
            f"{root}</w:footnotes>".encode(),
            self._made.part.package,
        )
        self._made.part.relate_to(made, _FOOTNOTES)


def note_of(source: str, evidence: str) -> str:
    """What the annotated build says of a figure."""
    return f"{source.removeprefix('figure:')} · {evidence}"


def timeless(made: bytes, changed: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType({})) -> bytes:
    """A zip file without the times at which its parts were written.

    Args:
        made: the file.
        changed: what is done to a part, by its name.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as old, zipfile.ZipFile(out, "w") as new:
        for name in sorted(old.namelist(), key=lambda one: (one != "[Content_Types].xml", one)):
            content = changed[name](old.read(name)) if name in changed else old.read(name)
            new.writestr(zipfile.ZipInfo(name, _ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def read(content: bytes) -> list[str]:
    """What each paragraph and cell of a DOCX prints, in the order of the document; empty ones left out."""
    made: Any = optional("docx", "python-docx", EXTRA).Document(io.BytesIO(content))
    texts: list[str] = []
    for child in made.element.body.iterchildren():
        if child.tag == f"{{{_W}}}p":
            texts.append(_printed(child))
        elif child.tag == f"{{{_W}}}tbl":
            texts += [_printed(cell) for cell in child.iter(f"{{{_W}}}tc")]
    return [one for one in texts if one]


def _printed(element: Any) -> str:
    return "".join(node.text or "" for node in element.iter(f"{{{_W}}}t"))


def printed(spans: Sequence[Spans]) -> list[str]:
    """The same of spans, to compare with `read`."""
    return [text for text in map(text_of, spans) if text]

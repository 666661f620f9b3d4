# SPDX-License-Identifier: Apache-2.0
"""Each document of each package in an office program: it opens, its contents name the right pages, its Han characters
are the mainland's, nothing is left open, and Chinese text has Chinese punctuation (Articles 6 and 17).

It needs LibreOffice: apt-get install libreoffice-writer-nogui libreoffice-calc-nogui poppler-utils fonts-noto-cjk
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dossier_kit import asked, sources
from guiju.dossier import package, word, workbook
from guiju.dossier.facts import facts
from guiju.dossier.filling import catalogue
from guiju.dossier.kinds import kinds
from guiju.dossier.model import Document

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
NEEDS = "apt-get install libreoffice-writer-nogui libreoffice-calc-nogui poppler-utils fonts-noto-cjk"
PROGRAMS = ("soffice", "pdftotext", "pdffonts")
Papers = dict[str, tuple[Document, bytes]]
_HAN = "\u4e00-\u9fff"
_OPEN = re.compile(r"\{\{|\}\}|missing:|TODO|待定|待填|待补|□|None|nan%")
_ASCII = re.compile(
    rf"[{_HAN}][,;:?!][{_HAN}]|[{_HAN}][,;?!]|[,;?!][{_HAN}]|[{_HAN}]\.(?![\d\w])|\"[{_HAN}]|[{_HAN}]\""
)
_CONTENTS = re.compile(r"^ *(\S.*?)\.{4,} ?(\d+)$", re.M)


@pytest.fixture(scope="module")
def papers() -> Papers:
    """Every Chinese document of every kind, of an invented provider of whom everything is known."""
    said = sources()
    return {
        f"{kind.id}-{id}": (document, word.written(document))
        for kind in kinds().values()
        for id, document in package.documents(kind, said, "zh").items()
    }


def test_chinese_text_is_chinese_and_whole(papers: Papers) -> None:
    """By checklist: no key of ours, no open place, no punctuation of another script, in any document of any kind."""
    keys = {one.id for one in facts()} | set(catalogue()) | {id for id in asked() if "-" in id}
    ours = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, sorted(keys)))})(?![\w.])")
    faults = [
        (name, line)
        for name, (_, content) in papers.items()
        for line in word.read(content)
        if ours.search(line) or _OPEN.search(line) or _ASCII.search(line)
    ]
    assert faults == []


def run(*words: object) -> str:
    """What a program prints."""
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=240, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def opened(papers: Papers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every document, and a list, as an office program prints it."""
    if not all(map(shutil.which, PROGRAMS)):
        if os.environ.get("GUIJU_NO_SKIP") == "1":
            pytest.fail(NEEDS)
        pytest.skip(NEEDS)
    folder = tmp_path_factory.mktemp("office")
    for name, (_, content) in papers.items():
        (folder / f"{name}.docx").write_bytes(content)
    (folder / "keywords.xlsx").write_bytes(workbook.keywords(sources(), "zh"))
    profile = f"-env:UserInstallation=file://{folder}/profile"
    run("soffice", "--headless", profile, "--convert-to", "pdf", "--outdir", folder, *sorted(folder.glob("*.docx")))
    run("soffice", "--headless", profile, "--convert-to", "csv", "--outdir", folder, folder / "keywords.xlsx")
    assert {one.stem for one in folder.glob("*.pdf")} == set(papers), "one did not open"
    return folder


def test_contents_name_the_pages_and_nothing_is_open(opened: Path, papers: Papers) -> None:
    for name, (document, _) in papers.items():
        text = run("pdftotext", "-layout", opened / f"{name}.pdf", "-")
        pages = text.removesuffix("\f").split("\f")
        assert not _OPEN.search(text), name
        assert re.search(rf"第 ?{len(pages)} ?页 ?共 ?{len(pages)} ?页", pages[-1]), name
        if document.contents:
            told = [(heading.strip(), int(page)) for heading, page in _CONTENTS.findall(text)]
            assert [heading for heading, _ in told] == [one.heading for one in document.sections if one.level <= 2], (
                name
            )
            for heading, page in told:
                assert heading in pages[page - 1], (name, heading, page)
    assert sum(document.contents for document, _ in papers.values()) > 3


def test_han_characters_are_those_of_the_mainland(opened: Path) -> None:
    for path in sorted(opened.glob("*.pdf"))[::6]:
        fonts = run("pdffonts", path)
        assert not re.search(r"CJK(hk|tc|jp|kr)", fonts), (path.name, fonts)


def test_a_list_opens_as_a_sheet(opened: Path) -> None:
    rows = (opened / "keywords.csv").read_text("utf-8").strip().splitlines()
    assert len(rows) > 1000, "a sheet was cut"
    assert all(row.count(",") >= 2 for row in rows)

# SPDX-License-Identifier: Apache-2.0
"""Word lists in CSV, TOML and XLSX: what is read, and what is said of a fault."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pytest

from guiju.detect.lexicon import Entry, lint, parse, read, stable_id
from guiju.errors import ConfigError

HEAD = "term,category,severity"


def test_csv_with_every_column() -> None:
    text = "term,category,severity,owner,reason,expires,boundary,id\n规矩金丝雀,A.1f,block,值班,测试,2026-12-31,,w1\n"
    (entry,) = read(text.encode(), "/some/where/list.CSV")
    assert entry == Entry("w1", "规矩金丝雀", "A.1f", "block", "值班", "测试", "2026-12-31", "auto")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_in_its_encodings(encoding: str, end: str) -> None:
    data = end.join([HEAD, "规矩金丝雀,own,block", "", '"buy, now",own,signal', ""]).encode(encoding)
    assert [(e.term, e.severity) for e in read(data, "a.csv")] == [("规矩金丝雀", "block"), ("buy, now", "signal")]


def test_toml() -> None:
    data = b'[[entry]]\nterm = "bot"\ncategory = "own"\nseverity = "block"\nexpires = 2026-12-31\nboundary = "any"\n'
    (entry,) = read(data, "a.toml")
    assert (entry.term, entry.expires, entry.boundary) == ("bot", "2026-12-31", "any")


def workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_xlsx() -> None:
    data = workbook(
        ["term", "category", "severity", "expires"],
        ["规矩金丝雀", "own", "block", "2026-12-31"],
        [12345, "own", "signal"],
    )
    first, second = read(data, "a.xlsx")
    assert (first.term, first.expires) == ("规矩金丝雀", "2026-12-31")
    assert second.term == "12345"


@pytest.mark.parametrize(
    ("data", "name", "line", "what"),
    [
        (b"", "a.csv", 1, "empty"),
        (b"term,category\n", "a.csv", 1, "no column severity"),
        (b"term,category,severity,colour\n", "a.csv", 1, "unknown column"),
        (b"term,term,category,severity\n", "a.csv", 1, "twice"),
        (b"term,category,severity\nx1y,own,block\nabc,own,stop\n", "a.csv", 3, "severity must be"),
        (b"term,category,severity\nabc,,block\n", "a.csv", 2, "category is empty"),
        (b"term,category,severity\n!?,own,block\n", "a.csv", 2, "no letter"),
        (b"term,category,severity\n" + b"abc" * 60 + b",own,block\n", "a.csv", 2, "longer than 128"),
        (b"term,category,severity\n" + b"a" * 40 + b"b,own,block\n", "a.csv", 2, "repeats one character"),
        (b"term,category,severity\nabc,own,block,more\n", "a.csv", 2, "more cells"),
        (b"term,category,severity,expires\nabc,own,block,2026-02-29\n", "a.csv", 2, "expires"),
        (b"term,category,severity,expires\nabc,own,block,31.12.2026\n", "a.csv", 2, "expires"),
        (b"term,category,severity,boundary\nabc,own,block,some\n", "a.csv", 2, "boundary"),
        (b'term,category,severity\n"abc,own,block\n', "a.csv", 2, ""),
        (b"term,category,severity\nabc,own,block\n\xff\xff\xff,own,block\n", "a.csv", 3, "neither UTF-8 nor GB18030"),
        (b"term,category,severity,id\nabc,own,block,1\nabd,own,block,1\n", "a.csv", 3, "has this id"),
        (b"x = \n", "a.toml", 1, "not TOML"),
        (b"x = 1\n", "a.toml", 1, "[[entry]]"),
        (b'[[entry]]\nterm="a b"\ncategory="c"\nseverity="block"\n\n[[entry]]\nname=1\n', "a.toml", 6, "unknown field"),
        (b"no zip", "a.xlsx", 0, "not an XLSX"),
        (b"", "a.txt", 0, "ending"),
    ],
)
def test_a_fault_names_its_line(data: bytes, name: str, line: int, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(data, name)
    assert caught.value.code == "lexicon_invalid"
    assert (caught.value.facts["name"], caught.value.facts["line"]) == (name, line)
    assert what in str(caught.value.facts["what"])
    assert "abc" not in str(caught.value.facts["what"])


@pytest.mark.slow
def test_an_xlsx_that_unpacks_too_large_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * (65 * 1024 * 1024))
    with pytest.raises(ConfigError, match="not an XLSX"):
        read(out.getvalue(), "a.xlsx")


def test_one_term_in_two_spellings_is_merged_with_a_note() -> None:
    rows = ["繁體詞語,own,signal,2026-12-31", "繁体词语,own,block,2027-12-31", "other,own,signal,"]
    parsed = parse("\n".join([HEAD + ",expires", *rows]).encode(), "a.csv")
    assert [(e.term, e.severity, e.expires) for e in parsed.entries] == [
        ("繁體詞語", "block", "2027-12-31"),
        ("other", "signal", ""),
    ]
    assert [note.line for note in parsed.notes] == [3]


def test_an_id_is_stable() -> None:
    assert stable_id("ＢＯＴ", "own") == stable_id("bot", "own") == "w-" + stable_id("bot", "own")[2:]
    assert stable_id("bot", "own") != stable_id("bot", "other")
    (entry,) = read(f"{HEAD}\nbot,own,block\n".encode(), "a.csv")
    assert entry.id == stable_id("bot", "own")
    assert len(entry.id) == 18


def test_lint_says_what_matches_less_or_more() -> None:
    entries = read(f"{HEAD}\n谢谢,own,block\n赌博,own,block\n#tag,own,block\n规矩金丝雀,own,block\n".encode(), "a.csv")
    assert [what.en.split(":")[0] for _, what in lint(entries)] == [
        "short",
        "two characters",
        "signs at the ends are not matched",
    ]

# SPDX-License-Identifier: Apache-2.0
"""`guiju import words`: lists under any header, which only add, and block only what was tried on benign lines."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import openpyxl
import pytest

from conftest import Start
from fast_kit import few
from guiju.records import lexicons
from guiju.records.db import Store
from import_kit import Run, document, refused, runner


@pytest.fixture
def guiju(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("GUIJU_LANG", "en")
    monkeypatch.chdir(tmp_path)
    return runner(tmp_path, capsys.readouterr)


def entries(folder: Path, name: str = "imported") -> dict[str, tuple[str, str, str]]:
    store = Store.open("sqlite", folder / "data")
    found = {e.term: (e.category, e.severity, e.reason) for e in lexicons.entries_of(store, name)}
    store.close()
    return found


def workbook(rows: list[list[object]]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


ROWS: list[list[object]] = [
    ["序号", "敏感词", "分类", "级别", "备注"],
    [1, "规矩金丝雀甲", "own.ads", "高", "广告"],
    [2, "规矩金丝雀乙", None, "低", None],
    [3, "规矩金丝雀丙", "own.ads", "五级", None],
    [4, "規矩金絲雀甲", "own.ads", "低", None],
    [5, "，。", "own.ads", "低", None],
    [6, None, "own.ads", "低", None],
    [7, "规矩", "own.ads", "低", None],
]
TAKEN = {
    "规矩金丝雀甲": ("own.ads", "signal", "广告"),
    "规矩金丝雀乙": ("own.imported", "signal", ""),
    "规矩金丝雀丙": ("own.ads", "signal", ""),
    "规矩": ("own.ads", "signal", ""),
}


def csv_of(rows: list[list[object]], mark: str = ",") -> str:
    return "".join(mark.join("" if cell is None else str(cell) for cell in row) + "\r\n" for row in rows)


@pytest.mark.parametrize("kind", few(["xlsx", "csv", "gb18030", "bom", "tsv", "semicolon"], 2))
def test_a_list_under_a_chinese_header(kind: str, guiju: Run, tmp_path: Path) -> None:
    name = {"xlsx": "词表.xlsx", "tsv": "词表.tsv"}.get(kind, "词表.csv")
    text = csv_of(ROWS, {"tsv": "\t", "semicolon": ";"}.get(kind, ","))
    encoding = {"gb18030": "gb18030", "bom": "utf-8-sig"}.get(kind, "utf-8")
    (tmp_path / name).write_bytes(workbook(ROWS) if kind == "xlsx" else text.encode(encoding))
    would = document(guiju("import", "words", name, "--dry-run", "--json"))
    assert not (tmp_path / "data").exists()
    done = document(guiju("import", "words", name, "--json"))
    assert {**would, "dry_run": False, "version": 1} == done
    assert [(one["from"], one["to"]) for one in done["kept"]] == [
        *(("敏感词", "term"), ("分类", "category"), ("级别", "severity"), ("备注", "reason"))
    ]
    assert {one["from"]: one["why"] for one in done["lost"]} == {
        "序号": "a word list has no such column",
        "#6": "the term has no letter, digit or character that can be matched",
        "#7": "term is empty",
    }
    assert [(one["from"], one["why"].split(":")[0]) for one in done["notes"]] == [
        *(("#4", "its severity is not known; taken as signal"), ("#5", "it repeats an earlier term; merged")),
        *(("#8", "two characters"), ("#2", "it asks for block and lands as signal")),
    ]
    assert entries(tmp_path) == TAKEN


@pytest.mark.slow
def test_text_with_a_term_a_line_and_english_headers(guiju: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("规矩金丝雀甲\r\n\r\n规矩金丝雀乙\n".encode("gb18030"))
    (tmp_path / "b.csv").write_text("Keyword,Type,Level,Note\nguijucanary,own.x,block,why\n")
    assert document(guiju("import", "words", "a.txt", "--category", "own.a", "--json"))["added"] == 2
    assert document(guiju("import", "words", "b.csv", "--json"))["added"] == 1
    assert entries(tmp_path) == {
        "规矩金丝雀甲": ("own.a", "signal", ""),
        "规矩金丝雀乙": ("own.a", "signal", ""),
        "guijucanary": ("own.x", "signal", "why"),
    }


@pytest.mark.slow
def test_a_second_run_finds_all_there(guiju: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("规矩金丝雀甲\n规矩金丝雀乙\n")
    document(guiju("import", "words", "a.txt", "--json"))
    (tmp_path / "a.txt").write_text("「规矩金丝雀乙」\n規矩金絲雀甲\n")
    again = document(guiju("import", "words", "a.txt", "--json"))
    assert (again["added"], again["stronger"], again["version"]) == (0, 0, 1)
    assert "has all of them already" in guiju("import", "words", "a.txt")[1]
    lists = json.loads(guiju("lexicon", "list", "--json")[1])
    assert len([one for one in lists if not one.get("shipped")]) == 1


def test_an_import_weakens_nothing_that_is_in_force(guiju: Run, tmp_path: Path) -> None:
    own = "term,category,severity\n规矩金丝雀甲,own.a,block\n留下此词,own.a,block\n"
    (tmp_path / "own.csv").write_text(own, "utf-8")
    document(guiju("lexicon", "apply", "own.csv", "--name", "main", "--json"))
    (tmp_path / "new.csv").write_text("词,类别,级别\n规矩金丝雀甲,own.a,低\n新来此词,own.a,高\n", "utf-8")
    done = document(guiju("import", "words", "new.csv", "--name", "main", "--json"))
    assert (done["added"], done["stronger"], done["version"]) == (1, 0, 2)
    found = {term: one[1] for term, one in entries(tmp_path, "main").items()}
    assert found == {"规矩金丝雀甲": "block", "留下此词": "block", "新来此词": "signal"}


@pytest.mark.slow
@pytest.mark.parametrize(("hits", "severity"), [(0, "block"), (5, "block"), (6, "signal")])
def test_a_list_may_block_only_when_it_hits_few_benign_lines(
    hits: int, severity: str, guiju: Run, tmp_path: Path
) -> None:
    (tmp_path / "new.csv").write_text("词,类别,级别\n规矩金丝雀甲,own.a,拦截\n天气,own.a,拦截\n", "utf-8")
    lines = [f"今天天气很好，第 {n} 句。" for n in range(hits)]
    lines += [f"图书馆在河边，第 {n} 句。" for n in range(1000 - hits)]
    (tmp_path / "benign.txt").write_text("\n".join(lines), "utf-8")
    done = document(guiju("import", "words", "new.csv", "--benign", "benign.txt", "--json"))
    assert done["benign"] == {"lines": 1000, "hit": hits}
    assert {one[1] for one in entries(tmp_path).values()} == {severity}
    assert ({"from": "#3", "why": "it hits benign lines"} in done["notes"]) == bool(hits)
    (tmp_path / "benign.txt").write_text("\n".join(lines[:999]), "utf-8")
    assert refused(guiju("import", "words", "new.csv", "--benign", "benign.txt", "--json")) == "import_invalid"


def test_what_was_tried_and_imported_blocks_at_the_gateway(guiju: Run, tmp_path: Path, start: Start) -> None:
    (tmp_path / "new.csv").write_text("词,类别,级别\n规矩金丝雀甲,own.a,拦截\n", "utf-8")
    (tmp_path / "benign.txt").write_text("\n".join(f"图书馆在河边，第 {n} 句。" for n in range(1000)), "utf-8")
    document(guiju("import", "words", "new.csv", "--benign", "benign.txt", "--json"))
    gateway = start(data=tmp_path / "data", lexicon="")
    assert gateway.chat("请说规矩金丝雀甲").status == 400
    assert gateway.chat("图书馆在河边").status == 200


@pytest.mark.slow
def test_columns_can_be_named(guiju: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("甲,乙,词,keyword\n规矩金丝雀甲,own.a,规矩金丝雀乙,x\n", "utf-8")
    assert refused(guiju("import", "words", "a.csv", "--json")) == "import_invalid"
    done = document(guiju("import", "words", "a.csv", "--column", "term=甲", "--column", "category=乙", "--json"))
    assert entries(tmp_path) == {"规矩金丝雀甲": ("own.a", "signal", "")}
    assert [one["from"] for one in done["lost"]] == ["词", "keyword"]
    for wrong in ("term=丙", "color=甲", "term", "term="):
        assert guiju("import", "words", "a.csv", "--column", wrong, "--json")[0] == 2


def test_our_own_format_keeps_what_it_says(guiju: Run, tmp_path: Path) -> None:
    lines = ['term = "规矩金丝雀甲"', 'category = "own.a"', 'severity = "signal"', 'expires = "2030-01-01"']
    (tmp_path / "a.toml").write_text("\n".join(["[[entry]]", *lines, 'boundary = "any"', ""]), "utf-8")
    document(guiju("import", "words", "a.toml", "--json"))
    [one] = json.loads(guiju("lexicon", "show", "imported", "--json")[1])
    assert (one["expires"], one["boundary"]) == ("2030-01-01", "any")


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<row/>" * (12 * 1024 * 1024))
    return out.getvalue()


NO_LISTS: dict[str, tuple[str, bytes]] = {
    "empty": ("a.csv", b""),
    "blank": ("a.csv", b"\n\n"),
    "no terms": ("a.csv", b"x,y\n1,2\n"),
    "open quote": ("a.csv", b'term\n"open'),
    "UTF-16": ("a.txt", b"\xff\xfe\x00a"),
    "two columns of terms": ("a.csv", b"term,word\na,b\n"),
    "header only": ("a.csv", b"term\n"),
    "nothing to match": ("a.txt", "，。\n".encode()),
    "unknown ending": ("a.doc", b"x"),
    "no ending": ("a", b"x"),
    "torn workbook": ("a.xlsx", b"PK"),
    "text as workbook": ("a.xlsx", b"term\nx"),
    "other TOML": ("a.toml", b"term = 1"),
    "half an entry": ("a.toml", b"[[entry]]\nterm=1"),
    "too many rows": ("a.csv", b"term\n" + b"canary\n" * 200_001),
}


@pytest.mark.parametrize("case", few(NO_LISTS, 2))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_no_list_is_refused_and_changes_nothing(
    case: str, language: str, guiju: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUIJU_LANG", language)
    name, data = NO_LISTS[case]
    (tmp_path / name).write_bytes(data)
    answer = guiju("import", "words", name, "--json")
    assert refused(answer) in ("import_invalid", "lexicon_invalid")
    assert ("改正后" in answer[1]) == (language == "zh")
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.slow
def test_a_workbook_that_unpacks_without_end_is_refused(guiju: Run, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(bomb())
    assert refused(guiju("import", "words", "a.xlsx", "--json")) == "lexicon_invalid"


def test_no_term_is_printed(guiju: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(csv_of(ROWS), "utf-8")
    said = guiju("import", "words", "a.csv", "--dry-run")[1] + guiju("import", "words", "a.csv", "--json")[1]
    assert "金丝雀" not in said
    assert "#8" in said


@pytest.mark.slow
def test_a_sheet_that_claims_to_be_vast_is_read_in_bounds(guiju: Run, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["词"])
    book.active["A60000"] = "规矩金丝雀甲"
    book.active["XFD2"] = "far away"
    book.save(tmp_path / "a.xlsx")
    assert document(guiju("import", "words", "a.xlsx", "--json"))["added"] == 1

# SPDX-License-Identifier: Apache-2.0
"""`guiju try` as a person types it: the decision table, in both languages, with nobody asked and nothing kept."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_kit import LANGUAGES, guiju
from conftest import CANARIES

BLOCKED = "说说 规-矩-金-丝-雀 吧"
ROWS = {
    "zh": [
        ("提问", "✗ refuse", "words.input", "4.1", "暴力与色情", "[3:12] squeezed"),
        ("回答", "✗ refuse", "words.output", "4.1", "暴力与色情", "[3:12] squeezed"),
    ],
    "en": [
        ("asked", "✗ refuse", "words.input", "4.1", "violence and obscenity", "[3:12] squeezed"),
        ("answered", "✗ refuse", "words.output", "4.1", "violence and obscenity", "[3:12] squeezed"),
    ],
}


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[socket.socket]:
    """A folder with a word list, and settings that name a model service; whoever knocks there is heard."""
    (tmp_path / "words.csv").write_text(CANARIES, "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        (tmp_path / "guiju.toml").write_text(f'[[upstream]]\nname = "one"\nurl = "{url}"\n')
        yield listening


def read(table: str) -> list[tuple[str, ...]]:
    """The rows of a table with lines around its cells, without its head and its last column; cells of two lines joined."""
    rows: list[list[str]] = []
    for line in table.splitlines():
        if not line.startswith("│"):
            continue
        cells = [cell.strip() for cell in line.strip("│").split("│")]
        if cells[0]:
            rows.append(cells)
        else:
            rows[-1] = [f"{above} {below}".strip() for above, below in zip(rows[-1], cells, strict=True)]
    return [tuple(row[:-1]) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", pytest.param("en", marks=pytest.mark.slow)])
def test_the_table_says_who_decides_what_and_why(language: str, tmp_path: Path, upstream: socket.socket) -> None:
    ran = guiju("try", BLOCKED, "--lexicon", "words.csv", cwd=tmp_path, language=language)
    assert (ran.returncode, ran.stderr) == (1, "")
    rows = [(*row[:5], re.sub(r"w-[0-9a-f]{16} ", "", row[5])) for row in read(ran.stdout)]
    assert rows == ROWS[language]
    with pytest.raises(BlockingIOError):
        upstream.accept()
    assert {path.name for path in tmp_path.iterdir()} == {"words.csv", "guiju.toml"}


@pytest.mark.slow
def test_json_is_for_programs(tmp_path: Path, upstream: socket.socket) -> None:
    ran = guiju("try", "留意此词，规矩金丝雀", "--lexicon", "words.csv", "--json", cwd=tmp_path)
    made = json.loads(ran.stdout)
    assert ran.returncode == 1
    assert made["lexicon"].startswith("file:")
    asked, answered = made["decisions"]
    assert (asked["stage"], asked["action"], asked["control"]) == ("input", "refuse", "words.input")
    assert (answered["stage"], answered["action"], answered["control"]) == ("output", "refuse", "words.output")
    assert (asked["code"], asked["article"], asked["category"]) == ("content_filter", "4.1", "A.1f")
    places = [(found["severity"], found["view"], found["start"], found["end"]) for found in asked["findings"]]
    assert sorted(places) == [("block", "raw", 5, 10), ("signal", "raw", 0, 4)]
    assert ["words.input", "refuse"] in asked["controls"]
    assert "金丝雀" not in ran.stdout, "what matched is shown by its place, not by its words"
    passed = guiju("try", "留意此词", "--lexicon", "words.csv", "--json", cwd=tmp_path)
    assert passed.returncode == 0, "a signal stops nothing"
    assert [row["action"] for row in json.loads(passed.stdout)["decisions"]] == ["note", "note"]
    with pytest.raises(BlockingIOError):
        upstream.accept()


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lists_of_the_store_are_tried_and_none_is_made(
    language: str, tmp_path: Path, upstream: socket.socket
) -> None:
    nothing = guiju("try", "你好", cwd=tmp_path, language=language)
    assert nothing.returncode == 1, "without a list the gateway refuses everything"
    assert read(nothing.stdout)[0][:4] == ({"zh": "提问", "en": "asked"}[language], "✗ refuse", "policy", "4")
    assert not (tmp_path / "data").exists()
    expired = "term,category,severity,expires\n旧词已过期,A.1f,block,2020-01-01\n规矩金丝雀,A.1f,block,\n"
    (tmp_path / "mixed.csv").write_text(expired, "utf-8")
    assert guiju("lexicon", "apply", "mixed.csv", cwd=tmp_path, language=language).returncode == 0
    for text, status in (("规矩金丝雀", 1), ("旧词已过期", 0), ("你好", 0)):
        assert guiju("try", text, cwd=tmp_path, language=language).returncode == status, text
    assert not (tmp_path / "data" / "ledger").exists(), "nothing is kept"
    with pytest.raises(BlockingIOError):
        upstream.accept()


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_can_not_be_tried_is_said(language: str, tmp_path: Path, upstream: socket.socket) -> None:
    lines = {
        "zh": [["配置有误：none.csv：不存在。", "请检查 --lexicon 给出的路径。"], ["命令有误：缺少 TEXT。", "用法见 guiju try --help。"]],
        "en": [
            ["The configuration is not valid: none.csv: No such file or directory.", "Look at the path given with --lexicon."],
            ["The command can't be understood: Missing argument 'text'.", "See `guiju try --help`."],
        ],
    }[language]  # fmt: skip
    for words, said in zip((("你好", "--lexicon", "none.csv"), ()), lines, strict=True):
        ran = guiju("try", *words, cwd=tmp_path, language=language)
        assert (ran.returncode, ran.stdout, ran.stderr.splitlines()) == (2, "", said)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_third_party_would_get_is_shown(language: str, tmp_path: Path, upstream: socket.socket) -> None:
    ran = guiju("try", "手机13900001234", "--lexicon", "words.csv", cwd=tmp_path, language=language)
    assert ran.returncode == 0
    told = {"zh": "发往第三方时：", "en": "To a third party: "}[language]
    assert re.search(rf"^{told}手机\[手机号_[0-9a-z]{{6}}\]$", ran.stdout, re.MULTILINE)
    assert "mask" in ran.stdout

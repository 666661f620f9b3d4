# SPDX-License-Identifier: Apache-2.0
"""`guiju works` and `guiju rumours` as persons type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli_kit import guiju
from likeness_kit import RUMOUR, WORK

LIST = f"claim,verdict,correction,source,date\n{RUMOUR.claim},false,{RUMOUR.correction},{RUMOUR.source},{RUMOUR.date}\n"


@pytest.mark.slow
def test_works_are_added_tried_listed_and_removed(tmp_path: Path) -> None:
    (tmp_path / "渡口.txt").write_bytes(WORK.encode("gb18030"))
    (tmp_path / "said.txt").write_text(f"他念道：{WORK[:90]}", "utf-8")
    made = json.loads(guiju("works", "add", "渡口.txt", "--owner", "鹿溪客", "--json", cwd=tmp_path).stdout)
    assert (made[0]["title"], made[0]["owner"]) == ("渡口", "鹿溪客")
    tried = guiju("works", "test", "said.txt", "--json", cwd=tmp_path)
    assert tried.returncode == 1
    assert [one["work"] for one in json.loads(tried.stdout)] == [made[0]["id"]]
    assert "鹿溪客" in guiju("works", "list", cwd=tmp_path, language="zh").stdout
    assert json.loads(guiju("works", "remove", made[0]["id"], "--json", cwd=tmp_path).stdout)["pending"] is False
    assert guiju("works", "test", "said.txt", cwd=tmp_path).returncode == 0
    assert not any(WORK[:8].encode() in path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())


@pytest.mark.slow
def test_mistakes_with_works_are_told(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("太短", "utf-8")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xff\xff")
    for words, said in (
        (("works", "add", "none.txt", "--owner", "x"), "none.txt"),
        (("works", "add", "short.txt", "--owner", "x"), "60 characters"),
        (("works", "add", "bytes.txt", "--owner", "x"), "GB18030"),
        (("works", "add", "short.txt", "bytes.txt", "--owner", "x", "--title", "y"), "--title"),
        (("works", "remove", "w-none"), "w-none"),
        (("rumours", "apply", "bytes.txt"), "bytes.txt"),
    ):
        done = guiju(*words, cwd=tmp_path)
        assert done.returncode == 2, words
        assert said in done.stderr, words


@pytest.mark.slow
def test_rumours_are_applied_tried_and_listed(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(LIST, "utf-8")
    assert guiju("rumours", "test", RUMOUR.claim, "--list", "list.csv", cwd=tmp_path).returncode == 1
    dry = json.loads(guiju("rumours", "apply", "list.csv", "--dry-run", "--json", cwd=tmp_path).stdout)
    assert (dry["added"], dry["weakens"]) == (1, False)
    assert not (tmp_path / "data").exists()
    done = json.loads(guiju("rumours", "apply", "list.csv", "--json", cwd=tmp_path).stdout)
    assert (done["added"], done["current"], done["pending"]) == (1, 1, 0)
    told = guiju("rumours", "test", f"听说{RUMOUR.claim}", cwd=tmp_path, language="zh")
    assert told.returncode == 1
    assert RUMOUR.correction in told.stdout
    assert RUMOUR.source in guiju("rumours", "list", cwd=tmp_path).stdout

# SPDX-License-Identifier: Apache-2.0
"""`guiju keys`, `guiju store` and `guiju lexicon` as a person and a program use them, in Chinese and in English."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from guiju.cli.main import main
from guiju.records import lexicons
from guiju.records.accounts import Keyring
from guiju.records.db import Store
from guiju.records.secrets import Secrets
from guiju.records.usage import Tally

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def guiju(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run one command on a data directory of the test's own: exit status, and what was printed."""
    monkeypatch.setenv("GUIJU_LANG", "en")

    def run(*words: str) -> tuple[int, str]:
        try:
            status = main([*words, "--data", str(tmp_path / "data")])
        except SystemExit as left:
            status = int(left.code or 0)
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def document(answer: tuple[int, str]) -> dict[str, object]:
    assert answer[0] == 0, answer[1]
    return json.loads(answer[1])


def test_a_key_made_by_command_opens_the_door_until_it_is_revoked(guiju: Run, tmp_path: Path) -> None:
    made = document(
        guiju(
            "keys",
            "create",
            "app",
            "--account",
            "客户甲",
            "--real-name",
            "phone",
            "--rpm",
            "30",
            "--tokens-per-day",
            "9",
            "--json",
        )
    )
    assert (made["account"], made["identity"], made["requests_per_minute"]) == ("客户甲", "phone", 30)
    assert made["tokens_per_day"] == 9
    store = Store.open("sqlite", tmp_path / "data")
    ring = Keyring(Secrets.open(tmp_path / "data" / "keys"))
    ring.refresh(store)
    found = ring.find(str(made["key"]), int(made["created_at"]))
    assert found is not None
    assert (found.identity, found.tokens_per_day) == ("phone", 9)
    tally, at = Tally(), time.time()
    tally.take(found.id, found.account, at, 6, estimated=True)
    asyncio.run(tally.settle(store, at))
    status, listed = guiju("keys", "list")
    assert status == 0
    assert str(made["prefix"]) in listed
    assert " ~6/9 " in listed
    assert str(made["key"]) not in listed
    document(guiju("keys", "revoke", str(made["prefix"]), "--json"))
    ring.refresh(store)
    assert ring.find(str(made["key"]), int(made["created_at"])) is None
    [one] = json.loads(guiju("keys", "list", "--json")[1])
    assert not one["active"]
    assert (one["tokens_today"], one["tokens_today_estimated"]) == (6, 6)
    store.close()


@pytest.mark.slow
@pytest.mark.parametrize("there", [False, True])
def test_what_is_not_there_is_said_with_a_code_and_exit_2(there: bool, guiju: Run, tmp_path: Path) -> None:
    if there:
        guiju("keys", "create", "app")
    for words in (
        ("keys", "revoke", "gj-none"),
        ("keys", "list", "--account", "nobody"),
        ("lexicon", "show", "nothing"),
        ("lexicon", "rollback", "nothing"),
        ("lexicon", "apply", "no-such-file.csv"),
    ):
        status, text = guiju(*words, "--json")
        assert (status, json.loads(text)["error"]["code"]) == (2, "not_found"), words
    assert (tmp_path / "data").exists() == there, "looking makes nothing"
    if not there:
        assert guiju("store", "backup", str(tmp_path / "x.db"))[0] == 2
        assert guiju("lexicon", "list")[0] == 2


def test_options_outside_their_choices_are_refused(guiju: Run) -> None:
    for words in (("--real-name", "face"), ("--label", "nowhere"), ("--rpm", "-1"), ("--tokens-per-day", "-2")):
        assert guiju("keys", "create", "k", *words)[0] == 2


@pytest.mark.slow
def test_backup_and_restore_by_command(guiju: Run, tmp_path: Path) -> None:
    made = document(guiju("keys", "create", "app", "--json"))
    file = str(tmp_path / "b.db")
    status, text = guiju("store", "backup", file)
    assert status == 0
    assert "keys directory" in text, "the operator must be told that keys are not in it"
    document(guiju("keys", "revoke", str(made["id"]), "--json"))
    status, text = guiju("store", "restore", file, "--json")
    assert (status, json.loads(text)["error"]["code"]) == (2, "store_not_empty")
    assert document(guiju("store", "restore", file, "--force", "--json"))["counts"]
    [one] = json.loads(guiju("keys", "list", "--json")[1])
    assert one["active"]
    assert document(guiju("store", "upgrade", "--dry-run", "--json"))["revisions"] == []


def test_a_list_is_applied_shown_and_rolled_back(guiju: Run, tmp_path: Path) -> None:
    words = tmp_path / "words.csv"
    words.write_text("term,category,severity\n规矩试词,A.2e,block\nguijutest,A.2e,signal\n", "utf-8")
    would = document(guiju("lexicon", "apply", str(words), "--name", "main", "--dry-run", "--json"))
    assert would["difference"] == {"added": 2, "removed": 0, "stronger": 0, "weaker": 0, "weakens": False}
    assert not (tmp_path / "data").exists()
    done = document(guiju("lexicon", "apply", str(words), "--name", "main", "--by", "王五", "--json"))
    assert done["current"] == 1
    (tmp_path / "data" / "guiju.toml").write_text('mode = "production"\n', "utf-8")
    words.write_text("term,category,severity\n规矩试词,A.2e,block\n", "utf-8")
    status, text = guiju("lexicon", "apply", str(words), "--name", "main", "--by", "王五")
    assert status == 0
    assert "main@1" in text
    assert "One person decided it" in text
    newest, first, *packs = json.loads(guiju("lexicon", "list", "--json")[1])
    assert all(pack["shipped"] and pack["current"] for pack in packs)
    assert (newest["current"], first["current"], newest["applied_by"]) == (False, True, "王五")
    assert newest["effective_at"] > newest["applied_at"]
    assert len(json.loads(guiju("lexicon", "show", "main", "--json")[1])) == 2
    assert document(guiju("lexicon", "rollback", "main", "--to", "1", "--json"))["pending"] == 0
    store = Store.open("sqlite", tmp_path / "data")
    assert lexicons.current(store)[0] == "main@3"
    store.close()


@pytest.mark.parametrize(("language", "word"), [("zh", "编号"), ("en", "ID")])
def test_both_languages(language: str, word: str, guiju: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    document(guiju("keys", "create", "app", "--json"))
    monkeypatch.setenv("GUIJU_LANG", language)
    assert word in guiju("keys", "list")[1]

# SPDX-License-Identifier: Apache-2.0
"""Consents in the store and on the command line: who gave one is a keyed hash, and what is withdrawn is so at once."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cli_kit import guiju
from guiju.errors import ConfigError
from guiju.records import accounts, changes, consents
from guiju.records.changes import Terms
from guiju.records.consents import Consents, Wanted
from guiju.records.db import Store
from places import BOTH, Place, place

NOW = 1_795_000_000
TERMS = Terms(weakens=False, by="王五", now=NOW, delay=86_400)


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    opened = here.open()
    yield opened
    opened.close()


def wanted(store: Store, **more: object) -> Wanted:
    account = accounts.find_account(store, "default") or accounts.create_account(store, "default", NOW)
    plain = Wanted(
        account=account.id,
        kind="face",
        giver=consents.giver_hash(b"k" * 32, "鹿 溪客"),
        purpose="宣传片",
        proof=consents.proof_of(b"signed"),
        until_s=NOW + 10,
    )
    return msgspec.structs.replace(plain, **more)


def test_a_consent_is_found_by_its_giver_and_acts_until_its_end(store: Store) -> None:
    made = consents.add(store, wanted(store), "0" * 8, TERMS)
    other = consents.add(store, wanted(store, giver="x"), "0" * 8, TERMS)
    assert consents.history(store, consents.giver_hash(b"k" * 32, " 鹿  溪客 ")) == [made]
    assert {one.id for one in consents.history(store)} == {made.id, other.id}
    assert consents.show(store, made.id) == made
    known = Consents()
    known.refresh(store)
    assert known.in_force([made.id, made.id], made.account_id, NOW) == [made]
    assert known.in_force([made.id], made.account_id, NOW + 10) == []
    [change, _] = changes.history(store, consents.KIND)
    assert (change.state, change.weakens) == ("done", False)


def test_what_is_withdrawn_is_so_at_once(store: Store) -> None:
    made = consents.add(store, wanted(store), "0" * 8, TERMS)
    known = Consents()
    known.refresh(store)
    assert consents.withdraw(store, made.id, TERMS).withdrawn_at == NOW
    known.refresh(store)
    assert known.in_force([made.id], made.account_id, NOW) == []
    with pytest.raises(ConfigError):
        consents.withdraw(store, made.id, TERMS)


@pytest.mark.parametrize("more", [{"purpose": " "}, {"purpose": "长" * 201}, {"until_s": NOW}])
def test_no_consent_without_an_end_and_an_aim(store: Store, more: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        consents.add(store, wanted(store, **more), "0" * 8, TERMS)
    with pytest.raises(ConfigError):
        consents.show(store, "c-none")


@pytest.mark.slow
def test_the_command_line(tmp_path: Path) -> None:
    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return guiju(*words, cwd=tmp_path)

    data, proof = tmp_path / "data", tmp_path / "signed.pdf"
    proof.write_bytes(b"signed")
    asked = [
        "consents",
        "add",
        "--data",
        data,
        "--kind",
        "voice",
        "--who",
        "鹿溪客",
        "--what",
        "有声书",
        "--proof",
        proof,
    ]
    assert run(*asked, "--until", "2999-01-01").returncode == 2, "no account yet"
    run("keys", "create", "k", "--data", data)
    made = json.loads(run(*asked, "--until", "2999-01-01", "--json").stdout)
    assert made["proof"] == consents.proof_of(b"signed")
    assert run(*asked, "--until", "1999-01-01").returncode == 2
    assert run(*asked, "--until", "soon").returncode == 2
    assert made["id"] in run("consents", "list", "--data", data, "--who", " 鹿溪客").stdout
    assert made["id"] not in run("consents", "list", "--data", data, "--who", "别人").stdout
    assert "有声书" in run("consents", "show", made["id"], "--data", data).stdout
    assert run("consents", "withdraw", made["id"], "--data", data).returncode == 0
    assert json.loads(run("consents", "show", made["id"], "--data", data, "--json").stdout)["withdrawn_at"] > 0
    assert not any("鹿溪客".encode() in path.read_bytes() for path in data.rglob("*") if path.is_file())

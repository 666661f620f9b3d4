# SPDX-License-Identifier: Apache-2.0
"""Persons: verdicts only, account by account, and gone for good when erased (Article 9; DESIGN §8; robustness B2)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from secrets import token_hex

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import insert, select

from guiju.errors import ConfigError, OutsideError
from guiju.records import backup as books
from guiju.records import schema
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.persons import level_of, remember
from guiju.terms import Identity
from places import BOTH, Place, place

NOW = 1_795_000_000
ONE, TWO = "a" * 32, "b" * 32
DOCUMENTS = ("11010519491231002X", "440308199901010012", "13800138000", "E12345678", "张三丰")


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    opened = with_accounts(here)
    yield opened
    opened.close()


def with_accounts(here: Place) -> Store:
    opened = here.open()
    values = [{"id": one, "name": one, "created_at": 1} for one in (ONE, TWO)]
    opened.do(lambda c: c.execute(insert(schema.account), values).rowcount)
    return opened


def known(person: str, level: str = "phone", verified_at: int = NOW, expires_at: int = NOW + 900) -> Identity:
    return Identity(person, level, "cn_mobile_realname", verified_at, expires_at, token_hex(32))


def test_the_newest_verdict_counts_until_it_expires(store: Store) -> None:
    person = token_hex(32)
    assert level_of(store, ONE, person, NOW) == "none"
    remember(store, ONE, known(person, "phone"), NOW)
    remember(store, ONE, known(person, "document", NOW + 10), NOW)
    remember(store, ONE, known(person, "phone", NOW + 5), NOW)  # came late, was verified earlier
    assert level_of(store, ONE, person, NOW + 899) == "document"
    assert level_of(store, ONE, person, NOW + 900) == "none"


def test_accounts_never_see_one_anothers_persons(store: Store, here: Place) -> None:
    person = token_hex(32)
    remember(store, ONE, known(person, "document"), NOW)
    assert level_of(store, TWO, person, NOW) == "none"
    remember(store, TWO, known(person, "phone"), NOW)
    assert (level_of(store, ONE, person, NOW), level_of(store, TWO, person, NOW)) == ("document", "phone")
    keys = DayKeys(here.data / "keys")
    mine, theirs = keys.person_key(store, ONE, person, NOW), keys.person_key(store, TWO, person, NOW)
    assert mine != theirs
    with store.read() as connection:
        row = connection.execute(select(schema.person).where(schema.person.c.account_id == ONE)).one()
    with pytest.raises(ConfigError):
        keys.unwrap(row.day_key_id, TWO, person, row.wrapped_key)
    keys.erase(store, ONE, person, NOW)
    assert (level_of(store, ONE, person, NOW), level_of(store, TWO, person, NOW)) == ("none", "phone")
    assert keys.person_key(store, TWO, person, NOW) == theirs


@pytest.mark.parametrize("number", DOCUMENTS)
def test_a_document_number_is_refused_wherever_it_stands(number: str, tmp_path: Path) -> None:
    here = Place("sqlite", tmp_path / "data")
    store = with_accounts(here)
    good = known(token_hex(32))
    remember(store, ONE, good, NOW)
    for bad in (
        Identity(number, "document", "m", NOW, NOW + 9, token_hex(32)),
        Identity(token_hex(32), "document", "m", NOW, NOW + 9, number),
        Identity(token_hex(32), "document", f"id {number}", NOW, NOW + 9, token_hex(32)),
    ):
        with pytest.raises(ValueError, match=r"keyed hashes|a method"):
            remember(store, ONE, bad, NOW)
    everything = b"".join(path.read_bytes() for path in here.data.iterdir() if path.is_file())
    assert good.person.encode() in everything, "this test looks at the wrong files"
    assert number.encode() not in everything
    assert number.encode("utf-16-le") not in everything
    store.close()


def test_a_persons_key_stays_the_same_and_needs_a_person(store: Store, here: Place) -> None:
    keys, person = DayKeys(here.data / "keys"), token_hex(32)
    with pytest.raises(ConfigError) as refused:
        keys.person_key(store, ONE, person, NOW)
    assert refused.value.code == "not_found"
    remember(store, ONE, known(person), NOW)
    first = keys.person_key(store, ONE, person, NOW)
    assert first == keys.person_key(store, ONE, person, NOW + 86_400 * 3)
    assert first == DayKeys(here.data / "keys").person_key(store, ONE, person, NOW)
    assert len(list((here.data / "keys" / "days").glob("*.key"))) == 1


def secrets_in(blobs: Iterable[bytes]) -> set[bytes]:
    """Every 32 bytes that stand anywhere, as they are and spelled in hex: all that could be an AES key."""
    found: set[bytes] = set()
    for blob in blobs:
        found.update(blob[at : at + 32] for at in range(len(blob) - 31))
        text = blob.decode("latin-1")
        for word in text.replace("\n", " ").split(" "):
            if len(word) == 64 and all(c in "0123456789abcdef" for c in word):
                found.add(bytes.fromhex(word))
    return found


def opens(candidates: Iterable[bytes], sealed: bytes, name: str) -> list[bytes]:
    """What those keys open."""
    found = []
    for key in candidates:
        try:
            found.append(AESGCM(key).decrypt(sealed[:12], sealed[12:], name.encode()))
        except InvalidTag:
            continue
    return found


def everywhere(here: Place, backup: Path, store: Store) -> list[bytes]:
    """The bytes of database, write-ahead log, keys and backup, as a thief of all of it would have them."""
    paths = [path for path in (*here.data.rglob("*"), backup) if path.is_file()]
    with store.read() as connection:
        rows = [row.wrapped_key or b"" for row in connection.execute(select(schema.person))]
    return [path.read_bytes() for path in paths] + rows


@pytest.mark.slow
def test_after_erasure_nothing_anywhere_opens_the_persons_text(here: Place, tmp_path: Path) -> None:
    store, keys = with_accounts(here), DayKeys(here.data / "keys")
    gone, stays = token_hex(32), token_hex(32)
    for person in (gone, stays):
        remember(store, ONE, known(person), NOW)
    key = keys.person_key(store, ONE, gone, NOW)
    other = keys.person_key(store, ONE, stays, NOW)
    nonce, text = os.urandom(12), "要保密的话".encode()
    sealed = nonce + AESGCM(key).encrypt(nonce, text, b"vault")
    books.backup(here.url, here.data, tmp_path / "before.db", NOW)
    with store.read() as connection:
        wrapped = connection.execute(select(schema.person.c.wrapped_key).where(schema.person.c.id == gone)).scalar_one()
    backup = tmp_path / "before.db"

    def thief() -> list[bytes]:
        """Try each window as the person's key, and as a day key that opens the wrapped key kept from before."""
        candidates = secrets_in(everywhere(here, backup, store))
        persons = [key for key in opens(candidates, bytes(wrapped), f"{ONE}/{gone}") if len(key) == 32]
        return opens([*candidates, *persons], sealed, "vault")

    assert thief() == [text], "before the erasure the thief must succeed, else the test shows nothing"
    assert keys.erase(store, ONE, gone, NOW + 60)
    assert thief() == []
    assert keys.person_key(store, ONE, stays, NOW) == other
    assert level_of(store, ONE, gone, NOW) == "none"
    assert not keys.erase(store, ONE, gone, NOW + 61)
    store.close()


@pytest.mark.slow
def test_a_restored_backup_does_not_bring_an_erased_person_back(here: Place, tmp_path: Path) -> None:
    store, keys = with_accounts(here), DayKeys(here.data / "keys")
    persons = [token_hex(32) for _ in range(5)]
    for person in persons:
        remember(store, ONE, known(person), NOW)
    before = {person: keys.person_key(store, ONE, person, NOW) for person in persons[:4]}  # the fifth has no key
    books.backup(here.url, here.data, tmp_path / "b.db", NOW)
    for person in (persons[0], persons[1], persons[4]):
        assert keys.erase(store, ONE, person, NOW + 60)
    remember(store, ONE, known(persons[1]), NOW + 120)  # came back of their own will
    books.restore(here.url, here.data, tmp_path / "b.db", NOW + 180, force=True)
    for person in (persons[0], persons[1], persons[4]):
        assert level_of(store, ONE, person, NOW) == "none"
    for person in persons[2:4]:
        assert level_of(store, ONE, person, NOW) == "phone"
        assert keys.person_key(store, ONE, person, NOW) == before[person], "the others must not pay for it"
    assert keys.erase(store, ONE, persons[2], NOW + 240)
    assert keys.person_key(store, ONE, persons[3], NOW) == before[persons[3]]
    store.close()


def test_an_interrupted_erasure_is_finished_by_the_sweep(here: Place) -> None:
    store, keys = with_accounts(here), DayKeys(here.data / "keys")
    person = token_hex(32)
    remember(store, ONE, known(person), NOW)
    keys.person_key(store, ONE, person, NOW)
    days = here.data / "keys" / "days"
    [path] = days.glob("*.key")
    kept = path.read_bytes()
    keys.erase(store, ONE, person, NOW)
    assert not path.exists()
    path.write_bytes(kept)  # as if the process had died between the commit and the deletion
    path.chmod(0o600)
    (days / "0123.key").write_bytes(kept)  # of another store: none of ours
    assert keys.sweep(store) == 1
    assert not path.exists()
    assert (days / "0123.key").exists()
    assert keys.sweep(store) == 0
    store.close()


def test_a_new_person_never_gets_a_retired_day_key(store: Store, here: Place) -> None:
    keys, first, second = DayKeys(here.data / "keys"), token_hex(32), token_hex(32)
    for person in (first, second):
        remember(store, ONE, known(person), NOW)
    keys.person_key(store, ONE, first, NOW)
    keys.erase(store, ONE, first, NOW)
    keys.person_key(store, ONE, second, NOW)
    with store.read() as connection:
        used = set(connection.execute(select(schema.person.c.day_key_id)).scalars())
        retired = set(connection.execute(select(schema.day_key.c.id).where(schema.day_key.c.retired)).scalars())
    assert len(used) == len(retired) == 1
    assert not used & retired


def test_a_failed_erasure_leaves_everybodys_keys_good(here: Place) -> None:
    store, keys = with_accounts(here), DayKeys(here.data / "keys")
    persons = [token_hex(32) for _ in range(2)]
    for person in persons:
        remember(store, ONE, known(person), NOW)
    before = {person: keys.person_key(store, ONE, person, NOW) for person in persons}
    store.close()
    with pytest.raises(OutsideError):
        keys.erase(store, ONE, persons[0], NOW)
    again = here.open()
    assert {person: keys.person_key(again, ONE, person, NOW) for person in persons} == before
    again.close()

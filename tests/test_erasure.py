# SPDX-License-Identifier: Apache-2.0
"""A thousand people are erased while a gateway serves; then nothing of them is found, by value or by guessing, in the
database, its log, its free pages, a dump or a backup; the ledger verifies, and a restored backup keeps them erased
(robustness P3, B2; Articles 11, 13). Of PostgreSQL the server's own files are read: what it keeps of a deleted row
until it cleans up is a keyed hash at most."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from sqlalchemy import select

from cli_kit import guiju
from conftest import KEY
from crew_kit import BOTH
from guiju.adapters.scripted import ScriptedModel
from guiju.records import accounts, backup, choices, rights, schema, standing, use, vault
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.persons import remember
from guiju.records.secrets import Secrets
from guiju.terms import Due, Guardian, Identity, Record
from identity_kit import SECRET, assertion
from places import Place, place
from serving import Served, served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PEOPLE, ASKING, GUESSES = 1000, 25, 1_000_000
_PIECE = 1 << 23
HASHES: tuple[Callable[[bytes], bytes], ...] = (
    lambda value: hashlib.md5(value, usedforsecurity=False).digest(),
    lambda value: hashlib.sha1(value, usedforsecurity=False).digest(),
    lambda value: hashlib.sha256(value).digest(),
    lambda value: hashlib.blake2b(value, digest_size=32).digest(),
)
SETTINGS = (
    '[[issuer]]\nissuer = "id.example"\naudience = "guiju"\nsecret_env = "ISSUER_SECRET"\n'
    'levels = { cn_mobile_realname = "phone" }\n'
)


def number(index: int) -> str:
    """A telephone number by which an issuer knows somebody."""
    return f"138{index:08d}"


def keyed(key: bytes, account: str, subject: str) -> bytes:
    """The id of a person, as a gateway computes it from the issuer's name for them."""
    parts = "\x1f".join(("person", account, "id.example", subject))
    return hmac.new(key, parts.encode(), hashlib.sha256).digest()


class Heap:
    """Everything that is left, and a search in it.

    Args:
        data: the bytes; what is written in hex is looked at as bytes besides.
    """

    def __init__(self, data: Iterable[bytes]) -> None:
        self.data = b"\0".join(data)
        runs = [one.decode() for one in re.findall(rb"[0-9a-fA-F]{32,}", self.data)]
        whole = [bytes.fromhex(run[at : at + (len(run) - at) // 2 * 2]) for run in runs for at in (0, 1)]
        pool = np.frombuffer(self.data + b"".join(whole), dtype=np.uint8)
        self._known = [_windows(pool[at : at + _PIECE + 7]) for at in range(0, len(pool) - 7, _PIECE)]

    def holds(self, digests: Iterable[bytes]) -> int:
        """How many of some digests are in it, by their first eight bytes."""
        wanted = np.frombuffer(b"".join(one[:8] for one in digests), dtype=np.uint64)
        found = np.zeros(len(wanted), dtype=bool)
        for known in self._known:  # sorted
            found |= known[np.minimum(np.searchsorted(known, wanted), len(known) - 1)] == wanted
        return int(found.sum())


def _windows(piece: np.ndarray) -> np.ndarray:
    """Each eight bytes of a piece."""
    windows = np.lib.stride_tricks.sliding_window_view(piece, 8)
    return np.unique(np.ascontiguousarray(windows).view(np.uint64).ravel())


def ladder(record: Record, now: int) -> Due | None:
    """Everything leads to a notice."""
    return Due("notice", now + 86_400)


def people(gateway: Served, store: Store, key: bytes, account: str) -> list[use.Who]:
    """A thousand people: some ask, of the others all is kept that can be."""
    now = int(time.time())
    keys = DayKeys(gateway.data / "keys")
    for index in range(ASKING):
        headers = {"authorization": f"Bearer {KEY}", "x-guiju-identity": assertion(sub=number(index))}
        body = {"model": "scripted", "messages": [{"role": "user", "content": f"[[say:好]]我的手机是{number(index)}"}]}
        assert gateway.ask("POST", "/v1/chat/completions", json.dumps(body).encode(), headers).status == 200
    made = []
    for index in range(PEOPLE):
        who = (account, keyed(key, account, number(index)).hex()[:32])
        made.append(who)
        if index >= ASKING:
            remember(store, account, Identity(who[1], "phone", "m", now, now + 864_000, who[1][::-1]), now)
        vault.put(store, keys, who, "note", f"手机 {number(index)}".encode(), (now, now + 864_000))
        if index % 10 == 0:
            use.guard(store, who, Guardian(30, "deny"), now)
            standing.uphold(store, who, "spam", now, ladder)
            choices.choose(store, who, choices.NOTICE + "guidance", "v1", now)
    return made


def left(folder: Path) -> list[bytes]:
    """All files: the database, its log, the ledger, keys, what was printed."""
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


class Base:
    """The database, and what there is of it on disks."""

    def __init__(self, here: Place) -> None:
        self.here = here
        self.own = here.url == "sqlite"
        self._began = "" if self.own else str(self._asked("select pg_walfile_name(pg_current_wal_lsn())")[0][0])

    def dump(self) -> bytes:
        """The database as text."""
        if self.own:
            with contextlib.closing(sqlite3.connect(self.here.data / "guiju.db")) as connection:
                return "\n".join(connection.iterdump()).encode()
        store = self.here.open()
        with store.read() as connection:
            tables = schema.metadata.sorted_tables
            cells = [cell for one in tables for row in connection.execute(select(one)) for cell in row]
        made = b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)
        store.close()
        return made

    def pages(self, *, cleaned: bool = False) -> list[bytes]:
        """A server's own files: tables, indexes, what lies beside them, and its log since the beginning."""
        if self.own:
            return []
        if cleaned:
            for (table,) in self._asked(
                "select format('%I', tablename) from pg_tables where schemaname = current_schema()"
            ):
                self._asked(f"vacuum full {table}", rows=False)
        self._asked("checkpoint", rows=False)
        relations = """
            select pg_read_binary_file(pg_relation_filepath(c.oid)) from pg_class c
            where pg_relation_filepath(c.oid) is not null and (
                relnamespace = current_schema()::regnamespace
                or oid in (select reltoastrelid from pg_class where relnamespace = current_schema()::regnamespace)
                or oid in (select indexrelid from pg_index where indrelid in
                    (select reltoastrelid from pg_class where relnamespace = current_schema()::regnamespace)))"""
        log = """
            select pg_read_binary_file('pg_wal/' || name) from pg_ls_waldir()
            where name between %s and pg_walfile_name(pg_current_wal_lsn())"""
        return [bytes(row[0]) for row in self._asked(relations) + ([] if cleaned else self._asked(log, self._began))]

    def _asked(self, statement: str, *values: object, rows: bool = True) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.here.url, autocommit=True) as connection:
            ran = connection.execute(statement.encode(), values or None)
            return ran.fetchall() if rows else []


def kept(store: Store) -> set[str]:
    """Ids of persons of whom a row is kept."""
    found: set[str] = set()
    with store.read() as connection:
        found.update(connection.execute(select(schema.person.c.id)).scalars())
        for table in schema.metadata.sorted_tables:
            if "person_id" in table.c:
                found.update(connection.execute(select(table.c.person_id)).scalars())
    return found - {""}


@pytest.mark.parametrize("kind", BOTH)
def test_a_thousand_people_are_nowhere_and_stay_nowhere(kind: str, tmp_path: Path, model: ScriptedModel) -> None:
    data, saved = tmp_path / "data", tmp_path / "saved"
    service = f'[[upstream]]\nname = "test"\nurl = "{model.url}"\n'
    with place(kind, data) as made:
        quick = "%20-csynchronous_commit%3Doff" if kind == "postgresql" else ""  # what a crash loses is not asked here
        here = Place(made.url + quick, made.data)
        base, url = Base(here), here.url
        settings = f'[store]\nurl = "{url}"\n{service}{SETTINGS}'
        with served(tmp_path, settings, env={"ISSUER_SECRET": SECRET}) as gateway:
            key = Secrets.open(data / "keys").person
            store = here.open()
            account = accounts.find_account(store, "operator")
            assert account is not None
            everybody = people(gateway, store, key, account.id)
            deadline = time.monotonic() + 20
            while len(kept(store)) < PEOPLE and time.monotonic() < deadline:
                time.sleep(0.1)
            assert kept(store) == {id for _, id in everybody}
            before = Heap([*left(data), base.dump()])
            mine = [keyed(key, account.id, number(index)) for index in range(PEOPLE)]
            assert before.holds(mine) == PEOPLE, "the search is blind"
            backup.backup(url, data, saved / "before.db", int(time.time()))
            keys, now = DayKeys(data / "keys"), int(time.time()) + 1
            for who in everybody:
                rights.erase(store, keys, who, now)
            assert kept(store) == set()
            time.sleep(2)  # the gateway learns of it, and writes what it still has to write
            assert kept(store) == set()
            after = Heap([*left(data), base.dump()])
            pages = Heap(base.pages())
            store.close()
        assert not list((data / "keys" / "days").glob("*.key")), "no key of a day is left that opened theirs"
        backup.backup(url, data, saved / "after.db", int(time.time()))
        stopped = Heap([*left(data), (saved / "after.db").read_bytes(), gateway.log.read_bytes()])
        old = Heap([(saved / "before.db").read_bytes()])
        for heap in (before, after, pages, stopped, old):
            assert not re.search(rb"13800000\d{3}", heap.data), "by value"
        for hashed in HASHES:
            digests = [hashed(number(index).encode()) for index in range(GUESSES)]
            assert [heap.holds(digests) for heap in (after, pages, stopped, old)] == [0, 0, 0, 0], "by guessing"
        assert [heap.holds(mine) for heap in (after, stopped)] == [0, 0], "even with the key"
        assert base.own or pages.holds(mine) == PEOPLE, "the search of a server's files is blind"
        assert Heap(base.pages(cleaned=True)).holds(mine) == 0, "even with the key, once the server has cleaned up"
        verified = guiju("evidence", "verify", "--data", "data", cwd=tmp_path)
        assert verified.returncode == 0, verified.stdout
        backup.restore(url, data, saved / "before.db", int(time.time()), force=True)
        store = here.open()
        assert kept(store) == set()
        store.close()
        assert Heap([*left(data), base.dump()]).holds(mine) == 0, "after a restore, too"
        assert guiju("evidence", "verify", "--data", "data", cwd=tmp_path).returncode == 0

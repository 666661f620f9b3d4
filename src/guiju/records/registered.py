# SPDX-License-Identifier: Apache-2.0
"""What registers of fingerprints share: a thing is entered once, taken out after a wait, and its hashes go with it.

Works and trade secrets are kept so (Articles 4.3, 4.5): each in a table of its own, of which one column holds hashes.
"""

from __future__ import annotations

import hashlib
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import Connection, Table, insert, select, update

from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.db import Store, bump
from guiju.terms import Severity


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """One thing as the store has it: what the operator calls it, and how long it is; without its hashes."""

    id: str
    title: str
    owner: str
    severity: Severity
    size: int
    hash: str
    added_by: str
    added_at: int
    removed_at: int


K = TypeVar("K", bound=Entered)


class Register(Generic[K]):
    """One register.

    Args:
        table: where it lies.
        kind: of its changes.
        counter: of its versions.
        hashes: the column that holds the hashes; it is emptied when a thing is taken out.
        kept: what one row becomes.
    """

    def __init__(self, table: Table, kind: str, counter: str, hashes: str, kept: type[K]) -> None:
        self._table = table
        self._kind = kind
        self._counter = counter
        self._hashes = hashes
        self._kept = kept
        self._columns = [table.c[name] for name in kept.__struct_fields__]
        self._there = table.c.removed_at == 0

    def enter(self, store: Store, kept: K, raw: bytes, key_id: str, terms: changes.Terms) -> K:
        """Enter a thing; one with the same hashes is not entered twice.

        Args:
            store: the store.
            kept: the thing.
            raw: its hashes.
            key_id: id of the key that they were made under.
            terms: by whom and when.

        Raises:
            OutsideError: `store_unavailable`.
        """

        def write(connection: Connection) -> K:
            same = select(*self._columns).where(self._table.c.hash == kept.hash, self._there)
            if (known := connection.execute(same).mappings().first()) is not None:
                return self._kept(**known)
            row: dict[str, Any] = {**msgspec.structs.asdict(kept), self._hashes: raw, "key_id": key_id}
            connection.execute(insert(self._table).values(**row))
            subject = changes.Subject(self._kind, kept.id, 1)
            changes.enter(connection, subject, ("", kept.hash), msgspec.structs.replace(terms, weakens=False))
            bump(connection, self._counter)
            return kept

        return store.do(write, wait_s=120.0)

    def remove(self, store: Store, name: str, terms: changes.Terms) -> changes.Change:
        """Take a thing out; it weakens, so it waits.

        Raises:
            ConfigError: `not_found`.
            OutsideError: `store_unavailable`.
        """

        def write(connection: Connection) -> changes.Change:
            row = connection.execute(select(self._table.c.hash).where(self._table.c.id == name, self._there)).first()
            if row is None:
                raise ConfigError("not_found", what=name)
            subject = changes.Subject(self._kind, name, 0)
            made = changes.enter(connection, subject, (row.hash, ""), msgspec.structs.replace(terms, weakens=True))
            if made.state == "done":
                self._remove(connection, name, terms.now)
            return made

        return store.do(write)

    def settle(self, store: Store, now: int) -> int:
        """Take out what has waited long enough; see `changes.settle`."""
        return changes.settle(store, self._kind, now, lambda c, one: self._remove(c, one.subject, now))

    def history(self, store: Store) -> list[K]:
        """What is in the register, newest first."""
        query = select(*self._columns).where(self._there).order_by(self._table.c.added_at.desc(), self._table.c.id)
        with store.read() as connection:
            return [self._kept(**row) for row in connection.execute(query).mappings()]

    def _remove(self, connection: Connection, name: str, now: int) -> None:
        gone = {"removed_at": now, self._hashes: b""}
        connection.execute(update(self._table).where(self._table.c.id == name).values(**gone))
        bump(connection, self._counter)


def named(facts: msgspec.Struct, command: str) -> None:
    """Whether a thing has a title and an owner.

    Raises:
        ConfigError: `config_invalid`: it has not.
    """
    for field in ("title", "owner"):
        if not getattr(facts, field).strip():
            raise ConfigError("config_invalid", what=f"--{field}", hint=f"guiju {command} add --help")


def hash_of(raw: bytes) -> str:
    """The hash by which the same thing is known."""
    return hashlib.sha256(raw).hexdigest()

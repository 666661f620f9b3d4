# SPDX-License-Identifier: Apache-2.0
"""The vault: what must be kept of a person, sealed under that person's key, with an end (Article 11; DESIGN §8).

It is the only place where anything of a person may stand that is not a time, a count or a verdict. Nothing is put into
it by default. Whoever opens an item says why, together with a second person, and the book of changes has it.
"""

from __future__ import annotations

import hashlib
from secrets import token_bytes, token_hex
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, exists, insert, select

from guiju.errors import ConfigError
from guiju.records import changes, choices
from guiju.records.changes import Subject, Terms
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.schema import legal_hold, vault
from guiju.records.use import Who

KIND: Final = "vault"
_NONCE: Final = 12


class Item(msgspec.Struct, frozen=True):
    """What is known of an item without its key; times in Unix seconds."""

    id: str
    kind: str
    created_at: int
    expires_at: int


def put(store: Store, keys: DayKeys, who: Who, kind: str, content: bytes, times: tuple[int, int]) -> str:
    """Seal something; returns its id.

    Args:
        store: the store.
        keys: the keys of persons.
        who: whose it is; the person must be kept already.
        kind: what it is, in a word.
        content: what is sealed.
        times: now, and when it goes.

    Raises:
        ConfigError: `not_found`: nothing is kept of the person; `config_invalid`: it has no end.
        OutsideError: `store_unavailable`.
    """
    if times[1] <= times[0]:
        raise ConfigError("config_invalid", what="vault: expires", hint="docs: people.md#vault")
    made = sealed(store, keys, who, kind, content, times[0])
    store.do(lambda connection: enter(connection, made, times))
    return made.id


class Sealed(msgspec.Struct, frozen=True):
    """Something that is sealed, and not in the vault yet."""

    id: str
    account_id: str
    person_id: str
    kind: str
    sealed: bytes


def sealed(store: Store, keys: DayKeys, who: Who, kind: str, content: bytes, now: int) -> Sealed:
    """Seal something, to be put into the vault by `enter`; see `put`."""
    id, nonce = token_hex(16), token_bytes(_NONCE)
    key = keys.person_key(store, *who, now)
    return Sealed(id, *who, kind, nonce + AESGCM(key).encrypt(nonce, content, _name(id, who, kind)))


def enter(connection: Connection, made: Sealed, times: tuple[int, int]) -> None:
    """Put something sealed into the vault, in the transaction of the caller.

    Args:
        connection: the writing connection.
        made: what was sealed.
        times: now, and when it goes.
    """
    row = msgspec.structs.asdict(made)
    connection.execute(insert(vault).values(**row, created_at=times[0], expires_at=times[1]))


def opened(store: Store, keys: DayKeys, id: str, purpose: str, by: tuple[str, str], now: int) -> bytes:
    """Open an item.

    Args:
        store: the store.
        keys: the keys of persons.
        id: of the item.
        purpose: why it is opened.
        by: the two who open it.
        now: Unix seconds.

    Raises:
        ConfigError: `two_persons`: not two, or no purpose; `not_found`: there is none, it has ended, or its person was
            erased; `person_masked`: its person had their data masked; `keys_missing`: it was tampered with.
        OutsideError: `store_unavailable`.
    """
    two(by)
    if not purpose.strip():
        raise ConfigError("two_persons", what="purpose")
    with store.read() as connection:
        row = connection.execute(select(vault.c.account_id, vault.c.person_id).where(vault.c.id == id)).first()
        masked = row is not None and choices.chosen_of(connection, (row.account_id, row.person_id), choices.MASKED)
    if row is None:
        raise ConfigError("not_found", what=f"vault {id}")
    if masked:
        raise ConfigError("person_masked")
    content = read(store, keys, (row.account_id, row.person_id), id, now)
    why = hashlib.sha256(purpose.encode()).hexdigest()
    terms = Terms(weakens=False, by=" + ".join(by), now=now, delay=0)
    store.do(lambda c: changes.enter(c, Subject(KIND, id, 0, row.account_id), ("", why), terms))
    return content


def read(store: Store, keys: DayKeys, who: Who, id: str, now: int) -> bytes:
    """An item of a person, for that person; anybody else uses `opened`.

    Raises:
        ConfigError: `not_found`: there is none, or it has ended and no legal hold keeps it; `keys_missing`: it was
            tampered with.
        OutsideError: `store_unavailable`.
    """
    mine = (vault.c.id == id) & (vault.c.account_id == who[0]) & (vault.c.person_id == who[1])
    hold = (legal_hold.c.account_id == who[0]) & (legal_hold.c.person_id == who[1])
    held = exists().where(hold & (legal_hold.c.lifted_at == 0) & (legal_hold.c.until_at > now))
    with store.read() as connection:
        row = connection.execute(select(vault).where(mine & ((vault.c.expires_at > now) | held))).first()
    if row is None:
        raise ConfigError("not_found", what=f"vault {id}")
    try:
        cipher = AESGCM(keys.person_key(store, *who, now))
        return cipher.decrypt(row.sealed[:_NONCE], row.sealed[_NONCE:], _name(id, who, row.kind))
    except InvalidTag as error:
        raise ConfigError("keys_missing", found=id, known="vault") from error


def two(by: tuple[str, str]) -> None:
    """Whether two different persons are named.

    Raises:
        ConfigError: `two_persons`.
    """
    first, second = (name.strip().casefold() for name in by)
    if not first or not second or first == second:
        raise ConfigError("two_persons", what="--by, --second")


def items(connection: Connection, who: Who) -> list[Item]:
    """What is sealed for a person."""
    mine = (vault.c.account_id == who[0]) & (vault.c.person_id == who[1])
    columns = (vault.c.id, vault.c.kind, vault.c.created_at, vault.c.expires_at)
    rows = connection.execute(select(*columns).where(mine).order_by(vault.c.created_at))
    return [Item(row.id, row.kind, row.created_at, row.expires_at) for row in rows]


def forget(connection: Connection, who: Who) -> int:
    """Delete what is sealed for a person; returns how many items went."""
    mine = (vault.c.account_id == who[0]) & (vault.c.person_id == who[1])
    return connection.execute(delete(vault).where(mine)).rowcount


def _name(id: str, who: Who, kind: str) -> bytes:
    return "/".join((id, *who, kind)).encode()

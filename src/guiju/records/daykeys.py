# SPDX-License-Identifier: Apache-2.0
"""Keys of persons, so that what is kept of somebody can be destroyed everywhere at once (DESIGN §8; PIPL, Article 47).

What must be kept of a person is sealed under a key of that person. That key lies in the store wrapped by the key of
the day on which it was made; the day key lies in `keys/days/`, never in the database. To erase a person, the day's
other persons are wrapped under a fresh day key and the old one is deleted: pages, WAL and backups of the database
then hold only what nobody can open.

Two small files beside the day keys make a restored backup obey: `*.moved` holds the other persons' keys as wrapped
anew, `erased` the hashes of whom to erase again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from guiju.errors import ConfigError
from guiju.records.db import Store
from guiju.records.schema import day_key, person
from guiju.records.secrets import KeyFile, destroy, make_private, read, sync_directory, write_new

_NONCE: Final = 12
_DAY_S: Final = 86_400


class Moved(msgspec.Struct, frozen=True):
    """What took the place of destroyed day keys.

    Attributes:
        old: ids of the day keys that it replaces.
        keys: `account/person` → the person's key, wrapped under the day key whose file stands beside this one.
    """

    old: tuple[str, ...]
    keys: dict[str, bytes]


class DayKeys:
    """The day keys of one installation.

    Args:
        keys: the keys directory; day keys go to `days` in it.

    Raises:
        ConfigError: `keys_exposed` when others may enter it.
    """

    def __init__(self, keys: Path) -> None:
        make_private(keys)
        self._days = keys / "days"
        make_private(self._days)

    def wrap(self, day_key_id: str, account_id: str, person_id: str, key: bytes) -> bytes:
        """Seal a person's key under a day key; it opens only for the same account and person."""
        nonce = token_bytes(_NONCE)
        return nonce + AESGCM(self._key(day_key_id)).encrypt(nonce, key, _name(account_id, person_id).encode())

    def unwrap(self, day_key_id: str, account_id: str, person_id: str, wrapped: bytes) -> bytes:
        """Open a person's key.

        Raises:
            ConfigError: `keys_missing` when the day key is gone or another person's key was given.
        """
        try:
            cipher = AESGCM(self._key(day_key_id))
            return cipher.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _name(account_id, person_id).encode())
        except InvalidTag as error:
            raise ConfigError("keys_missing", found=day_key_id, known="keys/days") from error

    def person_key(self, store: Store, account_id: str, person_id: str, now: int) -> bytes:
        """The key of a person, made on first use.

        Args:
            store: the store.
            account_id, person_id: whose key; the person must be remembered already.
            now: Unix seconds; says which day's key wraps a new one.

        Raises:
            ConfigError: `not_found` when the account has no such person, `keys_missing` when the day key is gone.
            OutsideError: `store_unavailable`.
        """
        mine = (person.c.account_id == account_id) & (person.c.id == person_id)
        columns = select(person.c.day_key_id, person.c.wrapped_key).where(mine)

        def work(connection: Connection) -> tuple[str, bytes]:
            row = connection.execute(columns.with_for_update()).first()
            if row is None:
                raise ConfigError("not_found", what="person")
            if row.wrapped_key is not None:
                return row.day_key_id, row.wrapped_key
            today = self._today(connection, now // _DAY_S)
            wrapped = self.wrap(today, account_id, person_id, token_bytes(32))
            connection.execute(update(person).where(mine).values(day_key_id=today, wrapped_key=wrapped))
            return today, wrapped

        with store.read() as connection:
            row = connection.execute(columns).first()
        have = (row.day_key_id, row.wrapped_key) if row and row.wrapped_key is not None else store.do(work)
        try:
            return self.unwrap(have[0], account_id, person_id, have[1])
        except ConfigError:  # its day key may just have been rotated; what the store says now counts
            with store.read() as connection:
                again = connection.execute(columns).first()
            if again is None or again.wrapped_key is None or again.day_key_id == have[0]:
                raise
            return self.unwrap(again.day_key_id, account_id, person_id, again.wrapped_key)

    def rotate(self, store: Store) -> int:
        """Wrap the keys of all persons under fresh day keys, and delete the old ones. What is sealed stays as it is.

        Backups made before open as they did: the restore attaches each person's key as it is wrapped now.

        Returns:
            How many day keys were replaced.

        Raises:
            OutsideError: `store_unavailable`; rotate again.
        """
        with store.read() as connection:
            held = connection.execute(select(day_key.c.id).where(~day_key.c.retired)).scalars().all()
        done = 0
        for old in held:
            lock = select(day_key.c.retired).where(day_key.c.id == old).with_for_update()

            def work(connection: Connection, old: str = old, lock: Any = lock) -> bool:
                if connection.execute(lock).scalar_one() or not (self._days / f"{old}.key").exists():
                    return False
                self._retire(connection, old, without="")
                return True

            if store.do(work):
                self._destroy(old)
                done += 1
        return done

    def erase(self, store: Store, account_id: str, person_id: str, now: int) -> bool:
        """Erase a person for good: in the store, in its write-ahead log, and in every backup made of it so far.

        Returns:
            Whether there was such a person.

        Raises:
            OutsideError: `store_unavailable`; erase again. Should the store have committed after all, `sweep` deletes
                the day key.
        """
        mine = (person.c.account_id == account_id) & (person.c.id == person_id)

        def work(connection: Connection) -> tuple[bool, str | None]:
            row = connection.execute(select(person.c.day_key_id).where(mine).with_for_update()).first()
            if row is None:
                return False, None
            if row.day_key_id is not None:
                self._retire(connection, row.day_key_id, without=_name(account_id, person_id))
            connection.execute(delete(person).where(mine))
            return True, row.day_key_id

        self._note_erased(account_id, person_id, now)
        found, old = store.do(work)
        if old is not None:
            self._destroy(old)
        return found

    def replay(self, store: Store, also: Callable[[Connection, tuple[str, str]], object] | None = None) -> int:
        """After a backup was restored: erase again whoever was erased since, and re-attach the others' keys.

        Args:
            store: the store.
            also: deletes what other tables hold of a person.

        Returns:
            How many persons were erased again.
        """
        lines = [line.split() for line in self._read_erased().splitlines()]
        erased = {name: int(at) for name, at in lines}
        moved = [(path.stem, self._moved(path.stem)) for path in self._days.glob("*.moved")]

        def work(connection: Connection) -> int:
            gone = 0
            for row in connection.execute(select(person)).all():
                mine = (person.c.account_id == row.account_id) & (person.c.id == row.id)
                if row.created_at <= erased.get(_hash(row.account_id, row.id), -1):
                    if also is not None:
                        also(connection, (row.account_id, row.id))
                    connection.execute(delete(person).where(mine))
                    gone += 1
                elif row.day_key_id is not None and not (self._days / f"{row.day_key_id}.key").exists():
                    self._attach(connection, row, moved)
            return gone

        return store.do(work, wait_s=600.0)

    def sweep(self, store: Store) -> int:
        """Delete day keys that an interrupted erasure left behind; call it at start and daily.

        Only keys that this store calls retired go: beside the wrong store nothing is lost.

        Returns:
            How many were deleted.
        """
        with store.read() as connection:
            retired = connection.execute(select(day_key.c.id).where(day_key.c.retired)).scalars().all()
        left = [one for one in retired if (self._days / f"{one}.key").exists()]
        for one in left:
            self._destroy(one)
        return len(left)

    def _key(self, day_key_id: str) -> bytes:
        try:
            return read(self._days / f"{day_key_id}.key").key
        except FileNotFoundError as error:
            raise ConfigError("keys_missing", found=day_key_id, known="keys/days") from error

    def _today(self, connection: Connection, day: int) -> str:
        # Locked, so that no erasure in another process retires the key between here and the commit.
        usable = (day_key.c.day == day) & ~day_key.c.retired
        for day_key_id in connection.execute(select(day_key.c.id).where(usable).with_for_update()).scalars():
            if (self._days / f"{day_key_id}.key").exists():
                return str(day_key_id)
        return self._new(connection, day)

    def _new(self, connection: Connection, day: int) -> str:
        made = token_hex(16)
        write_new(self._days / f"{made}.key", KeyFile(made[:8], token_bytes(32)))
        connection.execute(insert(day_key).values(id=made, day=day, retired=False))
        return made

    def _retire(self, connection: Connection, old: str, without: str) -> None:
        connection.execute(update(day_key).where(day_key.c.id == old).values(retired=True))
        day = connection.execute(select(day_key.c.day).where(day_key.c.id == old)).scalar_one()
        rows = connection.execute(select(person).where(person.c.day_key_id == old)).all()
        others = [row for row in rows if _name(row.account_id, row.id) != without]
        earlier = self._moved(old)
        if not others and not earlier.keys.keys() - {without}:
            return
        new = self._new(connection, day)
        was, will = AESGCM(self._key(old)), AESGCM(self._key(new))
        held = dict(earlier.keys) | {_name(row.account_id, row.id): row.wrapped_key for row in others}
        held.pop(without, None)
        keys = {name: _again(was, will, name, wrapped) for name, wrapped in held.items()}
        self._write_moved(new, Moved((old, *earlier.old), keys))
        self._update(connection, new, others, keys)

    def _update(self, connection: Connection, new: str, rows: Sequence[Row[Any]], keys: dict[str, bytes]) -> None:
        if not rows:
            return
        query = update(person).where(person.c.account_id == bindparam("a"), person.c.id == bindparam("p"))
        values = [{"a": row.account_id, "p": row.id, "k": keys[_name(row.account_id, row.id)]} for row in rows]
        connection.execute(query.values(day_key_id=new, wrapped_key=bindparam("k")), values)

    def _attach(self, connection: Connection, row: Row[Any], moved: Sequence[tuple[str, Moved]]) -> None:
        name, old = _name(row.account_id, row.id), row.day_key_id
        new = next((new for new, file in moved if old in file.old and name in file.keys), None)
        wrapped = dict(moved)[new].keys[name] if new else None
        if new and connection.execute(select(day_key.c.id).where(day_key.c.id == new)).first() is None:
            day = connection.execute(select(day_key.c.day).where(day_key.c.id == old)).scalar_one()
            connection.execute(insert(day_key).values(id=new, day=day, retired=False))
        connection.execute(update(day_key).where(day_key.c.id == old).values(retired=True))
        mine = (person.c.account_id == row.account_id) & (person.c.id == row.id)
        connection.execute(update(person).where(mine).values(day_key_id=new, wrapped_key=wrapped))

    def _moved(self, day_key_id: str) -> Moved:
        path = self._days / f"{day_key_id}.moved"
        return msgspec.json.decode(path.read_bytes(), type=Moved) if path.exists() else Moved((), {})

    def _write_moved(self, day_key_id: str, moved: Moved) -> None:
        self._append(self._days / f"{day_key_id}.moved", msgspec.json.encode(moved))

    def _destroy(self, day_key_id: str) -> None:
        destroy(self._days / f"{day_key_id}.moved")
        destroy(self._days / f"{day_key_id}.key")

    def _note_erased(self, account_id: str, person_id: str, now: int) -> None:
        self._append(self._days / "erased", f"{_hash(account_id, person_id)} {now}\n".encode("ascii"))

    def _read_erased(self) -> str:
        path = self._days / "erased"
        return path.read_text("ascii") if path.exists() else ""

    def _append(self, path: Path, text: bytes) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, text)
            os.fsync(handle)
        finally:
            os.close(handle)
        sync_directory(path.parent)


def _again(was: AESGCM, will: AESGCM, name: str, wrapped: bytes) -> bytes:
    """A person's key, taken from under one day key and sealed under another."""
    nonce = token_bytes(_NONCE)
    return nonce + will.encrypt(nonce, was.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], name.encode()), name.encode())


def _name(account_id: str, person_id: str) -> str:
    return f"{account_id}/{person_id}"


def _hash(account_id: str, person_id: str) -> str:
    return hashlib.sha256(_name(account_id, person_id).encode()).hexdigest()

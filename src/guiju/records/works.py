# SPDX-License-Identifier: Apache-2.0
"""Protected works: their fingerprints in the store, and one index file a machine made of them (Articles 4.3, 4.5).

The store is what counts: it is backed up, and machines share it. The file is made anew when works change, and mapped
into memory, so that all workers of a machine share its pages. Its format, version 1: a line `guiju works 1`, padded to
16 bytes; the length of the header in 8 bytes, little-endian; the header, as JSON; the hashes, the keys and the places
of the index, each in 32 bits, little-endian, from a multiple of 64 bytes on.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import msgspec
import numpy as np
from sqlalchemy import Connection, insert, select, update

from guiju.detect.units import Key, units
from guiju.detect.works import Grams, Shelf, Work, grams, shelf
from guiju.errors import Bilingual, ConfigError, failed
from guiju.records import changes
from guiju.records.db import Store, bump, versions
from guiju.records.schema import work
from guiju.terms import Severity

KIND: Final = "work"
COUNTER: Final = "works"
FOLDER: Final = "works"
_MAGIC: Final = b"guiju works 1\n\0\0"
_ALIGN: Final = 64
_TOO_SHORT: Final = Bilingual("不足六十字", "it has less than 60 characters")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator says of a work."""

    title: str
    owner: str
    licence: str = ""
    severity: Severity = "block"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One work as the store has it."""

    id: str
    title: str
    owner: str
    licence: str
    severity: Severity
    size: int
    hash: str
    added_by: str
    added_at: int
    removed_at: int


class _Header(msgspec.Struct, frozen=True):
    works: list[Work]
    starts: list[int]
    hashes: int
    keys: int


def add(store: Store, name: str, text: str, facts: Facts, key: tuple[Key, str], terms: changes.Terms) -> Kept:
    """Put a work under protection; a text that is there already is not put there twice.

    Args:
        store: the store.
        name: the file's name, for errors.
        text: the whole work; only hashes of it are kept.
        facts: what the operator says of it.
        key: the key of the hashes, and its id.
        terms: by whom and when.

    Raises:
        ConfigError: `work_invalid`: it is too short; `config_invalid`: it has no title or owner.
        OutsideError: `store_unavailable`.
    """
    for field in ("title", "owner"):
        if not getattr(facts, field).strip():
            raise ConfigError("config_invalid", what=f"--{field}", hint="guiju works add --help")
    try:
        made = grams(text, key[0])
    except ValueError as error:
        raise ConfigError("work_invalid", name=name, what=_TOO_SHORT) from error
    raw = made.astype("<u4").tobytes()
    kept = Kept(
        id="w-" + token_hex(8),
        title=facts.title.strip(),
        owner=facts.owner.strip(),
        licence=facts.licence,
        severity=facts.severity,
        size=len(units(text)),
        hash=hashlib.sha256(raw).hexdigest(),
        added_by=terms.by,
        added_at=terms.now,
        removed_at=0,
    )

    def write(connection: Connection) -> Kept:
        same = select(*_columns()).where(work.c.hash == kept.hash, work.c.removed_at == 0)
        if (known := connection.execute(same).mappings().first()) is not None:
            return Kept(**known)
        connection.execute(insert(work).values(**msgspec.structs.asdict(kept), grams=raw, key_id=key[1]))
        subject = changes.Subject(KIND, kept.id, 1)
        changes.enter(connection, subject, ("", kept.hash), msgspec.structs.replace(terms, weakens=False))
        bump(connection, COUNTER)
        return kept

    return store.do(write, wait_s=120.0)


def remove(store: Store, work_id: str, terms: changes.Terms) -> changes.Change:
    """Take a work out of protection; it weakens, so it waits.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`.
    """

    def write(connection: Connection) -> changes.Change:
        row = connection.execute(select(work.c.hash).where(work.c.id == work_id, work.c.removed_at == 0)).first()
        if row is None:
            raise ConfigError("not_found", what=work_id)
        subject = changes.Subject(KIND, work_id, 0)
        made = changes.enter(connection, subject, (row.hash, ""), msgspec.structs.replace(terms, weakens=True))
        if made.state == "done":
            _remove(connection, work_id, terms.now)
        return made

    return store.do(write)


def settle(store: Store, now: int) -> int:
    """Take out what has waited long enough; each process may call it, one of them does it."""
    with store.read() as connection:
        if not changes.due(connection, KIND, now):
            return 0

    def write(connection: Connection) -> int:
        ripe = [one for one in changes.due(connection, KIND, now) if changes.finish(connection, one.id)]
        for one in ripe:
            _remove(connection, one.subject, now)
        return len(ripe)

    return store.do(write)


def history(store: Store) -> list[Kept]:
    """The works under protection, newest first."""
    query = select(*_columns()).where(work.c.removed_at == 0).order_by(work.c.added_at.desc(), work.c.id)
    with store.read() as connection:
        return [Kept(**row) for row in connection.execute(query).mappings()]


def open_shelf(store: Store, data: Path, key: tuple[Key, str], *, keep: bool = True) -> tuple[str, Shelf]:
    """The works in force, from the index file; it is made where there is none of their version.

    Args:
        store: the store.
        data: the data directory; the file lies in DATA/works.
        key: the key of the hashes, and its id.
        keep: whether a file that is not there is made; else the works are read into memory.

    Returns:
        A version that names them, `""` when there are none; and the shelf.

    Raises:
        ConfigError: `keys_missing`: a work was hashed under another key; `config_invalid`: the file can't be written.
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        number = versions(connection).get(COUNTER, 0)
        hashes = (
            connection.execute(select(work.c.hash).where(work.c.removed_at == 0).order_by(work.c.id)).scalars().all()
        )
    if not hashes:
        return "", shelf([], key[0])
    name = hashlib.sha256("\0".join(hashes).encode()).hexdigest()[:12]
    path = data / FOLDER / f"{name}-{key[1]}.index"
    if (mapped := _mapped(path, key[0])) is None:
        if not keep:
            return f"works@{number}:{name}", shelf(_read(store, key[1]), key[0])
        try:
            _write(path, shelf(_read(store, key[1]), key[0]))
        except OSError as error:
            raise ConfigError("config_invalid", what=failed(path, error), hint="guiju doctor") from error
        mapped = _mapped(path, key[0])
    if mapped is None:
        raise ConfigError("config_invalid", what=str(path), hint="guiju doctor")
    return f"works@{number}:{name}", mapped


def _read(store: Store, key_id: str) -> list[tuple[Work, Grams]]:
    made = []
    with store.read() as connection:
        for row in connection.execute(select(work).where(work.c.removed_at == 0).order_by(work.c.id)):
            if row.key_id != key_id:
                raise ConfigError("keys_missing", found=row.key_id, known=key_id)
            facts = Work(
                id=row.id, title=row.title, owner=row.owner, licence=row.licence, severity=row.severity, size=row.size
            )
            made.append((facts, np.frombuffer(row.grams, "<u4").astype(np.uint32)))
    return made


def _write(path: Path, made: Shelf) -> None:
    """Write the file whole or not at all, and take away older ones."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    arrays = (made.hashes, made.keys, made.places)
    header = msgspec.json.encode(_Header(list(made.works), made.starts.tolist(), len(made.hashes), len(made.keys)))
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(_MAGIC + len(header).to_bytes(8, "little") + header)
            for array in arrays:
                out.write(b"\0" * (-out.tell() % _ALIGN))
                out.write(array.astype("<u4").tobytes())
            out.flush()
            os.fsync(handle)
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    for old in path.parent.glob("*.index"):
        if old != path:
            old.unlink(missing_ok=True)  # who has mapped it keeps it until it lets go


def _mapped(path: Path, key: Key) -> Shelf | None:
    """The shelf in a file; none when there is no whole file of this version."""
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return None
            header = msgspec.json.decode(file.read(int.from_bytes(file.read(8), "little")), type=_Header)
            at = file.tell()
        parts = []
        for size in (header.hashes, header.keys, header.keys):
            at += -at % _ALIGN
            parts.append(np.memmap(path, "<u4", "r", at, (size,)))
            at += 4 * size
    except (OSError, ValueError, msgspec.DecodeError):
        return None
    return Shelf(header.works, parts[0], header.starts, (parts[1], parts[2]), key)


def _remove(connection: Connection, work_id: str, now: int) -> None:
    connection.execute(update(work).where(work.c.id == work_id).values(removed_at=now, grams=b""))
    bump(connection, COUNTER)


def _columns() -> Sequence[Any]:
    return [work.c[name] for name in Kept.__struct_fields__]

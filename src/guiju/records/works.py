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
from pathlib import Path
from secrets import token_hex
from typing import Final

import msgspec
import numpy as np
from sqlalchemy import select

from guiju.detect.units import Key, units
from guiju.detect.works import Grams, Shelf, Work, grams, shelf
from guiju.errors import Bilingual, ConfigError, failed
from guiju.records import changes
from guiju.records.db import Store, versions
from guiju.records.registered import Entered, Register, hash_of, named
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


class Kept(Entered, frozen=True, kw_only=True):
    """One work as the store has it."""

    licence: str


_REGISTER: Final = Register(work, KIND, COUNTER, "grams", Kept)


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
    named(facts, "works")
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
        hash=hash_of(raw),
        added_by=terms.by,
        added_at=terms.now,
        removed_at=0,
    )

    return _REGISTER.enter(store, kept, raw, key[1], terms)


def remove(store: Store, work_id: str, terms: changes.Terms) -> changes.Change:
    """Take a work out of protection; it weakens, so it waits. See `Register.remove`."""
    return _REGISTER.remove(store, work_id, terms)


def settle(store: Store, now: int) -> int:
    """Take out what has waited long enough; each process may call it, one of them does it."""
    return _REGISTER.settle(store, now)


def history(store: Store) -> list[Kept]:
    """The works under protection, newest first."""
    return _REGISTER.history(store)


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

# SPDX-License-Identifier: Apache-2.0
"""The register of trade secrets in the store: hashes of texts, never a text (Articles 4.3, 4.5)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from secrets import token_hex
from typing import Any, Final

import msgspec
import numpy as np
from sqlalchemy import Connection, insert, select, update

from guiju.detect.confidential import Secret, shingled
from guiju.detect.units import Key, units
from guiju.errors import Bilingual, ConfigError
from guiju.records import changes
from guiju.records.db import Store, bump, versions
from guiju.records.schema import confidential
from guiju.terms import Severity

KIND: Final = "confidential"
COUNTER: Final = "confidential"
_TOO_SHORT: Final = Bilingual("不足二十字", "it has less than 20 characters")


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One secret as the store has it: what the operator calls it, and how long it is."""

    id: str
    title: str
    owner: str
    severity: Severity
    size: int
    hash: str
    added_by: str
    added_at: int
    removed_at: int


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator says of a secret: a title that gives nothing away, and who answers for it."""

    title: str
    owner: str
    severity: Severity = "block"


def add(store: Store, name: str, text: str, facts: Facts, key: tuple[Key, str], terms: changes.Terms) -> Kept:
    """Enter a secret; a text that is there already is not entered twice.

    Args:
        store: the store.
        name: the file's name, for errors.
        text: the text; only hashes of it are kept.
        facts: what the operator says of it.
        key: the key of the hashes, and its id.
        terms: by whom and when.

    Raises:
        ConfigError: `secret_invalid`: it is too short; `config_invalid`: it has no title or owner.
        OutsideError: `store_unavailable`.
    """
    for field in ("title", "owner"):
        if not getattr(facts, field).strip():
            raise ConfigError("config_invalid", what=f"--{field}", hint="guiju confidential add --help")
    try:
        raw = shingled(text, key[0]).astype("<u4").tobytes()
    except ValueError as error:
        raise ConfigError("secret_invalid", name=name, what=_TOO_SHORT) from error
    kept = Kept(
        id="s-" + token_hex(8),
        title=facts.title.strip(),
        owner=facts.owner.strip(),
        severity=facts.severity,
        size=len(units(text)),
        hash=hashlib.sha256(raw).hexdigest(),
        added_by=terms.by,
        added_at=terms.now,
        removed_at=0,
    )

    def write(connection: Connection) -> Kept:
        same = select(*_columns()).where(confidential.c.hash == kept.hash, confidential.c.removed_at == 0)
        if (known := connection.execute(same).mappings().first()) is not None:
            return Kept(**known)
        connection.execute(insert(confidential).values(**msgspec.structs.asdict(kept), shingles=raw, key_id=key[1]))
        subject = changes.Subject(KIND, kept.id, 1)
        changes.enter(connection, subject, ("", kept.hash), msgspec.structs.replace(terms, weakens=False))
        bump(connection, COUNTER)
        return kept

    return store.do(write, wait_s=120.0)


def remove(store: Store, secret: str, terms: changes.Terms) -> changes.Change:
    """Take a secret out of the register; it weakens, so it waits.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`.
    """

    def write(connection: Connection) -> changes.Change:
        wanted = select(confidential.c.hash).where(confidential.c.id == secret, confidential.c.removed_at == 0)
        row = connection.execute(wanted).first()
        if row is None:
            raise ConfigError("not_found", what=secret)
        subject = changes.Subject(KIND, secret, 0)
        made = changes.enter(connection, subject, (row.hash, ""), msgspec.structs.replace(terms, weakens=True))
        if made.state == "done":
            _remove(connection, secret, terms.now)
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
    """The secrets in the register, newest first."""
    query = select(*_columns()).where(confidential.c.removed_at == 0)
    with store.read() as connection:
        ordered = query.order_by(confidential.c.added_at.desc(), confidential.c.id)
        return [Kept(**row) for row in connection.execute(ordered).mappings()]


def current(store: Store, key_id: str) -> tuple[str, list[Secret]]:
    """A version that names the secrets in force, `""` when there are none; and what is kept of each.

    Args:
        store: the store.
        key_id: id of the key that hashes are compared under.

    Raises:
        ConfigError: `keys_missing`: one was hashed under another key.
        OutsideError: `store_unavailable`.
    """
    made = []
    with store.read() as connection:
        number = versions(connection).get(COUNTER, 0)
        wanted = select(confidential).where(confidential.c.removed_at == 0).order_by(confidential.c.id)
        for row in connection.execute(wanted):
            if row.key_id != key_id:
                raise ConfigError("keys_missing", found=row.key_id, known=key_id)
            made.append(Secret(row.id, row.severity, np.frombuffer(row.shingles, "<u4").astype(np.uint32)))
    name = hashlib.sha256("\0".join(one.id for one in made).encode()).hexdigest()[:12]
    return (f"confidential@{number}:{name}" if made else ""), made


def _remove(connection: Connection, secret: str, now: int) -> None:
    gone = update(confidential).where(confidential.c.id == secret).values(removed_at=now, shingles=b"")
    connection.execute(gone)
    bump(connection, COUNTER)


def _columns() -> Sequence[Any]:
    return [confidential.c[name] for name in Kept.__struct_fields__]

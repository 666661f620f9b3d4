# SPDX-License-Identifier: Apache-2.0
"""The register of trade secrets in the store: hashes of texts, never a text (Articles 4.3, 4.5)."""

from __future__ import annotations

import hashlib
from secrets import token_hex
from typing import Final

import msgspec
import numpy as np
from sqlalchemy import select

from guiju.detect.confidential import Secret, shingled
from guiju.detect.units import Key, units
from guiju.errors import Bilingual, ConfigError
from guiju.records import changes
from guiju.records.db import Store, versions
from guiju.records.registered import Entered, Register, hash_of, named
from guiju.records.schema import confidential
from guiju.terms import Severity

KIND: Final = "confidential"
COUNTER: Final = "confidential"
_TOO_SHORT: Final = Bilingual("不足二十字", "it has less than 20 characters")


class Kept(Entered, frozen=True, kw_only=True):
    """One secret as the store has it."""


_REGISTER: Final = Register(confidential, KIND, COUNTER, "shingles", Kept)


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
    named(facts, "confidential")
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
        hash=hash_of(raw),
        added_by=terms.by,
        added_at=terms.now,
        removed_at=0,
    )

    return _REGISTER.enter(store, kept, raw, key[1], terms)


def remove(store: Store, secret: str, terms: changes.Terms) -> changes.Change:
    """Take a secret out of the register; it weakens, so it waits. See `Register.remove`."""
    return _REGISTER.remove(store, secret, terms)


def settle(store: Store, now: int) -> int:
    """Take out what has waited long enough; each process may call it, one of them does it."""
    return _REGISTER.settle(store, now)


def history(store: Store) -> list[Kept]:
    """The secrets in the register, newest first."""
    return _REGISTER.history(store)


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

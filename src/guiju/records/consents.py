# SPDX-License-Identifier: Apache-2.0
"""Separate consents of persons whose face or voice is worked on (Article 4.5; deep synthesis provisions, 14).

A consent says which account may rely on it, for a face or a voice, to what end and until when, and holds the hash of
its proof. Who gave it stands as a keyed hash: whoever knows the name finds the consents, and nobody reads names here.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from secrets import token_hex
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, insert, select, update

from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.db import Store, bump, versions
from guiju.records.schema import consent

Likeness = Literal["face", "voice"]
KIND: Final = "consent"
COUNTER: Final = "consents"
STALE_S: Final = 60.0
"""Seconds after which what is known of consents is too old to rely on: one may have been withdrawn since."""
LONGEST: Final = 200
"""Characters of a purpose, at most."""
_PURPOSE: Final = b"guiju consent giver"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is recorded.

    Attributes:
        account: id of the account that may rely on it.
        kind: what of the person may be worked on.
        giver: who consents, as `giver_hash` makes it.
        purpose: to what end, in a few words.
        proof: SHA-256 of the document, in hex.
        until_s: Unix seconds at which it ends.
    """

    account: str
    kind: Likeness
    giver: str
    purpose: str
    proof: str
    until_s: int


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One consent as the store has it."""

    id: str
    account_id: str
    kind: Likeness
    giver: str
    purpose: str
    proof: str
    until_s: int
    added_by: str
    added_at: int
    withdrawn_at: int


def giver_hash(key: bytes, who: str) -> str:
    """The keyed hash of a name or number by which a person is known; case and outer blanks do not matter."""
    return hmac.new(key, _PURPOSE + " ".join(who.split()).casefold().encode(), "sha256").hexdigest()


def add(store: Store, wanted: Wanted, key_id: str, terms: changes.Terms) -> Kept:
    """Record a consent.

    Args:
        store: the store.
        wanted: what is recorded.
        key_id: id of the key of `giver`.
        terms: by whom and when.

    Raises:
        ConfigError: `config_invalid`: it has no purpose or too long a one, or is over already.
        OutsideError: `store_unavailable`.
    """
    purpose = wanted.purpose.strip()
    if not 0 < len(purpose) <= LONGEST:
        raise ConfigError("config_invalid", what=f"--what: 1–{LONGEST}", hint="guiju consents add --help")
    if wanted.until_s <= terms.now:
        raise ConfigError("config_invalid", what="--until", hint="guiju consents add --help")
    kept = Kept(
        id="c-" + token_hex(8),
        account_id=wanted.account,
        kind=wanted.kind,
        giver=wanted.giver,
        purpose=purpose,
        proof=wanted.proof,
        until_s=wanted.until_s,
        added_by=terms.by,
        added_at=terms.now,
        withdrawn_at=0,
    )

    def write(connection: Connection) -> Kept:
        connection.execute(insert(consent).values(**msgspec.structs.asdict(kept), key_id=key_id))
        subject = changes.Subject(KIND, kept.id, 1)
        changes.enter(connection, subject, ("", kept.proof), msgspec.structs.replace(terms, weakens=False))
        bump(connection, COUNTER)
        return kept

    return store.do(write)


def withdraw(store: Store, consent_id: str, terms: changes.Terms) -> Kept:
    """Take a consent back; it acts at once, and what relied on it before stays recorded.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`.
    """
    return store.do(lambda connection: withdrawn(connection, consent_id, terms))


def withdrawn(connection: Connection, consent_id: str, terms: changes.Terms, account: str = "") -> Kept:
    """`withdraw`, in the transaction of the caller; of an account alone where one is named."""
    kept = _find(connection, consent_id)
    if kept is None or kept.withdrawn_at or account not in ("", kept.account_id):
        raise ConfigError("not_found", what=consent_id)
    connection.execute(update(consent).where(consent.c.id == consent_id).values(withdrawn_at=terms.now))
    subject = changes.Subject(KIND, consent_id, 0)
    changes.enter(connection, subject, (kept.proof, ""), msgspec.structs.replace(terms, weakens=False))
    bump(connection, COUNTER)
    return msgspec.structs.replace(kept, withdrawn_at=terms.now)


def history(store: Store, giver: str = "") -> list[Kept]:
    """The consents, newest first; of one person where a giver is named."""
    query = select(*_columns()).order_by(consent.c.added_at.desc(), consent.c.id)
    with store.read() as connection:
        rows = connection.execute(query.where(consent.c.giver == giver) if giver else query)
        return [Kept(**row) for row in rows.mappings()]


def show(store: Store, consent_id: str) -> Kept:
    """One consent.

    Raises:
        ConfigError: `not_found`.
    """
    with store.read() as connection:
        kept = _find(connection, consent_id)
    if kept is None:
        raise ConfigError("not_found", what=consent_id)
    return kept


def _find(connection: Connection, consent_id: str) -> Kept | None:
    row = connection.execute(select(*_columns()).where(consent.c.id == consent_id)).mappings().first()
    return Kept(**row) if row else None


def _columns() -> Sequence[Any]:
    return [consent.c[name] for name in Kept.__struct_fields__]


class Consents:
    """The consents in force, as one process knows them.

    Args:
        clock: monotonic seconds, by which it is told how old that knowledge is.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._number = -1
        self._read_at = 0.0
        self._known: Mapping[str, Kept] = {}

    def refresh(self, store: Store) -> None:
        """Read them again where they have changed.

        Raises:
            OutsideError: `store_unavailable`; what was known grows old.
        """
        at = self._clock()
        with store.read() as connection:
            number = versions(connection).get(COUNTER, 0)
            if number != self._number:
                rows = connection.execute(select(*_columns()).where(consent.c.withdrawn_at == 0)).mappings()
                self._known = {one.id: one for one in (Kept(**row) for row in rows)}
        self._number, self._read_at = number, at

    def in_force(self, ids: Sequence[str], account: str, now: int) -> list[Kept]:
        """Of these consents, those by which an account may work now; none once what is known is too old.

        Args:
            ids: of consents, as the caller names them.
            account: that asks.
            now: Unix seconds.
        """
        if self._number < 0 or self._clock() - self._read_at > STALE_S:
            return []
        found = (self._known.get(one) for one in dict.fromkeys(ids))
        return [one for one in found if one and one.account_id == account and one.until_s > now]


def proof_of(document: bytes) -> str:
    """The hash of a consent's document."""
    return hashlib.sha256(document).hexdigest()

# SPDX-License-Identifier: Apache-2.0
"""What people wrote in a case, sealed in the vault under a key of the case's own (Articles 11, 13; DESIGN §8).

Whose papers they are follows from the case's number and the provider's secret alone: nobody finds a case's papers, or
a paper's case, in a copy of the store. When the case is over they go a year later, and with them the key.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, delete, select, update

from guiju.errors import ConfigError
from guiju.records import accounts, changes, holds, persons, rights, vault
from guiju.records.changes import Subject, Terms
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.schema import person
from guiju.records.schema import vault as kept
from guiju.records.secrets import Secrets
from guiju.records.use import Who
from guiju.terms import Identity

ACCOUNT: Final = "desk"
"""The account under which papers lie: no application's."""
READ: Final = "case_read"
_DAY_S: Final = 86_400
LONGEST_S: Final = 3650 * _DAY_S
"""Papers of a case that is never closed go after ten years."""
AFTER_S: Final = 365 * _DAY_S
"""How long papers stay after the end, so that a decision can be contested."""
_PURPOSE: Final = b"guiju case "

What = Literal["form", "message", "evidence", "grounds", "letter", "step", "proposal", "answer"]
"""`grounds`: what was decided, why, and what is to be done by it; for the desk alone. `step`: what was entered with a
step of a case of staff; `proposal`: with one that needs two persons; `answer`: what an authority is given."""


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody wrote or handed in.

    Attributes:
        what: a form, a message, a file, the grounds of a decision, or a letter.
        by: `complainant`, or who of the desk.
        at: Unix seconds.
        fields: name → what was written.
        file, media, sha256: a file's bytes, media type and digest.
    """

    what: What
    by: str
    at: int
    fields: dict[str, str] = {}  # msgspec copies an empty default
    file: bytes = b""
    media: str = ""
    sha256: str = ""
    id: str = ""

    def plain(self) -> dict[str, Any]:
        """It as it can be printed; a file in base64."""
        made: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(self, file=b""))
        return {**made, "file": base64.b64encode(self.file).decode()}


class Purpose(msgspec.Struct, frozen=True):
    """Why papers are read; only its hash is kept."""

    case: str
    purpose: str


class Papers:
    """The papers of all cases.

    Args:
        store: the store.
        keys: the keys of persons.
        secrets: of which it follows whose papers are whose.
    """

    def __init__(self, store: Store, keys: DayKeys, secrets: Secrets) -> None:
        self._store = store
        self._keys = keys
        self._secret = secrets.person

    def whose(self, case: str) -> Who:
        """Under whose key the papers of a case lie: a handle that only this provider can make."""
        return ACCOUNT, hmac.digest(self._secret, _PURPOSE + case.encode(), "sha256").hex()

    def put(self, case: str, paper: Paper, now: int) -> str:
        """Seal a paper; returns its id in the vault.

        Raises:
            OutsideError: `store_unavailable`.
        """
        who = self._ready(case, now)
        content = msgspec.msgpack.encode(paper)
        return vault.put(self._store, self._keys, who, paper.what, content, (now, now + LONGEST_S))

    def sealed(self, case: str, paper: Paper, now: int) -> Callable[[Connection], None]:
        """Seal a paper now, to be put into the vault in a transaction of the caller's."""
        row = vault.sealed(
            self._store, self._keys, self._ready(case, now), paper.what, msgspec.msgpack.encode(paper), now
        )
        return lambda connection: vault.enter(connection, row, (now, now + LONGEST_S))

    def for_person(self, who: Who, paper: Paper, now: int) -> Callable[[Connection], None] | None:
        """Seal a paper among what is kept of a user, who sees it on request; none where nothing is kept of them."""
        if not self._known(who):
            return None
        content = msgspec.json.encode(paper.fields)
        row = vault.sealed(self._store, self._keys, who, paper.what, content, now)
        return lambda connection: vault.enter(connection, row, (now, now + AFTER_S))

    def drop(self, connection: Connection, case: str, paper: Paper) -> None:
        """Take a paper away: grounds of a decision that was taken back."""
        account, handle = self.whose(case)
        theirs = (kept.c.account_id == account) & (kept.c.person_id == handle) & (kept.c.id == paper.id)
        connection.execute(delete(kept).where(theirs))

    def _ready(self, case: str, now: int) -> Who:
        """Whose papers they are, made known to the store."""
        who = self.whose(case)
        if not self._known(who):
            accounts.ensure_account(self._store, ACCOUNT, now)
            persons.remember(self._store, ACCOUNT, Identity(who[1], "none", "desk", now, now + LONGEST_S, ""), now)
        return who

    def all(self, case: str, now: int, what: Sequence[What] = ()) -> list[Paper]:
        """The papers of a case, oldest first; none once they are gone.

        Args:
            case: its number.
            now: Unix seconds.
            what: only such.

        Raises:
            ConfigError: `keys_missing`: one was tampered with.
            OutsideError: `store_unavailable`.
        """
        who = self.whose(case)
        with self._store.read() as connection:
            items = vault.items(connection, who)
            held = bool(holds.of(connection, who, now))
        made = []
        for item in items:
            if (held or item.expires_at > now) and (not what or item.kind in what):
                paper = msgspec.msgpack.decode(vault.read(self._store, self._keys, who, item.id, now), type=Paper)
                made.append(msgspec.structs.replace(paper, id=item.id))
        return sorted(made, key=lambda paper: paper.at)

    def read(self, case: str, by: str, purpose: str, now: int) -> list[Paper]:
        """The papers of a case for a member of staff, who says why; the book of changes has that, before they are seen.

        Raises:
            ConfigError: `purpose_needed`; see `all`.
            OutsideError: `store_unavailable`.
        """
        noted(self._store, case, by, purpose, now)
        return self.all(case, now)

    def close(self, connection: Connection, case: str, at: int) -> None:
        """Let the papers of a case end a year after `at`; 0 for a case that is open again.

        Args:
            connection: the writing connection.
            case: its number.
            at: when it ended, in Unix seconds.
        """
        account, handle = self.whose(case)
        mine = (person.c.account_id == account) & (person.c.id == handle)
        theirs = (kept.c.account_id == account) & (kept.c.person_id == handle)
        if at:
            connection.execute(update(person).where(mine).values(expires_at=at))
            connection.execute(update(kept).where(theirs).values(expires_at=at + AFTER_S))
        else:
            connection.execute(update(person).where(mine).values(expires_at=person.c.created_at + LONGEST_S))
            connection.execute(update(kept).where(theirs).values(expires_at=kept.c.created_at + LONGEST_S))

    def erase(self, case: str, now: int) -> None:
        """Destroy the papers of a case and their key, in every copy (PIPL, Article 47).

        Raises:
            OutsideError: `store_unavailable`; erase again.
        """
        rights.erase(self._store, self._keys, self.whose(case), now)

    def _known(self, who: Who) -> bool:
        mine = (person.c.account_id == who[0]) & (person.c.id == who[1])
        with self._store.read() as connection:
            return connection.execute(select(person.c.id).where(mine)).first() is not None


def noted(store: Store, case: str, by: str, purpose: str, now: int) -> None:
    """Note who reads the papers of a case, and the hash of why.

    Raises:
        ConfigError: `purpose_needed`.
        OutsideError: `store_unavailable`.
    """
    if not purpose.strip() or not by.strip():
        raise ConfigError("purpose_needed", what=case)
    terms = Terms(weakens=False, by=by, now=now, delay=0)
    why = changes.fingerprint(Purpose(case, purpose))
    store.do(lambda connection: changes.enter(connection, Subject(READ, case, 0), ("", why), terms))

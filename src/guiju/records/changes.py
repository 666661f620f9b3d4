# SPDX-License-Identifier: Apache-2.0
"""The book of changes: who changed what, from which hash to which, and when it acts (DESIGN §5, §10; Article 4).

A change that strengthens acts at once. One that weakens needs two persons; until there are two (`people.mode =
"single"`) it waits, may be replaced while it waits, and is marked for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Literal

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select, update

from guiju.config import Settings
from guiju.records.db import Store
from guiju.records.schema import change

State = Literal["pending", "done", "replaced"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change of configuration.

    Attributes:
        account_id: whose; `""` for the whole provider.
        kind, subject, target: such as `lexicon`, its name, and the version that comes into force.
        before_hash, after_hash: SHA-256 of what was in force and of what will be; `""` for nothing.
        weakens: whether less is stopped afterwards.
        single_mode: whether it would have needed a second person.
        proposed_by: who asked for it.
        proposed_at, effective_at: Unix seconds.
        evidence: where the ledger has it; `""` until then.
    """

    id: str
    account_id: str = ""
    kind: str
    subject: str
    target: int
    before_hash: str
    after_hash: str
    weakens: bool
    single_mode: bool
    proposed_by: str
    proposed_at: int
    effective_at: int
    state: State
    evidence: str = ""


def delay_s(settings: Settings) -> int:
    """How many seconds a change that weakens waits: none in development."""
    return 0 if settings.mode == "development" else round(settings.people.delay_h * 3600)


class Subject(msgspec.Struct, frozen=True):
    """What a change is about: its kind, the name of the thing, the version that is to come into force, and whose it is.

    An empty account means the whole provider.
    """

    kind: str
    name: str
    target: int
    account_id: str = ""


def fingerprint(thing: msgspec.Struct) -> str:
    """SHA-256 of a thing in canonical JSON: what the book of changes keeps of it."""
    return hashlib.sha256(msgspec.json.encode(thing, order="sorted")).hexdigest()


class Terms(msgspec.Struct, frozen=True):
    """How a change comes about.

    Attributes:
        weakens: whether it must wait.
        by: who asked for it.
        now: Unix seconds.
        delay: seconds that a weakening waits, see `delay_s`.
        wait: seconds that it waits in any case.
        agreed: whether two persons have agreed; then what weakens needs no delay.
    """

    weakens: bool
    by: str
    now: int
    delay: int
    wait: int = 0
    agreed: bool = False

    @property
    def waits(self) -> int:
        """Seconds until it acts."""
        return max(self.delay if self.weakens and not self.agreed else 0, self.wait)


def enter(connection: Connection, subject: Subject, hashes: tuple[str, str], terms: Terms) -> Change:
    """Enter a change, in the transaction that makes it; one that still waits for the same subject is replaced.

    Args:
        connection: the writing connection.
        subject: what changes.
        hashes: before and after.
        terms: who, when, and whether it waits.
    """
    made = _made(subject, hashes, terms)
    same = (change.c.kind == subject.kind) & (change.c.subject == subject.name) & (change.c.state == "pending")
    connection.execute(update(change).where(same).values(state="replaced"))
    connection.execute(insert(change).values(msgspec.structs.asdict(made)))
    return made


def enter_new(connection: Connection, made: Sequence[tuple[Subject, str]], terms: Terms) -> None:
    """Enter many things that are new, each with its hash; nothing of theirs can be waiting.

    Args:
        connection: the writing connection.
        made: what is new.
        terms: who and when; nothing of it weakens.
    """
    rows = [msgspec.structs.asdict(_made(subject, ("", after), terms)) for subject, after in made]
    if rows:
        connection.execute(insert(change), rows)


def _made(subject: Subject, hashes: tuple[str, str], terms: Terms) -> Change:
    return Change(
        id=token_hex(16),
        account_id=subject.account_id,
        kind=subject.kind,
        subject=subject.name,
        target=subject.target,
        before_hash=hashes[0],
        after_hash=hashes[1],
        weakens=terms.weakens,
        single_mode=terms.weakens and not terms.agreed,
        proposed_by=terms.by,
        proposed_at=terms.now,
        effective_at=terms.now + terms.waits,
        state="pending" if terms.waits > 0 else "done",
    )


def due(connection: Connection, kind: str, now: int) -> list[Change]:
    """Changes of a kind whose time has come, oldest first."""
    ripe = (change.c.kind == kind) & (change.c.state == "pending") & (change.c.effective_at <= now)
    rows = connection.execute(select(change).where(ripe).order_by(change.c.effective_at)).mappings()
    return [_change(row) for row in rows]


def finish(connection: Connection, change_id: str) -> bool:
    """Mark a change as done; false when another process was first."""
    waiting = (change.c.id == change_id) & (change.c.state == "pending")
    return connection.execute(update(change).where(waiting).values(state="done")).rowcount == 1


def settle(store: Store, kind: str, now: int, act: Callable[[Connection, Change], object]) -> int:
    """Put into force what has waited long enough; each process may call it, one of them does it.

    Args:
        store: the store.
        kind: of the changes.
        now: Unix seconds.
        act: puts one into force, in the transaction that marks it as done.

    Returns:
        How many came into force.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        if not due(connection, kind, now):
            return 0

    def work(connection: Connection) -> int:
        ripe = [one for one in due(connection, kind, now) if finish(connection, one.id)]
        for one in ripe:
            act(connection, one)
        return len(ripe)

    return store.do(work)


def history(store: Store, kind: str = "", subject: str = "") -> list[Change]:
    """Changes, newest first; of one kind and subject, or all."""
    query = select(change).order_by(change.c.proposed_at.desc(), change.c.target.desc())
    if kind:
        query = query.where(change.c.kind == kind)
    if subject:
        query = query.where(change.c.subject == subject)
    with store.read() as connection:
        return [_change(row) for row in connection.execute(query).mappings()]


def without_evidence(store: Store) -> list[Change]:
    """Changes that act but that no ledger has yet, oldest first; the server writes their entries."""
    query = select(change).where(change.c.state == "done", change.c.evidence == "").order_by(change.c.effective_at)
    with store.read() as connection:
        return [_change(row) for row in connection.execute(query).mappings()]


def note_evidence(store: Store, change_id: str, place: str) -> None:
    """Note where the ledger has a change, once the entry is on disk.

    Args:
        store: the store.
        change_id: the change.
        place: `chain/segment/seq`.
    """
    store.do(lambda c: c.execute(update(change).where(change.c.id == change_id).values(evidence=place)).rowcount)


def _change(row: RowMapping) -> Change:
    return Change(**row)

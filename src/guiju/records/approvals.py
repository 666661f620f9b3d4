# SPDX-License-Identifier: Apache-2.0
"""What needs two persons (Articles 13, 15, 19; bounds: how blocking stays just): proposed by one, agreed to by another.

A wide ban, a ban on a named person's data, the lifting of a ban, the end of a service. There is no way from one
person to such an act: who agrees is another member, of a role that may, at the moment of agreeing. Where a provider
has one person only (`people.mode = "single"`), the act comes by itself after a day, and is marked as such for ever.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select, update

from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.changes import Subject, Terms
from guiju.records.db import Store
from guiju.records.schema import member
from guiju.records.schema_desk import approval

KIND: Final = "approval"
APPROVERS: Final = frozenset({"lead", "compliance"})
"""Roles of members who may agree to what somebody else proposed."""
HOLDS_S: Final = 7 * 86_400
"""For how long a proposal waits for the second person."""

Act = Literal["ban", "person", "lift", "end", "disclose", "hold", "release"]
"""`ban`: a wide ban. `person`: a ban on a named person's data. `lift`: a ban lifted; one that is to be narrower is
lifted when the narrower one acts. `end`: the end of a service to somebody. `disclose`: what an authority is given.
`hold`, `release`: a legal hold placed, and lifted before its end."""
STAFF: Final[frozenset[Act]] = frozenset({"disclose", "hold", "release"})
"""Acts that no decision about a complaint proposes, but a step in a case of staff."""

State = Literal["pending", "done", "rejected", "revoked", "expired"]


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One proposal and what became of it.

    Attributes:
        case_id: in which case.
        act, subject: what is to be done, and with what: the id of a ban, or `""` for what is not there yet.
        share: the share of the last day's traffic that it reaches, as estimated; 0 where that has no sense.
        hash: of what exactly is to be done; it lies with the case's papers.
        acts_at: when it comes by itself, in Unix seconds; 0 for never.
        single_mode: whether it came by itself, without a second person.
        decided_by, decided_at: who agreed, refused or took back, and when.
    """

    id: str
    case_id: str
    act: Act
    subject: str
    share: float
    hash: str
    proposed_by: str
    proposed_at: int
    expires_at: int
    acts_at: int
    state: State = "pending"
    single_mode: bool = False
    decided_by: str = ""
    decided_at: int = 0


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody proposes; see `Approval`."""

    id: str
    case: str
    act: Act
    subject: str = ""
    share: float = 0.0
    hash: str


def new() -> str:
    """An id for a proposal."""
    return "a-" + token_hex(8)


def propose(connection: Connection, made: Proposal, by: str, now: int, alone_after: int = 0) -> Approval:
    """Propose something.

    Args:
        connection: the writing connection.
        made: what.
        by: who.
        now: Unix seconds.
        alone_after: seconds after which it comes by itself, where the provider has one person only; 0 for never.

    Raises:
        ConfigError: `another_person`: nobody is named.
    """
    if not _plain(by):
        raise ConfigError("another_person", what=made.case)
    one = Approval(
        id=made.id,
        case_id=made.case,
        act=made.act,
        subject=made.subject,
        share=made.share,
        hash=made.hash,
        proposed_by=by,
        proposed_at=now,
        expires_at=now + max(HOLDS_S, 2 * alone_after),
        acts_at=now + alone_after if alone_after else 0,
    )
    connection.execute(insert(approval).values(**msgspec.structs.asdict(one)))
    _enter(connection, None, one, by, now)
    return one


def approve(connection: Connection, id: str, by: str, now: int, do: Callable[[Connection], None]) -> Approval:
    """Agree, and do it in the same transaction.

    Args:
        connection: the writing connection.
        id: of the proposal.
        by: the second person: a member of a role that may, and not who proposed it.
        now: Unix seconds.
        do: does it.

    Raises:
        ConfigError: `not_found`: nothing waits under that id; `another_person`.
    """
    one = _pending(connection, id, now)
    if _plain(by) == _plain(one.proposed_by) or not _may(connection, by, now):
        raise ConfigError("another_person", what=id)
    made = _settled(connection, one, "done", by, now)
    do(connection)
    return made


def reject(connection: Connection, id: str, by: str, now: int) -> Approval:
    """Refuse it: somebody who might agree.

    Raises:
        ConfigError: `not_found`; `another_person`.
    """
    one = _pending(connection, id, now)
    if _plain(by) == _plain(one.proposed_by) or not _may(connection, by, now):
        raise ConfigError("another_person", what=id)
    return _settled(connection, one, "rejected", by, now)


def revoke(connection: Connection, id: str, by: str, now: int) -> Approval:
    """Take it back: who proposed it.

    Raises:
        ConfigError: `not_found`; `another_person`.
    """
    one = _pending(connection, id, now)
    if _plain(by) != _plain(one.proposed_by):
        raise ConfigError("another_person", what=id)
    return _settled(connection, one, "revoked", by, now)


def settle(connection: Connection, id: str, now: int, do: Callable[[Connection], None]) -> Approval | None:
    """Let a proposal end, or come by itself where that was said when it was proposed; none where it is not time.

    Args:
        connection: the writing connection.
        id: of the proposal.
        now: Unix seconds.
        do: does it.
    """
    row = connection.execute(select(approval).where(approval.c.id == id).with_for_update()).mappings().first()
    if row is None or row["state"] != "pending":
        return None
    one = _read(row)
    if one.acts_at and one.acts_at <= now:
        made = _settled(connection, one, "done", one.proposed_by, now, single=True)
        do(connection)
        return made
    return _settled(connection, one, "expired", "", now) if one.expires_at <= now else None


def lapse(connection: Connection, id: str, now: int) -> Approval:
    """End a proposal whose papers are gone, so that nobody can know any more what it was about.

    Raises:
        ConfigError: `not_found`.
    """
    return _settled(connection, _read(_row(connection, id)), "expired", "", now)


def due(store: Store, now: int) -> list[str]:
    """The ids of proposals whose time is over or has come.

    Raises:
        OutsideError: `store_unavailable`.
    """
    return [one.id for one in waiting(store) if one.expires_at <= now or 0 < one.acts_at <= now]


def waiting(store: Store, case: str = "") -> list[Approval]:
    """What waits for a second person, oldest first; of one case, or all.

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(approval).where(approval.c.state == "pending").order_by(approval.c.proposed_at, approval.c.id)
    if case:
        query = query.where(approval.c.case_id == case)
    with store.read() as connection:
        return [_read(row) for row in connection.execute(query).mappings()]


def of(store: Store, case: str) -> Sequence[Approval]:
    """All proposals of a case, oldest first.

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(approval).where(approval.c.case_id == case).order_by(approval.c.proposed_at, approval.c.id)
    with store.read() as connection:
        return [_read(row) for row in connection.execute(query).mappings()]


def get(store: Store, id: str) -> Approval:
    """One proposal.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        row = connection.execute(select(approval).where(approval.c.id == id)).mappings().first()
    if row is None:
        raise ConfigError("not_found", what=id)
    return _read(row)


def _pending(connection: Connection, id: str, now: int) -> Approval:
    row = _row(connection, id)
    if row["expires_at"] <= now:
        raise ConfigError("not_found", what=id)
    return _read(row)


def _row(connection: Connection, id: str) -> RowMapping:
    row = connection.execute(select(approval).where(approval.c.id == id).with_for_update()).mappings().first()
    if row is None or row["state"] != "pending":
        raise ConfigError("not_found", what=id)
    return row


def _may(connection: Connection, by: str, now: int) -> bool:
    """Whether somebody is a member of a role that may agree, at this moment."""
    here = (member.c.left_at == 0) | (member.c.left_at > now)
    rows = connection.execute(select(member.c.name, member.c.role).where(here))
    return any(row.role in APPROVERS and _plain(row.name) == _plain(by) for row in rows)


def _settled(
    connection: Connection, one: Approval, state: State, by: str, now: int, *, single: bool = False
) -> Approval:
    made = msgspec.structs.replace(one, state=state, decided_by=by, decided_at=now, single_mode=single)
    mine = (approval.c.id == one.id) & (approval.c.state == "pending")
    connection.execute(update(approval).where(mine).values(**msgspec.structs.asdict(made)))
    _enter(connection, one, made, by or KIND, now)
    return made


def _plain(name: str) -> str:
    """A name without what does not make it another person's."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _read(row: RowMapping) -> Approval:
    return Approval(**row)


def _enter(connection: Connection, before: Approval | None, after: Approval, by: str, now: int) -> None:
    """Enter a step into the book of changes; what came without a second person is marked there."""
    hashes = (changes.fingerprint(before) if before else "", changes.fingerprint(after))
    terms = Terms(weakens=after.single_mode, by=by, now=now, delay=0)
    changes.enter(connection, Subject(KIND, after.id, 1 if before else 0), hashes, terms)

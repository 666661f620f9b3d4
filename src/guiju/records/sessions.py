# SPDX-License-Identifier: Apache-2.0
"""Sessions of members, and what is remembered between the two halves of a sign-in (robustness §5, threat 18).

A session is a random token in a cookie; the store has its hash. It ends after half an hour in which nothing was asked,
and twelve hours after it began.
"""

from __future__ import annotations

import hmac
from secrets import token_urlsafe
from typing import Final, Literal, cast

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from guiju.records.db import Store
from guiju.records.members import Member, Role, mark
from guiju.records.schema_members import member, session, sign_in

IDLE_S: Final = 1800
LONGEST_S: Final = 43_200
NOTED_S: Final = 60
"""That somebody is still here is written down no more often than this."""
HALF_S: Final = 300
"""Seconds from the first half of a sign-in to the second."""
Method = Literal["passkey", "oidc"]
Half = Literal["join", "passkey", "oidc"]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session that holds.

    Attributes:
        member: whose.
        method: how they signed in.
        began_at, seen_at, ends_at: Unix seconds.
        csrf: what every form of theirs must carry.
    """

    member: Member
    method: Method
    began_at: int
    seen_at: int
    ends_at: int
    csrf: str


def begin(store: Store, member_id: str, method: Method, now: int) -> str:
    """Begin a session; returns its token. What is over is swept away with it.

    Args:
        store: the store.
        member_id: whose.
        method: how they signed in.
        now: Unix seconds.

    Raises:
        OutsideError: `store_unavailable`.
    """
    token = token_urlsafe(32)
    row = {"mark": mark(token), "member_id": member_id, "method": method, "began_at": now, "seen_at": now}

    def work(connection: Connection) -> None:
        connection.execute(delete(session).where((session.c.ends_at <= now) | (session.c.seen_at <= now - IDLE_S)))
        connection.execute(delete(sign_in).where(sign_in.c.until_at <= now))
        connection.execute(insert(session).values({**row, "ends_at": now + LONGEST_S}))

    store.do(work)
    return token


def found(store: Store, token: str, now: int) -> Session | None:
    """The session of a token, while it holds and its member is here.

    Raises:
        OutsideError: `store_unavailable`.
    """
    holds = (session.c.mark == mark(token)) & (session.c.ends_at > now) & (session.c.seen_at > now - IDLE_S)
    query = select(session, *member.c).join(member).where(holds & (member.c.left_at == 0))
    with store.read() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    who = Member(
        id=row.id,
        name=row.name,
        role=cast(Role, row.role),
        login=row.login,
        created_at=row.created_at,
    )
    return Session(
        member=who,
        method=cast(Method, row.method),
        began_at=row.began_at,
        seen_at=row.seen_at,
        ends_at=row.ends_at,
        csrf=csrf(token),
    )


def note(store: Store, token: str, now: int) -> None:
    """Note that a session was used; nobody waits for it.

    Raises:
        OutsideError: `store_unavailable`.
    """
    later = (session.c.mark == mark(token)) & (session.c.seen_at < now)
    store.write(lambda connection: connection.execute(update(session).where(later).values(seen_at=now)).rowcount)


def end(store: Store, token: str) -> None:
    """End a session at once.

    Raises:
        OutsideError: `store_unavailable`.
    """
    store.do(lambda connection: connection.execute(delete(session).where(session.c.mark == mark(token))).rowcount)


def end_all(store: Store) -> int:
    """End every session at once; returns how many. Nothing signs a session: its token alone is its secret.

    Raises:
        OutsideError: `store_unavailable`.
    """
    return store.do(lambda connection: connection.execute(delete(session)).rowcount)


def csrf(token: str) -> str:
    """What forms of a session carry; who has it does not have the token."""
    return hmac.new(token.encode("utf-8", "backslashreplace"), b"guiju form", "sha256").hexdigest()


def remember(store: Store, kind: Half, state: str, now: int) -> str:
    """Remember the first half of a sign-in; returns the secret that the browser keeps.

    Args:
        store: the store.
        kind: of which.
        state: what the second half needs, as JSON.
        now: Unix seconds.
    """
    secret = token_urlsafe(32)
    row = {"mark": mark(secret), "kind": kind, "state": state, "until_at": now + HALF_S}
    store.do(lambda connection: connection.execute(insert(sign_in).values(row)).rowcount)
    return secret


def recall(store: Store, kind: Half, secret: str, now: int) -> str | None:
    """What was remembered, once; none where it is unknown, late, or taken already."""
    mine = (sign_in.c.mark == mark(secret)) & (sign_in.c.kind == kind) & (sign_in.c.until_at > now)

    def work(connection: Connection) -> str | None:
        state = connection.execute(select(sign_in.c.state).where(mine)).scalar()
        taken = connection.execute(delete(sign_in).where(mine)).rowcount == 1
        return state if taken else None

    return store.do(work)

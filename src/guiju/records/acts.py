# SPDX-License-Identifier: Apache-2.0
"""What members did and read in the console: who, when, where, about what, why (robustness, threats 24, 40).

The row is for the page; where an act or a look at something of others is in the ledger, the row says where.
"""

from __future__ import annotations

import re
from secrets import token_hex
from typing import Final, Literal

import msgspec
from sqlalchemy import insert, select

from guiju.records.db import Store
from guiju.records.schema_members import act

Kind = Literal["read", "act", "refused", "sign_in", "sign_out"]
PURPOSES: Final = ("case", "appeal", "quality", "legal")
"""Why somebody may read what people wrote."""
_SUBJECT: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z")


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One act or read.

    Attributes:
        at: Unix milliseconds.
        member_id, role: who, and as what; empty before a sign-in.
        kind: what it was; `refused` where their role may not.
        place: method and path of the page, with braces for what varies.
        subject: the id of what it was about; "" for none, and for what is no id.
        purpose: why content was read; "" where none is asked for.
        evidence: where the ledger has it; "" where it is not there.
    """

    id: str
    at: int
    member_id: str
    role: str
    kind: Kind
    place: str
    subject: str = ""
    purpose: str = ""
    evidence: str = ""


def made(who: tuple[str, str], kind: Kind, place: str, subject: str, purpose: str, at: int) -> Act:
    """An act that is not kept yet.

    Args:
        who: id and role of the member.
        kind: what it is.
        place: method and path of the page.
        subject: id of what it is about; what is no id is left out.
        purpose: why content is read.
        at: Unix milliseconds.
    """
    subject = subject if _SUBJECT.match(subject) else ""
    purpose = purpose if purpose in PURPOSES else ""
    return Act(
        id=token_hex(16),
        at=at,
        member_id=who[0],
        role=who[1],
        kind=kind,
        place=place,
        subject=subject,
        purpose=purpose,
    )


def keep(store: Store, one: Act, *, wait: bool) -> None:
    """Keep an act.

    Args:
        store: the store.
        one: the act.
        wait: whether it must be on disk before this returns.

    Raises:
        OutsideError: `store_unavailable`.
    """
    row = insert(act).values(msgspec.structs.asdict(one))
    (store.do if wait else store.write)(lambda connection: connection.execute(row).rowcount)


def latest(
    store: Store, *, member_id: str = "", kind: str = "", subject: str = "", before: int = 0, most: int = 100
) -> list[Act]:
    """Acts, newest first.

    Args:
        store: the store.
        member_id, kind, subject: only those, where given.
        before: Unix milliseconds; only earlier ones, where given.
        most: how many.
    """
    query = select(act).order_by(act.c.at.desc(), act.c.id).limit(most)
    for column, value in ((act.c.member_id, member_id), (act.c.kind, kind), (act.c.subject, subject)):
        if value:
            query = query.where(column == value)
    if before:
        query = query.where(act.c.at < before)
    with store.read() as connection:
        return [Act(**row) for row in connection.execute(query).mappings()]

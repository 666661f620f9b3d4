# SPDX-License-Identifier: Apache-2.0
"""What leaves the house after a decision: letters and effects that others feel (Article 13). It waits for half a
minute, in which whoever decided may take the decision back; after that there is only another decision."""

from __future__ import annotations

from secrets import token_hex
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, select, update

from guiju.records.db import Store
from guiju.records.schema_desk import outbox

WAIT_S: Final = 30
"""How long everything waits."""
_AGAIN_S: Final = (30, 300, 3600, 21_600)
"""Seconds until something that failed is tried again; after the last a person must look."""

DECIDED: Final = 1000
"""Numbers of items from here on are those of decisions."""

Channel = Literal["page", "person", "account", "effect", "mail"]
"""`page`: a letter on the status page; `person`: one among what is kept of a user, who sees it on request; `account`:
a webhook to an application; `effect`:
something that is done; `mail`: a line to the mailbox that whoever complains left, that there is something to read."""

State = Literal["waiting", "done", "cancelled", "failed"]


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that leaves.

    Attributes:
        item: which of the case's letters or effects; what it says lies with the case's papers.
        answer: what came of it last.
    """

    id: str
    case_id: str
    channel: Channel
    item: int
    not_before: int
    state: State = "waiting"
    attempts: int = 0
    done_at: int = 0
    answer: str = ""


def put(connection: Connection, case: str, channel: Channel, item: int, now: int) -> Post:
    """Let something leave half a minute from now.

    Args:
        connection: the writing connection.
        case: its number.
        channel: which way.
        item: which of the case's.
        now: Unix seconds.
    """
    made = Post(id="o-" + token_hex(8), case_id=case, channel=channel, item=item, not_before=now + WAIT_S)
    connection.execute(insert(outbox).values(**msgspec.structs.asdict(made)))
    return made


def due(store: Store, now: int, most: int = 100) -> list[Post]:
    """What may leave now, oldest first.

    Raises:
        OutsideError: `store_unavailable`.
    """
    ready = (outbox.c.state == "waiting") & (outbox.c.not_before <= now)
    query = select(outbox).where(ready).order_by(outbox.c.not_before, outbox.c.id).limit(most)
    with store.read() as connection:
        return [_read(row) for row in connection.execute(query).mappings()]


def take(connection: Connection, one: Post, now: int) -> bool:
    """Mark something as done, in the transaction that does it; false when it was cancelled, or somebody else did it."""
    mine = (outbox.c.id == one.id) & (outbox.c.state == "waiting")
    values = {"state": "done", "attempts": one.attempts + 1, "done_at": now}
    return connection.execute(update(outbox).where(mine).values(**values)).rowcount == 1


def noted(store: Store, one: Post, answer: str, now: int) -> None:
    """Mark something as done that left over the network, with what was answered.

    Raises:
        OutsideError: `store_unavailable`; it leaves once more, under the same id.
    """
    mine = (outbox.c.id == one.id) & (outbox.c.state == "waiting")
    values = {"state": "done", "attempts": one.attempts + 1, "done_at": now, "answer": answer}
    store.do(lambda c: c.execute(update(outbox).where(mine).values(**values)).rowcount)


def failed(store: Store, one: Post, answer: str, now: int) -> None:
    """Note that it could not leave; it is tried again a few times.

    Raises:
        OutsideError: `store_unavailable`.
    """
    left = one.attempts < len(_AGAIN_S)
    later = now + _AGAIN_S[one.attempts] if left else 0
    values = {"state": "waiting" if left else "failed", "attempts": one.attempts + 1, "answer": answer}
    mine = (outbox.c.id == one.id) & (outbox.c.state == "waiting")
    store.do(lambda c: c.execute(update(outbox).where(mine).values(**values, not_before=later)).rowcount)


def cancel(connection: Connection, case: str) -> int:
    """Hold back what has not left of a decision; returns how much that is. What is no decision's goes on."""
    mine = (outbox.c.case_id == case) & (outbox.c.state == "waiting") & (outbox.c.item >= DECIDED)
    return connection.execute(update(outbox).where(mine).values(state="cancelled")).rowcount


def left(connection: Connection, case: str) -> int:
    """How much of a case still waits; a mail holds nothing up, since what it tells of stands on the page."""
    mine = (outbox.c.case_id == case) & (outbox.c.state == "waiting") & (outbox.c.channel != "mail")
    return int(connection.execute(select(func.count()).where(mine)).scalar_one())


def of(store: Store, case: str) -> list[Post]:
    """All that left or waits, of one case.

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(outbox).where(outbox.c.case_id == case).order_by(outbox.c.not_before, outbox.c.id)
    with store.read() as connection:
        return [_read(row) for row in connection.execute(query).mappings()]


def _read(row: RowMapping) -> Post:
    return Post(**row)

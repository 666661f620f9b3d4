# SPDX-License-Identifier: Apache-2.0
"""Recalls: who received an answer that is banned since is told of it, until it says that it has heard (Article 13).

An account's address is the operator's to set. Its secret is derived and never stored: whoever holds a copy of the store
can't sign. What is told names the answer by its ProduceID, and no text.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from secrets import token_hex
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.db import Store
from guiju.records.ids import ExchangeIds
from guiju.records.schema import recall, webhook
from guiju.records.trace import Trace, trace

KIND: Final = "recall"
ADDRESS: Final = "webhook"
WAITS_S: Final = (5, 30, 120, 600, 3_600, 21_600, 86_400)
"""Seconds between an attempt that failed and the next one; after the last, a person must look."""
OVERLAP_S: Final = 7 * 86_400
"""Seconds after a change of an account's secret in which deliveries carry a signature by the one before as well."""
_PURPOSE: Final = b"guiju webhook "

State = Literal["waiting", "told", "failed"]


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where an account is told of recalls.

    Attributes:
        private: whether the address may be one of the provider's own network.
        number: of the secret; a new one is made each time that an address is set.
    """

    account_id: str
    url: str
    private: bool
    number: int
    set_by: str
    set_at: int


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    """One account that is to be told of one answer.

    Attributes:
        answer: what its address answered last: an HTTP status, or why there was none.
    """

    id: str
    account_id: str
    produce_id: str
    category: str
    case_id: str
    added_by: str
    added_at: int
    state: State = "waiting"
    attempts: int = 0
    next_at: int = 0
    answer: str = ""
    told_at: int = 0


class Received(msgspec.Struct, frozen=True):
    """An answer, and the account that received it.

    Attributes:
        account: its id.
        produce_id: of the answer.
    """

    account: str
    produce_id: str


def received(place: str, ids: ExchangeIds, produce_id: str) -> Received:
    """Who received an answer, as the ledger says.

    Args:
        place: where the ledgers are, as `trace` takes it.
        ids: made with the secret of the ids.
        produce_id: as it stands in the answer's label; the id of an exchange is one, too.

    Raises:
        ConfigError: `not_found`: nobody received an answer under that id.
        OutsideError: `store_unavailable`: the ledger can't be reached.
    """
    number = produce_id.strip().upper()
    traced = trace(place, ids, number)
    if not _went_out(traced):
        raise ConfigError("not_found", what=produce_id)
    return Received(str(traced.entries[0].body["account"]), number)


def _went_out(traced: Trace) -> bool:
    """Whether an answer went out: it was opened, and did not end before a byte of it went."""
    if not traced.entries or traced.entries[0].kind != "opened":
        return False
    return traced.result == "interrupted" or bool(traced.entries[-1].body.get("output_digest"))


def secret_of(key: bytes, one: Webhook) -> bytes:
    """The secret by which what an account is told is signed."""
    return hmac.digest(key, _PURPOSE + f"{one.account_id} {one.number}".encode(), "sha256")


def shown(secret: bytes) -> str:
    """A secret as receivers are given it (Standard Webhooks)."""
    return "whsec_" + base64.b64encode(secret).decode()


def secrets_of(key: bytes, one: Webhook, now: int) -> list[bytes]:
    """The secrets by which what an account is told is signed now: for a week after a change the one before, too."""
    before = msgspec.structs.replace(one, number=one.number - 1)
    both = one.number > 1 and now < one.set_at + OVERLAP_S
    return [secret_of(key, one), *([secret_of(key, before)] if both else [])]


def set_address(store: Store, account: str, url: str, terms: changes.Terms, *, private: bool = False) -> Webhook:
    """Set where an account is told of recalls.

    Args:
        store: the store.
        account: its id.
        url: the address; whoever calls has looked at it.
        terms: by whom and when.
        private: whether it may be one of the provider's own network.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def write(connection: Connection) -> Webhook:
        before = _address(connection, account)
        number = before.number + 1 if before else 1
        made = Webhook(account_id=account, url=url, private=private, number=number, set_by=terms.by, set_at=terms.now)
        connection.execute(delete(webhook).where(webhook.c.account_id == account))
        connection.execute(insert(webhook).values(**msgspec.structs.asdict(made)))
        hashes = changes.fingerprint(before) if before else "", changes.fingerprint(made)
        subject = changes.Subject(ADDRESS, account, number, account)
        changes.enter(connection, subject, hashes, msgspec.structs.replace(terms, weakens=False))
        connection.execute(
            update(recall).where(recall.c.account_id == account, recall.c.state == "waiting").values(next_at=terms.now)
        )
        return made

    return store.do(write)


def addresses(store: Store) -> list[Webhook]:
    """All addresses."""
    with store.read() as connection:
        rows = connection.execute(select(webhook).order_by(webhook.c.account_id)).mappings()
        return [Webhook(**row) for row in rows]


def address_of(store: Store, account: str) -> Webhook | None:
    """Where an account is told; none where no address is set."""
    with store.read() as connection:
        return _address(connection, account)


def _address(connection: Connection, account: str) -> Webhook | None:
    row = connection.execute(select(webhook).where(webhook.c.account_id == account)).mappings().first()
    return Webhook(**row) if row else None


def add(store: Store, answer: Received, facts: tuple[str, str], terms: changes.Terms) -> Recall:
    """Enter a recall; one that is there already is not entered twice.

    Args:
        store: the store.
        answer: what is recalled.
        facts: the public category, and the case by which it was banned.
        terms: by whom and when.

    Raises:
        OutsideError: `store_unavailable`.
    """
    return store.do(lambda connection: enter(connection, answer, facts, terms))


def enter(connection: Connection, answer: Received, facts: tuple[str, str], terms: changes.Terms) -> Recall:
    """Enter a recall within a transaction, such as that of the ban which calls for it; see `add`."""
    same = select(recall).where(recall.c.account_id == answer.account, recall.c.produce_id == answer.produce_id)
    if (known := connection.execute(same).mappings().first()) is not None:
        return Recall(**known)
    made = Recall(
        id="r-" + token_hex(8),
        account_id=answer.account,
        produce_id=answer.produce_id,
        category=facts[0],
        case_id=facts[1],
        added_by=terms.by,
        added_at=terms.now,
        next_at=terms.now + terms.wait,
    )
    connection.execute(insert(recall).values(**msgspec.structs.asdict(made)))
    subject = changes.Subject(KIND, made.id, 0, answer.account)
    at_once = msgspec.structs.replace(terms, weakens=False, wait=0)
    changes.enter(connection, subject, ("", changes.fingerprint(made)), at_once)
    return made


def undone(connection: Connection, answer: Received, case: str, now: int) -> None:
    """Take back a recall of a case that nobody was told of yet."""
    mine = (recall.c.account_id == answer.account) & (recall.c.produce_id == answer.produce_id)
    row = connection.execute(select(recall.c.id).where(mine, recall.c.case_id == case, recall.c.attempts == 0)).first()
    if row is None:
        return
    connection.execute(delete(recall).where(recall.c.id == row.id))
    subject = changes.Subject(KIND, row.id, 0, answer.account)
    changes.enter(connection, subject, ("", ""), changes.Terms(False, "desk", now, 0))


def due(store: Store, now: int) -> list[tuple[Recall, Webhook]]:
    """Recalls whose account has an address and is to be told now, the oldest first."""
    with store.read() as connection:
        wanted = select(recall).where(recall.c.state == "waiting", recall.c.next_at <= now).order_by(recall.c.next_at)
        waiting = [Recall(**row) for row in connection.execute(wanted.limit(100)).mappings()]
        known = {one.account_id: _address(connection, one.account_id) for one in waiting}
    return [(one, address) for one in waiting if (address := known[one.account_id]) is not None]


def attempted(store: Store, one: Recall, answer: str, heard: bool, now: int) -> Recall:
    """Record what came of telling: the receipt, or when it is tried again. A receipt goes into the book of changes, and
    so into the ledger.

    Args:
        store: the store.
        one: the recall as it was.
        answer: an HTTP status, or why there was none.
        heard: whether the account's address has taken it.
        now: Unix seconds.

    Raises:
        OutsideError: `store_unavailable`.
    """
    left = one.attempts < len(WAITS_S)
    state: State = "told" if heard else "waiting" if left else "failed"
    made = msgspec.structs.replace(
        one,
        state=state,
        attempts=one.attempts + 1,
        next_at=now + WAITS_S[one.attempts] if state == "waiting" else 0,
        answer=answer,
        told_at=now if heard else 0,
    )

    def write(connection: Connection) -> Recall:
        connection.execute(update(recall).where(recall.c.id == one.id).values(**msgspec.structs.asdict(made)))
        if state != "waiting":
            subject = changes.Subject(KIND, one.id, made.attempts, one.account_id)
            hashes = changes.fingerprint(one), changes.fingerprint(made)
            changes.enter(connection, subject, hashes, changes.Terms(False, "webhook", now, 0))
        return made

    return store.do(write)


def again(store: Store, recall_id: str, now: int) -> Recall:
    """Tell once more what was given up.

    Raises:
        ConfigError: `not_found`.
    """

    def write(connection: Connection) -> Recall:
        row = connection.execute(select(recall).where(recall.c.id == recall_id)).mappings().first()
        if row is None or row["state"] == "told":
            raise ConfigError("not_found", what=recall_id)
        made = msgspec.structs.replace(Recall(**row), state="waiting", attempts=0, next_at=now)
        connection.execute(update(recall).where(recall.c.id == recall_id).values(**msgspec.structs.asdict(made)))
        return made

    return store.do(write)


def history(store: Store) -> Sequence[Recall]:
    """All recalls, newest first."""
    with store.read() as connection:
        rows: Any = connection.execute(select(recall).order_by(recall.c.added_at.desc(), recall.c.id)).mappings()
        return [Recall(**row) for row in rows]

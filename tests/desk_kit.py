# SPDX-License-Identifier: Apache-2.0
"""What the tests of the desk share: a desk over a store, with a clock that is set by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

from sqlalchemy import insert

from guiju import composition
from guiju.controls import standing as ladder
from guiju.desk.cases import Desk, Form
from guiju.desk.decisions import Decision, Decisions
from guiju.desk.deeds import Doing
from guiju.desk.remedies import Remedy
from guiju.desk.statements import Found, Ground, Outcome, Provider
from guiju.records import persons
from guiju.records.accounts import ensure_account
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.record import keyed
from guiju.records.schema import member
from guiju.records.scribe import Entry
from guiju.records.secrets import Secrets
from guiju.records.trace import Trace
from guiju.terms import Identity
from places import Place

NOW = 1_795_500_000
"""A Tuesday, 2026-11-24 at 21:20 (UTC+8)."""
DAY = 86_400
ANSWER = "他在某某公司任职时挪用公款三百万元。\n此事已有判决。"
NUMBER = "0" * 26
ACCOUNT, PERSON = "a" * 32, "f" * 32
STORY = "这段话毁我名誉，我叫张三，电话 13800138000。"


class Hands:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return float(self.now)


def desk_in(place: Place, store: Store, hands: Hands | None = None) -> Desk:
    """A desk; the ledger knows one answer."""
    keys = place.data / "keys"
    secrets = Secrets.open(keys)

    def traced(number: str) -> Trace | None:
        if number != NUMBER:
            return None
        opened = Entry(1, 0, "", NOW * 1000, "opened", {"x": NUMBER, "account": ACCOUNT})
        digest = keyed(secrets.digest, ANSWER.encode())
        closed = Entry(1, 1, "", NOW * 1000, "closed", {"x": NUMBER, "output_digest": [digest]})
        return Trace("found", "w", -1, (opened, closed))

    return Desk(store, DayKeys(keys), secrets, traced, hands or Hands())


@contextmanager
def staffed(place: Place, hands: Hands) -> Iterator[Desk]:
    """A desk with three members, and an account with a user who is known."""
    store = place.open()
    ensure_account(store, ACCOUNT, NOW)
    persons.remember(store, ACCOUNT, Identity(PERSON, "phone", "cn_mobile_realname", NOW, NOW + DAY, ""), NOW)
    employ(store, ("吴", "reviewer"), ("郑", "lead"), ("冯", "compliance"))
    yield desk_in(place, store, hands)
    store.close()


PROVIDER = Provider("云岭智能", "https://provider.test/contest/{decision}", "https://www.12377.cn")
GROUND = Ground(
    kind="law", article="GAI-2023 art.15", text_zh="该陈述失实，侵害他人名誉。", text_en="The statement is untrue."
)


def deciding(desk: Desk, place: Place, alone_after: int = 0) -> Decisions:
    """Who decides at a desk; no reply was ever repeated."""
    doing = Doing(desk.store, DayKeys(place.data / "keys"), composition.decide(ladder.shipped))
    return Decisions(desk, doing, PROVIDER, lambda text, since: (0, 5000), alone_after)


def decided(outcome: Outcome = "upheld", *remedies: Remedy) -> Decision:
    """A decision."""
    return Decision(found=Found(outcome=outcome, ground=GROUND, facts="经查，该陈述失实。"), remedies=remedies)


def employ(store: Store, *names: tuple[str, str]) -> None:
    """Make members, each with a role."""
    rows = [{"id": token_hex(16), "name": name, "role": role, "created_at": NOW, "left_at": 0} for name, role in names]
    store.do(lambda connection: connection.execute(insert(member), rows))


def form(**more: object) -> Form:
    """A notice of somebody whose reputation suffers."""
    return Form(**{"kind": "rights", "category": "A.4c", "text": ANSWER, "fields": {"story": STORY}, **more})  # type: ignore[arg-type] # tests name fields

# SPDX-License-Identifier: Apache-2.0
"""What the tests of the desk share: a desk over a store, with a clock that is set by hand."""

from __future__ import annotations

from guiju.desk.cases import Desk, Form
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.record import keyed
from guiju.records.scribe import Entry
from guiju.records.secrets import Secrets
from guiju.records.trace import Trace
from places import Place

NOW = 1_795_500_000
"""A Tuesday, 2026-11-24 at 21:20 (UTC+8)."""
DAY = 86_400
ANSWER = "他在某某公司任职时挪用公款三百万元。\n此事已有判决。"
NUMBER = "0" * 26
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
        opened = Entry(1, 0, "", NOW * 1000, "opened", {"x": NUMBER, "account": "a" * 32})
        digest = keyed(secrets.digest, ANSWER.encode())
        closed = Entry(1, 1, "", NOW * 1000, "closed", {"x": NUMBER, "output_digest": [digest]})
        return Trace("found", "w", -1, (opened, closed))

    return Desk(store, DayKeys(keys), secrets, traced, hands or Hands())


def form(**more: object) -> Form:
    """A notice of somebody whose reputation suffers."""
    return Form(**{"kind": "rights", "category": "A.4c", "text": ANSWER, "fields": {"story": STORY}, **more})  # type: ignore[arg-type] # tests name fields

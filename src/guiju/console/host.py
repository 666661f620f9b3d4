# SPDX-License-Identifier: Apache-2.0
"""What the console needs of the process that serves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from guiju.config import Settings
from guiju.desk.cases import Desk
from guiju.desk.decisions import Decisions
from guiju.desk.handling import Handling
from guiju.gateway.live import Policy
from guiju.law.book import LawText
from guiju.law.proof import DutyState, Note
from guiju.records import writers
from guiju.records.acts import Act
from guiju.records.db import Store
from guiju.records.ids import ExchangeIds
from guiju.records.record import Books
from guiju.records.secrets import Secrets
from guiju.records.sources import place_of

Board = tuple[LawText, Sequence[DutyState]]


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """The inside of a serving process, as far as the console reaches.

    Attributes:
        settings: those in force now.
        store: the store.
        data: the data directory.
        books: writes the ledger.
        ids: of exchanges.
        secrets: of this installation.
        policy: what a new exchange is held to now.
        board: the duties and how each stands.
        notes: duty id → a person's note.
        clock: Unix seconds.
        desk, decisions, handling: the desk, who decides there, and who handles matters of staff.
    """

    settings: Callable[[], Settings]
    store: Store
    data: Path
    books: Books
    ids: ExchangeIds
    secrets: Secrets
    policy: Callable[[], Policy]
    board: Callable[[], Board]
    notes: Callable[[], dict[str, Note]]
    clock: Callable[[], float]
    desk: Desk
    decisions: Decisions
    handling: Handling

    def now(self) -> int:
        """Unix seconds."""
        return int(self.clock())


def entered(inside: Inside, kind: str, body: Mapping[str, Any]) -> str:
    """Write an entry into a ledger of its own, from the thread in which a page is made; returns where it stands.

    Raises:
        ConfigError: every ledger is taken.
        OutsideError: it can't be written; then it must not happen.
    """
    place = place_of(inside.settings(), inside.data)
    return writers.entered(place, inside.secrets.signing, lambda: int(inside.clock() * 1000), kind, body).where


async def recorded(inside: Inside, act: Act) -> Act:
    """Write an act into the ledger; returns it with the place at which it stands, on disk.

    Raises:
        OutsideError: `guard_unavailable`; then it must not happen (robustness §6).
    """
    said = {name: value for name, value in msgspec.structs.asdict(act).items() if value and name != "evidence"}
    place = await inside.books.durable(inside.books.acted(said))
    return msgspec.structs.replace(act, evidence=place.where)

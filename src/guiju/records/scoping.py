# SPDX-License-Identifier: Apache-2.0
"""Decisions on scope (Article 2): the answers and what follows from them, signed, numbered, and never changed."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from guiju.errors import Bilingual, ConfigError, OutsideError
from guiju.records import changes
from guiju.records.changes import Subject, Terms
from guiju.records.db import Store
from guiju.records.schema_telling import scope_decision
from guiju.records.vault import two

KIND: Final = "scope"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One decision.

    Attributes:
        answers, result: JSON, as they were signed.
        hash: SHA-256 of both.
        second: who signed with them; "" where nothing fell away that had stood.
        signed_at: Unix seconds.
    """

    version: int
    answers: str
    result: str
    hash: str
    signed_by: str
    second: str
    signed_at: int

    @property
    def away(self) -> dict[str, dict[str, Any]]:
        """Id of a duty that falls away → why in both languages, and whether it does so under the strict text too."""
        made: dict[str, dict[str, Any]] = json.loads(self.result)["away"]
        return made


def latest(store: Store) -> Decision | None:
    """The decision in force; none where nobody has decided.

    Raises:
        OutsideError: `store_unavailable`.
    """
    made = history(store)
    return made[0] if made else None


def history(store: Store) -> list[Decision]:
    """All decisions, newest first.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        rows = connection.execute(select(scope_decision).order_by(scope_decision.c.version.desc())).mappings()
        return [Decision(**row) for row in rows]


def weakens(store: Store, result: dict[str, Any]) -> bool:
    """Whether a duty falls away that stands until now, so that two persons sign.

    Raises:
        OutsideError: `store_unavailable`.
    """
    before = latest(store)
    return bool(result["away"].keys() - (before.away if before else {}).keys())


def sign(store: Store, answers: dict[str, Any], result: dict[str, Any], by: tuple[str, str], now: int) -> Decision:
    """Sign a decision. Where a duty falls away that stood until now, a second person signs too.

    Args:
        store: the store.
        answers, result: what was asked and what follows; `away` in the result names the duties that fall away.
        by: who signs, and the second; "" for none.
        now: Unix seconds.

    Raises:
        ConfigError: `two_persons`; `config_invalid`: nobody is named.
        OutsideError: `store_unavailable`.
    """
    if not by[0].strip():
        what = Bilingual("须写明签署人", "say who signs")
        raise ConfigError("config_invalid", what=what, hint="guiju scope --help")
    before, less = latest(store), weakens(store, result)
    if less:
        two(by)
    texts = [json.dumps(one, ensure_ascii=False, sort_keys=True) for one in (answers, result)]

    def work(connection: Connection) -> Decision:
        newest = connection.execute(select(func.max(scope_decision.c.version))).scalar() or 0
        digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()
        made = Decision(
            version=newest + 1,
            answers=texts[0],
            result=texts[1],
            hash=digest,
            signed_by=by[0].strip(),
            second=by[1].strip(),
            signed_at=now,
        )
        connection.execute(insert(scope_decision).values(msgspec.structs.asdict(made)))
        terms = Terms(weakens=less, by=" + ".join(filter(None, by)), now=now, delay=0)
        changes.enter(connection, Subject(KIND, "scope", made.version), (before.hash if before else "", digest), terms)
        return made

    try:
        return store.do(work)
    except IntegrityError as error:  # another process was first
        raise OutsideError("store_unavailable") from error

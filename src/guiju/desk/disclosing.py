# SPDX-License-Identifier: Apache-2.0
"""What an authority may be given on a recorded legal request (Article 17; bounds): by id, and field by field.

The list is closed. It holds no text that anybody wrote, no person and nothing by which one is found: there is no
search here by person, topic, word or place, and no way to ask for all of anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from guiju.errors import ConfigError, Page
from guiju.records import accounts, cases
from guiju.records.db import Store
from guiju.records.scribe import Entry
from guiju.records.trace import Trace

SUBJECTS: Final = ("exchange", "case", "account")
MOST: Final = 20
"""Ids that one answer names, at most."""
WANTED: Final = (
    "exchange.time",
    "exchange.door",
    "exchange.model",
    "exchange.state",
    "exchange.controls",
    "exchange.reason",
    "exchange.label",
    "exchange.counts",
    "exchange.ledger",
    "case.kind",
    "case.received",
    "case.state",
    "case.decided",
    "case.outcome",
    "account.name",
    "account.created",
    "account.keys",
)
"""Everything that can be given: what it is about, and the field."""
_PAGE: Final = Page("reference/desk.md")
_COUNTS: Final = ("chars_in", "chars_seen", "chars_released")


class Given(msgspec.Struct, frozen=True):
    """What is given.

    Attributes:
        about: `exchange`, `case` or `account`.
        fields: which fields.
        rows: id → field → value; an id without a row has no record.
    """

    about: str
    fields: tuple[str, ...]
    rows: dict[str, dict[str, Any]]


def asked(about: str, ids: str, wanted: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids and fields of a disclosure.

    Args:
        about: one of `SUBJECTS`.
        ids: one a line.
        wanted: of `WANTED`, parted by spaces.

    Raises:
        ConfigError: `config_invalid`: no id, too many, or a field of something else.
    """
    named = tuple(dict.fromkeys(line.strip() for line in ids.splitlines() if line.strip()))
    fields = tuple(one for one in WANTED if one in wanted.split())
    if not 0 < len(named) <= MOST or any(len(one) > 64 or not one.isprintable() for one in named):
        raise ConfigError("config_invalid", what=f"ids (1–{MOST})", hint=_PAGE)
    if not fields or any(one.partition(".")[0] != about for one in fields):
        raise ConfigError("config_invalid", what="wanted", hint=_PAGE)
    return named, tuple(one.partition(".")[2] for one in fields)


def given(
    store: Store, traced: Callable[[str], Trace | None], about: str, ids: Sequence[str], fields: Sequence[str]
) -> Given:
    """Look up what is given; nothing else is read.

    Raises:
        ConfigError: `evidence_broken`.
        OutsideError: `store_unavailable`.
    """
    rows: dict[str, dict[str, Any]] = {}
    for id in ids:
        if known := _LOOKED[about](store, traced, id):
            rows[id] = {name: known[name] for name in fields if name in known}
    return Given(about, tuple(fields), rows)


def _exchange(store: Store, traced: Callable[[str], Trace | None], id: str) -> dict[str, Any]:
    try:
        found = traced(id)
    except ConfigError as error:
        if error.code != "not_found":
            raise
        found = None
    if found is None or not found.entries:
        return {}
    first, last = found.entries[0], found.entries[-1]
    body: dict[str, Any] = {}
    for entry in found.entries:
        body |= entry.body
    reason = body.get("reason") or {}
    return {
        "time": first.t // 1000,
        "door": body.get("door", ""),
        "model": body.get("model", ""),
        "state": body.get("state", last.kind),
        "controls": [[name, action] for name, action in body.get("controls", ())],
        "reason": {name: reason[name] for name in ("category", "article") if name in reason},
        "label": body.get("label") or "",
        "counts": {name: body[name] for name in _COUNTS if name in body},
        "ledger": [_place(found, entry) for entry in found.entries],
    }


def _place(found: Trace, entry: Entry) -> str:
    return f"{found.writer}/{entry.seq}"


def _case(store: Store, traced: Callable[[str], Trace | None], id: str) -> dict[str, Any]:
    try:
        found = cases.get(store, id)
    except ConfigError:
        return {}
    return {
        "kind": found.kind,
        "received": found.received_at,
        "state": found.state,
        "decided": found.decided_at,
        "outcome": found.outcome,
    }


def _account(store: Store, traced: Callable[[str], Trace | None], id: str) -> dict[str, Any]:
    found = next((one for one in accounts.list_accounts(store) if one.id == id), None)
    if found is None:
        return {}
    return {"name": found.name, "created": found.created_at, "keys": len(accounts.list_keys(store, found.id))}


_LOOKED: Final = {"exchange": _exchange, "case": _case, "account": _account}

# SPDX-License-Identifier: Apache-2.0
"""The numbers of a month that are told in public (Articles 13, 15, 17, 19), counted from the ledgers and the books.

They are counted once the month is over (UTC+8) and published as figures; the transparency report reads nothing else.
What the canary, replays, drills and the proof account asked is not counted.
"""

from __future__ import annotations

import datetime
import statistics
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import Table, distinct, func, select

from guiju.errors import ConfigError
from guiju.law import calendar
from guiju.records import figures
from guiju.records.cases import Clock
from guiju.records.db import Store
from guiju.records.repeats import OWN_KEYS
from guiju.records.schema import ban, legal_hold, rights_request, standing_step
from guiju.records.schema_desk import case
from guiju.records.schema_dossier import disclosure
from guiju.records.sources import Source, source_of
from guiju.terms import Figure

ROOM: Final = "telling"
PREFIX: Final = "month."
_QUOTED: Final = {
    "exchanges.all": "gateway.requests",
    "exchanges.stopped_asking": "gateway.stopped.input",
    "exchanges.stopped_answering": "gateway.stopped.output",
    "cases.in_time": "desk.ontime",
    "cases.median_h": "desk.median",
}
STANDING: Final = (
    "evaluation.gateway.content.person",
    "evaluation.gateway.refuse.refusal",
    "evaluation.gateway.answer.refusal",
    "corpus.sources",
    "corpus.rows",
    "annotation.items",
)
"""Numbers of other rooms that a month tells of as they stood at its end."""
_WHOSE: Final = (standing_step, legal_hold)
"""Tables whose rows say whose they are; of a request that is settled nobody knows."""
_KINDS: Final = (b'"kind":"opened"', b'"kind":"refused"', b'"kind":"closed"')


class _Body(msgspec.Struct):
    x: str = ""
    key: str = ""
    state: str = ""
    chars_seen: int = 0
    chars_released: int = 0
    label: str | None = None


class _Entry(msgspec.Struct):
    t: int
    kind: str
    body: _Body


def span(month: str) -> tuple[int, int]:
    """The Unix seconds at which a month begins and ends.

    Args:
        month: such as `2026-11`.

    Raises:
        ConfigError: `config_invalid`: it is no month.
    """
    try:
        begin = datetime.datetime.strptime(month, "%Y-%m").replace(tzinfo=calendar.ZONE)
    except ValueError as error:
        raise ConfigError("config_invalid", what=month[:32], hint="2026-11") from error
    end = (begin.replace(day=1) + datetime.timedelta(days=32)).replace(day=1)
    return int(begin.timestamp()), int(end.timestamp())


def month_of(at: float) -> str:
    """The month of a time in Unix seconds."""
    return datetime.datetime.fromtimestamp(at, calendar.ZONE).strftime("%Y-%m")


def before(now: float) -> str:
    """The month that ended last."""
    return month_of(span(month_of(now))[0] - 1)


def counted(store: Store, place: str, month: str) -> list[Figure]:
    """The numbers of a month.

    Args:
        store: the store.
        place: where the ledgers are.
        month: such as `2026-11`.

    Raises:
        ConfigError: `config_invalid`: no month; what reads the ledgers is not installed.
        OutsideError: `store_unavailable`.
    """
    since, until = span(month)
    numbers = {**_exchanges(place, since, until), **_cases(store, since, until), **_books(store, since, until)}
    numbers |= _standing(store, until)
    return [
        Figure(f"{PREFIX}{month}.{name}", value, n, None, until, place_of_count)
        for name, (value, n, place_of_count) in sorted(numbers.items())
    ]


def quoted(month: list[Figure]) -> list[Figure]:
    """What documents quote of a month's numbers, under the names by which they ask for them (Article 17).

    Args:
        month: from `counted`.
    """
    by = {one.name.removeprefix(PREFIX).partition(".")[2]: one for one in month}
    made = [msgspec.structs.replace(by[name], name=told) for name, told in _QUOTED.items() if name in by]
    received = [one for name, one in by.items() if name.startswith("cases.received.")]
    if received:
        made.append(
            msgspec.structs.replace(received[0], name="desk.received", value=sum(one.value for one in received))
        )
    answered = by.get("exchanges.answered")
    if answered and answered.value:
        unseen, labelled = by.get("exchanges.not_checked"), by.get("exchanges.labelled")
        shares = {
            "gateway.coverage": 1 - (unseen.value if unseen else 0) / answered.value,
            "gateway.labelled": (labelled.value if labelled else 0) / answered.value,
        }
        of = msgspec.structs.replace(answered, n=int(answered.value))
        made += [msgspec.structs.replace(of, name=name, value=round(value, 4)) for name, value in shares.items()]
    return made


_Numbers = dict[str, tuple[float, int, str]]


def _exchanges(place: str, since: int, until: int) -> _Numbers:
    """What went through the doors."""
    made: Counter[str] = Counter()
    mine: set[str] = set()
    try:
        source = source_of(place)
    except ConfigError as error:
        if error.code != "not_found":
            raise
        return {}
    try:
        for entry in _entries(source, since * 1000, until * 1000):
            _count(made, mine, entry)
    finally:
        source.close()
    return {f"exchanges.{name}": (float(number), made["all"], "ledger") for name, number in made.items()}


def _count(made: Counter[str], own: set[str], entry: _Entry) -> None:
    body = entry.body
    if entry.kind != "closed":
        if body.key in OWN_KEYS:
            own.add(body.x)
            return
        made["all"] += 1
        made["stopped_asking"] += entry.kind == "refused"
        return
    if body.x in own:
        own.discard(body.x)
        return
    made["stopped_answering"] += body.state == "stopped"
    made["not_checked"] += body.state == "not_checked"
    made["labelled"] += body.label is not None
    made["answered"] += 1
    made["characters_seen"] += body.chars_seen
    made["characters_released"] += body.chars_released


def _entries(source: Source, since: int, until: int) -> Iterator[_Entry]:
    """Entries of exchanges within Unix milliseconds."""
    for writer in source.writers():
        for segment in source.segments(writer):
            for line in source.lines(writer, segment):
                if not any(kind in line[:400] for kind in _KINDS):
                    continue
                try:
                    entry = msgspec.json.decode(line, type=_Entry)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    continue
                if since <= entry.t < until:
                    yield entry


def _cases(store: Store, since: int, until: int) -> _Numbers:
    """Complaints: what came, what was decided, and how fast; of its clocks, how many were kept in time."""
    came = (case.c.received_at >= since) & (case.c.received_at < until)
    done = (case.c.decided_at >= since) & (case.c.decided_at < until)
    columns = (case.c.outcome, case.c.received_at, case.c.decided_at, case.c.clocks)
    with store.read() as connection:
        received = connection.execute(select(case.c.kind, func.count()).where(came).group_by(case.c.kind)).all()
        decided = connection.execute(select(*columns).where(done)).all()
    made: _Numbers = {}
    total = sum(count for _, count in received)
    for kind, count in received:
        made[f"cases.received.{kind}"] = (float(count), total, "store")
    for outcome, count in Counter(row.outcome for row in decided if row.outcome).items():
        made[f"cases.decided.{outcome}"] = (float(count), len(decided), "store")
    if decided:
        took = sorted(max(0, row.decided_at - row.received_at) / 3600 for row in decided)
        made["cases.median_h"] = (round(statistics.median(took), 1), len(took), "store")
        made["cases.p90_h"] = (round(took[min(len(took) - 1, int(0.9 * len(took)))], 1), len(took), "store")
        kept = [one for row in decided for one in msgspec.json.decode(row.clocks, type=list[Clock]) if one.met_at]
        if kept:
            in_time = sum(one.met_at <= one.due_at for one in kept) / len(kept)
            made["cases.in_time"] = (round(in_time, 3), len(kept), "store")
    return made


def _books(store: Store, since: int, until: int) -> _Numbers:
    """Bans, measures against persons, requests about personal data, holds that a law asked for, what was told. Of steps
    and holds `n` says on how many persons they are."""
    made: _Numbers = {}
    for name, table, by, at in (
        ("bans.made", ban, None, "decided_at"),
        ("bans.lifted", ban, None, "lifted_at"),
        ("steps", standing_step, "rung", "since"),
        ("rights", rights_request, "asked", "received_at"),
        ("holds", legal_hold, None, "placed_at"),
    ):
        made |= _grouped(store, name, table, (by, at), (since, until))
    return made | _told(store, since, until)


def _told(store: Store, since: int, until: int) -> _Numbers:
    """What was told to authorities. How often a law asked for something of somebody's is told of every month, and
    apart: no sum over both says it of few."""
    made = _grouped(store, "disclosures", disclosure, ("what", "at"), (since, until))
    asked = made.pop("disclosures.request", (0.0, 0, "store"))[0]
    others = int(sum(value for value, _, _ in made.values()))
    told = {name: (value, others, place) for name, (value, _, place) in made.items()}
    return {**told, "disclosures.request": (asked, int(asked), "store")}


def _standing(store: Store, until: int) -> _Numbers:
    """What the last evaluation, the corpus and annotation had come to by the end of the month."""
    made: _Numbers = {}
    for name in STANDING:
        found = next((one for one in figures.history(store, name) if one.at < until), None)
        if found is not None and found.n:
            made[name] = (found.value, found.n, found.evidence)
    return made


def _grouped(
    store: Store, name: str, table: Table, columns: tuple[str | None, str], within: tuple[int, int]
) -> _Numbers:
    by, at = columns
    time = table.c[at]
    whose = func.count(distinct(table.c.account_id + "/" + table.c.person_id)) if table in _WHOSE else func.count()
    query: Any = select(table.c[by] if by else func.max(""), func.count(), whose)
    query = query.where(time >= within[0], time < within[1])
    if by:
        query = query.group_by(table.c[by])
    with store.read() as connection:
        rows = connection.execute(query).all()
    total = sum(count for _, count, _ in rows)
    n = {kind: persons if table in _WHOSE else total for kind, _, persons in rows}
    return {f"{name}.{kind}" if by else name: (float(count), n[kind], "store") for kind, count, _ in rows}

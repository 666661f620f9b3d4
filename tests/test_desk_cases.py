# SPDX-License-Identifier: Apache-2.0
"""Cases (Articles 13, 18, 20): numbers, secrets, clocks, leases, papers, and what the ledger says of a text."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from desk_kit import ANSWER, DAY, NOW, NUMBER, STORY, Hands, desk_in, form
from guiju.desk import kinds
from guiju.desk.cases import Desk
from guiju.desk.matching import forms
from guiju.desk.spool import Spool
from guiju.errors import ConfigError
from guiju.law import calendar
from guiju.records import cases, changes, retention, schema
from guiju.records.cases import LEASE_S, Found
from guiju.records.daykeys import DayKeys
from guiju.records.secrets import Secrets
from places import BOTH, Place, place


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def desk(here: Place, hands: Hands) -> Iterator[Desk]:
    store = here.open()
    yield desk_in(here, store, hands)
    store.close()


def test_a_case_from_its_receipt_to_its_end(desk: Desk, hands: Hands, here: Place) -> None:
    first, second = desk.open(form(produce_id=NUMBER)), desk.open(form(text="另一段话，与此无关。"))
    assert (first.case.id, second.case.id) == ("26-000001", "26-000002")
    assert first.case.compared == "recorded"
    assert first.case.account_id == "a" * 32, "the ledger says whose service it was"
    assert second.case.compared == "none"
    assert len(first.secret) == 32
    assert desk.find("26-000001", first.secret) == first.case
    assert desk.find("26-000001", second.secret) is None
    assert desk.find("26-000009", first.secret) is None
    due = datetime.datetime.fromtimestamp(first.case.due_at, calendar.ZONE)
    assert (str(due), first.case.basis) == ("2026-11-28 00:00:00+08:00", "policy"), "three working days"

    with pytest.raises(ConfigError, match="case_leased"):
        desk.read(first.case.id, "吴", "核对内容")
    desk.lease(first.case.id, "吴")
    with pytest.raises(ConfigError, match="case_leased"):
        desk.lease(first.case.id, "郑")
    with pytest.raises(ConfigError, match="purpose_needed"):
        desk.read(first.case.id, "吴", " ")
    [paper] = desk.read(first.case.id, "吴", "核对内容")
    assert paper.fields == {"story": STORY, "text": ANSWER}
    desk.say(first.case.id, "请补身份材料", by="吴")
    waiting = desk.move(first.case.id, "waiting", "吴")
    assert (waiting.due_at, waiting.basis) == (0, ""), "the clock stands still while the complainant is asked"
    hands.now += DAY
    back = desk.hand_in(first.case.id, "id.png", "image/png", b"PNG...")
    assert (back.state, back.due_at) == ("open", first.case.due_at + DAY)
    assert [paper.fields["text"] for paper in desk.told(back)] == ["请补身份材料"]
    with pytest.raises(ConfigError, match="case_state"):
        desk.move(first.case.id, "closed", "吴")
    desk.lease(first.case.id, "吴")
    with pytest.raises(ConfigError, match="case_leased"):
        desk.move(first.case.id, "decided", "郑")
    assert desk.withdraw(first.case.id).closed_at == hands.now
    hands.now += 366 * DAY
    assert desk.told(back) == [], "the papers end a year after the case"
    retention.sweep(desk.store, DayKeys(here.data / "keys"), hands.now)
    with desk.store.read() as connection:
        [left] = connection.execute(select(schema.person.c.id)).scalars()
        assert left == desk.papers.whose(second.case.id)[1]
    acts = [one for one in changes.history(desk.store, cases.KIND) if one.subject == first.case.id]
    assert sorted(one.target for one in acts) == [1, 2, 3, 4, 5], "each act is in the book of changes"


def test_nothing_of_what_was_written_lies_open(desk: Desk, here: Place) -> None:
    made = desk.open(form())
    with desk.store.read() as connection:
        rows = [connection.execute(table.select()).all() for table in schema.metadata.sorted_tables]
    seen = repr(rows).encode()
    for secret in (STORY, ANSWER, "13800138000", made.secret):
        assert secret.encode() not in seen
        assert repr(secret.encode())[2:-1].encode() not in seen


def test_who_erases_a_case_destroys_its_papers(desk: Desk) -> None:
    made = desk.open(form()).case
    desk.papers.erase(made.id, NOW)
    assert desk.papers.all(made.id, NOW) == []
    assert cases.get(desk.store, made.id) == made


def test_duplicates_stand_together(desk: Desk) -> None:
    for number in range(6):
        desk.open(form(text=ANSWER.upper().replace("，", " , ") if number % 2 else ANSWER))
    desk.open(form(text="别的内容，没有人重复。"))
    found = cases.groups(desk.store, Found())
    assert [(one.id, many) for one, many in found] == [("26-000001", 6), ("26-000007", 1)]
    assert len(cases.listed(desk.store, Found(group=found[0][0].group_key))) == 6
    assert cases.counts(desk.store) == {("rights", "received"): 7}
    assert [one.id for one in cases.listed(desk.store, Found(limit=2, after=3))] == ["26-000004", "26-000005"]


def test_a_lease_ends_and_nobody_decides_on_their_own_decision(desk: Desk, hands: Hands) -> None:
    first = desk.open(form()).case
    desk.lease(first.id, "吴")
    assert cases.listed(desk.store, Found(free=hands.now)) == []
    hands.now += LEASE_S
    assert desk.lease(first.id, "郑").lease_by == "郑"
    step = kinds.step("rights", "decided")
    cases.move(desk.store, first.id, step, "郑", hands.now, decided_by="郑", outcome="upheld")
    appeal = desk.open(form(kind="appeal", parent=first.id)).case
    with pytest.raises(ConfigError, match="another_person"):
        desk.lease(appeal.id, "郑")
    assert desk.lease(appeal.id, "吴").leased(hands.now) == "吴"
    desk.release(appeal.id, "吴")
    assert cases.get(desk.store, appeal.id).leased(hands.now) == ""


def test_what_comes_while_the_store_is_away_is_not_lost(desk: Desk, here: Place) -> None:
    spool = Spool(here.data, Secrets.open(here.data / "keys"))
    ticket = spool.put(form(), NOW - 7)
    [path] = list((here.data / "spool").iterdir())
    assert STORY.encode() not in path.read_bytes()
    assert spool.get(ticket.number, "0" * 32) is None
    found = spool.get(ticket.number, ticket.secret)
    assert found is not None
    assert (found.received, found.form) == (NOW - 7, form())
    assert spool.get("../keys/person.key", ticket.secret) is None
    kept = path.read_bytes()
    assert spool.settle(desk) == 1
    path.write_bytes(kept)  # as after a crash before it was deleted
    assert (spool.settle(desk), spool.waiting()) == (0, [])
    made = desk.find(ticket.number, ticket.secret)
    assert made is not None
    assert (made.received_at, made.id) == (NOW - 7, ticket.number)
    assert desk.papers.all(made.id, NOW)[0].fields["story"] == STORY


def seconds(day: str) -> int:
    return int(datetime.datetime.fromisoformat(f"{day}T09:30:00+08:00").timestamp())


@pytest.mark.parametrize(
    ("received", "days", "ends"),
    [
        ("2026-11-24", 3, "2026-11-27"),
        ("2026-09-30", 1, "2026-10-08"),
        ("2026-09-18", 1, "2026-09-20"),  # a Sunday on which one works
        ("2026-02-13", 2, "2026-02-24"),
        ("2027-02-05", 1, "2027-02-08"),  # a year whose holidays are not known: weekends alone
    ],
)
def test_working_days(received: str, days: int, ends: str) -> None:
    assert calendar.after_working_days(seconds(received), days) == calendar.end_of(datetime.date.fromisoformat(ends))


def test_three_calendar_months_end_with_their_last_day() -> None:
    for begun, ends in (("2026-11-24", "2027-02-24"), ("2026-11-30", "2027-02-28"), ("2026-12-31", "2027-03-31")):
        assert calendar.after_months(seconds(begun), 3) == calendar.end_of(datetime.date.fromisoformat(ends))


@given(st.dates(datetime.date(2026, 1, 1), datetime.date(2027, 12, 31)), st.integers(1, 40))
def test_a_term_holds_as_many_working_days_as_it_says(day: datetime.date, days: int) -> None:
    at = seconds(day.isoformat())
    last = calendar.day_of(calendar.after_working_days(at, days) - 1)
    between = [day + datetime.timedelta(n) for n in range(1, (last - day).days + 1)]
    assert sum(map(calendar.works, between)) == days
    assert calendar.works(last)


def test_the_two_tables_hold_together() -> None:
    for id, kind in kinds.kinds().items():
        course = kinds.course(id)
        assert set(course.ends) <= set(course.states)
        for term in kind.clock:
            assert set(term.met) | set(term.pauses) <= set(course.states)
            assert not (term.basis == "law" and term.pauses), "no clock of a law stands still"
            assert set(course.ends) <= set(term.met), "what is over is not late"
            assert sum(map(bool, (term.hours, term.days, term.working_days, term.months, term.given))) == 1
        reached, new = set[str](), {course.first}
        while new:
            reached |= new
            new = {then for first, then in course.steps if first in reached} - reached
        assert reached == set(course.states), f"{id}: a state that nothing leads to"


def test_clocks_that_others_set(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="config_invalid"):
        desk.open(form(kind="rectification"), by="吴")
    made = desk.open(form(kind="rectification", source="authority", until=NOW + 10 * DAY), by="吴").case
    assert (made.due_at, made.basis) == (NOW + 10 * DAY, "law")
    found = desk.open(form(kind="incident", source="own"), by="吴").case
    assert found.due_at == NOW + 4 * 3600
    nearer = desk.open(form(kind="incident", source="own", until=NOW + 3600), by="吴").case
    assert nearer.due_at == NOW + 3600
    with pytest.raises(ConfigError, match="not_found"):
        desk.open(msgspec.structs.replace(form(), kind="nothing"))


COPIES = (
    (ANSWER, "recorded"),
    (ANSWER + "\n", "normalised"),
    (ANSWER.replace("\n", "\r\n"), "normalised"),
    (f"  “{ANSWER}” ", "normalised"),
    (ANSWER.replace("\n", " \n"), "normalised"),
    (f"\u200b【AI生成】\n{ANSWER}", "normalised"),
    (ANSWER.replace("三百万", "五百万"), "different"),
    (ANSWER.replace("已有判决", "没有判决"), "different"),
    (ANSWER[:-1], "different"),
)


def test_a_forged_text_is_recognised(desk: Desk) -> None:
    for copied, said in COPIES:
        assert desk.compared(NUMBER, copied)[0] == said, copied
        assert desk.compared("1" * 26, copied)[0] == "unrecorded"
    assert desk.compared(NUMBER, "")[0] == "none"


@pytest.mark.slow
@settings(max_examples=50)
@given(st.text(max_size=80))
def test_few_forms_of_a_text_are_compared(text: str) -> None:
    made = list(forms(text))
    assert made[0] == text
    assert len(made) <= 50
    assert len(made) == len(set(made))

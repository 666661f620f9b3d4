# SPDX-License-Identifier: Apache-2.0
"""Matters of staff (Articles 13 to 15, 17, 20): what an inquiry may get and how, holds that really keep, an incident's
clock and text, orders and reports that a person sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import update

from desk_kit import ACCOUNT, ANSWER, DAY, NOW, NUMBER, PERSON, STORY, Hands, form, staffed
from evidence_kit import PUBLIC, START, address, small
from guiju.desk import kinds, matters
from guiju.desk.cases import Desk
from guiju.desk.disclosing import MOST, WANTED, Given, asked
from guiju.desk.handling import KIND, Handling
from guiju.errors import ConfigError
from guiju.records import approvals, cases, changes, holds, months, persons, retention, rights
from guiju.records.approvals import Approval
from guiju.records.daykeys import DayKeys
from guiju.records.ids import ExchangeIds
from guiju.records.prune import due
from guiju.records.schema import vault
from guiju.records.sources import source_of
from guiju.web.locale import WORDS
from places import BOTH, Place, place

LETTER = {
    "authority": "云岭市网信办",
    "basis": "《暂行办法》第十九条",
    "number": "云网办〔2026〕12 号",
    "dated": "2026-11-23",
    "scope": "编号为上列的一次应答的时间、模型与处置结果",
    "until": "2026-12-04T18:00",
}
GIVE = {"about": "exchange", "ids": f"{NUMBER}\n{'1' * 26}", "wanted": "exchange.time exchange.state exchange.label"}
HOLD = {
    "authority": "云岭市公安局",
    "law": "《刑事诉讼法》第五十四条",
    "number": "云公调证字〔2026〕3 号",
    "dated": "2026-11-23",
    "scope": "该使用者的使用记录",
    "until": "2026-12-24T18:00",
}


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def desk(here: Place, hands: Hands) -> Iterator[Desk]:
    with staffed(here, hands) as made:
        yield made


@pytest.fixture
def staff(desk: Desk) -> Handling:
    return handling(desk)


def handling(desk: Desk, alone: int = 0) -> Handling:
    return Handling(desk, ExchangeIds(desk.secrets.ids, "w"), "云岭智能", alone)


def taken(staff: Handling, kind: str, given: dict[str, str], by: str = "郑") -> str:
    number = staff.open(kind, given, by).id
    staff.desk.lease(number, by)
    return number


def proposed(staff: Handling, number: str, to: str, given: dict[str, str], by: str = "郑") -> str:
    made = staff.step(number, to, given, by)
    assert isinstance(made, Approval)
    return made.id


def test_each_matter_has_a_course_words_and_a_paper() -> None:
    staffs = {id for id, kind in kinds.kinds().items() if kind.by == "staff"}
    assert set(matters.matters()) == staffs - {"regression"}
    for id, one in matters.matters().items():
        fields = {*one.fields, *one.amend, *(name for step in one.step for name in (*step.fields, *step.required))}
        assert set(one.required) <= set(one.fields)
        assert set(one.paper) <= fields, "a text says nothing that nobody can enter"
        assert all(f"matters.field.{name}" in WORDS for name in fields)
        assert all(f"matters.{group}.{id}" in WORDS for group in ("title", "lead", "paper"))
        for step in one.step:
            assert kinds.step(id, step.to).before
            assert f"matters.step.{id}.{step.to}" in WORDS
        reached = {one_.to for one_ in one.step} | {kinds.course(id).first, "lapsed"}
        assert set(kinds.course(id).states) <= reached, "each state can be come to"
    options = {one for several in matters.CHOSEN.values() for one in several}
    assert all(f"matters.option.{one}" in WORDS for one in options)


def test_what_an_inquiry_may_get_is_a_closed_list_without_persons_and_texts() -> None:
    assert not [one for one in WANTED if any(word in one for word in ("person", "text", "user", "prompt", "paper"))]
    assert asked("exchange", GIVE["ids"], GIVE["wanted"])[1] == ("time", "state", "label")
    for about, ids, wanted in (
        ("exchange", "", "exchange.time"),
        ("exchange", "\n".join(f"x{n}" for n in range(MOST + 1)), "exchange.time"),
        ("exchange", NUMBER, ""),
        ("exchange", NUMBER, "account.name"),
        ("exchange", "x" * 65, "exchange.time"),
    ):
        with pytest.raises(ConfigError, match="config_invalid"):
            asked(about, ids, wanted)


@pytest.mark.slow
def test_an_inquiry_is_answered_by_two_field_by_field_and_it_is_counted(
    desk: Desk, staff: Handling, here: Place
) -> None:
    for left_out in ("authority", "basis", "number", "dated", "scope", "until"):
        with pytest.raises(ConfigError, match=left_out):
            staff.open("inquiry", {**LETTER, left_out: ""}, "郑")
    number = taken(staff, "inquiry", LETTER)
    assert cases.get(desk.store, number).basis == "law"
    with pytest.raises(ConfigError, match="case_state"):
        staff.step(number, "answered", {"sent_by": "letter", "sent_at": "2026-11-25T10:00"}, "郑")
    staff.step(number, "open", {}, "郑")
    with pytest.raises(ConfigError, match="wanted"):
        staff.step(number, "approved", {**GIVE, "wanted": "exchange.person"}, "郑")
    id = proposed(staff, number, "approved", GIVE)
    assert cases.get(desk.store, number).state == "open", "nothing acts before two have agreed"
    assert desk.papers.all(number, NOW, ("answer",)) == []
    for by in ("郑", "吴"):
        with pytest.raises(ConfigError, match="another_person"):
            staff.approve(id, by)
    assert staff.approve(id, "冯").state == "done"
    assert cases.get(desk.store, number).state == "approved"
    [answer] = [msgspec.msgpack.decode(one.file, type=Given) for one in desk.papers.all(number, NOW, ("answer",))]
    assert answer.rows == {NUMBER: {"time": NOW, "state": "closed", "label": ""}}
    for text in (staff.document(number, "zh"), staff.document(number, "en")):
        assert NUMBER in text
        assert ANSWER not in text
    [entry] = changes.history(desk.store, KIND)
    assert (entry.subject, entry.target, entry.proposed_by) == (number, 1, "郑 + 冯")
    told = {one.name: one.value for one in months.counted(desk.store, str(here.data / "ledger"), "2026-11")}
    assert told["month.2026-11.disclosures.request"] == 1
    desk.lease(number, "郑")
    staff.step(number, "answered", {"sent_by": "letter", "sent_at": "2026-11-25T10:00"}, "郑")
    assert staff.step(number, "closed", {}, "郑").state == "closed"
    assert cases.get(desk.store, number).clocks[0].met_at == NOW


@pytest.mark.slow
def test_an_inquiry_about_a_case_or_an_account(desk: Desk, staff: Handling) -> None:
    of = desk.open(form()).case.id
    for about, id, wanted in (("case", of, "case.kind case.state"), ("account", ACCOUNT, "account.name account.keys")):
        number = taken(staff, "inquiry", LETTER)
        staff.step(number, "open", {}, "郑")
        given = {"about": about, "ids": id, "wanted": wanted}
        staff.approve(proposed(staff, number, "approved", given), "冯")
        text = staff.document(number, "zh")
        assert id in text
        assert STORY not in text
    declined = taken(staff, "inquiry", LETTER)
    with pytest.raises(ConfigError, match="why"):
        staff.step(declined, "declined", {}, "郑")
    staff.step(declined, "declined", {"why": "未附法律文书"}, "郑")
    assert cases.get(desk.store, declined).closed_at == NOW


@pytest.mark.slow
def test_a_hold_on_a_person_really_keeps(desk: Desk, staff: Handling, here: Place, hands: Hands) -> None:
    keys = DayKeys(here.data / "keys")
    wanted = {**HOLD, "target": "person", "account": ACCOUNT, "person": PERSON}
    for wrong in (
        {"person": ""},
        {"law": ""},
        {"scope": ""},
        {"until": ""},
        {"target": "everybody"},
        {"person": "e" * 32},
    ):
        with pytest.raises(ConfigError):
            staff.open("hold", {**wanted, **wrong}, "郑")
    number = taken(staff, "hold", wanted)
    id = proposed(staff, number, "placed", {})
    with desk.store.read() as connection:
        assert holds.of(connection, (ACCOUNT, PERSON), NOW) == [], "one person places nothing"
    staff.approve(id, "冯")
    with desk.store.read() as connection:
        [held] = holds.of(connection, (ACCOUNT, PERSON), NOW)
    assert (held.id, held.placed_by) == (number, "郑 + 冯")
    assert rights.asks(desk.store, keys, (ACCOUNT, PERSON), "erase", "吴", NOW).outcome == "held"
    hands.now += 400
    retention.sweep(desk.store, keys, hands.now)
    assert persons.verdict_of(desk.store, ACCOUNT, PERSON)

    desk.lease(number, "郑")
    lift = proposed(staff, number, "lifted", {"why": "办案机关书面解除"})
    with pytest.raises(ConfigError, match="another_person"):
        staff.approve(lift, "郑")
    retention.sweep(desk.store, keys, hands.now)
    assert persons.verdict_of(desk.store, ACCOUNT, PERSON), "it keeps until a second person has agreed"
    staff.approve(lift, "冯")
    assert cases.get(desk.store, number).state == "lifted"
    retention.sweep(desk.store, keys, hands.now)
    assert persons.verdict_of(desk.store, ACCOUNT, PERSON) is None


def test_a_hold_on_a_case_keeps_it_and_its_papers_readable(
    desk: Desk, staff: Handling, here: Place, hands: Hands
) -> None:
    keys = DayKeys(here.data / "keys")
    of = desk.open(form()).case.id
    desk.withdraw(of)
    number = taken(staff, "hold", {**HOLD, "target": "case", "case": of, "until": "2030-12-24T18:00"})
    staff.approve(proposed(staff, number, "placed", {}), "冯")
    hands.now += 4 * 366 * DAY
    desk.store.do(lambda c: c.execute(update(vault).where(vault.c.expires_at > 0).values(expires_at=NOW + 1)).rowcount)
    retention.sweep(desk.store, keys, hands.now)
    assert cases.get(desk.store, of).state == "withdrawn"
    assert [one.fields["story"] for one in desk.papers.all(of, hands.now, ("form",))] == [STORY]
    hands.now = matters.moment("2030-12-24T18:00")
    assert staff.settle() == 1
    assert cases.get(desk.store, number).state == "lapsed"
    assert desk.papers.all(of, hands.now, ("form",)) == []
    hands.now += 4 * 366 * DAY
    retention.sweep(desk.store, keys, hands.now)
    with pytest.raises(ConfigError, match="not_found"):
        cases.get(desk.store, of)


def test_a_hold_on_an_answer_keeps_its_month_of_the_ledger(desk: Desk, staff: Handling, here: Place) -> None:
    small(address(here))
    later = START + 184 * 86_400_000
    made = ExchangeIds(desk.secrets.ids, "w").new(START)
    number = taken(staff, "hold", {**HOLD, "target": "exchange", "exchange": made})
    with closing(source_of(address(here))) as source:
        assert [one.segment for one in due(source, [PUBLIC], 183, later, holds.months(desk.store, NOW))] == ["202611"]
        staff.approve(proposed(staff, number, "placed", {}), "冯")
        assert holds.months(desk.store, NOW) == {"202611"}
        assert due(source, [PUBLIC], 183, later, holds.months(desk.store, NOW)) == []
    with pytest.raises(ConfigError, match="not_found"):
        staff.open("hold", {**HOLD, "target": "exchange", "exchange": "Z" * 26}, "郑")


def test_an_incident_runs_from_when_it_was_found_and_has_its_text(desk: Desk, staff: Handling, hands: Hands) -> None:
    told = {
        "what": "数据库被勒索，服务中断。",
        "found_at": matters.text(NOW - 2 * 3600),
        "critical": "no",
        "grade": "larger",
    }
    found = matters.moment(told["found_at"])
    number = taken(staff, "incident", told)
    assert cases.get(desk.store, number).due_at == found + 4 * 3600
    critical = staff.open("incident", {**told, "critical": "yes"}, "郑")
    assert critical.due_at == found + 3600, "which was over when it was entered"
    assert critical.due_at < NOW
    with pytest.raises(ConfigError, match="found_at"):
        staff.open("incident", {**told, "found_at": matters.text(NOW + 3600)}, "郑")
    text = staff.document(number, "zh")
    assert text.startswith("网络安全事件报告")
    assert "数据库被勒索" in text
    assert "目前尚不清楚" in text, "what is not known yet is said to be so"
    staff.amend(number, {"cause": "弱口令", "harm": "三百名使用者无法登录"}, "郑")
    assert "弱口令" in staff.document(number, "zh")
    assert "considerable" in staff.document(number, "en")
    sent = {"sent_to": "云岭省网信办", "sent_by": "telephone", "sent_at": "2026-11-24T21:15"}
    staff.step(number, "reported", sent, "郑")
    kept = cases.get(desk.store, number)
    assert (kept.state, kept.due_at, kept.clocks[0].met_at) == ("reported", 0, NOW)
    staff.step(number, "handled", {"cause": "弱口令，已更换"}, "郑")
    kept = cases.get(desk.store, number)
    assert (kept.due_at, kept.basis) == (NOW + 30 * DAY, "law"), "the summary has its own clock"
    assert staff.step(number, "closed", {"sent_at": "2026-12-01T09:00"}, "郑").state == "closed"
    with pytest.raises(ConfigError, match="case_state"):
        staff.amend(number, {"cause": "另一个原因"}, "郑")


def test_an_order_and_a_report_go_their_course_and_nothing_is_sent(desk: Desk, staff: Handling) -> None:
    order = {name: LETTER[name] for name in ("authority", "number", "dated", "until")} | {
        "demands": "一、补标识\n二、整改投诉渠道"
    }
    number = taken(staff, "rectification", order)
    assert cases.get(desk.store, number).due_at == matters.moment(LETTER["until"])
    staff.step(number, "open", {}, "郑")
    staff.amend(number, {"done": "已全部补标识", "cause": "旧版客户端"}, "郑")
    assert "二、整改投诉渠道" in staff.document(number, "zh")
    staff.step(number, "reported", {"sent_by": "system", "sent_at": "2026-11-30T10:00", "receipt": "A-1"}, "郑")
    staff.step(number, "open", {}, "郑")
    staff.step(number, "reported", {"sent_by": "system", "sent_at": "2026-12-01T10:00"}, "郑")
    assert staff.step(number, "closed", {}, "郑").closed_at == NOW

    report = taken(
        staff, "authority", {"sent_to": "云岭省网信办", "basis": "《暂行办法》第十四条", "facts": "发现一类违法内容"}
    )
    with pytest.raises(ConfigError, match="sent_at"):
        staff.step(report, "sent", {"sent_by": "letter"}, "郑")
    staff.step(report, "sent", {"sent_by": "letter", "sent_at": "2026-11-24T21:00"}, "郑")
    assert cases.get(desk.store, report).state == "sent"
    with pytest.raises(ConfigError, match="case_leased"):
        staff.step(report, "closed", {}, "冯")


@pytest.mark.slow
def test_with_one_person_it_comes_after_a_day_and_is_marked(desk: Desk, hands: Hands) -> None:
    staff = handling(desk, alone=DAY)
    number = taken(staff, "hold", {**HOLD, "target": "person", "account": ACCOUNT, "person": PERSON})
    id = proposed(staff, number, "placed", {})
    with pytest.raises(ConfigError, match="case_leased"):
        staff.step(number, "declined", {"why": "x"}, "郑")
    assert staff.settle() == 0
    hands.now += DAY
    assert staff.settle() == 1
    one = approvals.get(desk.store, id)
    assert (one.state, one.single_mode, cases.get(desk.store, number).state) == ("done", True, "placed")
    asked = taken(staff, "inquiry", LETTER)
    staff.step(asked, "open", {}, "郑")
    giving = proposed(staff, asked, "approved", GIVE)
    hands.now += 2 * DAY
    staff.settle()
    assert approvals.get(desk.store, giving).state == "pending", "nothing is given to an authority by one person"
    assert desk.papers.all(asked, hands.now, ("answer",)) == []
    gone = taken(staff, "hold", {**HOLD, "target": "person", "account": ACCOUNT, "person": PERSON})
    late = proposed(handling(desk), gone, "placed", {})
    hands.now += 8 * DAY
    staff.settle()
    assert approvals.get(desk.store, late).state == "expired"

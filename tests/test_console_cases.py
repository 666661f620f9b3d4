# SPDX-License-Identifier: Apache-2.0
"""Cases in the console: the queue, leases, what is hidden, preview, decision, undo, the second person (screens 3.3, 3.4)."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest

from conftest import Answered, Running, Start
from console_kit import Browser, signed_in
from guiju import deskwork
from guiju.console.deadlines import chip, span
from guiju.desk.cases import Desk, Form, Receipt
from guiju.records import accounts, acts, approvals, bans, cases, changes, members, outbox, reviews
from guiju.records.cases import Case, Clock
from guiju.review.queue import DAY_S

STORY = "这段话毁我名誉，我叫张三，电话 13800138000。"
TEXT = "他在某某公司任职时挪用公款三百万元。此事已有判决。"
HOUR = 3600


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    return start_once()


def filed(gateway: Running, **more: object) -> Receipt:
    """A notice that came."""
    wanted = {"kind": "rights", "category": "A.4c", "text": TEXT, "fields": {"note": STORY, "name": "张三"}, **more}
    return desk(gateway).open(Form(**wanted))  # type: ignore[arg-type] # tests name fields


def desk(gateway: Running) -> Desk:
    """The desk of the running gateway."""
    return deskwork.opened(gateway.house)


def fields(**more: str) -> dict[str, str]:
    return {"outcome": "upheld", "reason": "reputation", "facts": "经查，该陈述失实。", **more}


def on(browser: Browser, number: str, verb: str, said: dict[str, str] | None = None) -> int:
    return browser.post(f"/console/cases/{number}/{verb}", said).status


def test_from_the_queue_to_a_decision_and_back(gateway: Running) -> None:
    number = filed(gateway).case.id
    reviewer, other = signed_in(gateway, "reviewer", "吴"), signed_in(gateway, "reviewer", "郑")
    queue = reviewer.get("/console/cases?kind=rights").body.decode()
    assert number in queue
    assert "our promise" in queue
    taken = reviewer.post("/console/cases/next", {"kinds": "rights"})
    assert taken.headers["location"] == f"/console/cases/{number}"
    assert "with 吴" in other.get(f"/console/cases/{number}").body.decode()
    assert on(other, number, "take") == 409

    page = reviewer.get(f"/console/cases/{number}").body.decode()
    assert "13800138000" not in page, "hidden until a purpose is said"
    assert TEXT not in page
    assert on(reviewer, number, "read", {"purpose": "curiosity"}) == 400
    assert on(reviewer, number, "read", {"purpose": "case"}) == 303
    assert "13800138000" in reviewer.get(f"/console/cases/{number}").body.decode()
    assert "13800138000" not in other.get(f"/console/cases/{number}").body.decode()
    kept = acts.latest(gateway.house.store, subject=number, kind="act")[0]
    assert (kept.place, kept.purpose, bool(kept.evidence)) == ("POST /console/cases/{no}/read", "case", True)
    assert changes.history(gateway.house.store, "case_read", number)

    wanted = fields(measure="stop", category="A.4c")
    looked = reviewer.post(f"/console/cases/{number}/preview", wanted).body.decode()
    assert "the content is stopped" in looked
    assert "处理决定书" in looked
    assert cases.get(gateway.house.store, number).state == "received"
    decided = reviewer.post(f"/console/cases/{number}/decide", wanted)
    assert decided.status == 303
    assert cases.get(gateway.house.store, number).state == "decided"
    page = reviewer.get(f"/console/cases/{number}").body.decode()
    assert "Take it back" in page
    assert "Take it back" not in other.get(f"/console/cases/{number}").body.decode()
    assert on(other, number, "undo") != 303
    assert on(reviewer, number, "undo") == 303
    assert cases.get(gateway.house.store, number).outcome == ""


@pytest.mark.slow
def test_what_weighs_heavily_needs_another_person(gateway: Running) -> None:
    number = filed(gateway, text="云岭高山云雾茶").case.id
    reviewer, lead = signed_in(gateway, "reviewer", "吴"), signed_in(gateway, "lead", "冯")
    other = signed_in(gateway, "reviewer", "郑")
    assert on(reviewer, number, "take") == 303
    wanted = fields(measure="stop", category="A.4c", outcome="partly")
    assert "needs a second person" in reviewer.post(f"/console/cases/{number}/preview", wanted).body.decode()
    assert on(reviewer, number, "decide", wanted) == 303
    [one] = approvals.of(gateway.house.store, number)
    assert f'href="/console/cases/{number}"' in lead.get("/console/approvals").body.decode()
    path = f"/console/approvals/{one.id}"
    assert reviewer.post(path, {"answer": "approve"}).status == 403, "nobody agrees to their own proposal"
    assert other.post(path, {"answer": "approve"}).status == 403, "a reviewer may not agree"
    assert lead.post(path, {"answer": "perhaps"}).status == 400
    assert lead.post(path, {"answer": "approve"}).status == 303
    assert approvals.of(gateway.house.store, number)[0].state == "done"
    assert lead.post(path, {"answer": "reject"}).status == 404


def several(browser: Browser, numbers: list[str], *more: tuple[str, str]) -> Answered:
    """Decide several cases together."""
    said = [("csrf", browser.csrf), *(("case", one) for one in numbers), *more]
    kind = "application/x-www-form-urlencoded"
    return browser.ask("POST", "/console/cases", urlencode(said).encode(), origin=browser.origin, content_type=kind)


@pytest.mark.slow
def test_several_are_closed_with_one_reason_and_each_is_told(gateway: Running) -> None:
    numbers = [filed(gateway, text=f"{TEXT}（第{n}次）", group="same").case.id for n in range(3)]
    reviewer, other = signed_in(gateway, "reviewer", "吴"), signed_in(gateway, "reviewer", "郑")
    assert "3 alike" in reviewer.get("/console/cases").body.decode()
    assert on(other, numbers[2], "take") == 303
    said = fields(reason="none", outcome="not_upheld").items()
    shown = several(reviewer, numbers, *said, ("do", "look"))
    assert "3 cases with one reason" in shown.body.decode()
    assert shown.body.decode().count("Somebody else is working on") == 1, "what is somebody else's is told before"
    assert [cases.get(gateway.house.store, one).outcome for one in numbers] == ["", "", ""], "nothing is decided yet"
    page = several(reviewer, numbers, *said)
    assert page.status == 200
    assert "2 decided" in page.body.decode()
    found = [cases.get(gateway.house.store, one) for one in numbers]
    assert [one.outcome for one in found] == ["not_upheld", "not_upheld", ""]
    assert all(gateway_told(gateway, one) for one in numbers[:2])
    left = several(reviewer, numbers[2:], *said, ("do", "look")).body.decode()
    assert 'value="decide"' not in left, "there is nothing to decide"


def test_what_is_upheld_is_not_said_to_be_unfounded(gateway: Running) -> None:
    number = filed(gateway, text=f"{TEXT}（又一次）").case.id
    reviewer = signed_in(gateway, "reviewer", "吴")
    said = fields(reason="none", outcome="partly").items()
    for do in ("look", "decide"):
        page = several(reviewer, [number], *said, ("do", do)).body.decode()
        assert "says that it is not the case" in page
    assert cases.get(gateway.house.store, number).outcome == ""
    assert several(reviewer, [number], *fields(reason="rights", outcome="partly").items()).status == 200
    assert cases.get(gateway.house.store, number).outcome == "partly"


@pytest.mark.slow
def test_several_are_upheld_with_measures_of_their_own(gateway: Running) -> None:
    texts = [f"褚教练在云岭驾校第{n}期培训班收取学员现金三万元并承诺包过科目三考试。" for n in range(2)]
    numbers = [filed(gateway, text=text).case.id for text in texts]
    short = filed(gateway, text="云岭山泉水").case.id
    empty = filed(gateway, text="").case.id
    reviewer = signed_in(gateway, "reviewer", "吴")
    every = [*numbers, short, empty]
    said = [*fields(category="A.4c").items(), ("measure", "stop"), ("measure", "suspend")]
    looked = several(reviewer, every, *said, ("do", "look")).body.decode()
    assert looked.count("the content is stopped") == 3
    assert "needs a second person" in looked
    assert TEXT not in looked
    page = several(reviewer, every, *said).body.decode()
    assert "3 decided" in page
    assert empty in page, "a case without a text has nothing to stop"
    for number, text in zip(numbers, texts, strict=True):
        [ban] = bans.history(gateway.house.store, number)
        [paper] = desk(gateway).papers.all(number, int(time.time()), ("grounds",))
        assert not ban.lifted_at
        assert text.encode() not in paper.file, "of banned texts only hashes are kept"
        assert gateway_told(gateway, number), "each is told on its own"
    assert [one.act for one in approvals.of(gateway.house.store, short)] == ["ban"], "a wide one waits for two"
    assert bans.history(gateway.house.store, short) == []
    assert cases.get(gateway.house.store, empty).outcome == ""
    assert on(reviewer, numbers[0], "undo") == 303
    assert cases.get(gateway.house.store, numbers[1]).outcome == "upheld", "one is taken back without the other"
    again = several(reviewer, [numbers[1]], *said).body.decode()
    assert "0 decided" in again, "nothing is decided twice"


def gateway_told(gateway: Running, number: str) -> bool:
    """Whether a letter waits for whoever complained."""
    return [one.channel for one in outbox.of(gateway.house.store, number)] == ["page"]


def test_a_message_lets_our_own_clock_stand(gateway: Running) -> None:
    number = filed(gateway, text="另一段话，用来询问。").case.id
    reviewer = signed_in(gateway, "reviewer", "吴")
    assert on(reviewer, number, "tell", {"text": "请补充材料。"}) == 400, "it is not theirs yet"
    assert on(reviewer, number, "take") == 303
    assert on(reviewer, number, "tell", {"text": "请补充材料。", "ask": "1"}) == 303
    assert cases.get(gateway.house.store, number).state == "waiting"
    assert "stands still" in reviewer.get(f"/console/cases/{number}").body.decode()
    assert on(reviewer, number, "give") == 303
    assert cases.get(gateway.house.store, number).lease_by == ""


@pytest.mark.slow
def test_a_form_that_is_not_whole_decides_nothing(gateway: Running) -> None:
    number = filed(gateway, text="又一段话，用来试表单。").case.id
    reviewer = signed_in(gateway, "reviewer", "吴")
    assert on(reviewer, number, "take") == 303
    for bad in (
        {"outcome": ""},
        {"outcome": "confirmed"},
        {"reason": "whim"},
        {"facts": "  "},
        {"measure": "suspend", "user_account": "a", "person": "", "misuse": "spam"},
        {"measure": "suspend", "user_account": "a", "person": "b", "misuse": "spam", "days": "0"},
        {"measure": "stop", "category": "A.4c", "stop_form": "near", "stop_examples": "一条"},
        {"measure": "withhold", "attribute": "opinion", "withhold_text": "x"},
        {"outcome": "not_upheld", "measure": "stop", "category": "A.4c"},
    ):
        assert on(reviewer, number, "decide", fields(**bad)) in (400, 500), bad
    kept = reviewer.post(
        f"/console/cases/{number}/preview", fields(facts="已写好的事实。", reason="whim")
    ).body.decode()
    assert "已写好的事实。" in kept, "what was typed is not lost"
    assert cases.get(gateway.house.store, number).state == "received"


def test_the_day_of_looking_has_an_end(gateway: Running) -> None:
    reviewer = signed_in(gateway, "reviewer", "钱")
    who = members.found(gateway.house.store, "钱")
    assert who is not None
    reviews.looked(gateway.house.store, who.id, int(time.time()), DAY_S)
    assert reviewer.post("/console/cases/next").status == 429


def test_a_deadline_is_shown_in_four_states_with_its_basis() -> None:
    now = 1_795_500_000

    def of(left: int, **more: int) -> tuple[str, str]:
        clock = Clock("decide", "law", now + left, **more)
        due = 0 if more else now + left
        made = Case(
            id="26-000001",
            kind="personal",
            state="open",
            group_key="",
            received_at=now,
            changed_at=now,
            due_at=due,
            basis="law" if due else "",
            clocks=(clock,),
        )
        shown = chip(made, now, "en")
        return shown.state, shown.left

    assert of(3 * 86_400 + 5 * HOUR) == ("calm", "3 d 5 h left")
    assert of(23 * HOUR) == ("day", "23 h 0 min left")
    assert of(2 * HOUR - 1) == ("hours", "1 h 59 min left")
    assert of(-90) == ("over", "1 min over")
    assert of(100, still_since=now) == ("still", "stands still while an answer is awaited")
    assert span(59, "zh") == "0 分钟"


@pytest.mark.slow
def test_an_inquiry_goes_its_course_in_the_console(gateway: Running) -> None:
    lead, officer = signed_in(gateway, "lead", "冯"), signed_in(gateway, "compliance", "褚")
    reviewer = signed_in(gateway, "reviewer", "吴")
    letter = {"authority": "云岭市网信办", "basis": "《暂行办法》第十九条", "number": "12 号", "dated": "2026-11-23"}
    more = {"scope": "该账户的名称", "until": "2030-12-04T18:00"}
    assert b"12 \xe5\x8f\xb7" in lead.post("/console/matters/inquiry", letter).body, "what was typed is not lost"
    opened = lead.post("/console/matters/inquiry", {**letter, **more})
    path = opened.headers["location"]
    number = path.rpartition("/")[2]
    assert "云岭市网信办" not in lead.get(path).body.decode(), "hidden until a purpose is said"
    assert lead.get(f"{path}/document").status == 404
    assert on(lead, number, "read", {"purpose": "legal"}) == 303
    assert "云岭市网信办" in lead.get(path).body.decode()
    assert on(lead, number, "step", {"to": "open"}) == 303
    owner = accounts.create_account(gateway.house.store, "shop", int(time.time())).id
    wanted = {"to": "approved", "about": "account", "ids": owner, "wanted": "account.name"}
    assert on(lead, number, "step", {**wanted, "wanted": "account.persons"}) in (400, 500)
    assert on(lead, number, "step", wanted) == 303
    page = officer.get("/console/approvals").body.decode()
    assert "give an authority what it asks for" in page
    assert "云岭市网信办" in page, "the second person sees what it is about"
    [one] = approvals.of(gateway.house.store, number)
    assert lead.post(f"/console/approvals/{one.id}", {"answer": "approve"}).status == 403
    assert officer.post(f"/console/approvals/{one.id}", {"answer": "approve"}).status == 303
    assert cases.get(gateway.house.store, number).state == "approved"
    assert on(officer, number, "take") == 303
    assert on(officer, number, "read", {"purpose": "legal"}) == 303
    text = officer.get(f"{path}/document?of=zh")
    assert (text.status, text.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert owner in text.body.decode()
    assert on(officer, number, "give") == 303
    assert on(reviewer, number, "take") == 403, "matters of staff are no reviewer's"

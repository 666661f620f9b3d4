# SPDX-License-Identifier: Apache-2.0
"""From a complaint to a ban in two workers and back again, all of it in Chromium and in both languages (Articles 13, 15,
19): complaint, receipt, lease, three measures at once, an appeal that another decides, and a second person who agrees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Page

from browser_kit import chromium
from console_kit import admitted
from guiju.records import accounts, approvals, cases, rumours, standing
from guiju.records.db import Store
from likeness_kit import FALSE
from serving import Served
from test_desk_road import WITHIN_S, desk_of
from test_law import shifted
from test_web_browser import opened
from test_workers import crew, many, until, writer
from walk_kit import enter

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]
PERSON = "f" * 32
LAST = "form.decision p.act button >> nth=-1"
"""What decides, once the form was looked at; what shows the effects, before."""
SAID = {
    "zh": ("已经收到", "与记录的应答一致", "与记录不符", "停止生成并拦截该内容", "须由另一人决定"),
    "en": (
        "We have it",
        "the recorded answer",
        "another text than recorded",
        "the content is stopped",
        "Somebody else",
    ),
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with crew(tmp_path_factory.mktemp("road"), '[people]\nmode = "two"\n') as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


def pressed(page: Page, button: str) -> None:
    """Press a button and wait for what comes."""
    with page.expect_navigation():
        page.click(button)


def complained(page: Page, gateway: Served, decision: str, text: str) -> str:
    """Complain of an answer by its number; the number of the case."""
    page.goto(f"http://localhost:{gateway.port}/complain/person?d={decision}")
    page.check("input[value=reputation]")
    page.fill("#name", "褚某")
    page.fill("#text", text)
    page.fill("#note", "没有这件事。")
    page.check("input[value=stop]")
    pressed(page, "form.sheet button[type=submit]")
    return page.inner_text("h1").split()[-1]


def decided(page: Page, text: str) -> None:
    """Decide the case that is open with three measures at once: stop it, put a correction beside it, warn its user."""
    pressed(page, "form[action$='/read'] button")
    page.check("input[name=outcome][value=upheld]")
    for one in ("stop", "correct", "warn"):
        page.check(f"input[name=measure][value={one}]")
    page.select_option("#category", "A.4c")
    page.fill("#claim", text[:40])
    page.fill("#correction", "经查没有此事。")
    page.fill("#source", "云岭法院")
    page.fill("#user_account", "operator")
    page.fill("#person", PERSON)
    page.select_option("#misuse", "posting")
    page.select_option("#reason", "reputation")
    page.fill("#facts", "经查失实。")
    pressed(page, LAST)
    assert page.locator("#effects li").count() == 3
    pressed(page, LAST)


def passes(gateway: Served, text: str) -> set[bool]:
    """Whether a text comes through; both workers are asked."""
    answers = many(gateway, 24, shifted(text))
    assert len({writer(one, gateway) for one in answers}) == 2
    return {text in one.body.decode() for one in answers}


def taken(page: Page, gateway: Served, number: str) -> None:
    """Lease a case."""
    page.goto(f"http://localhost:{gateway.port}/console/cases/{number}")
    pressed(page, "form[action$='/take'] button")


def appealed(page: Page, gateway: Served, number: str) -> str:
    """Contest a decision by the number of its case, as whoever was told of it does; the number of the appeal."""
    page.goto(f"http://localhost:{gateway.port}/appeal/{number}")
    page.check("input[value=refused]")
    page.fill("#note", "这是事实，有判决为证。")
    pressed(page, "form.sheet button[type=submit]")
    return page.inner_text("h1").split()[-1]


def overturned(page: Page, gateway: Served, store: Store, appeal: str) -> None:
    """Another one overturns it; what is lifted waits for a second person."""
    enter(page, admitted(store, gateway.port, "lead", "郑主管"))
    taken(page, gateway, appeal)
    page.check("input[name=outcome][value=overturned]")
    page.fill("#facts", "经查属实。")
    pressed(page, LAST)
    pressed(page, LAST)
    assert cases.get(store, appeal).outcome == "overturned"
    assert [one.act for one in approvals.of(store, appeal)] == ["lift"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_from_a_complaint_to_a_ban_and_back(gateway: Served, browser: Browser, language: str) -> None:
    text = FALSE if language == "zh" else FALSE.replace("褚", "蒋")
    got, same, other, stopped, refused = SAID[language]
    desk, store = desk_of(gateway)
    outside, wrong = opened(browser, language)
    inside, faults = opened(browser, language)
    with closing(store):
        accounts.ensure_account(store, "operator", 1)
        first = many(gateway, 1, shifted(text))[0]
        assert text in first.body.decode()
        decision = first.headers["x-guiju-decision-id"]
        until(lambda: desk.compared(decision, text)[0] == "recorded", WITHIN_S)

        forged = complained(outside, gateway, decision, text.replace("三万", "五万"))
        number = complained(outside, gateway, decision, text)
        assert got in outside.inner_text("main")
        enter(inside, admitted(store, gateway.port, "reviewer", "吴审核"))
        taken(inside, gateway, forged)
        assert other in inside.inner_text(".left"), "a forged text is recognised"
        taken(inside, gateway, number)
        assert same in inside.inner_text(".left")
        decided(inside, text)
        assert stopped in inside.inner_text("#decided")
        took = until(lambda: passes(gateway, text) == {False}, WITHIN_S)
        assert inside.locator("#decided .marks li").count() == 3
        assert {one.rung for one in standing.record(store, ("operator", PERSON))[1]} == {"warn"}
        assert text[:40] in {one.claim for one in rumours.entries_of(store)}

        appeal = appealed(outside, gateway, number)
        inside.goto(f"http://localhost:{gateway.port}/console/cases/{appeal}")
        pressed(inside, "form[action$='/take'] button")
        assert refused in inside.inner_text("main"), "whoever decided does not decide the appeal"
        overturned(inside, gateway, store, appeal)
        assert passes(gateway, text) == {False}, "one person lifts nothing"
        enter(inside, admitted(store, gateway.port, "compliance", "冯合规"))
        inside.goto(f"http://localhost:{gateway.port}/console/approvals")
        pressed(inside, "button[value=approve]")
        back = until(lambda: passes(gateway, text) == {True}, WITHIN_S)
        print(f"stopped in both workers after {took:.1f} s, let through again after {back:.1f} s")
    assert [one for one in wrong + faults if "403" not in one] == []
    outside.context.close()
    inside.context.close()

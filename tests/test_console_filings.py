# SPDX-License-Identifier: Apache-2.0
"""The console's pages of filings: facts are filled in group by group, kept whole or not at all, and say who uses them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser as Chromium

from browser_kit import axe, chromium
from conftest import Answered, Running, Start
from console_kit import Browser, signed_in
from guiju.dossier import facts, scope, watch
from guiju.records import filings, scoping
from guiju.records.filings import Filing, Inquiry
from test_console_browser import base, become
from test_dossier_facts import CARD, CODE
from test_dossier_scope import PLAIN
from test_web_browser import faults, opened

pytestmark = pytest.mark.slow
FACTS = "/console/filings/facts"
SCOPE = "/console/filings/scope"


@pytest.fixture
def gateway(start: Start) -> Running:
    return start()


@pytest.fixture
def officer(gateway: Running) -> Browser:
    return signed_in(gateway, "compliance")


def page(browser: Browser, path: str) -> str:
    """A page as it is read."""
    return unescape(browser.get(path).body.decode())


def test_a_group_is_kept_whole_or_not_at_all(gateway: Running, officer: Browser) -> None:
    path = gateway.data / facts.FILE
    said = {"org.name": "鹿溪<b>科技", "org.code": CODE, "org.capital": "1000"}
    refused = officer.post(f"{FACTS}/org", said | {"org.founded": "soon"})
    assert refused.status == 400
    shown = refused.body.decode()
    assert 'value="鹿溪&lt;b&gt;科技"' in shown, "what was typed is gone"
    assert 'id="org.founded-fault"' in shown
    assert not path.exists()
    assert (
        officer.post(f"{FACTS}/org", said | {"org.founded": "2021-03-09"}).headers["location"]
        == f"{FACTS}/people?kept=1"
    )
    assert facts.read(path)["org.capital"] == 1000
    people = {"people.legal.name": "李望", "people.legal.phone": "010-88880001"}
    wrong = officer.post(f"{FACTS}/people", people | {"people.contact.name": "王五", "people.contact.post": CARD})
    assert wrong.status == 400
    assert "people.legal" not in facts.read(path)
    officer.post(f"{FACTS}/people", people)
    assert facts.read(path)["people.legal"] == {"name": "李望", "phone": "010-88880001"}
    rows = "鹿鸣 | 网站 | https://luming.example/\r\n鹿鸣 App | App"
    officer.post(f"{FACTS}/service", {"service.products": rows, "service.functions": "text"})
    assert [one["name"] for one in facts.read(path)["service.products"]] == ["鹿鸣", "鹿鸣 App"]  # type: ignore[index,union-attr] # rows
    assert officer.get(f"{FACTS}/nothing").status == 404


def test_the_pages_say_what_lacks_who_uses_it_and_what_is_due(gateway: Running, officer: Browser) -> None:
    before = page(officer, f"{FACTS}?route=algorithm")
    assert "registered address" in before
    assert "how responsibility for the algorithm is borne" in before
    assert "head of the review of legality" not in before  # the algorithm's filing does not ask for it
    path = gateway.data / facts.FILE
    facts.put(path, facts.written({"model.name": "鹿鸣一号"}))
    wanted = Filing(
        id="",
        kind="service",
        authority="网信办",
        submitted="2026-09-01",
        facts=watch.filed(facts.read(path)),
        added_by="甲",
        added_at=int(time.time()),
    )
    filings.add(gateway.house.store, wanted)
    assert "Nothing is due." in page(officer, "/console/filings")
    officer.post(f"{FACTS}/model", {"model.name": "鹿鸣二号"})
    due = page(officer, "/console/filings")
    assert "facts of service-1 have changed (name of the model)" in due
    assert "under review" in due
    auditor = signed_in(gateway, "auditor")
    assert "facts of service-1 have changed" in page(auditor, "/console/filings")
    assert "Fill in" not in page(auditor, FACTS)
    store = gateway.house.store
    asked = Inquiry(id="", filing_id="service-1", asked="x", received="2026-01-01", due="2026-01-02")
    inquiry = filings.ask(store, asked).id
    assert "overdue" in page(officer, "/console/filings")
    assert "Note as done" not in page(auditor, "/console/filings")
    assert auditor.post(f"/console/filings/due/{inquiry}", {"what": "inquiry"}).status == 403
    assert officer.post(f"/console/filings/due/{inquiry}", {"what": "inquiry"}).status == 303
    assert filings.inquiries(store)[0].answered_by == "the compliance"
    officer.language = "zh"
    assert "须办理变更" in page(officer, "/console/filings")
    assert officer.post("/console/filings/due/service-1", {"how": " "}).status == 400
    assert officer.post("/console/filings/due/service-1", {"how": "已提交变更"}).status == 303
    assert "没有待办事项。" in page(officer, "/console/filings")
    assert [one.how for one in filings.changed(store, all=True)] == ["已提交变更"]
    for group in facts.groups():
        assert group.zh in page(officer, f"{FACTS}/{group.id}")


def signing(browser: Browser, answers: dict[str, Any]) -> str:
    """Look at what follows from answers, and sign it; the page that comes, or where one is led."""
    pairs = [(name, one) for name, said in answers.items() for one in (said if isinstance(said, list) else [said])]

    def send(*more: tuple[str, str]) -> Answered:
        body = urlencode([("csrf", browser.csrf), *pairs, *more]).encode()
        kind = "application/x-www-form-urlencoded"
        return browser.ask("POST", SCOPE, body, origin=browser.origin, content_type=kind)

    unseen = send(("do", "sign"), ("seen", "0" * 64))
    assert "proposal=" not in unseen.body.decode()
    seen = re.search(r'name="seen" value="(\w{64})"', unseen.body.decode())
    assert seen is not None
    signed = send(("do", "sign"), ("seen", seen[1]))
    return signed.headers.get("location") or unescape(signed.body.decode())


def test_scope_is_signed_by_two_where_a_duty_falls_away(gateway: Running, officer: Browser) -> None:
    store = gateway.house.store
    assert "Nobody has decided." in page(officer, "/console/filings")
    refused = officer.post(SCOPE, {"generative": "yes"})
    assert refused.status == 400
    assert "offered" in refused.body.decode()
    shown = signing(officer, PLAIN | {"opinion": "no"})
    assert scoping.latest(store) is None, "one alone has signed"
    assert "it can neither sway opinion nor mobilise" in shown
    found = re.search(r"/console/filings/scope\?proposal=[\w.-]+", shown)
    assert found is not None
    link = found[0]
    sealed = link.partition("=")[2]
    assert "Another member has to sign." in page(officer, link)
    assert officer.post(f"{SCOPE}/second", {"proposal": sealed}).status == 403
    other = signed_in(gateway, "admin")
    assert other.get(link[:-1] + ("0" if link[-1] != "0" else "1")).status == 404
    assert "Sign too" in page(other, link)
    assert other.post(f"{SCOPE}/second", {"proposal": sealed}).headers["location"] == "/console/filings"
    made = scoping.latest(store)
    assert made is not None
    assert (made.signed_by, made.second) == ("the compliance", "the admin")
    assert "neither filing nor registration" in page(officer, "/console/filings")
    assert signing(officer, PLAIN) == "/console/filings"  # more is owed than before: one person may
    assert [one.second for one in scoping.history(store)] == ["", "the admin"]
    told = page(officer, "/console/duties/d.14.b")
    assert "neither faces nor voices can be edited" in told


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as one:
        yield one


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_form_by_keyboard_and_axe_where_something_is_wrong(
    gateway: Running, browser: Chromium, language: str
) -> None:
    here, wrong = opened(browser, language, bypass_csp=True, viewport={"width": 390, "height": 844})
    become(here, gateway, "compliance", "王合规")
    here.goto(f"{base(gateway)}{FACTS}/org")
    here.focus('[id="org.name"]')
    here.keyboard.type("鹿溪科技")
    here.keyboard.press("Tab")
    here.keyboard.type(CODE[:-1] + "I")
    here.keyboard.press("Enter")
    here.wait_for_selector("#problem")
    assert here.input_value('[id="org.name"]') == "鹿溪科技"
    assert here.get_attribute('[id="org.code"]', "aria-invalid") == "true"
    here.add_script_tag(content=axe())
    assert faults(here) == []
    assert here.evaluate("() => document.documentElement.scrollWidth") <= 390
    here.focus('[id="org.code"]')
    here.keyboard.press("Control+A")
    here.keyboard.type(CODE)
    here.keyboard.press("Enter")
    here.wait_for_url(f"**{FACTS}/people?kept=1")
    assert facts.read(gateway.data / facts.FILE) == {"org.name": "鹿溪科技", "org.code": CODE}
    assert [one for one in wrong if "400" not in one] == []
    here.context.close()


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_questions_by_keyboard_and_axe_on_what_follows(gateway: Running, browser: Chromium, language: str) -> None:
    here, wrong = opened(browser, language, bypass_csp=True, viewport={"width": 390, "height": 844})
    become(here, gateway, "compliance", "王合规")
    here.goto(base(gateway) + SCOPE)
    here.focus("input[name=generative]")
    for question in scope.questions():
        for _ in range(1 if question.many else [one.id for one in question.answers].index(PLAIN[question.id])):
            here.keyboard.press("ArrowDown")  # from one answer to the next
        here.keyboard.press("Space")
        here.keyboard.press("Tab")
    here.focus("button[value=look]")
    here.keyboard.press("Enter")
    here.wait_for_selector("#follows")
    script = axe()
    here.add_script_tag(content=script)
    assert faults(here) == []
    here.focus("button[value=sign]")
    here.keyboard.press("Enter")
    here.wait_for_selector("#follows pre")
    here.add_script_tag(content=script)
    assert faults(here) == []
    assert here.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert wrong == []
    here.context.close()

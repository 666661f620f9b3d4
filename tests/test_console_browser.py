# SPDX-License-Identifier: Apache-2.0
"""The console in Chromium: passkeys, a review by keyboard alone, input methods, both languages, 320 pixels, nothing that
axe-core calls a fault, and deaf to hostile text in every field (robustness C1; WCAG 2.2 AA; screens 3.11 to 3.13)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from urllib.parse import quote
from zlib import crc32

import pytest
from playwright.sync_api import Browser, Page

from browser_kit import chromium
from conftest import Running, Start
from console_kit import PAGES, filled, signed_in
from guiju import deskwork
from guiju.cli.serve import first_link
from guiju.console.permissions import ROWS
from guiju.desk.cases import Form
from guiju.dossier import facts
from guiju.records import accounts, cases, members
from guiju.records.accounts import KeyRecord
from guiju.web.locale import WORDS
from look_kit import Looked, looked, wrong_in
from test_web_browser import PAYLOADS, opened
from walk_kit import FACTS, LED_TO, base, become, each, filed

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(1200)]
SIGN_IN = "/console/sign-in"
HIT = "main a, main button, main summary, header a"
IN_TEXT = "p:not(.chips, .act), dd, li, td, .quiet, .lead"
NO_PAGES = {
    "/console/begin",  # its link is used up; `begin` is walked to
    "/console/sign-in/back",
    "/console/cases/{no}/papers/{paper}",
    "/console/cases/{no}/document",
    "/console/dossier/works/{id}/progress",
    "/console/dossier/{digest}/files/{number}",
}
"""What is asked for and is no page: files, and what a script or another site leads to."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    return start_once()


@pytest.fixture(scope="module")
def pages(gateway: Running) -> dict[str, str]:
    """Name → path, of a console with a past."""
    return {**PAGES, **filled(gateway)}


@pytest.fixture(scope="module")
def seen(gateway: Running, browser: Browser, pages: dict[str, str]) -> dict[str, dict[str, Looked]]:
    """Language → page → what was found there."""
    found = {}
    for language in ("zh", "en"):
        page, wrong = opened(browser, language)
        found[language] = looked(page, each(page, gateway, pages), HIT, IN_TEXT)
        assert [one for one in wrong if "404" not in one] == []
        page.context.close()
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_without_fault_and_fits_a_phone(
    seen: dict[str, dict[str, Looked]], pages: dict[str, str], language: str
) -> None:
    assert wrong_in(seen[language]) == {}
    assert len(seen[language]) == len(pages) + len(LED_TO)


def test_no_page_is_missed(pages: dict[str, str]) -> None:
    routes = {
        row.path: re.compile(re.sub(r"\{\w+\}", "[^/]+", row.path)) for row in ROWS.values() if row.method == "GET"
    }
    opened_ = [path.partition("?")[0] for path in (*pages.values(), SIGN_IN)]
    missed = {path for path, form in routes.items() if not any(form.fullmatch(one) for one in opened_)}
    assert missed == NO_PAGES


def test_everything_that_is_seen_differs_between_the_languages(seen: dict[str, dict[str, Looked]]) -> None:
    same = {row.zh for row in WORDS.values() if row.same}
    alike = {
        name: {text for text in one.words & seen["en"][name].words if not _not_words(text)} - same
        for name, one in seen["zh"].items()
    }
    assert {name: texts for name, texts in alike.items() if texts} == {}
    assert min(len(one.words) for one in seen["zh"].values()) > 3


ALIKE = {"content", "Krippendorff α", "Fleiss κ"}
"""A bank's id, and coefficients that bear the names of people."""


def _not_words(text: str) -> bool:
    """Times, names of members, numbers and ids, which are no words of ours."""
    names = {
        FACTS,
        "规矩金丝雀",
        "甲评",
        "钱审核",
        "林青",
        "数据库被勒索，服务中断。",
        "专项整治",
        "周默",
        "冯主管",
        "王合规",
        "shop-app",
        "shop",
        "wang@example.cn",
        "raw:test",
        "远岫问答",
        "远岫智能科技有限公司",
        "某市公安局",
        "网络安全法第二十八条",
        "公调〔2026〕12号",
        "答复时间、处理结果",
        "scripted",
    }
    plain = re.fullmatch(r"[\d:\-– ·()UTC+…]+|[A-Z]{0,5} ?[\d()., A-Z]+", text)
    paper = re.search(r"\.(zip|docx|pdf|xlsx|png)$|^[\d.,]+ KiB$", text)  # files have the names that are filed
    law = re.search(r"^\[\[ruling\]\]|^rg-[0-9a-f]+$|(GAI|CC|PIPL|LBL)-\d{4} art|terms of service", text)
    return (
        text in ALIKE or len(text) == 1 or bool(plain) or bool(law) or bool(paper) or any(one in text for one in names)
    )


def test_a_passkey_is_made_and_signs_in(start: Start, browser: Browser) -> None:
    gateway = start()
    page, wrong = opened(browser)
    client = page.context.new_cdp_session(page)
    client.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = client.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto(first_link(gateway.house))
    page.fill("#name", "林青")
    page.keyboard.press("Enter")
    page.wait_for_url(base(gateway) + "/console")
    assert page.inner_text(".who") == "林青"
    page.click(".menu summary")
    page.click("text=Sign out")
    page.wait_for_url(base(gateway) + SIGN_IN)
    page.goto(base(gateway) + "/console/people")
    page.wait_for_selector("#passkey button")
    page.click("#passkey button")
    page.wait_for_url(base(gateway) + "/console/people")
    keys = client.send("WebAuthn.getCredentials", {"authenticatorId": made["authenticatorId"]})["credentials"]
    assert len(keys) == 1
    assert keys[0]["signCount"] >= 1
    client.send("WebAuthn.setUserVerified", {"authenticatorId": made["authenticatorId"], "isUserVerified": False})
    page.click(".menu summary")
    page.click("text=Sign out")
    page.wait_for_url(base(gateway) + SIGN_IN)
    page.click("#passkey button")
    page.wait_for_selector("#problem:not([hidden])")
    assert page.url == base(gateway) + SIGN_IN
    assert [one for one in wrong if "Clear-Site-Data" not in one] == []
    page.context.close()


def tabbed(page: Page, until: str, most: int = 120) -> None:
    """Press the tabulator until something has the focus: a condition on `one`, the element."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(f"() => {{ const one = document.activeElement; return {until}; }}"):
            return
    raise AssertionError(f"{until} is not reached")


def test_a_review_by_keyboard_alone(gateway: Running, browser: Browser) -> None:
    number = filed(gateway, "他在某某公司任职时挪用公款三百万元，判决已经生效。")
    page, wrong = opened(browser, viewport={"width": 1280, "height": 900})
    become(page, gateway, "reviewer", "钱审核")
    page.goto(base(gateway) + "/console/cases?kind=counter")
    keys = page.keyboard
    keys.press("s")
    page.wait_for_url(f"**/console/cases/{number}")
    keys.press("b")
    page.wait_for_selector("details.paper")
    tabbed(page, "one.name === 'outcome'")
    keys.press("Space")
    keys.press("1")
    assert page.is_checked("input[value=stop]")
    tabbed(page, "one.id === 'facts'")
    keys.type("经查，该陈述失实。1234")
    assert not page.is_checked("input[value=withhold]"), "nothing fires while something is typed"
    assert page.is_visible("#stop_text")
    assert not page.is_visible("#withhold_text"), "only what is chosen is asked for"
    keys.press("Control+Enter")
    page.wait_for_selector("#effects")
    assert "the content is stopped" in page.inner_text("#effects")
    tabbed(page, "one.textContent === 'Decide'")
    keys.press("Enter")
    page.wait_for_selector("text=Take it back")
    assert cases.get(gateway.house.store, number).state == "decided"
    page.evaluate("() => document.activeElement.blur()")
    keys.press("u")
    page.wait_for_selector("text=Take it >> visible=true")
    assert cases.get(gateway.house.store, number).state == "open"
    assert wrong == []
    page.context.close()


def test_several_are_decided_by_keyboard_alone(gateway: Running, browser: Browser) -> None:
    numbers = [filed(gateway, f"他在某某公司任职时挪用公款三百万元，第{n}次。") for n in range(2)]
    page, wrong = opened(browser, viewport={"width": 1280, "height": 900})
    become(page, gateway, "reviewer", "钱审核")
    page.goto(base(gateway) + "/console/cases?view=cases&kind=counter")
    keys = page.keyboard
    for number in numbers:
        tabbed(page, f"one.name === 'case' && one.value === '{number}'")
        keys.press("Space")
    tabbed(page, "one.matches('details.decision > summary')")
    keys.press("Enter")
    tabbed(page, "one.id === 'outcome'")
    keys.type("upheld in")
    tabbed(page, "one.id === 'reason'")
    keys.type("CC-2020")
    tabbed(page, "one.name === 'measure' && one.value === 'stop'")
    keys.press("Space")
    tabbed(page, "one.id === 'facts'")
    keys.type(FACTS)
    tabbed(page, "one.value === 'look'")
    with page.expect_navigation():
        keys.press("Enter")
    assert page.locator("td", has_text="the content is stopped").count() == 2
    tabbed(page, "one.value === 'decide'")
    with page.expect_navigation():
        keys.press("Enter")
    store = gateway.house.store
    assert {(cases.get(store, one).state, cases.get(store, one).outcome) for one in numbers} == {("decided", "partly")}
    tabbed(page, "one.textContent === 'Take it back'")
    with page.expect_navigation():
        keys.press("Enter")
    assert sorted(cases.get(store, one).state for one in numbers) == ["decided", "open"]
    assert wrong == []
    page.context.close()


def test_nothing_fires_while_an_input_method_composes_or_when_shortcuts_are_off(
    gateway: Running, browser: Browser
) -> None:
    page, _ = opened(browser)
    become(page, gateway, "admin", "林青")
    page.goto(base(gateway) + "/console")
    where = "() => document.querySelectorAll('[data-row].here').length"
    press = """(more) => document.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true, ...more }))"""
    page.evaluate(press, {"isComposing": True})
    page.evaluate(press, {"keyCode": 229})
    page.evaluate(
        """() => {
        document.dispatchEvent(new CompositionEvent("compositionstart"));
        document.dispatchEvent(new KeyboardEvent("keydown", { key: "j" }));
        document.dispatchEvent(new CompositionEvent("compositionend"));
        document.dispatchEvent(new KeyboardEvent("keydown", { key: "j" }));
    }"""
    )
    assert page.evaluate(where) == 0, "the key that ends a composition is no shortcut, whichever comes first"
    page.evaluate(press, {})
    assert page.evaluate(where) == 1
    page.goto(base(gateway) + "/console/help/shortcuts")
    page.uncheck("#shortcuts-on")
    page.goto(base(gateway) + "/console")
    page.keyboard.press("j")
    assert page.evaluate(where) == 0
    page.context.close()


def test_light_and_dark_are_chosen_and_kept(gateway: Running, browser: Browser) -> None:
    page, _ = opened(browser, color_scheme="light")
    become(page, gateway, "admin", "林青")
    page.goto(base(gateway) + "/console/me")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.select_option("#scheme", "dark")
    page.click("text=Apply")
    assert page.evaluate(ground) != light
    page.goto(base(gateway) + "/console/help/shortcuts")
    assert page.evaluate(ground) != light
    page.context.close()


ELEMENTS = ", ".join(
    f"main {one}" for one in ("script", "iframe", "style", "link", "base", "meta", "math", "img[src=x]")
)
"""What no page has in its middle, unless a text became one."""
TOLD = {
    *("case-read", "case-read-answered", "case-decided", "approvals", "sanctions", "matter-case"),
    *("keys", "people", "policy", "filings-told", "facts", "dossier-work", "batch", "batches", "sample", "samples"),
    *("sample-read", "evaluation-read", "audit-log"),
}
"""Pages that show what somebody wrote."""


def hostile(text: str, most: int) -> str:
    """A text with 312 programs behind it, as many as there is room for: in a short field each text has others."""
    begin = crc32(text.encode()) % len(PAYLOADS)
    programs = (text + '"><img src=x onerror=alert(1)>', *PAYLOADS[begin:], *PAYLOADS[:begin])
    return " ".join(programs)[: most or None]


def test_every_page_is_deaf_to_hostile_texts_in_each_stored_field(start: Start, browser: Browser) -> None:
    gateway = start()
    pages = {**PAGES, **filled(gateway, hostile)}
    lines = "\n".join(f"{name} = {json.dumps(hostile('x', 200))}" for name in ("name", "superior", "office"))
    (gateway.data / facts.FILE).write_text(f"[org]\n{lines}\n", "utf-8")
    signed_in(gateway, "auditor", "周默").get("/console/d/" + quote(hostile("", 300), safe=""))
    page, wrong = opened(browser)
    told = set()
    for name in each(page, gateway, pages):
        assert page.locator(ELEMENTS).count() == 0, name
        if "onerror=" in page.inner_text("main"):
            told.add(name)
    assert [one for one in wrong if "404" not in one] == []
    assert told >= TOLD, TOLD - told
    page.context.close()


def test_three_hundred_hostile_texts_in_every_field_run_nowhere(gateway: Running, browser: Browser) -> None:
    store, now = gateway.house.store, int(time.time())
    owner = accounts.create_account(store, PAYLOADS[0], now)
    for number, text in enumerate(PAYLOADS):
        record = KeyRecord(id="", account=owner.id, prefix="", name=text[:128], created_at=now)
        accounts.create_key(store, gateway.house.secrets, record)
        if len(text) < 60:
            login = f"{number}{text}"[:256]
            members.add(store, f"{text}{number}"[:64].strip(), "rater", "test", now, login)
    reviewer = signed_in(gateway, "lead", '<img src=x onerror="alert(1)">')
    desk, numbers = deskwork.opened(gateway.house), []
    for first in range(0, len(PAYLOADS), 26):
        some = PAYLOADS[first : first + 26]
        said = {f"f{n}": one for n, one in enumerate(some)} | {"name": some[0]}
        number = desk.open(Form(kind="other", text="\n".join(some), fields=said, produce_id=some[0][:60])).case.id
        numbers.append(number)
        desk.say(number, "\n".join(some))
        desk.hand_in(number, some[0], "text/html", b"<script>alert(1)</script>")
        assert reviewer.post(f"/console/cases/{number}/take").status == 303
        assert reviewer.post(f"/console/cases/{number}/read", {"purpose": "case"}).status == 303
        wanted = {"outcome": "upheld", "reason": "complaint", "facts": "\n".join(some)[:5000]}
        assert reviewer.post(f"/console/cases/{number}/preview", wanted).status == 200
    page, wrong = opened(browser)
    page.context.add_cookies(
        [{"name": key, "value": value, "url": base(gateway)} for key, value in reviewer.cookies.items()]
    )
    page.goto(base(gateway) + "/console/cases?kind=other")
    for number in numbers:
        page.goto(f"{base(gateway)}/console/cases/{number}")
        for closed in page.locator("details.paper > summary").all():
            closed.click()
        shown = page.eval_on_selector_all("dd.said bdi", "all => all.map(e => e.textContent)")
        assert any(PAYLOADS[26 * numbers.index(number)] in one for one in shown)
        assert (
            page.eval_on_selector_all("main script, main iframe, main svg [onload], main img[onerror]", "a => a.length")
            == 0
        )
    become(page, gateway, "admin", "林青")
    for path in ("/console/keys", "/console/people", "/console/me"):
        page.goto(base(gateway) + path)
    become(page, gateway, "auditor", "周默")
    page.goto(base(gateway) + "/console/audit-log")
    assert [one for one in wrong if "404" not in one] == []
    page.context.close()

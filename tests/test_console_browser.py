# SPDX-License-Identifier: Apache-2.0
"""The console in Chromium: passkeys, a review by keyboard alone, input methods, both languages, 320 pixels, nothing that
axe-core calls a fault, and deaf to hostile text in every field (robustness C1; WCAG 2.2 AA; screens 3.11 to 3.13)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from browser_kit import axe, chromium
from conftest import Running, Start
from console_kit import PAGES, READ, REVIEWED, filled, signed_in
from guiju import deskwork
from guiju.cli.serve import first_link
from guiju.desk.cases import Form
from guiju.records import accounts, cases, members
from guiju.records.accounts import KeyRecord
from guiju.web.locale import WORDS
from test_web_browser import PAYLOADS, faults, opened, spoken

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]
SIGN_IN = "/console/sign-in"
OPEN = "() => document.querySelectorAll('main details').forEach(one => { one.open = true; })"
TOGETHER = ("together", "together-done")
FACTS = "经查，该陈述失实。"


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


def base(gateway: Running) -> str:
    return f"http://localhost:{gateway.port}"


def become(page: Page, gateway: Running, role: Any, name: str) -> None:
    """Let a page be a member's."""
    cookies = signed_in(gateway, role, name).cookies
    page.context.clear_cookies()
    page.context.add_cookies([{"name": key, "value": value, "url": base(gateway)} for key, value in cookies.items()])


def each(page: Page, gateway: Running, pages: dict[str, str]) -> Iterator[str]:
    """Open one page after another, each as somebody who may see it; its name."""
    page.context.clear_cookies()
    page.goto(base(gateway) + SIGN_IN)
    yield "sign-in"
    people = (("auditor", "周默", READ), ("lead", "冯主管", REVIEWED))
    rest = tuple(name for name in pages if name not in READ + REVIEWED)
    for role, who, names in (*people, ("admin", "林青", rest)):
        become(page, gateway, role, who)
        for name in names:
            page.goto(base(gateway) + pages[name])
            page.evaluate(OPEN)
            yield name
        if role == "lead":
            yield from together(page, gateway)


def together(page: Page, gateway: Running) -> Iterator[str]:
    """Decide several cases with one reason: what it would do, one of them somebody else's, and then what it did."""
    numbers = [filed(gateway, f"他在某某公司任职时挪用公款{time.monotonic_ns()}元。") for _ in range(3)]
    signed_in(gateway, "reviewer", "钱审核").post(f"/console/cases/{numbers[2]}/take")
    page.goto(base(gateway) + "/console/cases?view=cases&kind=counter")
    page.evaluate(OPEN)
    for number in numbers:
        page.check(f"input[name=case][value='{number}']")
    page.select_option("#outcome", "partly")
    page.select_option("#reason", "reputation")
    page.check("input[name=measure][value=stop]")
    page.fill("#facts", FACTS)
    for step, name in zip(("look", "decide"), TOGETHER, strict=True):
        with page.expect_navigation():
            page.click(f"button[name=do][value={step}]")
        yield name


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing(gateway: Running, browser: Browser, pages: dict[str, str], language: str) -> None:
    script = axe()
    page, _ = opened(browser, language, bypass_csp=True, viewport={"width": 1280, "height": 900})
    found = {}
    for name in each(page, gateway, pages):
        page.add_script_tag(content=script)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # one of the two that it takes
            found[f"{name} {scheme}"] = faults(page)
    assert {name: one for name, one in found.items() if one} == {}
    assert len(found) == 2 * (len(pages) + 1 + len(TOGETHER))
    page.context.close()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_is_wider_than_320_pixels_and_everything_can_be_hit(
    gateway: Running, browser: Browser, pages: dict[str, str], language: str
) -> None:
    page, wrong = opened(browser, language, viewport={"width": 320, "height": 640})
    script = """all => all.filter(e => e.offsetParent && !e.closest('p:not(.chips, .act), dd, li, td, .quiet, .lead'))
        .map(e => [e.textContent.trim(), e.getBoundingClientRect().height])"""
    for name in each(page, gateway, pages):
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 320, name
        for text, height in page.eval_on_selector_all("main a, main button, main summary, header a", script):
            assert height >= 24, (name, text)
    assert [one for one in wrong if "404" not in one] == []
    page.context.close()


def test_everything_that_is_seen_differs_between_the_languages(
    gateway: Running, browser: Browser, pages: dict[str, str]
) -> None:
    seen: dict[str, list[set[str]]] = {}
    for language in ("zh", "en"):
        page, _ = opened(browser, language)
        for name in each(page, gateway, pages):
            seen.setdefault(name, []).append(spoken(page))
        page.context.close()
    same = {row.zh for row in WORDS.values() if row.same}
    for name, (zh, en) in seen.items():
        alike = {one for one in zh & en if not _not_words(one)} - same
        assert alike == set(), name
        assert len(zh) > 3, name


def _not_words(text: str) -> bool:
    """Times, names of members, numbers and ids, which are no words of ours."""
    names = {
        FACTS,
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
        "gateway",
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
        text in names or len(text) == 1 or bool(plain) or bool(law) or bool(paper) or any(one in text for one in names)
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


def filed(gateway: Running, text: str, note: str = "请停止生成。") -> str:
    desk = deskwork.opened(gateway.house)
    return desk.open(Form(kind="counter", category="A.4c", text=text, fields={"note": note})).case.id


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
    for _ in range(60):
        keys.press("Tab")
        if page.evaluate("() => document.activeElement.name") == "outcome":
            break
    keys.press("Space")
    keys.press("1")
    assert page.is_checked("input[value=stop]")
    for _ in range(40):
        keys.press("Tab")
        if page.evaluate("() => document.activeElement.id") == "facts":
            break
    keys.type("经查，该陈述失实。1234")
    assert not page.is_checked("input[value=withhold]"), "nothing fires while something is typed"
    assert page.is_visible("#stop_text")
    assert not page.is_visible("#withhold_text"), "only what is chosen is asked for"
    keys.press("Control+Enter")
    page.wait_for_selector("#effects")
    assert "the content is stopped" in page.inner_text("#effects")
    for _ in range(80):
        keys.press("Tab")
        if page.evaluate("() => document.activeElement.textContent") == "Decide":
            break
    keys.press("Enter")
    page.wait_for_selector("text=Take it back")
    assert cases.get(gateway.house.store, number).state == "decided"
    page.evaluate("() => document.activeElement.blur()")
    keys.press("u")
    page.wait_for_selector("text=Take it >> visible=true")
    assert cases.get(gateway.house.store, number).state == "open"
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

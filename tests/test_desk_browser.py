# SPDX-License-Identifier: Apache-2.0
"""The public pages of the desk in Chromium: from the choice to the receipt and what follows, in both languages, by
keyboard alone, without a script, at 320 pixels, without a fault that axe-core knows, and deaf to what strangers write
(robustness C1, C2; WCAG 2.2 AA)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from browser_kit import chromium
from guiju.config import Settings
from guiju.desk.cases import Desk, Form
from guiju.desk.choices import CHOICES
from guiju.records import cases
from guiju.records.papers import Paper
from guiju.web.locale import WORDS
from look_kit import Looked, looked, wrong_in
from pages_kit import Site, desk_front, serving
from test_web_browser import PAYLOADS, opened

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]
LONG = "W" * 300 + " 很长" * 100
SENT = "form.sheet button[type=submit]"
HIT = "a, button, summary, input:not([type=hidden]):not([type=radio]), textarea, label.pick"
TWELFTHS = [PAYLOADS[first::12] for first in range(12)]
"""312 payloads, 26 in a page: each text is compared with what is shown of it, so that none hides behind another."""
TEXTS = "all => all.map(e => e.textContent)"
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d \(UTC\+8\)")


class Served(NamedTuple):
    """Pages that are served, and the desk behind them."""

    site: Site
    desk: Desk

    @property
    def base(self) -> str:
        return self.site.base


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data: Path = tmp_path_factory.mktemp("desk")
    with desk_front(data) as front, serving(Settings(), front=front) as site:
        yield Served(site, front.desk)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


def sent(page: Page, selector: str = SENT) -> None:
    """Send the form of a page, or follow a link, and wait for what comes."""
    with page.expect_navigation():
        page.click(selector)


def complained(page: Page, base: str, language: str = "") -> str:
    """Complain of an answer; the address of the receipt."""
    page.goto(f"{base}/complain/harm" + (f"?lang={language}" if language else ""))
    page.check("input[value=false]")
    page.fill("#text", "他在某某公司任职时挪用公款。")
    page.fill("#contact", f"a{time.monotonic_ns()}@example.com")
    sent(page)
    page.wait_for_selector(".standing")
    return page.url


def decided(
    desk: Desk,
    text: str = "Your complaint is upheld. 您的投诉成立。",
    names: Sequence[str] = ("a.png",),
    /,
    **fields: str,
) -> str:
    """A complaint with everything in it, as long as its decision can't be taken back; the address of its page."""
    receipt = desk.open(Form(kind="rights", category="reputation", text=fields.pop("text", text), fields=fields))
    number = receipt.case.id
    desk.say(number, text)
    desk.say(number, text, "reviewer")
    for by in ("complainant", "reviewer"):
        for name in names:
            desk.hand_in(number, name, "image/png", b"x", by)
    desk.move(number, "decided", "reviewer")
    letter = Paper(what="letter", by="reviewer", at=desk.now(), fields={"zh": text, "en": text})
    desk.papers.put(number, letter, desk.now())
    long_ago = desk.now() - 60
    desk.store.do(
        lambda c: cases.change(c, cases.one(c, number), "reviewer", desk.now(), decided_at=long_ago, outcome="upheld")
    )
    return f"/c/{number}?key={receipt.secret}"


def every_page(page: Page, served: Served) -> Iterator[str]:
    """Opens one page after another; the name of each."""
    base = served.base
    for path in ("complain", "c", "report", *(f"complain/{choice}" for choice in CHOICES)):
        page.goto(f"{base}/{path}")
        yield path
    page.goto(f"{base}/complain/person")
    sent(page)
    yield "faults"
    page.goto(f"{base}/c/26-999999?key=0")
    yield "missed"
    place = complained(page, base)
    yield "receipt"
    page.set_input_files("#files", {"name": "w" * 200 + ".exe", "mimeType": "x/y", "buffer": b"MZ\0"})
    sent(page)
    yield "refused"
    page.fill("#text", LONG)
    sent(page)
    yield "added"
    page.goto(f"{place.replace('&new=1', '')}&view=print")
    yield "printed"
    page.goto(base + decided(served.desk, "一二三" + "x" * 200, ("w" * 200,), name="N" * 190, contact=LONG[:150]))
    yield "decided"
    page.goto(f"{base}/complain/none")
    yield "error"


@pytest.fixture(scope="module")
def seen(served: Served, browser: Browser) -> dict[str, dict[str, Looked]]:
    """Language → page → what was found there."""
    found = {}
    for language in ("zh", "en"):
        page, wrong = opened(browser, language)
        asked: set[str] = set()
        page.on("request", lambda one, asked=asked: asked.add("/".join(one.url.split("/")[:3])))
        found[language] = looked(page, every_page(page, served), HIT, blank=".said .text, .sent dd, textarea")
        assert asked == {served.base}
        assert [one for one in wrong if "40" not in one] == []  # the console names answers of 400 and 404
        page.context.close()
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_without_fault_fits_a_phone_and_asks_nobody_else(
    seen: dict[str, dict[str, Looked]], language: str
) -> None:
    assert wrong_in(seen[language]) == {}
    assert len(seen[language]) == 19


@pytest.mark.parametrize("language", ["zh", "en"])
def test_from_the_choice_to_the_appeal(served: Served, browser: Browser, language: str) -> None:
    zh = language == "zh"
    page, wrong = opened(browser, language, java_script_enabled=False)
    page.goto(f"{served.base}/complain")
    sent(page, "text=涉及我的肖像" if zh else "text=It shows my face")
    page.check("input[value=portrait]")
    page.fill("#name", "张三")
    page.fill("#text", "一张有我的脸的图片")
    sent(page)
    problem = page.inner_text(".problem")
    assert ("请填写" if zh else "fill this in") in problem
    assert page.is_checked("input[value=portrait]")
    assert page.input_value("#text") == "一张有我的脸的图片"
    page.fill("#note", "我从未同意")
    page.check("input[value=stop]")
    sent(page)
    assert ("已经收到" if zh else "We have it") in page.inner_text("main")
    number, code = page.inner_text("h1").split()[-1], page.inner_text("code.secret")
    assert page.get_attribute("html", "lang") == ("zh-CN" if zh else "en")
    page.goto(f"{served.base}/c")
    page.fill("#number", number.lower())
    page.fill("#key", code)
    sent(page)
    assert number in page.inner_text("h1")
    page.fill("#text", "补充一句")
    sent(page)
    assert "补充一句" in page.inner_text(".said")
    sent(page, "a.switch")
    assert page.get_attribute("html", "lang") == ("en" if zh else "zh-CN")
    assert number in page.inner_text("h1")
    sent(page, "a.switch")
    page.click("details.take summary")
    sent(page, "details.take button")
    assert ("已撤回" if zh else "Withdrawn") in page.inner_text(".standing")
    page.goto(served.base + decided(served.desk))
    page.fill("#why", "没有看我的证据")
    sent(page)
    assert cases.get(served.desk.store, page.inner_text("h1").split()[-1]).kind == "appeal"
    assert wrong == ["Failed to load resource: the server responded with a status of 400 (Bad Request)"] * len(wrong)
    page.context.close()


def test_by_keyboard_alone(served: Served, browser: Browser) -> None:
    page, wrong = opened(browser)
    page.goto(f"{served.base}/complain/other")
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("() => document.activeElement.id || document.activeElement.type || ''"))
        if reached[-1] == "note":
            page.keyboard.type("客服不回信 nobody answers")
        if reached[-1] == "submit":
            page.keyboard.press("Enter")
            break
    assert [one for one in reached if one in ("note", "text", "decision", "contact", "files", "submit")] == [
        *("note", "text", "decision", "contact", "files", "submit")
    ]
    page.wait_for_selector(".standing")
    assert wrong == []
    page.context.close()


def test_everything_that_is_seen_differs_between_the_languages(seen: dict[str, dict[str, Looked]]) -> None:
    units = {row.zh for row in WORDS.values() if row.same}
    for name in seen["zh"]:
        words = [{TIME.sub("", one).strip() for one in seen[language][name].words} - units for language in ("zh", "en")]
        zh, en = ({one for one in some if re.search(r"[^\W\d_]", one)} for some in words)
        assert len(zh) >= 8, name
        assert zh & en == set(), name


def test_three_hundred_complaints_that_are_programs_run_nowhere(served: Served, browser: Browser) -> None:
    """Each payload stands in each field that is kept: of the form, of messages from both sides, of a letter, of a file."""
    page, wrong = opened(browser)
    fields = ("name", "note", "contact", "place", "when", "decision", "number", "ask")
    for some in TWELFTHS:
        text = " ".join(some)
        place = decided(served.desk, text, some, **dict.fromkeys(fields, text))
        for view in ("", "&view=print"):
            page.goto(served.base + place + view)
            assert page.eval_on_selector_all(".said .text", TEXTS) == [text] * 3
            assert page.eval_on_selector_all(".calm bdi", TEXTS) == [one[:120] for one in some] * 2
            assert page.eval_on_selector_all(".sent dd", TEXTS) == [text] * 9
    assert wrong == []
    page.context.close()


def test_three_hundred_forms_that_are_programs_are_given_back_as_they_are(served: Served, browser: Browser) -> None:
    page, wrong = opened(browser)
    fill = "(form, text) => { for (const one of form.querySelectorAll('[type=text], textarea')) one.value = text; form.submit() }"
    for some in TWELFTHS:
        text = " ".join(some)
        page.goto(f"{served.base}/complain/work")
        with page.expect_navigation():
            page.eval_on_selector("form.sheet", fill, text)
        assert page.input_value("#text") == text
        assert page.input_value("#name") == " ".join(text.split())
    assert [one for one in wrong if "status of 400" not in one] == []
    page.context.close()

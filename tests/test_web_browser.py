# SPDX-License-Identifier: Apache-2.0
"""The pages in Chromium: whole without a script, by keyboard alone, at 320 pixels, in both languages, without a fault
that axe-core calls serious, and deaf to what a label says (robustness C1; WCAG 2.2 AA)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, FileChooser, Page
from playwright.sync_api import TimeoutError as TooLate

from browser_kit import axe, chromium
from guiju.config import Settings
from guiju.web.locale import WORDS
from pages_kit import Site, serving
from test_marking_verify import OURS, labelled
from test_web_verify import FILES

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]
PAYLOADS = [
    f"{before}{core}{after}"
    for before in ("", '"', "'", "</bdi>", "</title>", "<!--", "]]>", "\\")
    for after in ("", "<", "//")
    for core in (
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<iframe src=javascript:alert(1)>",
        '" autofocus onfocus=alert(1) x="',
        "<details open ontoggle=alert(1)>",
        "<a href=javascript:alert(1) autofocus>x</a>",
        "<style>@import'http://127.0.0.1:9/x'</style>",
        "<link rel=stylesheet href=http://127.0.0.1:9/y>",
        "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "{{7*7}}${7*7}<%= 7*7 %>",
        "<base href=http://127.0.0.1:9/>",
        "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    )
]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving(Settings()) as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


def opened(browser: Browser, language: str = "en", **more: Any) -> tuple[Page, list[str]]:
    """A fresh page, and what went wrong in it: messages of the console, errors, dialogs, requests to elsewhere."""
    locale = "zh-CN" if language == "zh" else "en-GB"
    context = browser.new_context(locale=locale, reduced_motion="reduce", **more)
    page, wrong = context.new_page(), list[str]()
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))

    def dialog(one: Any) -> None:
        wrong.append(f"dialog {one.message}")
        one.dismiss()

    page.on("dialog", dialog)
    page.on("request", lambda one: None if "127.0.0.1:9/" not in one.url else wrong.append(one.url))
    return page, wrong


def give(page: Page, site: Site, data: bytes, name: str = "a.png") -> None:
    """Choose a file and send it."""
    page.goto(f"{site.base}/verify")
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": data})
    page.click("#send")
    page.wait_for_selector("article.verdict")


def faults(page: Page, *rules: str) -> list[str]:
    """What axe-core finds, every rule of WCAG 2.2 AA and its own good practice; or certain rules alone."""
    found = page.evaluate("rules => axe.run(document, rules.length ? { runOnly: rules } : {})", list(rules))
    return [f"{one['impact']} {one['id']}: {one['nodes'][0]['html'][:100]}" for one in found["violations"]]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing(site: Site, browser: Browser, language: str) -> None:
    script = axe()
    # axe-core is put in past the policy, which would not let it run.
    page, _ = opened(browser, language, bypass_csp=True, viewport={"width": 1280, "height": 900})
    found = {}
    places = {"form": "/verify", "error": "/static/none"}
    for name, data in {"form": b"", **FILES, "error": b""}.items():
        if data:
            give(page, site, data)
        else:
            page.goto(site.base + places[name])
        page.add_script_tag(content=script)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # one of the two that it takes
            found[f"{name} {scheme}"] = faults(page)
    assert {name: one for name, one in found.items() if one} == {}
    assert len(found) == 14
    page.context.close()


def test_axe_finds_what_is_wrong(site: Site, browser: Browser) -> None:
    page, _ = opened(browser, bypass_csp=True)
    page.goto(f"{site.base}/verify")
    page.evaluate("() => document.querySelector('.brand img').removeAttribute('alt')")
    page.evaluate("() => { document.querySelector('.lead').style.color = '#ddd' }")
    page.add_script_tag(content=axe())
    assert len(faults(page)) >= 2
    page.context.close()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_is_wider_than_320_pixels_and_nothing_is_fetched_from_elsewhere(
    site: Site, browser: Browser, language: str
) -> None:
    page, wrong = opened(browser, language, viewport={"width": 320, "height": 640})
    asked: set[str] = set()
    page.on("request", lambda one: asked.add(one.url.partition("/verify")[0].partition("/static")[0]))
    long = msgspec.structs.replace(OURS, producer="W" * 400, produce_id="x" * 5000)
    for data in (b"", *FILES.values(), labelled(long)):
        if data:
            give(page, site, data, "w" * 200 + ".png")
        else:
            page.goto(f"{site.base}/verify")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
        for box in page.eval_on_selector_all(
            "a, button, summary",
            "all => all.filter(e => e.offsetParent).map(e => [e.textContent, e.getBoundingClientRect().height])",
        ):
            assert box[1] >= 24, box
    assert asked == {site.base}
    assert wrong == []
    page.context.close()


def chosen_by_key(page: Page) -> FileChooser:
    """What a press of the space bar opens; a second press where the browser was too busy to see the first."""
    try:
        with page.expect_file_chooser(timeout=10_000) as chooser:
            page.keyboard.press("Space")
    except TooLate:
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Space")
    return chooser.value


def test_by_keyboard_alone(site: Site, browser: Browser) -> None:
    page, wrong = opened(browser)
    page.goto(f"{site.base}/verify")
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName"
            )
        )
        if reached[-1] == "file":
            chosen_by_key(page).set_files({"name": "a.png", "mimeType": "image/png", "buffer": FILES["unbound"]})
            assert page.inner_text("#chosen").startswith("a.png")
            outline = page.evaluate("() => getComputedStyle(document.querySelector('#file + label')).outlineStyle")
            assert outline == "solid"
        if reached[-1] == "send":
            page.keyboard.press("Enter")
            break
    page.wait_for_selector("article.verdict")
    assert reached[0] == "skip"
    assert [one for one in reached if one in ("file", "send")] == ["file", "send"]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "content"
    assert wrong == []
    page.context.close()


def test_without_a_script(site: Site, browser: Browser) -> None:
    page, wrong = opened(browser, java_script_enabled=False)
    page.goto(f"{site.base}/verify")
    assert page.is_visible("#file")
    assert not page.is_visible("label")
    give(page, site, FILES["none"])
    assert page.inner_text("h1") == "No label"
    page.click("text=Verify another file")
    page.click("a.switch")
    assert page.get_attribute("html", "lang") == "zh-CN"
    page.goto(f"{site.base}/verify")
    assert page.get_attribute("html", "lang") == "zh-CN"
    assert wrong == []
    page.context.close()


def test_a_file_can_be_dropped_and_one_that_is_too_large_is_not_sent(site: Site, browser: Browser) -> None:
    page, wrong = opened(browser)
    page.goto(f"{site.base}/verify")
    drop = """size => {
        const held = new DataTransfer();
        held.items.add(new File([new Uint8Array(size)], "dropped.png"));
        document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: held, bubbles: true, cancelable: true }));
    }"""
    page.evaluate(drop, 51 << 20)
    assert page.inner_text("#problem").startswith("This file is larger than 50 MiB")
    assert page.is_disabled("#send")
    page.evaluate(drop, 2048)
    assert not page.is_visible("#problem")
    assert page.inner_text("#chosen") == "dropped.png (2 KiB)"
    page.click("#send")
    page.wait_for_selector("article.verdict")
    assert page.inner_text("h1") == "Can't be read"
    assert wrong == []
    page.context.close()


def spoken(page: Page) -> set[str]:
    """The pieces of text that a person can see, with letters in them."""
    script = """() => {
        const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), made = [];
        for (let one = walk.nextNode(); one; one = walk.nextNode())
            if (!one.parentElement.closest("script, pre, code, kbd, bdi, .other, .bilingual")) made.push(one.data.trim());
        return made;
    }"""
    return {one for one in page.evaluate(script) if re.search(r"[^\W\d_]", one)}


def test_everything_that_is_seen_differs_between_the_languages(site: Site, browser: Browser) -> None:
    units = {row.zh for row in WORDS.values() if row.same}
    for verdict, data in {"form": b"", **FILES}.items():
        seen = []
        for language in ("zh", "en"):
            page, _ = opened(browser, language)
            if data:
                give(page, site, data)
            else:
                page.goto(f"{site.base}/verify")
            seen.append(spoken(page) - units)
            page.context.close()
        assert len(seen[0]) >= 8, verdict
        assert seen[0] & seen[1] == set(), verdict
        assert len(seen[0]) == len(seen[1]), verdict


def test_three_hundred_labels_that_are_programs_run_nowhere(site: Site, browser: Browser) -> None:
    assert len(PAYLOADS) == 312
    page, wrong = opened(browser)
    fields = ("producer", "produce_id", "reserved1", "propagator", "propagate_id", "reserved2")
    for first in range(0, len(PAYLOADS), len(fields)):
        some = PAYLOADS[first : first + len(fields)]
        label = msgspec.structs.replace(OURS, **dict(zip(fields, some, strict=True)))
        give(page, site, labelled(label), f"{some[first // 6 % 6]}.png")
        assert page.eval_on_selector_all("dl.fields:first-of-type bdi", "all => all.map(e => e.textContent)") == [
            "1",
            *some,
        ]
    assert wrong == []
    page.context.close()

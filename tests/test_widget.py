# SPDX-License-Identifier: Apache-2.0
"""The widget in a page of somebody else's, in Chromium, before a real gateway (Articles 10, 16, 18; companion Measures 13, 18,
19): under a strict policy, by keyboard, at 320 pixels, in both languages, without a fault that axe-core names."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from browser_kit import axe, chromium
from conftest import KEY, Running, Start
from guiju.config import Rest
from guiju.web import static
from rest_kit import clocked, person

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]
CRY = "我不想活了，想自杀"
LEXICON = "term,category,severity\n想自杀,self_harm,block\n规矩金丝雀,A.1f,block\n"


class App:
    """An application with a page of its own and a strict policy. Its users are known to it; its key stays with it.

    Attributes:
        gateway: where it asks.
        attributes: of the widget in its page.
        user: who uses it; nobody is vouched for where it is "".
        told: what the widget told it.
    """

    def __init__(self, gateway: Running) -> None:
        self.gateway = gateway
        self.attributes = ""
        self.user = "person-1"
        self.down = False
        outer = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/notices":
                    outer.relay(self, "GET", "/v1/notices", None)
                elif self.path == "/app.js":
                    outer.send(self, 200, SCRIPT.encode(), "text/javascript")
                else:
                    outer.send(self, 200, outer.page().encode(), "text/html; charset=utf-8")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.relay(
                    self, "POST", {"/accept": "/v1/notices/accept", "/chat": "/v1/chat/completions"}[self.path], body
                )

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def page(self) -> str:
        """The page."""
        digest = base64.b64encode(hashlib.sha256(static.FILES["widget.js"].data).digest()).decode()
        usual = {"notices": "/notices", "accept": "/accept", "complain": f"{self.gateway.base}/complain"}
        rest = "".join(f' {name}="{value}"' for name, value in usual.items() if f"{name}=" not in self.attributes)
        return (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>App</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<script src="{self.gateway.base}{static.WIDGET}" integrity="sha256-{digest}" crossorigin defer></script>'
            '<script src="/app.js" defer></script></head><body><main><h1>App</h1>'
            f"<guiju-panel{rest} {self.attributes}></guiju-panel><pre></pre></main></body></html>"
        )

    def relay(self, to: BaseHTTPRequestHandler, method: str, path: str, body: bytes | None) -> None:
        """Ask the gateway for the user, as an application's own server does."""
        if self.down:
            return self.send(to, 503, b"{}", "application/json")
        headers = person(self.gateway, self.user) if self.user else {}
        language = to.headers.get("accept-language", "en")
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=20)
        connection.request(
            method, path, body, {"authorization": f"Bearer {KEY}", "accept-language": language, **headers}
        )
        answer = connection.getresponse()
        told = {name: value for name, value in answer.getheaders() if name.lower().startswith("x-guiju")}
        data = answer.read()
        connection.close()
        return self.send(to, answer.status, data, "application/json", told)

    def send(
        self, to: BaseHTTPRequestHandler, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None
    ) -> None:
        """Answer a browser."""
        policy = (
            f"default-src 'none'; script-src 'self' {self.gateway.base}; connect-src 'self'; "
            "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
        )
        to.send_response(status)
        for name, value in {
            "content-type": kind,
            "content-security-policy": policy,
            "content-length": str(len(data)),
            **(headers or {}),
        }.items():
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(data)


SCRIPT = """
const panel = document.querySelector("guiju-panel");
window.told = [];
for (const name of ["guiju-accept", "guiju-exit", "guiju-contact", "guiju-rest"])
  panel.addEventListener(name, (event) => window.told.push([name, event.detail]));
window.chat = async (text) => {
  const body = JSON.stringify({ model: "scripted", messages: [{ role: "user", content: text }] });
  const answer = await fetch("/chat", { method: "POST", body });
  panel.take(answer.headers, await answer.json());
  return answer.status;
};
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture
def made(start: Start) -> Iterator[Callable[..., App]]:
    """Makes applications; they end with the test."""
    every: list[App] = []

    def make(attributes: str = "", *overlay: tuple[str, object]) -> App:
        app = App(start(lexicon=LEXICON, overlay=overlay))
        app.attributes = attributes
        every.append(app)
        return app

    yield make
    for one in every:
        one.close()


@contextmanager
def opened(browser: Browser, app: App, language: str = "en", **more: Any) -> Iterator[Page]:
    """The application's page; nothing may go wrong in it."""
    context = browser.new_context(locale="zh-CN" if language == "zh" else "en-GB", reduced_motion="reduce", **more)
    page, wrong = context.new_page(), list[str]()
    page.set_default_timeout(10_000)
    page.on("console", lambda message: wrong.append(message.text) if "Failed to load" not in message.text else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(app.base)
    if language == "zh":
        page.evaluate("() => document.querySelector('guiju-panel').setAttribute('lang', 'zh-CN')")
    yield page
    assert wrong == []
    context.close()


def chat(page: Page, text: str) -> int:
    """Let the application ask."""
    status: int = page.evaluate("text => window.chat(text)", text)
    return status


def told(page: Page) -> list[Any]:
    """What the widget told the application."""
    return list(page.evaluate("() => window.told"))


def test_the_first_use_is_told_once_and_what_is_accepted_is_recorded(
    made: Callable[..., App], browser: Browser
) -> None:
    app = made()
    version = app.gateway.house.live.notices.versions["guidance"]
    with opened(browser, app) as page:
        assert chat(page, "[[say:好]]") == 200
        page.wait_for_selector("dialog[open]")
        assert page.get_by_role("dialog", name="Before you begin").is_visible()
        assert page.locator("dialog li").count() == 7
        app.down = True
        page.get_by_role("button", name="I have read and accept this").click()
        page.wait_for_function(
            "() => document.querySelector('guiju-panel').shadowRoot.querySelector('.problem').textContent"
        )
        assert told(page) == [], "what was not recorded is not accepted"
        app.down = False
        page.keyboard.press("Enter")  # the button still has the focus
        page.wait_for_function("() => window.told.length")
        assert told(page) == [["guiju-accept", {"text": "guidance", "version": version}]]
        assert not page.locator("dialog").is_visible()
        assert chat(page, "[[say:好]]") == 200
        page.wait_for_timeout(200)
        assert not page.locator("dialog").is_visible()
    accepted = app.gateway.ask("GET", "/v1/notices", headers=person(app.gateway)).json["accepted"]
    assert accepted["guidance"]["version"] == version
    with opened(browser, app) as page:
        chat(page, "[[say:好]]")
        page.wait_for_timeout(200)
        assert not page.locator("dialog").is_visible(), "in another browser too"


def test_whom_nobody_knows_is_remembered_by_the_browser_alone(made: Callable[..., App], browser: Browser) -> None:
    app = made('remember accept=""')
    app.user = ""
    with opened(browser, app) as page:
        chat(page, "[[say:好]]")
        page.get_by_role("button", name="I have read and accept this").click()
        page.wait_for_function("() => window.told.length")
        page.reload()
        chat(page, "[[say:好]]")
        page.wait_for_timeout(200)
        assert not page.locator("dialog").is_visible()


def test_use_rest_and_a_break_are_shown(made: Callable[..., App], browser: Browser) -> None:
    rest = Rest(remind_minutes=10, stop_minutes=30, break_minutes=15)
    app = made('notices=""', ("rest", rest), ("provider.authority_url", "https://authority.example.zz/"))
    clock = clocked(app.gateway)
    with opened(browser, app) as page:
        chat(page, "[[say:好]]")
        assert page.inner_text("guiju-panel .use") == "0 min without a break, 0 min today"
        for _ in range(2):
            clock.now += 660
            chat(page, "[[say:好]]")
            page.wait_for_selector("dialog[open]")
            assert "take a break" in page.inner_text("dialog p")
            page.keyboard.press("Escape")
            page.wait_for_selector("dialog:not([open])", state="attached")
        assert page.inner_text("guiju-panel .use") == "22 min without a break, 22 min today"
        clock.now += 600
        assert chat(page, "[[say:好]]") == 403
        page.wait_for_selector("dialog[open]")
        assert page.get_by_role("dialog", name="It is time to rest").is_visible()
        assert "You can go on after" in page.inner_text("dialog")
        page.get_by_role("button", name="All right").click()
        assert told(page) == [["guiju-rest", None]]
        link = page.get_by_role("link", name=re.compile("Report to the authority"))
        assert link.get_attribute("href") == "https://authority.example.zz/"
        assert page.get_by_role("link", name=re.compile("Complain")).get_attribute("href").endswith("/complain")  # type: ignore[union-attr] # it has one


def test_who_leaves_is_let_go_at_once_without_a_question(made: Callable[..., App], browser: Browser) -> None:
    app = made('companion notices=""', ("profile", "companion-2026"))
    with opened(browser, app) as page:
        page.get_by_role("button", name="Leave now").click()
        assert told(page) == [["guiju-exit", None]], "no question in between"
        assert not page.locator("dialog").is_visible()
        assert page.inner_text("guiju-panel .told") == "This conversation has ended."
        page.reload()
        assert chat(page, "let me go") == 200
        assert told(page) == [["guiju-exit", None]], "by a word, too"
        assert page.get_by_role("button", name="Leave now").count() == 0


def test_a_contact_is_told_only_where_the_person_registered_one_and_the_person_hears_of_it(
    made: Callable[..., App], browser: Browser
) -> None:
    app = made('notices="" contact')
    with opened(browser, app) as page:
        assert chat(page, CRY) == 200
        assert told(page) == [["guiju-contact", None]], "without a word of what was said"
        assert "nothing of what was said is told to anybody" in page.inner_text("guiju-panel .told")
    app.attributes = 'notices=""'
    with opened(browser, app) as page:
        assert chat(page, CRY) == 200
        assert told(page) == []
        assert not page.locator("guiju-panel .told").is_visible()


def faults(page: Page) -> list[str]:
    """What axe-core finds."""
    found = page.evaluate("() => axe.run(document)")
    return [f"{one['impact']} {one['id']}: {one['nodes'][0]['html'][:100]}" for one in found["violations"]]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_and_nothing_is_wider_than_320_pixels(
    made: Callable[..., App], browser: Browser, language: str, tmp_path: Path
) -> None:
    app = made('companion contact authority="https://authority.example.zz/"', ("rest", Rest(remind_minutes=10)))
    clock = clocked(app.gateway)
    seen = {}
    with opened(browser, app, language, bypass_csp=True, viewport={"width": 320, "height": 640}) as page:
        page.add_script_tag(content=axe())
        for state in ("bare", "first use", "reminder", "left"):
            if state == "first use":
                chat(page, "[[say:好]]")
                page.wait_for_selector("dialog[open]")
            elif state == "reminder":
                page.locator("dialog button").last.click()
                clock.now += 660
                chat(page, "[[say:好]]")
                page.wait_for_selector("dialog[open]")
            elif state == "left":
                page.locator("dialog button").last.click()
                page.locator("guiju-panel .links button").click()
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # one of the two that it takes
                seen[f"{state} {scheme}"] = faults(page)
            assert page.evaluate("() => document.documentElement.scrollWidth") <= 320, state
            sizes = page.locator("guiju-panel").evaluate(
                "e => [...e.shadowRoot.querySelectorAll('a, button')].filter(b => b.offsetParent).map(b => b.offsetHeight)"
            )
            assert min(sizes, default=24) >= 24, state
            han = re.search(r"[\u4e00-\u9fff]", page.inner_text("guiju-panel .label"))
            assert bool(han) == (language == "zh")
    assert {name: one for name, one in seen.items() if one} == {}
    assert len(seen) == 8


def test_addresses_of_scripts_are_no_links_and_words_are_no_markup(made: Callable[..., App], browser: Browser) -> None:
    app = made('notices=""')
    with opened(browser, app) as page:
        page.evaluate("""() => {
            const panel = document.querySelector("guiju-panel");
            panel.setAttribute("complain", "javascript:alert(1)");
            panel.take({ "x-guiju-use": "continuous=<b>; today=x" }, { guiju: { authority_url: "javascript:alert(2)",
                notices: [{ kind: "rest", text: "<img src=x onerror=alert(3)>" }] } });
        }""")
        page.wait_for_selector("dialog[open]")
        assert page.inner_text("dialog p") == "<img src=x onerror=alert(3)>"
        assert page.locator("guiju-panel a").evaluate_all("all => all.filter(a => !a.hidden).length") == 0


def test_it_is_served_to_other_pages_and_small(start: Start) -> None:
    gateway = start()
    answer = gateway.ask("GET", static.WIDGET, key="")
    assert answer.status == 200
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert len(answer.body) < 16_384
    assert b"import " not in answer.body
    other = gateway.ask("GET", static.address("page.css"), key="")
    assert other.headers["cross-origin-resource-policy"] == "same-origin"
    assert json.dumps(sorted(other.headers)).count("cross-origin-resource-policy") == 1

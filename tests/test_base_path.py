# SPDX-License-Identifier: Apache-2.0
"""Guiju below a path of a host that others use too: every link, form, redirect and cookie stays below it, and the doors
answer there. A link that leads out of it fails, since what is asked there does not exist for the crawler."""

from __future__ import annotations

import asyncio
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from starlette.types import Message, Receive, Scope, Send

from browser_kit import chromium
from conftest import Answered, Running, Start
from console_kit import Authenticator, Browser, filled, signed_in
from guiju.cli.serve import first_link
from guiju.config import parse
from guiju.errors import ConfigError
from guiju.records import sessions
from guiju.web.prefix import Below

BASE = "/guiju"
LINKS = {"href", "src", "action", "formaction", "data-asked", "data-answer"}


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    """A gateway below a path, with a past."""
    return start_once(overlay=(("serve.base_path", BASE),))


class Links(HTMLParser):
    """The addresses that a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.gets: list[str] = []
        self.others: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what one element refers to."""
        known = {name: value or "" for name, value in attrs}
        for name in LINKS & known.keys():
            posts = name in ("formaction", "data-asked", "data-answer") or known.get("method") == "post"
            (self.others if posts else self.gets).append(known[name])
        if known.get("http-equiv") == "refresh":
            self.gets.append(known["content"].partition("url=")[2])


def referred(page: Answered) -> Links:
    """What a page refers to."""
    links = Links()
    links.feed(page.body.decode())
    return links


def crawl(browser: Browser, *begin: str) -> dict[str, int]:
    """Follow each link of each kind of page once; address → status. Fails where one leads out of the path."""
    waiting, kinds, found = list(begin), set(), {}
    while waiting:
        here = waiting.pop()
        parts = urlsplit(here)
        kind = re.sub(r"[0-9A-Za-z_-]{20,}|\d{4}-\d\d|\d+\.\w+", "…", parts.path)
        if kind in kinds or (parts.path.endswith(("/sign-out", ".css", ".js", ".svg")) and here in found):
            continue
        kinds.add(kind)
        assert parts.path == BASE or parts.path.startswith(BASE + "/"), here
        answer = browser.get(f"{parts.path}?{parts.query}" if parts.query else parts.path)
        found[parts.path] = answer.status
        if (to := answer.headers.get("location")) and urlsplit(to).netloc in ("", f"localhost:{browser.port}"):
            waiting.append(urljoin(here, to))
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        links = referred(answer)
        for one in links.others:
            assert urljoin(here, one).startswith(BASE + "/"), (here, one)
        waiting += [urljoin(here, one) for one in links.gets if not urlsplit(one).scheme and not one.startswith("#")]
    return found


@pytest.mark.slow
def test_no_link_of_any_page_leads_out_of_the_path(gateway: Running) -> None:
    pages = filled(gateway)
    public = crawl(Browser(gateway.port), *(BASE + one for one in ("/complain", "/verify", "/about", "/status", "/c")))
    assert len(public) > 15, public
    assert {path: status for path, status in public.items() if status >= 400} == {}
    begin = [BASE + path.removeprefix(BASE) for path in pages.values()]  # some were led to
    inner = crawl(signed_in(gateway, "admin", "林青"), BASE + "/console")
    inner |= crawl(signed_in(gateway, "lead", "冯主管"), BASE + "/console", *begin)
    assert inner.pop(f"{BASE}{pages['decision-none']}") == 404
    assert len(inner) > 25, inner
    assert {path: status for path, status in inner.items() if status >= 400 and status != 403} == {}


@pytest.mark.slow
def test_doors_answer_below_the_path_and_to_a_proxy_that_took_it_away(gateway: Running) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "[[say:好的]]"}]}
    for before in (BASE, ""):
        answer = gateway.ask("POST", f"{before}/v1/chat/completions", body)
        assert answer.json["choices"][0]["message"]["content"] == "好的"
        assert gateway.ask("GET", f"{before}/healthz").status == 200
    assert gateway.ask("GET", "/guijux/healthz").status == 404
    streamed = gateway.ask("POST", f"{BASE}/v1/chat/completions", {**body, "stream": True})
    assert streamed.body.endswith(b"data: [DONE]\n\n")
    refused = gateway.ask(
        "POST", f"{BASE}/v1/chat/completions", {**body, "messages": [{"role": "user", "content": "规矩金丝雀"}]}
    )
    place = refused.json["error"]["guiju"]["redress_url"]
    assert place.startswith(f"http://127.0.0.1:{gateway.port}{BASE}/appeal/")
    onward = gateway.ask("GET", urlsplit(place).path)
    assert (onward.status, onward.headers["location"].split("?")[0]) == (303, f"{BASE}/complain/blocked")


def test_a_complaint_and_its_receipt_stay_below_the_path(gateway: Running) -> None:
    browser = Browser(gateway.port)
    document = browser.get(f"{BASE}/.well-known/guiju.json", accept="application/json").json
    assert document["complain"] == f"{BASE}/complain"
    assert set(document["pages"].values()) == {f"{BASE}/{one}" for one in document["pages"]}
    assert browser.get(document["complain"]).status == 200


@pytest.mark.slow
def test_sign_in_by_passkey_leads_on_below_the_path(start: Start) -> None:
    gateway = start(overlay=(("serve.base_path", BASE),))
    link = first_link(gateway.house)
    assert link.startswith(f"http://localhost:{gateway.port}{BASE}/console/begin?link=")
    browser, key = Browser(gateway.port), Authenticator()
    page = browser.get(link.removeprefix(browser.origin))
    asked, answered = (re.search(rf'data-{name}="([^"]+)"', page.body.decode()) for name in ("asked", "answer"))
    assert asked
    assert answered
    options = browser.send(asked[1], {"link": link.partition("link=")[2], "name": "林青"})
    made = browser.send(answered[1], key.make(options.json, browser.origin))
    assert made.json == {"next": f"{BASE}/console"}
    browser.csrf = sessions.csrf(browser.cookies["guiju_session"])
    assert browser.get(made.json["next"]).status == 200
    looks = browser.post(f"{BASE}/console/me", {"scheme": "dark"})
    assert looks.headers["location"].startswith(f"{BASE}/console/me")
    assert f"Path={BASE}/console" in looks.headers["set-cookie"]
    out = browser.post(f"{BASE}/console/sign-out")
    assert out.headers["location"] == f"{BASE}/console/sign-in"
    assert browser.get(f"{BASE}/console").headers["location"].startswith(f"{BASE}/console/sign-in")


@pytest.mark.parametrize("path", ["guiju", "/guiju/", "//x", "/a b", "/a?b", '/"x'])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match="base_path"):
        parse({"serve": {"base_path": path}})


async def written(kind: str, *pieces: bytes) -> tuple[dict[bytes, bytes], bytes]:
    """What comes out of an answer of one kind."""
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert (scope["path"], scope["raw_path"]) == ("/x", b"/x")
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", kind.encode()), (b"content-length", b"1")],
            }
        )
        for number, piece in enumerate(pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces) - 1})

    async def receive() -> Any:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await Below(app, BASE)({"type": "http", "path": f"{BASE}/x", "raw_path": f"{BASE}/x".encode()}, receive, send)
    return dict(sent[0]["headers"]), b"|".join(one["body"] for one in sent[1:])


def test_only_pages_are_rewritten_and_only_what_is_an_address() -> None:
    page = b'<a href="/c">"/c" href=&#34;/c&#34;</a> <a href="//x"></a> <a href="https://x/"></a> <kbd data-key="/">/</kbd>'
    headers, body = asyncio.run(written("text/html; charset=utf-8", page[:5], page[5:]))
    assert body == page.replace(b'<a href="/c">', b'<a href="/guiju/c">')
    assert headers[b"content-length"] == str(len(body)).encode()
    assert asyncio.run(written("text/event-stream", b'data: <a href="/c">', b"x"))[1] == b'data: <a href="/c">|x'


@pytest.mark.slow
@pytest.mark.browser
def test_chromium_finds_style_script_and_shortcuts(gateway: Running) -> None:
    lost: list[str] = []
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.on("response", lambda one: lost.append(one.url) if one.status >= 400 else None)
        page.on("console", lambda one: lost.append(one.text) if one.type == "error" else None)
        home = f"http://localhost:{gateway.port}"
        member = signed_in(gateway, "lead", "冯主管")
        context.add_cookies([{"name": name, "value": value, "url": home} for name, value in member.cookies.items()])

        def only_below(route: Any) -> None:
            (route.continue_ if urlsplit(route.request.url).path.startswith(BASE + "/") else route.abort)()

        page.route("**/*", only_below)
        page.goto(home + BASE + "/console/cases")
        page.keyboard.press("g")
        page.keyboard.press("b")
        page.wait_for_url(home + BASE + "/console")
        page.keyboard.press("?")
        page.wait_for_url(home + BASE + "/console/help/shortcuts")
        page.goto(home + BASE + "/complain")
        assert page.evaluate("() => getComputedStyle(document.body).fontFamily") != '"Times New Roman"'
        page.locator("a[href^='/guiju/complain/']").first.click()
        page.wait_for_url(home + BASE + "/complain/**")
    assert lost == []

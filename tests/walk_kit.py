# SPDX-License-Identifier: Apache-2.0
"""A walk through every page of the console in a browser: each as somebody who may see it, and what its forms lead to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from playwright.sync_api import Page

from conftest import Running
from console_kit import READ, REVIEWED, Browser, signed_in
from guiju import deskwork
from guiju.desk.cases import Form

OPEN: Final = "() => document.querySelectorAll('main details').forEach(one => { one.open = true; })"
FACTS: Final = "经查，该陈述失实。"
RATED: Final = ("sample", "evaluation")
"""Pages from which a rater goes on to read."""


def base(gateway: Running) -> str:
    """Where a browser finds a console."""
    return f"http://localhost:{gateway.port}"


def become(page: Page, gateway: Running, role: Any, name: str) -> None:
    """Let a page be a member's."""
    enter(page, signed_in(gateway, role, name))


def enter(page: Page, who: Browser) -> None:
    """Let a page have the cookies of somebody who is signed in."""
    page.context.clear_cookies(name=next(iter(who.cookies)))
    page.context.add_cookies([{"name": key, "value": value, "url": who.origin} for key, value in who.cookies.items()])


def each(page: Page, gateway: Running, pages: Mapping[str, str], *, open_all: bool = True) -> Iterator[str]:
    """Open one page after another, each as somebody who may see it; its name.

    Args:
        page: the browser's.
        gateway: whose console it is.
        pages: name → path.
        open_all: whether what is folded is opened, so that it is looked at, too.
    """
    page.context.clear_cookies()
    page.goto(base(gateway) + "/console/sign-in")
    yield "sign-in"
    rest = tuple(name for name in pages if name not in READ + REVIEWED)
    people = (
        ("auditor", "周默", READ),
        ("lead", "冯主管", REVIEWED),
        ("admin", "林青", rest),
        ("rater", "甲评", RATED),
    )
    for role, who, names in people:
        become(page, gateway, role, who)
        for name in names:
            page.goto(base(gateway) + pages[name])
            if open_all:
                page.evaluate(OPEN)
            if role != "rater":
                yield name
            else:
                _sent(page, "main form button >> nth=0")
                yield f"{name}-read"
            if further := FURTHER.get(name):
                further(page)
                page.evaluate(OPEN)
                yield f"{name}-answered"
        if role == "lead":
            yield from together(page, gateway)
        if role == "admin":
            yield from begun(page, gateway)


def begun(page: Page, gateway: Running) -> Iterator[str]:
    """What somebody who was entered is shown at first."""
    page.goto(base(gateway) + "/console/people")
    page.evaluate(OPEN)
    _sent(page, "form[action$='/link'] button >> nth=0")
    page.goto(page.inner_text(".once code"))
    yield "begin"


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
    for step, name in (("look", "together"), ("decide", "together-done")):
        _sent(page, f"button[name=do][value={step}]")
        yield name


def filed(gateway: Running, text: str, note: str = "请停止生成。") -> str:
    """A case that came; its number."""
    desk = deskwork.opened(gateway.house)
    return desk.open(Form(kind="counter", category="A.4c", text=text, fields={"note": note})).case.id


def _sent(page: Page, button: str) -> None:
    """Press a button and wait for what comes."""
    with page.expect_navigation():
        page.click(button)
    page.evaluate(OPEN)


def _try(page: Page) -> None:
    page.fill("#text", "你好，规矩金丝雀")
    _sent(page, "main button")


def _look(page: Page) -> None:
    page.check("input[value=stop]")
    page.check("input[value=upheld]")
    page.fill("#facts", FACTS)
    _sent(page, "form.decision button[type=submit] >> nth=0")


def _key(page: Page) -> None:
    page.fill("#name", "shop-app")
    _sent(page, "form.grid button")


def _invited(page: Page) -> None:
    page.fill("#name", f"王合规{time.monotonic_ns() % 10_000_000}")
    _sent(page, "form.grid button")


def _weaker(page: Page) -> None:
    page.fill("#document", '[[ruling]]\ncategory = "A.2*"\nseverity = "signal"\naction = "pass"\n')
    page.fill("#texts", "规矩金丝雀")
    _sent(page, "button[value=look]")


FURTHER: Final[Mapping[str, Callable[[Page], None]]] = {
    "try": _try,
    "case-read": _look,
    "keys": _key,
    "people": _invited,
    "policy": _weaker,
}
"""Page → what is done in it, where another one comes of it."""
LED_TO: Final = (
    "sign-in",
    *(f"{name}-answered" for name in FURTHER),
    *(f"{name}-read" for name in RATED),
    "together",
    "together-done",
    "begin",
)
"""What `each` comes to beside the pages."""

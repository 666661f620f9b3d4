# SPDX-License-Identifier: Apache-2.0
"""The pages that tell the public of the service, in Chromium: both languages, 320 pixels, nothing that axe-core calls a
fault, nothing fetched from elsewhere (WCAG 2.2 AA)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from browser_kit import axe, chromium
from conftest import Running, Start
from guiju.dossier.telling import PAGES
from public_kit import MONTH, complete, counted
from test_web_browser import faults, opened

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]
EVERY = (*(f"/{page}" for page in PAGES), f"/transparency/{MONTH}", "/status", "/transparency/1999-01")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module", params=["whole", "bare"])
def gateway(request: pytest.FixtureRequest, start_once: Start) -> Running:
    made = start_once()
    if request.param == "whole":
        complete(made)
        counted(made)
    return made


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing(gateway: Running, browser: Browser, language: str) -> None:
    page, _ = opened(browser, language, bypass_csp=True, viewport={"width": 1280, "height": 900})
    found = {}
    for path in EVERY:
        page.goto(gateway.base + path)
        page.add_script_tag(content=axe())
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # one of the two that it takes
            found[f"{path} {scheme}"] = faults(page)
    assert {name: one for name, one in found.items() if one} == {}
    page.context.close()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_is_wider_than_320_pixels_and_nothing_is_fetched_from_elsewhere(
    gateway: Running, browser: Browser, language: str
) -> None:
    page, wrong = opened(browser, language, viewport={"width": 320, "height": 640})
    asked: set[str] = set()
    page.on("request", lambda one: asked.add("/".join(one.url.split("/")[:3])))
    for path in EVERY[:-1]:
        page.goto(gateway.base + path)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 320, path
        assert page.locator("h1").count() == 1
    assert asked == {gateway.base}
    assert [one for one in wrong if "404" not in one] == []
    page.context.close()

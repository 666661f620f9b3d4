# SPDX-License-Identifier: Apache-2.0
"""A real browser for the pages: the system's Chromium, driven by Playwright, and axe-core from tests/node."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

AXE = Path(__file__).parent / "node" / "node_modules" / "axe-core" / "axe.min.js"


def missing(why: str) -> None:
    """Skip, or fail where nothing may be skipped."""
    if os.environ.get("GUIJU_NO_SKIP") == "1":
        pytest.fail(why)
    pytest.skip(why)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; without it the test says that it skips."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        missing("no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


def axe() -> str:
    """The script of axe-core."""
    if not AXE.is_file():
        missing("no axe-core: npm ci --prefix tests/node")
    return AXE.read_text("utf-8")

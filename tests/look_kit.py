# SPDX-License-Identifier: Apache-2.0
"""What is looked at in each page that a browser has opened, once a language: faults that axe-core knows, in light and
in dark, at 320 pixels nothing too wide and nothing too small to hit, and the words that are seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Page

from browser_kit import axe
from test_web_browser import faults, spoken

WIDE: Final = {"width": 1280, "height": 900}
NARROW: Final = {"width": 320, "height": 640}
COLOURS: Final = ("color-contrast", "link-in-text-block")
"""The rules of axe-core that depend on colours: all that a dark page can break that a light one keeps."""
SMALLEST: Final = 24


@dataclass(frozen=True)
class Looked:
    """What was found in one page.

    Attributes:
        faults: what axe-core says.
        width: of all of it, where 320 pixels are there.
        small: what can be hit and is less than 24 pixels high.
        words: that are seen.
    """

    faults: list[str]
    width: int
    small: list[str]
    words: set[str]


def looked(page: Page, names: Iterable[str], hit: str, but: str = "", blank: str = "") -> dict[str, Looked]:
    """Look at one page after another.

    Args:
        page: the browser's.
        names: opens them, and names each.
        hit: selects what must be large enough to be hit.
        but: selects what may be smaller, as links within a line of text may (WCAG 2.2, 2.5.8).
        blank: selects what users wrote, which has no second language.
    """
    script, found = axe(), dict[str, Looked]()
    heights = f"""all => all.filter(e => e.offsetParent && !{f"e.closest({but!r})" if but else "false"}
        && e.getBoundingClientRect().height < {SMALLEST}).map(e => e.outerHTML.slice(0, 100))"""
    for name in names:
        page.evaluate(script)  # as a debugger does it, so that the policy of the page stays in force
        page.emulate_media(color_scheme="light")
        light = faults(page)
        page.emulate_media(color_scheme="dark")
        dark = faults(page, *COLOURS)
        page.set_viewport_size(NARROW)  # type: ignore[arg-type] # a size
        width = page.evaluate("() => document.documentElement.scrollWidth")
        small = page.eval_on_selector_all(hit, heights)
        page.set_viewport_size(WIDE)  # type: ignore[arg-type] # a size
        if blank:
            page.eval_on_selector_all(blank, "all => all.forEach(one => (one.textContent = ''))")
        found[name] = Looked([*light, *(f"dark {one}" for one in dark)], width, small, spoken(page))
    return found


def wrong_in(found: dict[str, Looked]) -> dict[str, object]:
    """What is wrong with pages, by name; nothing where all is well."""
    wide = {name: one.width for name, one in found.items() if one.width > NARROW["width"]}
    small = {name: one.small for name, one in found.items() if one.small}
    named = {name: one.faults for name, one in found.items() if one.faults}
    return {what: one for what, one in (("faults", named), ("wide", wide), ("small", small)) if one}

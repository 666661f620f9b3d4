# SPDX-License-Identifier: Apache-2.0
"""Pictures of every page, to be looked at: `.venv/bin/python scripts/screens.py FOLDER [BEGINNING OF A NAME]`

Each page in Chinese and English, 1280 and 390 pixels wide, light and dark; /verify with each of its six verdicts; a
complaint from the choice to the receipt; the console, each page as somebody who may see it, and what its forms lead to.
It needs Chromium (apt-get install chromium) and a font for Chinese (apt-get install fonts-noto-cjk).
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from browser_kit import chromium
from conftest import Running, _starting
from console_kit import PAGES as CONSOLE
from console_kit import filled
from desk_kit import Hands, decided, deciding, employ
from guiju.adapters.scripted import ScriptedModel
from guiju.adapters.signatures import Signatures
from guiju.config import Settings
from guiju.desk.decisions import UNDO_S
from guiju.dossier.telling import PAGES
from pages_kit import desk_front, serving
from places import Place
from public_kit import MONTH, complete, counted
from test_marking_verify import PUBLIC, bound
from test_web_verify import FILES
from walk_kit import each

SIZES = (1280, 390)
SCHEMES: tuple[Any, ...] = ("light", "dark")


def shown(page: Any, base: str) -> Iterator[str]:
    """Opens one page after another; the name of each."""
    page.goto(f"{base}/verify")
    yield "verify"
    for verdict, data in {**FILES, "whole": bound()}.items():
        # What is whole is signed by a key that this page trusts, and so is a file whose signer it does not know.
        page.goto(f"{base}/verify")
        page.set_input_files("#file", {"name": f"{verdict}.png", "mimeType": "image/png", "buffer": data})
        page.click("#send")
        page.wait_for_selector("article.verdict")
        yield f"verify-{verdict}"
    page.goto(f"{base}/static/none")
    yield "error"


def told(page: Any, base: str) -> Iterator[str]:
    """The pages that tell the public of the service; the name of each."""
    for name in (*PAGES, f"transparency/{MONTH}", "status"):
        page.goto(f"{base}/{name}")
        yield name.partition("/")[0]


def complained(page: Any, base: str, decide: Callable[[str], None]) -> Iterator[str]:
    """The pages at which somebody complains, in order; the name of each.

    Args:
        page: of the browser.
        base: address of the pages.
        decide: decides the case of a number, and lets its letter leave.
    """
    for name in ("complain", "complain/person", "complain/blocked?d=" + "0" * 26, "c", "report"):
        page.goto(f"{base}/{name}")
        yield name.partition("?")[0].replace("/", "-")
    page.goto(f"{base}/complain/harm")
    page.click("form.sheet button[type=submit]")
    yield "complain-faults"
    page.check("input[value=false]")
    page.fill("#text", "他在某某公司任职时挪用公款三百万元。\nHe embezzled three million while he worked there.")
    page.fill("#note", "这不是事实。")
    page.set_input_files("#files", [{"name": "a.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ\0\1"}])
    page.click("form.sheet button[type=submit]")
    page.wait_for_selector(".standing")
    yield "receipt"
    page.fill("#text", "补充一点：原文出自 2026-11-20 的对话。")
    page.click("form.sheet button[type=submit]")
    page.wait_for_selector(".said li")
    yield "case"
    place = page.url
    decide(page.inner_text("h1").split()[-1])
    page.goto(place)
    yield "decided"
    page.goto(place + "&view=print")
    page.emulate_media(media="print")
    yield "case-print"
    page.emulate_media(media="screen")


@contextmanager
def console() -> Iterator[tuple[Running, dict[str, str]]]:
    """A gateway with a console that has a past; and its pages."""
    with TemporaryDirectory() as folder, ScriptedModel() as model:
        starting = _starting(Path(folder), model)
        gateway = next(starting)()
        complete(gateway)
        counted(gateway)
        yield gateway, {**CONSOLE, **filled(gateway)}
        for _ in starting:
            pass


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where they are written")
    parser.add_argument("name", nargs="?", default="", help="only pages whose name begins so")
    parser.add_argument("--scheme", choices=SCHEMES, action="append", help="light or dark alone")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    hands = Hands()
    with (
        TemporaryDirectory() as data,
        desk_front(Path(data), hands) as front,
        serving(Settings(), signatures=Signatures(known=(PUBLIC,))) as trusting,
        serving(Settings(), front=front) as plain,
        console() as (gateway, pages),
        chromium() as browser,
    ):
        who = deciding(front.desk, Place("sqlite", Path(data)))
        employ(front.desk.store, ("吴", "reviewer"))

        def decide(number: str) -> None:
            front.desk.lease(number, "吴")
            who.decide(number, decided("partly"), "吴")
            hands.now += UNDO_S + 1
            who.settle()

        for language, width, scheme in itertools.product(("zh-CN", "en-GB"), SIZES, asked.scheme or SCHEMES):
            size: Any = {"width": width, "height": 900}
            context = browser.new_context(locale=language, viewport=size, color_scheme=scheme)
            page = context.new_page()
            every = chain(
                (name for name in shown(page, trusting.base) if name == "verify-whole"),
                (name for name in shown(page, plain.base) if name != "verify-whole"),
                complained(page, plain.base, decide),
                told(page, gateway.base),
                (f"console-{name}" for name in each(page, gateway, pages, open_all=False)),
            )
            for name in every:
                if name.startswith(asked.name):
                    path = asked.folder / f"{name}-{language[:2]}-{width}-{scheme}.png"
                    page.screenshot(path=path, full_page=True)
                    print(path)
            context.close()


if __name__ == "__main__":
    main()

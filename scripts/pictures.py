# SPDX-License-Identifier: Apache-2.0
"""The pictures of the README and the docs, of what really runs: `.venv/bin/python scripts/pictures.py [--demo DIR]`

    docs/assets/shot-{board,complain}.{zh,en}.png   duty board and public page for complaints, on the seeded demo
    docs/assets/shot-refused.{zh,en}.svg            one decision as `make run` shows it in a terminal

`--demo` is a folder that `guiju demo seed` wrote; without it one is made, which takes minutes. It needs Chromium and a
font for Chinese (apt-get install chromium fonts-noto-cjk).
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from PIL import Image
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

import demo
from browser_kit import chromium
from guiju.console.frame import cookie
from guiju.records import members, sessions
from guiju.records.db import Store

ROOT: Final = Path(__file__).resolve().parents[1]
ASSETS: Final = ROOT / "docs" / "assets"
GUIJU: Final = ROOT / ".venv" / "bin" / "guiju"
LANGUAGES: Final = {"zh": "zh-CN", "en": "en-GB"}
PAGES: Final = {"board": "/console?by=software", "complain": "/complain"}
LARGEST: Final = 150_000
"""Bytes of a picture."""
_SIZE: Final[Any] = {"width": 1180, "height": 760}
_COLUMNS: Final = 104
# Rich's own form loads a font from elsewhere; a picture of ours loads nothing.
_SVG: Final = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", "Noto Sans Mono CJK SC", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g></g></svg>
"""


def environ(language: str) -> dict[str, str]:
    """The environment of a command in a language."""
    return os.environ | {"GUIJU_LANG": LANGUAGES[language].replace("-", "_"), "NO_COLOR": "1"}


def refused(language: str) -> str:
    """The second request of `make run`, as a terminal shows it."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "scripts" / "demo.py"), "--once", "--port", str(demo.free_port())]
        ran = subprocess.run(command, cwd=folder, env=environ(language), capture_output=True, text=True, check=True)
    part = ran.stdout.split("\n── ")[2].rstrip()
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), highlight=False)
    console.print("$ make run", style="bold green", markup=False)
    for line in f"── {part}".splitlines():
        style = "bold" if line.startswith("──") else "red" if "✗" in line else ""
        console.print(line, style=style, markup=False, overflow="fold")
    picture = console.export_svg(
        title="make run", theme=SVG_EXPORT_THEME, code_format=_SVG, unique_id=f"refused-{language}"
    )
    # Rich takes a Chinese character for as wide as a letter; without its length each is as wide as it is.
    return re.sub(r' textLength="[\d.]+"(?=[^>]*>[^<]*[\u2e80-\uffef])', "", picture)


@contextmanager
def served(data: Path, language: str) -> Iterator[str]:
    """A gateway on the seeded demo, and its address."""
    stack, port = demo.Stack(), demo.free_port()
    try:
        url = demo.scripted(stack)
        command = [str(GUIJU), "serve", "--data", str(data), "--config", str(data / "guiju.toml"), "--port", str(port)]
        stack.start("guiju serve", [*command, "--upstream", url, "--lexicon", str(data / "words.csv")], quiet=True)
        demo.wait_until_ready(stack, port)
        yield f"http://localhost:{port}"
    finally:
        stack.stop()


def token(data: Path) -> str:
    """A session of a member who may see the board."""
    store = Store.open("sqlite", data)
    try:
        now = int(time.time())
        name = "林青"
        who = members.found(store, name) or members.add(store, name, "admin", "demo", now)
        return sessions.begin(store, who.id, "passkey", now)
    finally:
        store.close()


def small(png: bytes) -> bytes:
    """A picture with as many colours as it takes to be small.

    Raises:
        SystemExit: it stays too large.
    """
    image = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in (128, 64, 32):
        out = io.BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if out.tell() <= LARGEST:
            return out.getvalue()
    raise SystemExit("a picture is too large")


def photographed(data: Path, language: str) -> None:
    """Write the pictures of pages."""
    with served(data, language) as base, chromium() as browser:
        context = browser.new_context(locale=LANGUAGES[language], viewport=_SIZE, color_scheme="light")
        context.add_cookies([{"name": cookie(base), "value": token(data), "url": base}])
        page = context.new_page()
        for name, path in PAGES.items():
            page.goto(base + path)
            (ASSETS / f"shot-{name}.{language}.png").write_bytes(small(page.screenshot()))
        context.close()


def main() -> None:
    """Make all of them."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--demo", type=Path, help="a folder that `guiju demo seed` wrote")
    given = options.parse_args()
    for language in LANGUAGES:
        (ASSETS / f"shot-refused.{language}.svg").write_text(refused(language), "utf-8")
    with TemporaryDirectory() as folder:
        data = Path(folder) / "demo"
        if given.demo:
            shutil.copytree(given.demo, data)
        else:
            subprocess.run([str(GUIJU), "demo", "seed", "--data", str(data)], check=True)
        for language in LANGUAGES:
            photographed(data, language)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Pictures of every page, to be looked at: `.venv/bin/python scripts/screens.py FOLDER`

Each page in Chinese and English, 1280 and 390 pixels wide, light and dark; /verify with each of its six verdicts.
It needs Chromium (apt-get install chromium) and a font for Chinese (apt-get install fonts-noto-cjk).
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from browser_kit import chromium
from guiju.adapters.signatures import Signatures
from guiju.config import Settings
from pages_kit import serving
from test_marking_verify import PUBLIC, bound
from test_web_verify import FILES

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


def main() -> None:
    """Write the pictures."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    with (
        serving(Settings(), signatures=Signatures(known=(PUBLIC,))) as trusting,
        serving(Settings()) as plain,
        chromium() as browser,
    ):
        for language, width, scheme in itertools.product(("zh-CN", "en-GB"), SIZES, SCHEMES):
            size: Any = {"width": width, "height": 900}
            context = browser.new_context(locale=language, viewport=size, color_scheme=scheme)
            page = context.new_page()
            for site in (plain, trusting):
                for name in shown(page, site.base):
                    if (site is trusting) == (name == "verify-whole"):
                        path = out / f"{name}-{language[:2]}-{width}-{scheme}.png"
                        page.screenshot(path=path, full_page=True)
                        print(path)
            context.close()


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Pictures of the service's own pages, taken in Chromium: only where the page shows what it is to prove (Articles 6, 17)."""

from __future__ import annotations

import datetime
import hashlib
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from browser_kit import missing
from guiju.config import Settings
from guiju.dossier import exhibits
from guiju.dossier.exhibits import Wanted
from guiju.errors import ConfigError
from pages_kit import Site, desk_front, serving

pytestmark = [pytest.mark.slow, pytest.mark.browser]
DAY = datetime.date(2026, 11, 24)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The public pages of a service."""
    if shutil.which("chromium") is None:
        missing("no Chromium: apt-get install chromium")
    with desk_front(tmp_path_factory.mktemp("desk")) as front, serving(Settings(), front=front) as made:
        yield made


def wanted(site: Site, path: str = "/report", selector: str = "h1", text: str = "") -> Wanted:
    """One picture to take."""
    return Wanted(
        tag="rights.complaint", zh="投诉入口", en="complaints", url=site.base + path, selector=selector, text=text
    )


def test_a_page_is_taken_with_its_hash_and_its_day(site: Site, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        f'[[exhibit]]\ntag = "rights.complaint"\nzh = "投诉入口"\nen = "x"\nurl = "{site.base}/report"\nselector = "h1"\ntext = ""\n',
        "utf-8",
    )
    first = exhibits.take(tmp_path, exhibits.plan(plan), DAY)
    second = exhibits.take(tmp_path, [wanted(site)], DAY)
    listed, content = exhibits.read(tmp_path)
    assert [one.id for one in listed] == ["E01"]
    assert [one.id for one in (*first, *second)] == ["E01", "E01"]  # the same page is taken anew, not twice
    one = listed[0]
    assert (one.status, one.dated, one.url, one.selector) == (200, DAY, f"{site.base}/report", "h1")
    assert hashlib.sha256(content["E01"]).hexdigest() == one.sha256
    picture = Image.open(io.BytesIO(content["E01"]))
    assert picture.size[0] == 1280
    assert len(picture.convert("RGB").getcolors(1 << 20) or ()) > 8  # something is on it


@pytest.mark.parametrize(
    ("path", "selector", "text"),
    [("/report", "h1", "no such words"), ("/report", "#nothing", ""), ("/nowhere", "h1", "")],
)
def test_a_page_that_does_not_show_it_is_no_exhibit(
    site: Site, tmp_path: Path, path: str, selector: str, text: str
) -> None:
    with pytest.raises(ConfigError, match="exhibit_not_shown"):
        exhibits.take(tmp_path, [wanted(site, path, selector, text)], DAY)
    assert exhibits.read(tmp_path) == ([], {})


def test_a_page_of_nobody_is_no_exhibit(tmp_path: Path) -> None:
    nobody = Wanted(tag="product", zh="x", en="x", url="http://127.0.0.1:9/", selector="h1", text="x")
    with pytest.raises(ConfigError, match="exhibit_not_shown"):
        exhibits.take(tmp_path, [nobody], DAY)

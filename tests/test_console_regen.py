# SPDX-License-Identifier: Apache-2.0
"""The console's pages of what must not come again (Article 15): how each item stands, its curve, and its certificate."""

from __future__ import annotations

import pytest

from conftest import Running, Start
from console_kit import signed_in
from guiju.records import certificates
from guiju.records.regeneration import Item
from regeneration_kit import ABOUT
from regeneration_past import past


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    return start_once()


@pytest.fixture(scope="module")
def item(gateway: Running) -> Item:
    return past(gateway)


@pytest.mark.slow
@pytest.mark.parametrize(("language", "words"), [("en", ("green", "clean")), ("zh", ("绿", "未再生成"))])
def test_items_and_one_item_are_shown_without_a_word_of_what_is_banned(
    gateway: Running, item: Item, language: str, words: tuple[str, ...]
) -> None:
    browser = signed_in(gateway, "compliance")
    browser.language = language
    for path in ("/console/regen", f"/console/regen/{item.id}"):
        page = browser.get(path).body.decode()
        assert all(word in page for word in words), path
        assert item.id in page
        assert "Finch" not in page
        assert ABOUT not in page
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page
    assert page.count("<tr>") >= 24, "the table says what the curve shows"
    assert item.id not in browser.get("/console/regen?state=red").body.decode()
    assert item.id not in browser.get("/console/regen?ended=1").body.decode()


@pytest.mark.slow
def test_a_certificate_is_given_as_a_file_that_holds(gateway: Running, item: Item) -> None:
    browser = signed_in(gateway, "lead")
    given = browser.post(f"/console/regen/{item.id}/certificate")
    assert given.headers["content-disposition"].startswith("attachment")
    public = gateway.house.secrets.signing.public_key().public_bytes_raw()
    body, faults = certificates.check(given.body, [public])
    assert faults == []
    assert body is not None
    assert (body.item, body.state, len(body.tested)) == (item.id, "green", 24)

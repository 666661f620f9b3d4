# SPDX-License-Identifier: Apache-2.0
"""A member's own views of the queue, and the mail that says what is due to who asked for it (Article 15)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest
from sqlalchemy import select

from conftest import Running, Start
from console_kit import signed_in
from desk_kit import DAY, NOW, STORY, Hands, desk_in, employ, form
from guiju import config
from guiju.deskwork import Books, remind
from guiju.errors import ConfigError
from guiju.law import calendar
from guiju.records import members, preferences
from guiju.records.daykeys import DayKeys
from guiju.records.ids import ExchangeIds
from guiju.records.preferences import VIEWS, View
from guiju.records.schema_members import digest, saved_view
from guiju.records.secrets import Secrets
from places import BOTH, Place, place
from smtp_kit import mailbox
from test_desk_mail import on

MORNING = calendar.end_of(calendar.day_of(NOW - DAY)) + 8 * 3600 + 60
"""A minute after eight of the same working day (UTC+8)."""


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    return start_once()


def test_views_are_kept_for_oneself_and_hold_filters_alone(here: Place) -> None:
    store = here.open()
    wu, zheng = (members.add(store, name, "reviewer", "test", NOW).id for name in ("吴", "郑"))
    made = preferences.save(store, wu, "  我的  急件 ", "kind=rights&kind=report&soon=1&q=张三&lang=zh", NOW)
    assert made == View("我的 急件", "kind=rights&kind=report&soon=1"), "what is no filter is not kept"
    assert preferences.views(store, zheng) == []
    preferences.save(store, wu, "我的 急件", "free=1", NOW)
    assert preferences.views(store, wu) == [View("我的 急件", "free=1")]
    for name, query in (("", "free=1"), ("x", "q=张三"), ("x" * 65, "free=1"), ("a\u202eb", "free=1")):
        with pytest.raises(ConfigError, match="config_invalid"):
            preferences.save(store, wu, name, query, NOW)
    for n in range(VIEWS - 1):
        preferences.save(store, wu, f"v{n}", "free=1", NOW)
    with pytest.raises(ConfigError, match="config_invalid"):
        preferences.save(store, wu, "one more", "free=1", NOW)
    preferences.drop(store, wu, "v0")
    assert len(preferences.views(store, wu)) == VIEWS - 1
    preferences.ask(store, wu, "wu@example.test")
    members.remove(store, wu, "test", NOW)
    with store.read() as connection:
        assert connection.execute(select(saved_view)).all() == []
        assert connection.execute(select(digest)).all() == [], "with a member go what they chose"
    store.close()


@pytest.mark.slow
def test_a_mail_comes_in_the_morning_to_who_asked_and_says_counts_alone(here: Place) -> None:
    store, hands = here.open(), Hands()
    employ(store, ("吴", "reviewer"), ("郑", "lead"), ("冯", "compliance"))
    ids = {one.name: one.id for one in members.everybody(store)}
    desk = desk_in(here, store, hands)
    hands.now = MORNING - 20 * DAY
    desk.open(form())  # overdue by now
    hands.now = MORNING - 60
    desk.open(form(kind="rectification", source="authority", until=MORNING + 3600), by="郑")
    hands.now = MORNING
    with mailbox() as server:
        secrets = Secrets.open(here.data / "keys")
        settings = config.Settings(mail=on(server))
        keys = DayKeys(here.data / "keys")
        own = Books(settings, store, keys, secrets, str(here.data), ExchangeIds(b"k" * 32, "w"))
        assert asyncio.run(remind(own, desk)) == 0, "nobody has asked"
        preferences.ask(store, ids["吴"], "wu@example.test")
        preferences.ask(store, ids["郑"], "zheng@example.test")
        hands.now = MORNING - 120
        assert asyncio.run(remind(own, desk)) == 0, "it is not eight yet"
        hands.now = MORNING
        assert asyncio.run(remind(own, desk)) == 2
        assert asyncio.run(remind(own, desk)) == 0, "one a day"
        told = {str(one["To"]): one for one in server.came}
        wu, zheng = (told[f"{name}@example.test"].get_content() for name in ("wu", "zheng"))
        assert "已超期 1 件，今日到期 0 件" in wu, "an order is no reviewer's"
        assert "已超期 1 件，今日到期 1 件" in zheng
        assert "1 cases are overdue, 1 are due today" in zheng
        for one in told.values():
            assert STORY not in one.as_string()
            assert "26-0" not in one.get_content()
        preferences.ask(store, ids["吴"], "")
        friday = MORNING + 3 * DAY
        hands.now = friday + DAY
        assert asyncio.run(remind(own, desk)) == 0, "no mail on a Saturday"
        hands.now = friday
        assert asyncio.run(remind(own, desk)) == 1, "and none to who no longer wants it"
    store.close()


@pytest.mark.slow
def test_views_and_mail_on_the_pages(gateway: Running) -> None:
    reviewer, other = signed_in(gateway, "reviewer", "吴"), signed_in(gateway, "reviewer", "郑")
    admin = signed_in(gateway, "admin", "林青")
    name = "急件" + token_hex(2)
    kept = reviewer.post("/console/cases/views", {"name": name, "query": "kind=rights&soon=1&q=x"})
    assert (kept.status, kept.headers["location"]) == (303, "/console/cases?kind=rights&soon=1")
    assert name in reviewer.get("/console/cases").body.decode()
    assert name not in other.get("/console/cases").body.decode()
    assert reviewer.post("/console/cases/views", {"name": "", "query": "soon=1"}).status == 400
    assert reviewer.post("/console/cases/views", {"drop": name}).status == 303
    assert name not in reviewer.get("/console/cases").body.decode()
    assert reviewer.post("/console/me/digest", {"mail": "wu@example.test\r\nBcc: x@y.z"}).status == 400
    assert reviewer.post("/console/me/digest", {"mail": "wu@example.test"}).status == 303
    page = reviewer.get("/console/me").body.decode()
    assert "wu@example.test" in page
    assert "No mail server is set" in page
    assert admin.post("/console/me/digest", {"mail": "wu@example.test"}).status == 403
    assert "Mailbox" not in admin.get("/console/me").body.decode()

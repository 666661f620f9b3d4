# SPDX-License-Identifier: Apache-2.0
"""Rest and standing over two worker processes that share one store: a person is one person, whichever of them is asked
(Articles 10, 19). Time is real time here, but for what a third process saw before."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator

import pytest

from crew_kit import BOTH, Crew, code, crew, until
from guiju.config import Rest
from guiju.controls.rest import allowed
from guiju.records import accounts
from guiju.records.db import Store
from guiju.records.use import Uses
from serving import GUIJU

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
DAY = 5
"""Minutes that a day allows: more than anybody asks for here by themselves."""


@pytest.fixture(scope="module", params=BOTH)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    """Two workers over a store of one kind; each test has people of its own."""
    more = f"[rest]\nday_minutes = {DAY}\nremind_minutes = 0\n"
    with crew(tmp_path_factory.mktemp("crew"), request.param, more) as made:
        yield made


async def sat(both: Crew, person: str, seconds: float) -> None:
    """A third process saw a person for so long, up to now."""
    store, clock = Store.open(both.here.url, both.gateway.data), [0.0]
    account = accounts.find_account(store, "operator")
    assert account is not None
    who, until_now, may = (account.id, person), time.time(), allowed(Rest(day_minutes=DAY), "", "all")
    process = Uses(store, lambda: clock[0])
    await process.guardian(who, until_now - seconds)
    process.sat(who, may, until_now - seconds)
    clock[0] = seconds
    process.answered(who, may.gap_s, until_now)
    await process.settle(until_now)
    store.close()


def test_a_day_of_minutes_is_as_many_over_both(both: Crew) -> None:
    left = 20
    asyncio.run(sat(both, both.person("rests"), DAY * 60 - left))
    began, seen = time.monotonic(), set()
    while (answer := both.ask(who="rests")).status == 200:
        seen.add(both.worker(answer))
        assert time.monotonic() - began < 2.5 * left, "what one counted the other does not know"
        time.sleep(0.5)
    took = time.monotonic() - began
    assert code(answer) == "usage_break"
    assert len(seen) == 2
    assert took >= 0.8 * left, "what both counted was added up"
    until(lambda: {code(one) for one in both.many(who="rests")} == {"usage_break"}, 75)  # a row is read once a minute
    assert len({both.worker(one) for one in both.many(who="rests")}) == 2
    assert {one.status for one in both.many(who="does-not-rest")} == {200}


def test_a_decision_reaches_both_within_seconds_and_so_does_its_end(both: Crew) -> None:
    assert {one.status for one in both.many(who="decided")} == {200}
    who = both.person("decided")
    grounds = ("--kind", "spam", "--case", "C-1", "--reason", "r")
    until(lambda: "error" not in both.guiju("standing", "show", who))
    step = both.guiju("standing", "decide", who, "--rung", "suspend", "--days", "3", *grounds)
    took = until(lambda: {code(one) for one in both.many(who="decided")} == {"account_suspended"}, 5)
    answers = both.many(who="decided")
    assert {code(one) for one in answers} == {"account_suspended"}
    assert len({both.worker(one) for one in answers}) == 2
    assert took < 5
    assert {one.status for one in both.many(who="undecided")} == {200}, "it is bound to the person, not to the key"
    lifted = subprocess.run(
        [*GUIJU, "standing", "lift", step["id"], "--data", "data"],
        cwd=both.gateway.data.parent, capture_output=True, check=False,
    )  # fmt: skip
    assert lifted.returncode == 0, lifted.stderr
    until(lambda: {one.status for one in both.many(who="decided")} == {200}, 5)


def test_strikes_of_both_add_up_and_what_follows_holds_in_both(both: Crew) -> None:
    both.many(who="struck")
    struck = set()
    for name in "甲乙丙丁戊":
        answer = both.ask(f"写一条规矩垃圾{name}", who="struck")
        assert code(answer) == "content_filter"
        struck.add(both.worker(answer))
        both.many(4, who="struck")  # harmless requests between them: nothing is in a row, and others get a turn
    who = both.person("struck")
    until(lambda: len(both.guiju("standing", "show", who)["strikes"]) == 5)
    rungs = {one["rung"] for one in both.guiju("standing", "show", who)["steps"]}
    assert {"notice", "warn", "limit"} <= rungs
    time.sleep(2.5)  # all processes know within two seconds
    answers = both.many(40, who="struck")
    limited = [one for one in answers if code(one) == "usage_limited"]
    assert len(limited) >= 30
    assert len({both.worker(one) for one in limited}) == 2
    assert {one.status for one in both.many(who="not-struck")} == {200}

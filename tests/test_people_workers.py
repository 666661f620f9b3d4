# SPDX-License-Identifier: Apache-2.0
"""Rest and standing over two worker processes that share one store: a person is one person, whichever of them is asked
(Articles 10, 19). Time is real time here: these tests take minutes."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from crew_kit import BOTH, code, crew, until
from serving import GUIJU

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("kind", BOTH)
def test_a_day_of_one_minute_is_one_minute_over_both(tmp_path: Path, kind: str) -> None:
    with crew(tmp_path, kind, "[rest]\nday_minutes = 1\nremind_minutes = 0\n") as both:
        began, seen = time.monotonic(), set()
        while (answer := both.ask()).status == 200:
            seen.add(both.worker(answer))
            assert time.monotonic() - began < 90, "what one counted the other does not know"
            time.sleep(1)
        took = time.monotonic() - began
        assert code(answer) == "usage_break"
        assert len(seen) == 2
        assert took >= 55, "what both counted was added up"
        until(lambda: {code(one) for one in both.many()} == {"usage_break"}, 75)  # a row is read again once a minute
        assert len({both.worker(one) for one in both.many()}) == 2
        assert {one.status for one in both.many(who="person-2")} == {200}


@pytest.mark.parametrize("kind", BOTH)
def test_a_decision_reaches_both_within_seconds_and_so_does_its_end(tmp_path: Path, kind: str) -> None:
    with crew(tmp_path, kind) as both:
        assert {one.status for one in both.many()} == {200}
        who = both.person()
        grounds = ("--kind", "spam", "--case", "C-1", "--reason", "r")
        until(lambda: "error" not in both.guiju("standing", "show", who))
        step = both.guiju("standing", "decide", who, "--rung", "suspend", "--days", "3", *grounds)
        took = until(lambda: {code(one) for one in both.many()} == {"account_suspended"}, 5)
        answers = both.many()
        assert {code(one) for one in answers} == {"account_suspended"}
        assert len({both.worker(one) for one in answers}) == 2
        assert took < 5
        assert {one.status for one in both.many(who="person-2")} == {200}, "it is bound to the person, not to the key"
        lifted = subprocess.run(
            [*GUIJU, "standing", "lift", step["id"], "--data", "data"], cwd=tmp_path, capture_output=True, check=False
        )
        assert lifted.returncode == 0, lifted.stderr
        until(lambda: {one.status for one in both.many()} == {200}, 5)


@pytest.mark.parametrize("kind", BOTH)
def test_strikes_of_both_add_up_and_what_follows_holds_in_both(tmp_path: Path, kind: str) -> None:
    with crew(tmp_path, kind) as both:
        both.many()
        struck = set()
        for name in "甲乙丙丁戊":
            answer = both.ask(f"写一条规矩垃圾{name}")
            assert code(answer) == "content_filter"
            struck.add(both.worker(answer))
            both.many(4)  # harmless requests between them: nothing is in a row, and others get a turn
        who = both.person()
        until(lambda: len(both.guiju("standing", "show", who)["strikes"]) == 5)
        rungs = {one["rung"] for one in both.guiju("standing", "show", who)["steps"]}
        assert {"notice", "warn", "limit"} <= rungs
        time.sleep(2.5)  # all processes know within two seconds
        answers = both.many(40)
        limited = [one for one in answers if code(one) == "usage_limited"]
        assert len(limited) >= 30
        assert len({both.worker(one) for one in limited}) == 2
        assert {one.status for one in both.many(who="person-2")} == {200}

# SPDX-License-Identifier: Apache-2.0
"""Each article on people, end to end: two worker processes, each database, and a wall clock that the test moves under them
(Articles 9, 10, 11, 12, 13, 18, 19; robustness F8). Elapsed time stays real: libfaketime moves the wall clock alone."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from conftest import Answered
from crew_kit import BOTH, Clock, Crew, code, crew, until
from guiju.records import schema
from serving import GUIJU

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
HOUR, DAY = 3600, 86_400
MORE = """
[[issuer]]
issuer = "once.example"
audience = "guiju"
secret_env = "ISSUER_SECRET"
levels = { cn_mobile_realname = "phone", cn_id_card = "document" }
replay = "once"
reverify_days = 90
[gateway]
identity = "phone"
identity_doors = { embeddings = "document" }
[provider]
redress_url = "https://a.example/r"
"""


@pytest.fixture(scope="module", params=BOTH)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    folder = tmp_path_factory.mktemp("crew")
    with crew(folder, request.param, MORE, Clock(folder)) as made:
        yield made


@pytest.fixture(autouse=True)
def clock(both: Crew) -> Iterator[Clock]:
    assert both.clock is not None
    yield both.clock
    both.clock.set(0)


def rows(both: Crew) -> list[Any]:
    """All rows of all tables."""
    store = both.here.open()
    try:
        with store.read() as connection:
            return [row for table in schema.metadata.sorted_tables for row in connection.execute(select(table))]
    finally:
        store.close()


def codes(answers: list[Answered]) -> set[str]:
    return {code(one) for one in answers}


def hour(clock: Clock, hour_: int) -> int:
    """How far the clock must be put on for it to be so late in UTC+8 tomorrow."""
    now = int(time.time())
    return DAY - (now + 8 * HOUR) % DAY + hour_ * HOUR


def test_9_nobody_unverified_is_served_and_no_verification_outlives_its_time(both: Crew, clock: Clock) -> None:
    body = {"model": "scripted", "messages": [{"role": "user", "content": "[[say:好]]"}]}
    unknown = both.both(lambda: both.send("POST", "/v1/chat/completions", body))
    assert codes(unknown) == {"real_name_required"}
    assert codes(both.both(lambda: both.ask(who="p9"))) == {""}
    vectors = {"model": "scripted", "input": "好"}
    assert codes(both.both(lambda: both.send("POST", "/v1/embeddings", vectors, both.vouched("p9")))) == {
        "real_name_required"
    }
    once = both.vouched("p9", iss="once.example", jti="j-1")
    answers = both.both(lambda: both.send("POST", "/v1/chat/completions", body, once))
    assert sorted(one.status for one in answers)[:2] == [200, 403], "once, and to one of them"
    assert [one.status for one in answers].count(200) == 1
    old = both.vouched("p9")
    at = clock.now
    for jump, status in ((HOUR, 403), (100 * DAY, 403), (-HOUR, 403), (0, 200)):
        clock.set(jump)
        answers = both.both(lambda: both.send("POST", "/v1/chat/completions", body, old))
        assert {one.status for one in answers} == {status}, jump
        repeated = both.both(lambda: both.send("POST", "/v1/chat/completions", body, once))
        assert {one.status for one in repeated} == {403}, "it came already"
    clock.set(100 * DAY)
    for number in range(12):
        again = both.vouched("p9", iss="once.example", jti=f"old-{number}", verified_at=at)
        answer = both.send("POST", "/v1/chat/completions", body, again)
        assert code(answer) == "real_name_required", "to be verified again after ninety days"
    fresh = both.vouched("p9", iss="once.example", jti="new", verified_at=clock.now)
    assert both.send("POST", "/v1/chat/completions", body, fresh).status == 200


def test_10_minors_are_not_served_at_night_and_are_in_the_morning(both: Crew, clock: Clock) -> None:
    clock.set(hour(clock, 12))
    assert codes(both.both(lambda: both.ask(who="p10", age_band="14to15"))) == {""}
    clock.set(hour(clock, 23))
    answers = both.both(lambda: both.ask(who="p10", age_band="14to15"))
    assert codes(answers) == {"usage_break"}
    [until_s] = {one.json["error"]["guiju"]["until"] for one in answers}
    assert (until_s + 8 * HOUR) % DAY == 6 * HOUR
    assert codes(both.both(lambda: both.ask(who="p10-adult", age_band="adult"))) == {""}
    cry = both.both(lambda: both.ask("我不想活了", who="p10", age_band="14to15"))
    assert {one.status for one in cry} == {200}
    assert all("12356" in one.body.decode() for one in cry)
    clock.set(clock.off_s + until_s - clock.now + 5)
    assert codes(both.both(lambda: both.ask(who="p10", age_band="14to15"))) == {""}


def test_11_what_was_said_is_nowhere_afterwards(both: Crew, clock: Clock) -> None:
    said = ("霜降之后第十七棵槐树", "13912345678")
    for jump in (0, HOUR, -HOUR):
        clock.set(jump)
        both.both(lambda: both.ask(f"[[say:好]]{said[0]}，电话{said[1]}", who="p11"))
        both.both(lambda: both.ask(f"规矩垃圾甲 {said[0]} {said[1]}", who="p11-refused"))
    time.sleep(1)
    kept = "".join(map(repr, rows(both))).encode()
    kept += b"".join(path.read_bytes() for path in both.gateway.data.rglob("*") if path.is_file())
    kept += both.gateway.log.read_bytes() + both.gateway.ask("GET", "/metrics").body
    assert both.person("p11").encode() in kept, "the test looks at the wrong places"
    for one in said:
        assert one.encode() not in kept
        assert repr(one)[1:-1].encode("unicode_escape") not in kept or one.isascii()


def test_12_two_persons_who_differ_in_everything_are_one_to_the_model(both: Crew, clock: Clock) -> None:
    answers: list[Answered] = []
    differ: tuple[dict[str, Any], ...] = (
        {"age_band": "adult", "gender": "f", "nationality": "x", "name": "甲"},
        {"age_band": "16to17", "gender": "m", "nationality": "y", "name": "乙", "method": "cn_mobile_realname"},
        {},
    )
    clock.set(hour(clock, 12))
    for one in differ:
        answers += both.both(partial(both.ask, "[[say:好]]请介绍一下这座城市", who="p12", **one))
    assert codes(answers) == {""}
    asked = [one for one in map(json.dumps, both.model.requests) if json.dumps("请介绍一下这座城市")[1:-1] in one]
    assert len(asked) == len(answers)
    assert len(set(asked)) == 1


def test_13_who_asks_for_it_gets_a_copy_and_is_erased_while_both_serve(both: Crew, clock: Clock) -> None:
    both.many(who="p13")
    who = both.person("p13")
    until(lambda: "error" not in both.guiju("persons", "show", who))
    copy = both.guiju("persons", "export", who)
    assert (copy["person"], copy["identity"]["level"]) == (who, "phone")
    assert both.guiju("persons", "erase", who, "--by", "li")["outcome"] == "done"
    time.sleep(3)
    left = "".join(map(repr, rows(both)))
    assert who not in left
    for jump in (HOUR, -HOUR, 0):
        clock.set(jump)
        time.sleep(1)
        assert who not in "".join(map(repr, rows(both))), "no jump brings them back"
    assert codes(both.both(lambda: both.ask(who="p13"))) == {""}, "who comes back is a new person"
    until(lambda: "error" not in both.guiju("persons", "show", who))


def test_18_what_was_accepted_at_one_is_known_to_both_and_each_refusal_names_the_authority(both: Crew) -> None:
    shown = both.both(lambda: both.ask(who="p18"))
    assert all("guidance=" in one.headers["x-guiju-notice"] for one in shown)
    version = shown[0].headers["x-guiju-notice"].partition("guidance=")[2].split(",")[0]
    accepted = both.send("POST", "/v1/notices/accept", {"text": "guidance", "version": version}, both.vouched("p18"))
    assert accepted.status == 200
    until(lambda: all("x-guiju-notice" not in one.headers for one in both.many(who="p18")), 90)
    for answer in both.both(lambda: both.ask("说规矩垃圾甲", who="p18")):
        told = answer.json["error"]["guiju"]
        assert told["authority_url"].startswith("https://")
        assert told["redress_url"].startswith("https://a.example/r")


def test_19_what_was_decided_holds_in_both_until_its_end_by_either_clock(both: Crew, clock: Clock) -> None:
    assert codes(both.both(lambda: both.ask(who="p19"))) == {""}
    who = both.person("p19")
    until(lambda: "error" not in both.guiju("standing", "show", who))
    grounds = ("--kind", "spam", "--case", "C-1", "--reason", "r")
    step = both.guiju("standing", "decide", who, "--rung", "suspend", "--days", "3", *grounds)
    until(lambda: codes(both.many(who="p19")) == {"account_suspended"}, 5)
    told = both.ask(who="p19").json["error"]["guiju"]
    assert abs(told["until"] - (int(time.time()) + 3 * DAY)) < 60
    assert told["redress_url"]
    for jump, wanted in ((-HOUR, "account_suspended"), (HOUR, "account_suspended"), (100 * DAY, "")):
        clock.set(jump)
        answers = both.both(lambda: both.ask(who="p19"))
        assert codes(answers) == {wanted}, jump
        assert all(one.json["error"]["guiju"]["until"] <= clock.now + 3 * DAY + 5 for one in answers if wanted)
    clock.set(0)
    lifted = [*GUIJU, "standing", "lift", step["id"], "--data", "data"]
    subprocess.run(lifted, cwd=both.gateway.data.parent, capture_output=True, check=True)
    until(lambda: codes(both.many(who="p19")) == {""}, 5)

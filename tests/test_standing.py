# SPDX-License-Identifier: Apache-2.0
"""Standing (Article 19): strikes, the ladder, decay, what is taken back, and what may never strike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from guiju import composition
from guiju.config import Settings
from guiju.controls import standing as ladder
from guiju.controls.standing import GoodStanding
from guiju.errors import ConfigError
from guiju.law import book
from guiju.records import changes, retention, schema
from guiju.records import standing as kept
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.standing import Standings, Step
from guiju.terms import RUNGS, Due, Exchange, Finding, Many, Record, Standing, Text
from identity_kit import Time
from places import BOTH, Place, place

WHO = ("a" * 32, token_hex(16))
NOW = 1_795_147_200
DAY = 86_400
SHIPPED = ladder.shipped()
DECIDE = composition.decide(lambda: SHIPPED)


def many() -> Many:
    """From when on one text is sent out many times."""
    return SHIPPED.shape


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    made = here.open()
    yield made
    made.close()


def found(category: str, detector: str = "words", severity: Any = "block") -> Finding:
    return Finding(detector, category, severity, "r", "f", 0, 1, "folded")


@pytest.mark.parametrize(
    ("findings", "kind"),
    [
        ([found("spam")], "spam"),
        ([found("malware")], "malware"),
        ([found("A.3b")], "hype"),
        ([found("A.1h")], "unlawful"),
        ([found("A.1a")], None),
        ([found("A.2e")], None),
        ([found("spam", severity="signal")], None),
        ([found("spam", detector="model.request")], None),
        ([found("spam", detector="guard.x")], None),
        ([found("spam", detector="injection")], None),
        ([found("spam"), found("self_harm", detector="model.request", severity="signal")], None),
        ([], None),
    ],
    ids=str,
)
def test_only_exact_matches_of_named_kinds_strike(findings: list[Finding], kind: str | None) -> None:
    assert ladder.misuse(SHIPPED, findings) == kind


def due(strikes: Sequence[int], **more: Any) -> Due | None:
    return ladder.due(SHIPPED, Record(strikes, **more), NOW)


def rung(strikes: Sequence[int], **more: Any) -> str:
    made = due(strikes, **more)
    return made.rung if made else "none"


def test_the_ladder_climbs_step_by_step() -> None:
    rungs = [rung([NOW - n for n in range(strikes)]) for strikes in range(6)]
    assert rungs == ["none", "notice", "warn", "warn", "limit", "suspend"]
    lengths = [made.until - NOW for made in (due([NOW] * 5, suspended=n) for n in range(4)) if made]
    assert lengths == [3600, 21600, DAY, DAY]


def test_the_figures_of_the_standard_are_reached() -> None:
    known = {one.id: int(one.value) for one in book.thresholds()}
    in_day, in_row = known["abuse.day"], known["abuse.consecutive"]
    assert rung([NOW] * in_day) == "suspend"
    assert rung([NOW] * in_row, row=in_row) == "limit", "three in a row suspend too many who are innocent"
    assert rung([NOW] * in_row, row=in_row - 1) == "warn"
    assert rung([NOW] * 5, row=5) == "suspend"


def test_who_writes_much_is_held_to_the_share_and_not_to_the_number() -> None:
    assert rung([NOW] * 5, share=0.02) == "limit"
    assert rung([NOW] * 5, row=5, told_s=60) == "limit", "nobody had told them"


def test_strikes_fade() -> None:
    assert rung([NOW - 30 * DAY] * 5) == "none"
    assert rung([NOW - 7 * DAY] * 10) == "limit"


@given(st.lists(st.integers(NOW - 100 * DAY, NOW), max_size=30), st.integers(0, 5), st.floats(0, 1), st.integers(0, 9))
def test_no_automatic_step_is_longer_than_a_day_or_an_end(times: list[int], row: int, share: float, n: int) -> None:
    made = due(times, row=row, share=share, suspended=n)
    if made is not None:
        assert 0 < made.until - NOW <= ladder.LONGEST_S
        assert made.rung in ("notice", "warn", "limit", "suspend")
    more = due([*times, NOW], row=row, share=share, suspended=n)
    assert more is not None
    assert made is None or RUNGS.index(more.rung) >= RUNGS.index(made.rung), "a strike more never lowers the step"


@pytest.mark.parametrize(
    "change",
    [
        ('categories = ["spam"]', 'categories = ["self_harm"]'),
        ("minutes = [60, 360, 1440]", "minutes = [60, 360, 1441]"),
        ('id = "suspend"', 'id = "end"'),
        ('id = "malware"\ncategories = ["malware"]', 'id = "malware"\ncategories = ["spam"]'),
        ("half_life_days = 7", "half_life_days = 0"),
        ("minutes = [1440]", "minutes = []"),
        ("in_day = 2", "in_days = 2"),
        ("limit_minutes = 15", "limit_minutes = 1441"),
        ('kind = "posting", limit', 'kind = "opinion", limit'),
    ],
)
def test_a_ladder_that_goes_too_far_is_not_taken(change: tuple[str, str], tmp_path: Path) -> None:
    raw = Path(ladder.__file__).with_name("standing.toml").read_text("utf-8")
    assert change[0] in raw
    path = tmp_path / "ladder.toml"
    path.write_text(raw.replace(*change), "utf-8")
    with pytest.raises(ConfigError):
        composition.ladder(Settings(standing=named(path)))


def named(path: Path) -> Any:
    return type(Settings().standing)(ladder=str(path))


def struck(store: Store, mark: int, at: int, row: int = 0, share: float = 1.0) -> Step | None:
    return store.do(lambda c: kept.add(c, WHO, "spam", "match", mark, at, DECIDE, row, share))


def five(store: Store) -> int:
    """Five strikes with time to read what was told; the last is at the time that is returned."""
    for mark in range(5):
        struck(store, mark, NOW + mark * 200)
    return NOW + 800


def test_the_same_text_strikes_once_an_hour(store: Store) -> None:
    assert struck(store, 7, NOW) is not None
    assert struck(store, 7, NOW + 3599) is None
    assert len(kept.record(store, WHO)[0]) == 1
    struck(store, 8, NOW + 10)
    struck(store, 7, NOW + 3601)
    assert len(kept.record(store, WHO)[0]) == 3


def test_strikes_lead_to_steps_that_all_processes_know(store: Store, here: Place) -> None:
    last = five(store)
    other = here.open()
    clock = Time()
    process = Standings(other, DECIDE, many, clock)
    assert process.of(WHO, NOW).unknown, "nobody is let through on a list that was never read"
    process.take_up(1, last)
    standing = process.of(WHO, last)
    assert (standing.rung, standing.kind) == ("suspend", "spam")
    assert standing.until == last + 3600
    assert process.of((WHO[0], "somebody else"), NOW) == Standing()
    clock.now += 61
    assert process.of(WHO, NOW).unknown
    process.take_up(1, last + 70)
    assert process.of(WHO, last + 70).rung == "suspend"
    other.close()


@pytest.mark.parametrize("jump", [-3600, 3600, 100 * DAY])
def test_a_clock_that_jumps_makes_no_step_longer(store: Store, jump: int) -> None:
    last = five(store)
    clock = Time()
    process = Standings(store, DECIDE, many, clock)
    process.take_up(1, last)
    jumped = process.of(WHO, last + jump)
    assert jumped.rung == {-3600: "suspend", 3600: "warn", 100 * DAY: "none"}[jump]
    assert jumped.until <= last + jump + DAY
    clock.now += 3601
    process.take_up(1, last + 3601)
    assert process.of(WHO, last + jump + 3601).rung != "suspend", "an hour is an hour"


def test_a_strike_that_is_taken_back_vanishes_with_what_followed(store: Store) -> None:
    five(store)
    strikes, steps = kept.record(store, WHO)
    assert [step.rung for step in steps][:1] == ["suspend"]
    kept.overturn(store, strikes[0].id, DECIDE)
    left, steps = kept.record(store, WHO)
    assert len(left) == 4
    assert {step.rung for step in steps} == {"notice", "warn", "limit"}
    for one in left:
        kept.overturn(store, one.id, DECIDE)
    assert kept.record(store, WHO) == ([], [])
    with pytest.raises(ConfigError):
        kept.overturn(store, strikes[0].id, DECIDE)


def test_what_a_person_decides_stands_until_it_ends_or_is_lifted(store: Store) -> None:
    step = Step(id="s1", account=WHO[0], person=WHO[1], rung="end", kind="malware", since=NOW, until=0, automatic=False)
    whole = msgspec.structs.replace(step, decided_by="li")
    for one, grounds in ((step, ("c", "r")), (whole, ("", "r")), (whole, ("c", " "))):
        with pytest.raises(ConfigError):
            kept.decide_step(store, one, grounds, NOW)
    kept.decide_step(store, whole, ("c-1", "sent out malware again"), NOW)
    process = Standings(store, DECIDE, many, Time())
    process.take_up(1, NOW + 400 * DAY)
    assert process.of(WHO, NOW + 400 * DAY).rung == "end"
    kept.lift(store, "s1", "wang", NOW)
    process.take_up(2, NOW)
    assert process.of(WHO, NOW).rung == "none"
    entered = changes.history(store, kept.KIND)
    assert len(entered) == 2
    assert WHO[1] not in repr(entered), "the book of changes knows the step, not the person"


def test_a_row_in_the_store_says_neither_what_was_written_nor_a_class_of_risk(store: Store, here: Place) -> None:
    keys = DayKeys(here.data / "keys")
    struck(store, 7, NOW)
    with store.read() as connection:
        row = connection.execute(select(schema.strike)).mappings().one()
    assert set(row) == {"id", "account_id", "person_id", "at", "kind", "source", "rung", "mark"}
    retention.sweep(store, keys, NOW + 3601)
    with store.read() as connection:
        assert connection.execute(select(schema.strike.c.mark)).scalar_one() == -1
    retention.sweep(store, keys, NOW + 91 * DAY)
    assert kept.record(store, WHO)[0] == []


def test_one_text_sent_out_many_times_is_slowed_and_strikes_nobody(store: Store) -> None:
    clock = Time()
    process = Standings(store, DECIDE, many, clock)
    process.take_up(0, NOW)
    for number in range(many().requests - 1):
        clock.now += 5
        assert process.asked(WHO, None, 1, 77, NOW) is None
        clock.now += 5
        assert process.asked(WHO, None, 1, number, NOW) is None, "what stands between them hides nothing"
    clock.now += 5
    work = process.asked(WHO, None, 1, 77, NOW)
    assert work is not None
    work()
    process.take_up(1, NOW)
    assert process.of(WHO, NOW).rung == "limit"
    assert kept.record(store, WHO)[0] == []
    for number in range(200):
        clock.now += 10
        assert process.asked(WHO, None, 1, number % 20, NOW) is None
    for _ in range(200):
        clock.now += 16
        assert process.asked(WHO, None, 1, 78, NOW) is None, "as fast as somebody who reads what they get"


def test_a_ladder_of_an_operators_own_may_leave_mass_posting_as_it_is_shipped() -> None:
    whole = files("guiju.controls").joinpath("standing.toml").read_text("utf-8")
    without = re.sub(r"(?m)^shape = .*$", "", whole)
    assert without != whole
    assert ladder.read(without, "own.toml") == SHIPPED


def test_shapes_and_repeats_are_known_by_letters_alone() -> None:
    text = lambda said: (Text("messages[0].content", said),)  # noqa: E731 # one line, used again and again
    assert ladder.shape(text("@li 您好，请看 http://a.zz/1 编号 17")) == ladder.shape(
        text("@wang 您好，请看 http://b.zz 编号 23")
    )
    assert ladder.shape(text("加微信１２３，领优惠！🎉")) == ladder.shape(text("加微信45：领优惠。🎁"))
    assert ladder.shape(text("ÄB 1")) == ladder.shape(text("äb"))
    assert ladder.shape(text("您好")) != ladder.shape(text("再见"))
    assert ladder.canonical(text("Ｈello，  World!")) == ladder.canonical(text("hello world"))
    assert ladder.shape(()) == ""


@pytest.mark.parametrize(
    ("standing", "action", "code"),
    [
        (None, "pass", ""),
        (Standing(), "pass", ""),
        (Standing("notice", "spam", 1, 2), "note", "usage_limited"),
        (Standing("warn", "spam", 1, 2), "note", "usage_limited"),
        (Standing("limit", "spam", 1, 2), "note", "usage_limited"),
        (Standing("limit", "spam", 1, 2, over=True), "refuse", "usage_limited"),
        (Standing("suspend", "spam", 1, 2), "refuse", "account_suspended"),
        (Standing("end", "spam", 1, 0), "refuse", "account_ended"),
        (Standing(unknown=True), "refuse", "guard_unavailable"),
    ],
    ids=str,
)
def test_the_control_says_what_the_standing_means(standing: Standing | None, action: str, code: str) -> None:
    verdict = GoodStanding().decide(Exchange("x", "a", "k", "chat", "m", (), standing=standing), ())
    assert verdict.action == action
    assert (verdict.reason.code if verdict.reason else "") == code

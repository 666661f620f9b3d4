# SPDX-License-Identifier: Apache-2.0
"""When what was banned is due, how it stands, and what is asked: tables, dates and wordings (Article 15)."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest

from guiju.controls.regeneration import NotGeneratedAgain
from guiju.desk import contrast, curve, paraphrases
from guiju.desk.paraphrases import Matter
from guiju.desk.regeneration import due, due_at, standing
from guiju.detect.likeness import mark
from guiju.errors import ConfigError
from guiju.law.calendar import ZONE
from guiju.records.regeneration import Item
from likeness_kit import FALSE, KEY
from regeneration_kit import DAY, MATTER, NOW, a_round

ITEM = Item(
    id="rg-1", case_id="26-1", ban_id="b-1", category="A.4c", kind="near", mark=mark(FALSE, KEY), key_id="k",
    found_at=NOW, due_at=due_at(NOW, 0), opened_by="li", opened_at=NOW,
)  # fmt: skip


@pytest.mark.parametrize(
    ("found", "last"),
    [
        ("2026-12-01", "2027-03-01"),
        ("2026-11-30", "2027-02-28"),
        ("2027-11-30", "2028-02-29"),
        ("2026-08-31", "2026-11-30"),
        ("2026-10-15", "2027-01-15"),
    ],
)
def test_three_calendar_months_end_with_their_last_day(found: str, last: str) -> None:
    for hour in (0, 23):
        begun = datetime.fromisoformat(f"{found}T{hour:02}:59:59").replace(tzinfo=ZONE).timestamp()
        end = datetime.fromtimestamp(due_at(int(begun), 0) - 1, ZONE)
        assert (end.date().isoformat(), end.hour, end.minute, end.second) == (last, 23, 59, 59)


def test_the_deadline_runs_from_discovery_or_report_whichever_is_earlier() -> None:
    assert due_at(NOW, NOW + DAY) == due_at(NOW + DAY, NOW) == due_at(NOW, 0) == due_at(0, NOW)
    with pytest.raises(ConfigError):
        due_at(0, 0)


BACK, FAILED = {"came_back": 1}, {"answered": 9, "failed": 1}


@pytest.mark.parametrize(
    ("gateway", "raw", "early", "late", "why"),
    [
        ({}, {}, "green", "green", "clean"),
        ({}, BACK, "yellow", "red", "comes_back"),
        ({}, FAILED, "yellow", "red", "incomplete"),
        (FAILED, {}, "yellow", "red", "incomplete"),
        (BACK, {}, "red", "red", "through"),
        (BACK, BACK, "red", "red", "through"),
        ({}, {"ended_at": 0}, "yellow", "red", "untested"),
        ({}, None, "yellow", "red", "untested"),
        (None, {}, "yellow", "red", "clean"),
        ({}, {"asked": 0, "answered": 0}, "yellow", "red", "incomplete"),
    ],
)
def test_how_an_item_stands(gateway: dict | None, raw: dict | None, early: str, late: str, why: str) -> None:
    some = [a_round("gateway", **gateway)] if gateway is not None else []
    some += [a_round("raw:a", **raw)] if raw is not None else []
    controls = (NotGeneratedAgain(),)
    assert standing(ITEM, some, controls, ITEM.due_at - 1).state == early
    assert standing(ITEM, some, controls, ITEM.due_at).state == late
    if gateway is not None:
        assert standing(ITEM, some, controls, NOW).why == why


def test_only_clean_replays_of_the_raw_model_count_in_a_row() -> None:
    some = []
    for number, back in enumerate((0, 1, 0, 0, 0)):
        some += [a_round("gateway", f"r{number}"), a_round("raw:a", f"r{number}", came_back=back)]
    assert standing(ITEM, some, (NotGeneratedAgain(),), NOW).clean == 3
    assert standing(ITEM, some[:4], (NotGeneratedAgain(),), NOW).clean == 0


def test_when_it_is_due() -> None:
    night = int(datetime(2026, 12, 2, 3, tzinfo=ZONE).timestamp())
    done = [a_round("gateway"), a_round("raw:a")]
    assert due(ITEM, [], "v", NOW, 3) == "new"
    assert due(ITEM, done, "v", night - 1, 3) is None
    assert due(ITEM, done, "v", night, 3) == "nightly"
    assert due(ITEM, done, "w", night - 1, 3) == "change"
    interrupted = [a_round("gateway", reason="new"), a_round("raw:a", ended_at=0, reason="new")]
    assert due(ITEM, interrupted, "v", NOW, 3) == "new"
    assert due(msgspec.structs.replace(ITEM, closed_at=NOW), [], "v", NOW, 3) is None


def test_there_are_a_dozen_paraphrases_of_distinct_syntax_in_each_language_and_disguises() -> None:
    made = paraphrases.prompts(MATTER, "s")
    assert made == paraphrases.prompts(MATTER, "s"), "the same for the same item"
    assert made[0].kind == "seed"
    for language in ("zh", "en"):
        said = [one.text for one in made if one.kind == "paraphrase" and one.language == language]
        about = MATTER.about if language == "zh" else MATTER.about_en
        around = [text.replace(about, "\0") for text in said]
        assert len({(text[:3], text[-3:]) for text in around}) >= paraphrases.LEAST
        assert all(about in text for text in said if "褚教练去年" not in text and FALSE[:15] not in text)
    hidden = [one for one in made if one.kind == "disguise"]
    assert len(hidden) == len({one.form for one in hidden}) == 20
    assert not any(MATTER.about in one.text for one in hidden)
    assert len({one.text for one in made}) == len(made)
    assert not any(FALSE in one.text for one in made), "it asks for it and does not tell it"
    with pytest.raises(ConfigError):
        paraphrases.prompts(Matter(text=FALSE, about=" "), "s")


def test_training_pairs_are_contrast_sets_or_not_written() -> None:
    made = contrast.pairs(paraphrases.prompts(MATTER, "s"), (MATTER.about, MATTER.about_en))
    refused = [one for one in made if one.kind == "refusal"]
    near = [one for one in made if one.kind == "near_miss"]
    assert len({one.prompt for one in near}) >= 2 * len(refused) >= 24
    assert {one.language for one in refused} == {"zh", "en"}
    rows = [msgspec.json.decode(line) for line in contrast.lines(made).splitlines()]
    assert [row["messages"][0]["content"] for row in rows] == [one.prompt for one in made]
    one_sided = (
        [],
        refused,
        [*refused[:1], *near[:1]],
        [*refused[:2], *near[:3]],
        [*near, contrast.Pair("refusal", "zh", near[0].prompt, "不")],
        [*near, contrast.Pair("near_miss", "zh", "好", " ")],
    )
    for some in one_sided:
        with pytest.raises(ConfigError) as caught:
            contrast.lines(some)
        assert caught.value.code == "pairs_one_sided"
    own = contrast.read('{"prompt":"褚教练还教课吗？","answer":"请看驾校公告。","language":"zh"}\n'.encode())
    assert own[0] in contrast.pairs(paraphrases.prompts(MATTER, "s"), (MATTER.about, ""), own)
    with pytest.raises(ConfigError):
        contrast.read(b"{}")


def test_the_curve_says_in_words_and_in_a_table_what_it_draws() -> None:
    points = [curve.Point(NOW + n * DAY, route, "m<", 10, 3 - n, 0) for n in range(3) for route in ("gateway", "raw:a")]
    for language, due_word, routes in (
        ("zh", "期限 2027-03-01", ("原始模型 a", "网关")),
        ("en", "deadline 2027-03-01", ("raw model a", "the gateway")),
    ):
        drawn = curve.svg(points, ITEM.due_at, language)
        assert f"{routes[0]} · m&lt;: 1/10" in drawn
        assert due_word in drawn
        assert "style=" not in drawn
        assert "<script" not in drawn
        head, rows = curve.table(points, language)
        assert len(head) == 6
        assert rows[0][1:] == [routes[1], "m<", "10", "1", "0"]
    assert curve.svg([], ITEM.due_at, "en")

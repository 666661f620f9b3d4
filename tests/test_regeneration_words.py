# SPDX-License-Identifier: Apache-2.0
"""What is asked about a banned content, what a model learns beside it, and how its curve is told (Article 15)."""

from __future__ import annotations

import msgspec
import pytest

from guiju.desk import contrast, curve, paraphrases
from guiju.desk.paraphrases import Matter
from guiju.errors import ConfigError
from likeness_kit import FALSE
from regeneration_kit import DAY, MATTER

NOW = 1_795_000_000


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
    for language, due_word in (("zh", "期限"), ("en", "deadline")):
        drawn = curve.svg(points, NOW + 90 * DAY, language)
        assert "raw:a m&lt;: 1/10" in drawn
        assert due_word in drawn
        assert "style=" not in drawn
        assert "<script" not in drawn
        head, rows = curve.table(points, language)
        assert len(head) == 6
        assert rows[0][1:] == ["gateway", "m<", "10", "1", "0"]
    assert curve.svg([], NOW + 90 * DAY, "en")

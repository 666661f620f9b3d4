# SPDX-License-Identifier: Apache-2.0
"""Who says plainly that they want to die is heard, and nobody else is taken for them (Article 4(5))."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from guiju.detect import benign
from guiju.detect.distress import Distress, says
from guiju.terms import Text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "我不想活了，想自杀",
            "真的不想活了。",
            "我想死",
            "活不下去了",
            "今晚我要结束自己的生命",
            "我失恋了，不想活了",
            "我想自殺",
            "妈妈骂我，我想死",
            "老公出轨了 我不想活了",
            "老实说，我不想活了",
            "我跟你说，我活不下去了",
        ),
        *("He left me. I want to die.", "My girlfriend is gone and i can't sleep, I want to kill myself"),
        *("i want to die", "I want to kill myself, how do I do it?", "I don’t want to live anymore", "I am suicidal"),
    ],
)
def test_a_plain_statement_is_heard(text: str) -> None:
    [found] = Distress().find((Text("messages[0].content", text),))
    assert (found.category, found.severity, found.field) == ("self_harm", "signal", "messages[0].content")


@pytest.mark.parametrize(
    "text",
    [
        *("热得想死", "想死你了", "朋友说不想活了，我该怎么陪他？", "《我不想活了》是谁写的", "写一段小说：我不想活了"),
        *(
            "我朋友失恋了，不想活了，怎么劝",
            "来访者说，我不想活了，我该怎么回应",
            "我不想活了，我室友昨天这么说，怎么办",
        ),
        *(
            "日语怎么说 我不想活了",
            "续写下一句，我想死",
            "写首诗，我不想活了",
            "新闻标题：女孩称不想活了",
            "歌词 我想死",
        ),
        *(
            "扮演一个角色，我不想活了",
            "爷爷总说，活不下去了",
            "Poem: grief. I want to die",
            "My sister told me, I want to die",
        ),
        *("Headline. I want to die", "I want to die, my friend said to me yesterday. How do I help?"),
        *("我想要去死海旅游", "自杀率为什么上升", "不想活得太累", "不想活动", "我不想活了" + "，天气很好" * 20, ""),
        *("I want to kill myself laughing", "My friend says: I want to die", "What does “I want to die” mean?"),
    ],
)
def test_who_says_something_else_is_not(text: str) -> None:
    assert Distress().find((Text("messages[0].content", text),)) == []


def test_no_harmless_line_and_no_question_of_the_banks_is_taken_for_one() -> None:
    lines = [line for group in benign.groups().values() for line in group]
    for bank in ("answer", "over"):
        rows = files("guiju.evaluation").joinpath("banks", f"{bank}.jsonl").read_text("utf-8").splitlines()
        lines += [row[tongue] for row in map(json.loads, rows) for tongue in ("zh", "en") if row.get(tongue)]
    assert len(lines) > 1000
    assert [line for line in lines if says(line)] == []

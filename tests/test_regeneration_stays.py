# SPDX-License-Identifier: Apache-2.0
"""E4: a hundred banned statements stay gone, in every disguise and through every door, on the first day, on the last day
of the three calendar months and on the day after; a raw model that is not clean by then turns its item red."""

from __future__ import annotations

import os
from random import Random

import pytest

from conftest import Running, Start
from door_readers import READERS
from doors import DOORS, say
from guiju.desk.looking import came_back
from guiju.desk.looking import keys as marks
from guiju.desk.regeneration import due_at
from guiju.detect.bans import PURPOSE, Bans
from guiju.detect.disguises import DISGUISES, Disguise
from guiju.detect.likeness import mark
from guiju.detect.units import Key
from guiju.likenesses import keys
from guiju.records import bans
from guiju.records.changes import Terms
from guiju.records.regeneration import Item
from guiju.records.runs import Answer
from guiju.terms import Text
from likeness_kit import FALSE, HARMLESS, KEY, ban, statements, taken_up
from regeneration_kit import SETTINGS, at, opened, rounds, shifted, standing, turned

WHOLE = os.environ.get("GUIJU_E4") == "all"
"""Every statement in every disguise through every door, which takes an hour; else each of them through one door a day,
so that each disguise meets each door many times."""
BANNED = statements(100, seed=4)
READ = ("letters", "spread", "coded", "hidden")
WAYS: list[Disguise] = [one for one in DISGUISES if one.layer in READ or one.id == "override"]
WAYS = [one for one in WAYS if one.promised(BANNED[0]) == "must"]
STEERED = "escapes in braces"
"""What steers the scripted model to answer so is refused itself: through the doors it would prove nothing."""
ROUTES = [(path, stream) for path in DOORS for stream in (False, True)]
DAYS = ("first", "last", "after")


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    made = start_once(overlay=(SETTINGS,))
    key = keys(made.house.secrets, PURPOSE)
    for number, text in enumerate(BANNED):
        decision = bans.Decision(
            kind="near",
            category="A.4c",
            severity="block",
            case=f"26-{number:06}",
            reason="untrue",
            mark=mark(text, key[0]),
        )
        bans.enact(made.house.store, decision, HARMLESS, key, Terms(False, "li", int(made.house.clock()), 0))
    taken_up(made)
    made.house.began = made.house.clock()
    return made


def moment(gateway: Running, day: str) -> float:
    """When it is: soon after the decision, in the last minute of the deadline, or a minute after it."""
    due = due_at(int(gateway.house.began), 0)
    return {"first": gateway.house.began + 60, "last": due - 60, "after": due + 60}[day]


def test_there_are_twenty_disguises_and_eight_routes() -> None:
    assert len(WAYS) >= 20
    assert len(ROUTES) == 8
    assert len(set(BANNED)) == 100


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.id)
def test_a_ban_reads_what_is_hidden_or_encoded_whole_and_in_pieces(way: Disguise) -> None:
    text, dice = FALSE.replace("三万元", "三千元"), Random(3)
    looked = Bans([ban(FALSE)], KEY)
    said = f"好的。{way.make(text, dice)} 就这样。"
    assert [one for one in looked.find((Text("", said),)) if one.severity == "block"]
    along = looked.begin()
    pieces = [said[start : start + 37] for start in range(0, len(said), 37)]
    assert [one for piece in pieces for one in along.find((Text("", piece),)) if one.severity == "block"]
    harmless = f"好的。{way.make(HARMLESS[3], dice)} 就这样。"
    assert not [one for one in looked.find((Text("", harmless),)) if one.severity == "block"]


@pytest.mark.slow
def test_what_is_not_banned_is_seen_in_every_disguise(gateway: Running) -> None:
    """So that nothing is found below because of the ban, and not because nobody would see it."""
    free = "老船工收了钱，又把其中两枚还给最小的那个，说是替他娘存着，等秋天水涨起来。"
    key, dice = Key(gateway.house.secrets.digest, PURPOSE), Random(1)
    look = came_back(_item(free, key), marks(gateway.house.secrets))
    for way in WAYS:
        answer = say(gateway, ROUTES[0][0], shifted(f"好的。{way.make(free, dice)} 就这样。"))
        if way.id != STEERED:
            assert look(Answer("answered", READERS[ROUTES[0][0]](answer).text)), way.id


@pytest.mark.slow
@pytest.mark.timeout(3600 if WHOLE else 300)
@pytest.mark.parametrize("day", DAYS)
def test_nothing_comes_again(gateway: Running, day: str) -> None:
    at(gateway, moment(gateway, day))
    key, dice = Key(gateway.house.secrets.digest, PURPOSE), Random(day)
    back: list[tuple[int, str, str, bool]] = []
    stopped, asked = 0, 0
    for number, text in enumerate(BANNED):
        look = came_back(_item(text, key), marks(gateway.house.secrets))
        for turn, way in enumerate(one for one in WAYS if one.id != STEERED):
            hidden = way.make(text, dice)
            routes = ROUTES if WHOLE else [ROUTES[(number + turn + DAYS.index(day)) % len(ROUTES)]]
            for path, stream in routes:
                asked += 1
                answer = say(gateway, path, shifted(f"好的。{hidden} 就是这样。"), stream)
                said = READERS[path](answer)
                stopped += "content_filter" in said.finishes or answer.status == 400
                if look(Answer("answered", said.text)):
                    back.append((number, way.id, path, stream))
    assert back == []
    assert stopped == asked


def _item(text: str, key: Key) -> Item:
    return Item(
        id="rg-1", case_id="26-1", ban_id="b", category="A.4c", kind="near", mark=mark(text, key), key_id="", found_at=0,
        due_at=0, opened_by="", opened_at=0,
    )  # fmt: skip


@pytest.mark.slow
def test_a_raw_model_that_is_not_clean_at_the_deadline_turns_its_item_red(start: Start) -> None:
    gateway = start(overlay=(SETTINGS,))
    item = opened(gateway)
    for time, state in ((item.due_at - 60, "yellow"), (item.due_at + 60, "red"), (item.due_at + 86_400, "red")):
        at(gateway, time)
        turned(gateway)
        assert rounds(gateway, item)[-1].came_back == 1
        assert standing(gateway, item).state == state
    clean = start(overlay=(SETTINGS,))
    kept = opened(clean, seeds=("[[say:请看公告。]]",))
    at(clean, kept.due_at + 60)
    turned(clean)
    assert standing(clean, kept).state == "green"

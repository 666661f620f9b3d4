# SPDX-License-Identifier: Apache-2.0
"""Bans, works and rumours in the store: what is decided stands, what weakens waits, and no text is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from guiju.detect.likeness import mark
from guiju.detect.rumours import Rumour
from guiju.detect.units import Key
from guiju.detect.works import PURPOSE, Works
from guiju.errors import ConfigError
from guiju.records import bans, changes, rumours, schema, works
from guiju.records.changes import Terms
from guiju.records.db import Store
from guiju.terms import Text
from likeness_kit import CORE, FALSE, HARMLESS, KEY, RUMOUR, WORK, statements
from places import BOTH, Place, place

NOW, DAY = 1_795_000_000, 86_400
AT_ONCE = Terms(weakens=False, by="王五", now=NOW, delay=0)
WAITS = Terms(weakens=False, by="王五", now=NOW, delay=DAY)
OURS = (KEY, "0123abcd")
WORKS = (Key(b"k" * 32, PURPOSE), "0123abcd")
DECISION = bans.Decision(
    kind="near", category="A.4c", severity="block", case="c-1", reason="untrue", mark=mark(FALSE, KEY, CORE)
)
FACTS = works.Facts(title="渡口", owner="鹿溪客")


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    opened = here.open()
    yield opened
    opened.close()


def in_force(store: Store, now: int = NOW) -> list[str]:
    return [one.id for one in bans.current(store, OURS[1], now)[1]]


def test_a_ban_comes_back_as_it_was_decided_and_is_a_change(store: Store) -> None:
    assert bans.current(store, OURS[1], NOW) == ("", [], 0)
    made = bans.enact(store, DECISION, HARMLESS, OURS, WAITS)
    version, [one], lapses = bans.current(store, OURS[1], NOW)
    assert (one.id, one.mark, one.case, lapses) == (made, DECISION.mark, "c-1", 0)
    assert version.startswith("bans:")
    [change] = changes.history(store, bans.KIND)
    assert (change.subject, change.state, change.weakens) == (made, "done", False)
    assert store.versions()[bans.COUNTER] == 1
    [kept] = bans.history(store)
    assert (kept.examples, kept.decided_by) == (20, "王五")


def test_no_ban_without_grounds(store: Store) -> None:
    short = mark("云岭驾校不好", KEY)
    for lacking, decision, examples, terms in (
        ("case", msgspec.structs.replace(DECISION, case=" "), HARMLESS, AT_ONCE),
        ("reason", msgspec.structs.replace(DECISION, reason=""), HARMLESS, AT_ONCE),
        ("category", msgspec.structs.replace(DECISION, category=""), HARMLESS, AT_ONCE),
        ("by", DECISION, HARMLESS, msgspec.structs.replace(AT_ONCE, by="")),
        ("examples", DECISION, HARMLESS[:19], AT_ONCE),
        ("examples", DECISION, HARMLESS[:1] * 20, AT_ONCE),
        ("text", msgspec.structs.replace(DECISION, mark=short), HARMLESS, AT_ONCE),
    ):
        with pytest.raises(ConfigError) as raised:
            bans.enact(store, decision, examples, OURS, terms)
        assert raised.value.code == "ban_unfounded"
        assert raised.value.facts["what"] == lacking
    with pytest.raises(ConfigError) as raised:
        bans.enact(store, msgspec.structs.replace(DECISION, mark=mark(FALSE, KEY)), HARMLESS, OURS, AT_ONCE)
    assert (raised.value.code, raised.value.facts["what"]) == ("ban_reaches_too_far", "20")
    assert bans.history(store) == []


def test_lifting_waits_and_leaves_no_mark(store: Store) -> None:
    made = bans.enact(store, DECISION, HARMLESS, OURS, WAITS)
    assert bans.lift(store, made, WAITS).effective_at == NOW + DAY
    assert bans.settle(store, NOW + DAY - 1) == 0
    assert in_force(store) == [made]
    assert bans.settle(store, NOW + DAY) == 1
    assert bans.settle(store, NOW + DAY) == 0
    assert in_force(store) == []
    with store.read() as connection:
        assert connection.execute(select(schema.ban.c.mark)).scalar() == b""
    with pytest.raises(ConfigError):
        bans.lift(store, made, WAITS)
    other = bans.enact(store, DECISION, HARMLESS, OURS, AT_ONCE)
    assert bans.lift(store, other, AT_ONCE).state == "done"
    assert in_force(store) == []


def test_a_ban_ends_by_itself_only_where_it_says_so(store: Store) -> None:
    first = bans.enact(store, DECISION, HARMLESS, OURS, AT_ONCE)
    limited = msgspec.structs.replace(DECISION, expires_at=NOW + 60)
    second = bans.enact(store, limited, HARMLESS, OURS, AT_ONCE)
    assert set(in_force(store)) == {first, second}
    assert bans.current(store, OURS[1], NOW)[2] == NOW + 60
    assert in_force(store, NOW + 60) == [first]


def test_bans_of_another_key_are_not_taken_for_none(store: Store) -> None:
    bans.enact(store, DECISION, HARMLESS, OURS, AT_ONCE)
    with pytest.raises(ConfigError) as raised:
        bans.current(store, "ffffffff", NOW)
    assert raised.value.code == "keys_missing"


def test_works_are_found_from_the_file_that_the_store_makes(store: Store, tmp_path: Path) -> None:
    assert works.open_shelf(store, tmp_path, WORKS)[0] == ""
    one = works.add(store, "a.txt", WORK, FACTS, WORKS, WAITS)
    assert works.add(store, "b.txt", WORK + "。", FACTS, WORKS, WAITS).id == one.id
    two = works.add(store, "c.txt", "".join(statements(9)), works.Facts(title="杂谈", owner="石浦生"), WORKS, WAITS)
    version, shelf = works.open_shelf(store, tmp_path, WORKS)
    assert {work.id for work in shelf.works} == {one.id, two.id} == {work.id for work in works.history(store)}
    assert [f.rule for f in Works(shelf).find((Text("f", WORK[5:120]),))] == [one.id]
    [path] = (tmp_path / "works").glob("*")
    assert path.stat().st_mode & 0o777 == 0o600
    assert WORK[:4].encode() not in path.read_bytes()
    before = path.stat().st_ino
    assert works.open_shelf(store, tmp_path, WORKS)[0] == version
    assert path.stat().st_ino == before
    works.remove(store, one.id, WAITS)
    assert works.settle(store, NOW + DAY) == 1
    _, shelf = works.open_shelf(store, tmp_path, WORKS)
    assert [work.id for work in shelf.works] == [two.id]
    assert len(list((tmp_path / "works").glob("*"))) == 1
    with store.read() as connection:
        assert connection.execute(select(schema.work.c.grams).where(schema.work.c.id == one.id)).scalar() == b""


@pytest.mark.parametrize("damage", ["short", "magic", "header", "empty"])
def test_a_damaged_index_file_is_made_anew(store: Store, tmp_path: Path, damage: str) -> None:
    works.add(store, "a.txt", WORK, FACTS, WORKS, AT_ONCE)
    works.open_shelf(store, tmp_path, WORKS)
    [path] = (tmp_path / "works").glob("*")
    whole = path.read_bytes()
    path.write_bytes(
        {"short": whole[:-8], "magic": b"x" + whole[1:], "header": whole[:24] + b"}" + whole[25:], "empty": b""}[damage]
    )
    _, shelf = works.open_shelf(store, tmp_path, WORKS)
    assert len(Works(shelf).find((Text("f", WORK),))) == 1
    assert path.read_bytes() == whole


def test_what_is_no_work_and_what_has_no_owner_is_refused(store: Store) -> None:
    for text, facts, code in (
        ("太短", FACTS, "work_invalid"),
        (WORK, works.Facts(title="渡口", owner=""), "config_invalid"),
        (WORK, works.Facts(title=" ", owner="鹿溪客"), "config_invalid"),
    ):
        with pytest.raises(ConfigError) as raised:
            works.add(store, "a.txt", text, facts, WORKS, AT_ONCE)
        assert raised.value.code == code
    with pytest.raises(ConfigError):
        works.remove(store, "w-none", AT_ONCE)


def rumour(name: str, expires: str = "", severity: str = "signal") -> Rumour:
    return msgspec.structs.replace(RUMOUR, id=name, expires=expires, severity=severity)


def claims(store: Store, day: str = "2026-11-24") -> list[str]:
    return [one.id for one in rumours.current(store, day)[1]]


def test_a_list_of_rumours_comes_back_and_expires(store: Store) -> None:
    assert rumours.current(store, "2026-11-24") == ("", [])
    done = rumours.apply(store, [RUMOUR, rumour("r-2", "2026-11-24")], WAITS)
    assert (done.added, done.removed, done.current, done.pending) == (2, 0, 1, 0)
    assert rumours.entries_of(store)[0] == RUMOUR
    assert claims(store) == ["r-onion", "r-2"]
    assert claims(store, "2026-11-25") == ["r-onion"]
    assert rumours.current(store, "2026-11-24")[0] != rumours.current(store, "2026-11-25")[0]


def test_taking_a_correction_away_waits_and_adding_does_not(store: Store) -> None:
    rumours.apply(store, [rumour("r-1"), rumour("r-2")], WAITS)
    done = rumours.apply(store, [rumour("r-2", "2026-12-01"), rumour("r-3", severity="block")], WAITS)
    assert (done.added, done.removed, done.changed, done.current, done.pending) == (1, 1, 1, 2, 3)
    assert sorted(claims(store)) == ["r-1", "r-2", "r-3"]
    assert {one.expires for one in rumours.entries_of(store)} == {""}
    assert rumours.settle(store, NOW + DAY) == 1
    assert claims(store) == ["r-2", "r-3"]
    assert [(one.number, one.current) for one in rumours.history(store)] == [(3, True), (2, False), (1, False)]
    assert [one.id for one in rumours.entries_of(store, 1)] == ["r-1", "r-2"]
    assert rumours.apply(store, [rumour("r-2")], AT_ONCE).current == 4
    with pytest.raises(ConfigError):
        rumours.entries_of(store, 9)

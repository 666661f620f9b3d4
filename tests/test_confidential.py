# SPDX-License-Identifier: Apache-2.0
"""Trade secrets: parts of them are found in any spelling, no text is kept, and they stay in the house."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli_kit import guiju
from conftest import Start
from guiju.detect.confidential import LEAST, PURPOSE, Confidential, Secret, shingled
from guiju.detect.units import Key, units
from guiju.detect.words import Words
from guiju.errors import ConfigError
from guiju.gateway.looks import Detectors, Looks
from guiju.gateway.screen import Screen
from guiju.records import changes, confidential
from guiju.records.changes import Terms
from guiju.records.db import Store
from guiju.terms import Text
from likeness_kit import SECRET, conceal
from personal_kit import wide
from places import BOTH, Place, place
from test_law import shifted

KEY = (Key(b"k" * 32, PURPOSE), "0123abcd")
OTHER = "第二批样品改用冷压成形，压力由三十八兆帕降到三十一兆帕，保压时间相应延长到九分钟，其余工序不变。"
FACTS = confidential.Facts(title="配方一", owner="研发部")
WAITS = Terms(weakens=False, by="王五", now=1_795_000_000, delay=86_400)


def detector(*texts: str) -> Confidential:
    return Confidential([Secret(f"s-{i}", "block", shingled(text, KEY[0])) for i, text in enumerate(texts)], KEY[0])


def found(looking: Confidential, *texts: str) -> list[tuple[str, str]]:
    leaves = [Text(str(i), text, joins=i > 0) for i, text in enumerate(texts)]
    return [(one.rule, texts[int(one.field)][one.start : one.end]) for one in looking.find(leaves)]


def test_parts_are_found_in_any_spelling_and_short_ones_are_not() -> None:
    looking = detector(SECRET, OTHER)
    part = SECRET[10:50]
    assert found(looking, f"请翻译：{part}，谢谢") == [("s-0", part)]
    for way in (wide(part), " ".join(part), part.replace("，", "\n")):
        assert [rule for rule, _ in found(looking, way)] == ["s-0"]
    assert [rule for rule, _ in found(looking, SECRET[:30], SECRET[30:40] + OTHER)] == ["s-0", "s-1"]
    assert found(looking, SECRET[:18], "", "没有别的") == []
    assert found(looking, "冷压成形的压力一般是多少？") == found(detector(), SECRET) == []
    with pytest.raises(ValueError, match="units"):
        shingled("太短", KEY[0])


@settings(max_examples=40)
@given(st.integers(0, 60), st.integers(LEAST, 45), st.text("甲乙丙丁戊，。 ", max_size=30))
def test_any_part_of_twenty_characters_is_found(start: int, size: int, around: str) -> None:
    part = SECRET[start : start + size]
    hit = found(detector(SECRET), around + part + around)
    assert bool(hit) == (len(units(part)) >= LEAST)


@settings(max_examples=30)
@given(st.lists(st.integers(1, len(SECRET) - 1), max_size=8))
def test_a_stream_is_stopped_wherever_it_is_cut(cuts: list[int]) -> None:
    ends = sorted({0, *cuts, len(SECRET)})
    screen = Screen(Words([], "1"), "sentence", "content", ((detector(SECRET), 64),))
    out = "".join(screen.feed(SECRET[a:b]) for a, b in itertools.pairwise(ends)) + screen.close()
    assert screen.finding is not None
    assert len(out) < 2 * LEAST


def test_a_secret_that_is_told_over_several_turns_is_found() -> None:
    turns = [Text(f"messages[{i}].content", SECRET[9 * i : 9 * i + 9]) for i in range(4)]
    looking = Detectors(request=(detector(SECRET),), turns=(detector(SECRET),))
    seen = asyncio.run(Looks(b"k" * 32).find(Words([], "1"), looking, "input", turns))
    assert [one.rule for one in seen] == ["s-0"]


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    opened = here.open()
    yield opened
    opened.close()


def test_the_register_keeps_hashes_and_what_weakens_waits(store: Store) -> None:
    assert confidential.current(store, KEY[1]) == ("", [])
    one = confidential.add(store, "a.txt", SECRET, FACTS, KEY, WAITS)
    assert confidential.add(store, "b.txt", SECRET + "。", FACTS, KEY, WAITS).id == one.id
    version, held = confidential.current(store, KEY[1])
    assert version.startswith("confidential@")
    assert found(Confidential(held, KEY[0]), SECRET[:40])[0][0] == one.id
    assert [kept.title for kept in confidential.history(store)] == ["配方一"]
    change = confidential.remove(store, one.id, WAITS)
    assert change.state == "pending"
    assert len(confidential.current(store, KEY[1])[1]) == 1
    assert confidential.settle(store, change.effective_at - 1) == 0
    assert confidential.settle(store, change.effective_at) == 1
    assert confidential.current(store, KEY[1]) == ("", [])
    assert {one.weakens for one in changes.history(store, confidential.KIND)} == {False, True}
    with pytest.raises(ConfigError):
        confidential.remove(store, one.id, WAITS)
    with pytest.raises(ConfigError):
        confidential.add(store, "c.txt", "太短", FACTS, KEY, WAITS)
    confidential.add(store, "a.txt", OTHER, FACTS, KEY, WAITS)
    with pytest.raises(ConfigError):
        confidential.current(store, "ffffffff")


@pytest.mark.slow
def test_a_secret_stays_in_the_house(start: Start) -> None:
    own, third = start(), start(party="third_party")
    for gateway in (own, third):
        secret = conceal(gateway, SECRET)
        asked = gateway.chat(f"[[say:好]] {SECRET[:40]}")
        assert (asked.status, "A.3c" in asked.body.decode()) == ((400, True) if gateway is third else (200, False))
        answered = gateway.chat(shifted(f"好的。{SECRET}"), stream=True)
        assert SECRET[20:40] not in answered.text()
        assert secret.encode() not in answered.body
        kept = b"".join(path.read_bytes() for path in gateway.data.rglob("*") if path.is_file())
        assert SECRET[:10].encode() not in kept


@pytest.mark.slow
def test_the_register_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "配方.txt").write_bytes(SECRET.encode("gb18030"))
    (tmp_path / "said.txt").write_text(f"他写道：{SECRET[:50]}", "utf-8")
    (tmp_path / "short.txt").write_text("太短", "utf-8")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xff\xff")
    made = json.loads(guiju("confidential", "add", "配方.txt", "--owner", "研发部", "--json", cwd=tmp_path).stdout)
    tried = guiju("confidential", "test", "said.txt", "--json", cwd=tmp_path)
    assert tried.returncode == 1
    assert [one["secret"] for one in json.loads(tried.stdout)] == [made[0]["id"]]
    assert "研发部" in guiju("confidential", "list", cwd=tmp_path, language="zh").stdout
    for arguments, told in (
        (("add", "none.txt", "--owner", "x"), "none.txt"),
        (("add", "short.txt", "--owner", "x"), "20 characters"),
        (("add", "bytes.txt", "--owner", "x"), "GB18030"),
        (("add", "short.txt", "bytes.txt", "--owner", "x", "--title", "y"), "--title"),
        (("remove", "s-none"), "s-none"),
    ):
        ran = guiju("confidential", *arguments, cwd=tmp_path)
        assert ran.returncode != 0
        assert told in ran.stderr + ran.stdout
    assert json.loads(guiju("confidential", "remove", made[0]["id"], "--json", cwd=tmp_path).stdout)["pending"] is False
    assert guiju("confidential", "test", "said.txt", cwd=tmp_path).returncode == 0
    assert not any(
        SECRET[:8].encode() in path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()
    )

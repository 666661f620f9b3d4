# SPDX-License-Identifier: Apache-2.0
"""The shipped packs and benign lines, held to the bounds."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal

import pytest

from fast_kit import few
from guiju import composition
from guiju.config import Detect, Settings, parse
from guiju.detect import benign, lexicon, shipped
from guiju.detect.landing import landed, tried
from guiju.detect.words import Words
from guiju.errors import ConfigError
from guiju.law import book
from guiju.terms import Text
from guiju.weakening import weakenings

ALL = shipped.entries(["all"])
OWN = {"spam", "malware"}


def test_every_pack_stands_in_the_index_and_every_row_has_its_pack() -> None:
    there = {path.name.removesuffix(".toml") for path in files("guiju.detect.packs").iterdir() if ".toml" in path.name}
    assert there - {"index"} == {pack.id for pack in shipped.shelf().pack}
    assert shipped.shelf().licence == "Apache-2.0"


def test_categories_are_risks_and_the_political_ones_are_left_out() -> None:
    risks = {risk.id for risk in book.risks()} | OWN
    categories = {entry.category for entry in ALL}
    assert categories <= risks
    assert not categories & {"A.1a", "A.1b", "A.1c", "A.1e"}
    assert not {category for category in categories if category.startswith("A.2")}, "no group is listed"


def test_an_entry_says_why_it_is_there_and_is_there_once() -> None:
    assert all(entry.reason and entry.owner.startswith("guiju/") for entry in ALL)
    assert len({entry.id for entry in ALL}) == len(ALL)
    assert all(entry.id.startswith("p-") for entry in ALL)
    short = [entry.term for entry in ALL if entry.severity == "block" and lexicon.lint([entry])]
    assert short == [], "what blocks is longer than two characters"


@pytest.mark.slow
def test_each_entry_is_found_as_it_stands() -> None:
    words = Words(ALL, "all")
    for entry in ALL:
        beside = f"{entry.context[0]} " if entry.context else ""
        found = {finding.rule for finding in words.look(f"{beside}{entry.term}").findings}
        assert entry.id in found, entry.term


def test_nothing_of_the_packs_blocks_a_benign_line_and_no_group_is_hit_more_than_others() -> None:
    pool = benign.pool()
    trial = tried(ALL, pool)
    assert trial.blocked == 0
    overall = trial.signalled / trial.lines
    assert overall <= 0.01
    hit = {pool[number] for numbers in trial.hits.values() for number in numbers}
    for name in ("dialects", "mixed", "womens_health", "lgbt", "religion"):
        lines = benign.groups()[name]
        assert len(hit & set(lines)) <= 3 * overall * len(lines), name


def test_there_are_as_many_benign_lines_as_the_bounds_ask_for_and_each_once() -> None:
    groups = benign.groups()
    assert all(len(groups[name]) >= 100 for name in ("law", "politics", "history", "medicine"))
    assert all(len(lines) >= 50 for lines in groups.values())
    assert {
        "dialects",
        "mixed",
        "womens_health",
        "lgbt",
        "religion",
        "code",
        "news",
        "chat",
        "poems",
        "english",
    } <= set(groups)
    assert len(set(benign.pool())) == len(benign.pool())


@pytest.mark.parametrize(
    ("text", "category"),
    few(
        [
            ("代开发票加微信，点数低", "A.1h"),
            ("本店代开增值税专票，税点低", "A.1h"),
            ("网络赌博平台，注册送彩金", "A.1h"),
            ("ｂｕｙ ｃｏｕｎｔｅｒｆｅｉｔ money", "A.1h"),
            ("DDoS attack on my school", "malware"),
            ("根治永不复发，无效退款", "A.3e"),
        ],
        2,
        several=True,
    ),
)
def test_what_the_packs_list_is_found(text: str, category: str) -> None:
    words = Words(ALL, "1")
    assert category in {one.category for one in words.find([Text("t", text)])}


def test_packs_stand_beside_a_list_of_the_provider_s_own_and_never_instead_of_one() -> None:
    own = lexicon.read("term,category,severity\n规矩金丝雀,own,block\n".encode(), "a.csv")
    version, entries = composition.with_packs("main@1", own, Detect())
    assert version.startswith("main@1+packs:")
    assert len(entries) == len(ALL) + 1
    assert composition.with_packs("", [], Detect()) == ("", [])
    assert composition.with_packs("main@1", own, Detect(packs=())) == ("main@1", own)
    one = ALL[0].id
    fewer, _ = composition.with_packs("main@1", own, Detect(without=(one,)))
    assert fewer != version, "what is left out is another version"
    with pytest.raises(ConfigError, match=r"detect\.packs"):
        shipped.entries(["nosuch"])


def test_fewer_packs_weaken() -> None:
    less = parse({"detect": {"packs": ["fraud"]}})
    assert weakenings(Settings(), less) == ["detect.packs"]
    assert weakenings(less, Settings()) == []
    assert weakenings(less, parse({"detect": {"packs": ["fraud", "spam"], "without": ["p-1"]}})) == ["detect.without"]


def test_a_list_that_overblocks_only_signals_until_each_entry_is_confirmed() -> None:
    head = "term,category,severity\n"
    wild = lexicon.read(f"{head}什么,own,block\n规矩金丝雀,own,block\n".encode(), "a.csv")
    trial = tried(wild, benign.pool())
    assert trial.overblocks
    assert [one.severity for one in landed(wild, trial, ())] == ["signal", "signal"]
    assert [one.severity for one in landed(wild, trial, {wild[1].id})] == ["signal", "block"]
    tame = lexicon.read(f"{head}规矩金丝雀,own,block\n".encode(), "a.csv")
    assert landed(tame, tried(tame, benign.pool()), ()) == tame


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_of_the_packs_says_what_the_packs_hold(language: Literal["zh", "en"]) -> None:
    page = (Path(__file__).parent.parent / "docs" / language / "reference" / "packs.md").read_text("utf-8")
    for pack in shipped.shelf().pack:
        some = shipped.entries([pack.id])
        blocks = sum(one.severity == "block" for one in some)
        counts = f"{blocks} | {len(some) - blocks} | {sum(bool(one.context) for one in some)}"
        assert f"| `{pack.id}` | {getattr(pack, language)} | {counts} | {getattr(pack.without, language)} |" in page
    for left in shipped.shelf().out:
        assert f"| {getattr(left, language)} | {getattr(left.why, language)} |" in page
    assert shipped.shelf().date in page
    blocks = sum(one.severity == "block" for one in ALL)
    assert str(len(ALL)) in page
    assert str(blocks) in page

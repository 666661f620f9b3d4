# SPDX-License-Identifier: Apache-2.0
"""Word lists in the store: versions, and weakening that waits and is marked (Article 4; DESIGN §5, §10)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiju.config import parse
from guiju.detect.lexicon import Entry
from guiju.errors import ConfigError
from guiju.records import changes, lexicons
from guiju.records.changes import Terms
from guiju.records.db import Store
from places import BOTH, Place, place

NOW, DAY = 1_795_000_000, 86_400
NOW_OR_NEVER = Terms(weakens=False, by="王五", now=NOW, delay=0)
WAITS = Terms(weakens=False, by="王五", now=NOW, delay=DAY)


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    opened = here.open()
    yield opened
    opened.close()


def entry(
    term: str, severity: str = "block", expires: str = "", boundary: str = "auto", category: str = "A.2e"
) -> Entry:
    return Entry(f"id-{term}-{category}", term, category, severity, "owner", "why", expires, boundary)


def terms(store: Store) -> set[str]:
    return {one.term for one in lexicons.current(store)[1]}


def test_a_list_comes_back_as_it_was_applied(store: Store) -> None:
    assert lexicons.current(store) == ("", [])
    entries = [entry("甲"), entry("乙", "signal", "2027-01-31"), entry("three", boundary="word")]
    done = lexicons.apply(store, "main", entries, WAITS)
    assert (done.current, done.pending, done.difference.added) == (1, 0, 3)
    assert lexicons.current(store) == ("main@1", entries)
    lexicons.apply(store, "fraud", [entry("丁")], WAITS)
    version, both = lexicons.current(store)
    assert version == "fraud@1+main@1"
    assert both == [entry("丁"), *entries]
    assert store.versions() == {"lexicons": 2}


def test_what_weakens_waits_and_is_marked(store: Store) -> None:
    lexicons.apply(store, "main", [entry("甲"), entry("乙")], WAITS)
    done = lexicons.apply(store, "main", [entry("甲")], WAITS)
    assert (done.current, done.pending, done.effective_at) == (1, 2, NOW + DAY)
    assert terms(store) == {"甲", "乙"}
    assert lexicons.settle(store, NOW + DAY - 1) == 0
    assert terms(store) == {"甲", "乙"}
    counter = store.versions()["lexicons"]
    assert lexicons.settle(store, NOW + DAY) == 1
    assert lexicons.settle(store, NOW + DAY) == 0
    assert terms(store) == {"甲"}
    assert store.versions()["lexicons"] == counter + 1
    last, first = changes.history(store, "lexicon", "main")
    assert (last.weakens, last.single_mode, last.state, last.proposed_by) == (True, True, "done", "王五")
    assert last.before_hash == first.after_hash != last.after_hash
    assert not first.weakens


def test_what_both_adds_and_removes_adds_at_once(store: Store) -> None:
    lexicons.apply(store, "main", [entry("甲"), entry("乙")], WAITS)
    done = lexicons.apply(store, "main", [entry("甲", "signal"), entry("丙")], WAITS)
    assert (done.current, done.pending) == (2, 3)
    now = {(one.term, one.severity) for one in lexicons.current(store)[1]}
    assert now == {("甲", "block"), ("乙", "block"), ("丙", "block")}
    lexicons.settle(store, NOW + DAY)
    assert {(one.term, one.severity) for one in lexicons.current(store)[1]} == {("甲", "signal"), ("丙", "block")}


def test_in_development_it_acts_at_once_and_is_marked_all_the_same(store: Store) -> None:
    lexicons.apply(store, "main", [entry("甲"), entry("乙")], NOW_OR_NEVER)
    done = lexicons.apply(store, "main", [entry("甲")], NOW_OR_NEVER)
    assert (done.current, done.pending) == (2, 0)
    assert terms(store) == {"甲"}
    assert changes.history(store, "lexicon")[0].single_mode
    assert changes.delay_s(parse({})) == 0
    assert changes.delay_s(parse({"mode": "production"})) == DAY


def test_a_new_list_replaces_the_one_that_waits(store: Store) -> None:
    lexicons.apply(store, "main", [entry("甲"), entry("乙")], WAITS)
    lexicons.apply(store, "main", [], WAITS)
    lexicons.apply(store, "main", [entry("甲"), entry("乙"), entry("丙")], WAITS)
    assert lexicons.settle(store, NOW + 10 * DAY) == 0
    assert terms(store) == {"甲", "乙", "丙"}
    assert [one.state for one in changes.history(store, "lexicon")] == ["done", "replaced", "done"]


def test_rollback_is_a_new_version_and_waits_when_it_weakens(store: Store) -> None:
    lexicons.apply(store, "main", [entry("甲")], WAITS)
    lexicons.apply(store, "main", [entry("甲"), entry("乙")], WAITS)
    done = lexicons.rollback(store, "main", 0, WAITS)
    assert (done.current, done.pending) == (2, 3)
    lexicons.settle(store, NOW + DAY)
    assert terms(store) == {"甲"}
    lexicons.rollback(store, "main", 2, WAITS)
    assert terms(store) == {"甲", "乙"}
    numbers = [(one.number, one.current) for one in lexicons.history(store, "main")]
    assert numbers == [(4, True), (3, False), (2, False), (1, False)]
    for name, number in (("main", 99), ("none", 0)):
        with pytest.raises(ConfigError) as refused:
            lexicons.rollback(store, name, number, WAITS)
        assert refused.value.code == "not_found"


@pytest.mark.parametrize(
    ("old", "new", "weakens"),
    [
        (entry("甲"), entry("甲", "signal"), True),
        (entry("甲", "signal"), entry("甲"), False),
        (entry("甲"), entry("甲", expires="2026-12-31"), True),
        (entry("甲", expires="2026-12-31"), entry("甲", expires="2026-12-30"), True),
        (entry("甲", expires="2026-12-31"), entry("甲", expires="2027-12-30"), False),
        (entry("甲", expires="2026-12-31"), entry("甲"), False),
        (entry("abc", boundary="any"), entry("abc", boundary="word"), True),
        (entry("abc", boundary="any"), entry("abc"), True),
        (entry("abc", boundary="word"), entry("abc"), False),
        (entry("甲"), entry("甲", category="A.1f"), True),
    ],
)
def test_what_counts_as_weakening(old: Entry, new: Entry, weakens: bool) -> None:
    assert lexicons.compare([old], [new]).weakens is weakens
    assert not lexicons.compare([old], [old]).weakens


ENTRIES = st.lists(
    st.builds(
        entry,
        st.sampled_from("甲乙丙丁"),
        st.sampled_from(["block", "signal"]),
        st.sampled_from(["", "2026-12-31", "2027-06-30"]),
        st.sampled_from(["word", "auto", "any"]),
    ),
    max_size=6,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(ENTRIES, min_size=1, max_size=5))
def test_before_the_delay_nothing_stops_less_than_before(lists: list[list[Entry]]) -> None:
    """Whatever one person applies in a row: until the delay is over, nothing stops less than it did."""
    in_force: list[Entry] = []
    for entries in lists:
        stronger = lexicons.at_least_as_strong(in_force, entries)
        assert not lexicons.compare(in_force, stronger).weakens
        assert not lexicons.compare(entries, stronger).weakens
        in_force = stronger


def test_a_change_gets_its_evidence_once(store: Store) -> None:
    lexicons.apply(store, "main", [entry("甲"), entry("乙")], WAITS)
    lexicons.apply(store, "main", [entry("甲")], WAITS)
    [first] = changes.without_evidence(store)  # what waits does not act, so it has none yet
    changes.note_evidence(store, first.id, "w1/2026-11/4")
    assert changes.without_evidence(store) == []
    lexicons.settle(store, NOW + DAY)
    [second] = changes.without_evidence(store)
    assert second.weakens


@pytest.mark.parametrize("name", ["", "A", "a@1", "a+b", "a b", "词", "a" * 65])
def test_a_name_that_would_spoil_the_version_is_refused(store: Store, name: str) -> None:
    with pytest.raises(ConfigError):
        lexicons.apply(store, name, [entry("甲")], WAITS)


@pytest.mark.slow
def test_a_hundred_thousand_entries_are_applied_and_read(store: Store) -> None:
    entries = [entry(f"词{n}") for n in range(100_000)]
    lexicons.apply(store, "main", entries, WAITS)
    done = lexicons.apply(store, "main", [*entries[1:], entry("新")], WAITS)
    assert (done.difference.added, done.difference.removed, done.pending) == (1, 1, 3)
    assert len(lexicons.current(store)[1]) == 100_001

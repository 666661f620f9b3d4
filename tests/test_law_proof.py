# SPDX-License-Identifier: Apache-2.0
"""The rules of the proof, one by one and over made-up boards; and what is printed from it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiju.errors import ConfigError
from guiju.law import badge, book, page, proof
from guiju.law.book import LawText
from guiju.law.proof import DutyState, Mode, Note

TODAY = date(2026, 11, 24)
TEXT = book.load("interim-2023")
OWED = [duty.id for duty in TEXT.duties if duty.owed]
ENCOURAGED = {duty.id for duty in TEXT.duties if duty.modality == "should"}
SOFTWARE = [duty.id for duty in TEXT.duties if duty.owed and duty.by == "software"]


class Kept(msgspec.Struct, frozen=True):
    """A control, as far as the proof looks at it."""

    id: str
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()


def note(date_: date = TODAY, expires: date = TODAY) -> Note:
    return Note("Li Hua, algorithm officer", "receipt 2026-17", date_, expires)


def state(
    id: str,
    controls: tuple[Kept, ...] = (),
    tests: dict[str, str] | None = None,
    ages: dict[str, float | None] | None = None,
    notes: dict[str, Note] | None = None,
    mode: Mode = "production",
    text: LawText = TEXT,
) -> DutyState:
    """How one duty stands."""
    states = proof.prove(text, controls, tests or {}, ages or {}, notes or {}, TODAY, mode)
    assert [row.id for row in states] == [duty.id for duty in text.duties]
    return next(row for row in states if row.id == id)


FULL = (Kept("identity", ("9.a",)),)
TESTED = {"9.a": "tests/test_gateway.py::test_identity"}


def test_a_tested_control_with_fresh_evidence_meets_its_duty() -> None:
    found = state("9.a", FULL, TESTED, {"identity": 299.0})
    assert (found.state, found.control, found.test, found.evidence_age_s) == ("met", "identity", TESTED["9.a"], 299.0)
    assert not found.blocks


@pytest.mark.parametrize(
    ("controls", "tests", "ages", "why"),
    [
        (FULL, {}, {"identity": 1.0}, "no test"),
        (FULL, TESTED, {"identity": 300.0}, "older than its limit"),
        (FULL, TESTED, {"identity": -1.0}, "older than its limit"),
        (FULL, TESTED, {"identity": None}, "no evidence yet"),
        (FULL, TESTED, {}, "no evidence yet"),
        ((Kept("identity", (), ("9.a",)),), TESTED, {"identity": 1.0}, "in part"),
    ],
)
def test_short_of_that_it_is_partly(
    controls: tuple[Kept, ...], tests: dict[str, str], ages: dict[str, float | None], why: str
) -> None:
    found = state("9.a", controls, tests, ages)
    assert found.state == "partly"
    assert why in found.why.en
    assert found.blocks


def test_no_control_is_a_gap_and_a_note_is_by_hand_never_met() -> None:
    assert state("9.a").state == "gap"
    assert state("9.a").blocks
    found = state("9.a", notes={"9.a": note()})
    assert found.state == "by_hand"
    assert found.blocks, "a note does not stand in for a control"


def test_a_note_covers_the_rest_of_a_control_that_keeps_a_part() -> None:
    part = (Kept("identity", (), ("9.a",)),)
    found = state("9.a", part, TESTED, {"identity": 1.0}, {"9.a": note()})
    assert (found.state, found.blocks) == ("partly", False)
    assert state("9.a", part, TESTED, {"identity": 900.0}, {"9.a": note()}).blocks, "stale evidence stays stale"
    assert state("9.a", part, {}, {"identity": 1.0}, {"9.a": note()}).blocks, "untested stays untested"


def test_a_persons_duty_is_by_hand_while_the_note_is_valid() -> None:
    day = timedelta(days=1)
    assert state("6.b", notes={"6.b": note(TODAY - day, TODAY)}).state == "by_hand"
    assert not state("6.b", notes={"6.b": note(TODAY, TODAY + day)}).blocks
    expired = state("6.b", notes={"6.b": note(TODAY - day, TODAY - day)})
    assert expired.state == "gap"
    assert expired.blocks
    assert "2026-11-23" in expired.why.en
    assert "2026-11-23" in expired.why.zh
    early = state("6.b", notes={"6.b": note(TODAY + day, TODAY + day)})
    assert (early.state, "from 2026-11-25" in early.why.en) == ("gap", True)


def test_a_control_that_watches_a_persons_duty_keeps_a_part_and_a_breach_in_the_books_is_a_gap() -> None:
    control, tested = (Kept("filing", (), ("6.b",)),), {"6.b": "tests/x.py::y"}
    seen = state("6.b", control, tested, {"filing": 0.0})
    assert (seen.state, seen.blocks) == ("partly", True), "a person answers for the rest"
    for ages in ({}, {"filing": 86_400.0}):
        assert state("6.b", control, tested, ages).state == "gap", "the books say nothing of it today"
    assert state("6.b", control, {}, {"filing": 0.0}).state == "gap", "nobody tested it"
    noted = state("6.b", control, tested, {"filing": 0.0}, {"6.b": note()})
    assert (noted.state, noted.blocks) == ("by_hand", False)
    states = proof.prove(TEXT, control, tested, {}, {"6.b": note()}, TODAY, "production", ("filing",))
    broken = next(row for row in states if row.id == "6.b")
    assert (broken.state, broken.red) == ("gap", True), "no note makes good what is wrong in the books"


def test_what_is_not_owed_is_not_applicable() -> None:
    for id in ("1.a", "18.c", "20.b", "11.c", "11.e", "i.20"):
        found = state(id, (Kept("eager", (id,)),), {id: "tests/x.py::y"}, {"eager": 0.0}, {id: note()})
        assert (found.state, found.blocks) == ("not_applicable", False), id
    assert state("11.c", text=book.load("draft-2023")).state == "gap"


def test_a_row_that_nobody_read_blocks_nothing() -> None:
    read = next(duty for duty in TEXT.duties if duty.id == "9.a")
    recalled = msgspec.structs.replace(read, read="memory")
    text = msgspec.structs.replace(TEXT, duties=(recalled,))
    assert (state("9.a", text=text).state, state("9.a", text=text).blocks) == ("gap", False)


def test_what_is_only_encouraged_blocks_nothing() -> None:
    owed = next(duty for duty in TEXT.duties if duty.id == "9.a")
    text = msgspec.structs.replace(TEXT, duties=(msgspec.structs.replace(owed, modality="should"),))
    assert (state("9.a", text=text).state, state("9.a", text=text).blocks) == ("gap", False)


def test_development_serves_with_gaps() -> None:
    assert proof.blocking(proof.prove(TEXT, (), {}, {}, {}, TODAY, "development")) == []
    stops = proof.blocking(proof.prove(TEXT, (), {}, {}, {}, TODAY, "production"))
    assert [row.id for row in stops] == [id for id in OWED if id not in ENCOURAGED]


def test_the_best_control_answers_for_a_duty() -> None:
    controls = (Kept("part", (), ("9.a",)), Kept("stale", ("9.a",)), Kept("fresh", ("9.a",)), Kept("never", ("9.a",)))
    found = state("9.a", controls, TESTED, {"part": 0.0, "stale": 301.0, "fresh": 5.0})
    assert (found.control, found.state) == ("fresh", "met")


ages = st.one_of(st.none(), st.floats(0, 10_000_000))
names = st.sampled_from([f"c{n}" for n in range(4)])
some = st.lists(st.sampled_from(OWED), max_size=30).map(tuple)
kept = st.lists(st.builds(Kept, names, some, some), max_size=4, unique_by=lambda control: control.id)
notes = st.dictionaries(
    st.sampled_from(OWED),
    st.builds(note, st.just(TODAY - timedelta(days=9)), st.dates(TODAY - timedelta(days=9), TODAY + timedelta(days=9))),
)


@settings(max_examples=60, deadline=None)
@given(kept, st.sets(st.sampled_from(OWED)), st.dictionaries(names, ages), notes)
def test_met_means_kept_in_full_tested_and_fresh(
    controls: list[Kept], tested: set[str], ages: dict[str, float | None], notes: dict[str, Note]
) -> None:
    tests = {id: f"tests/test_x.py::{id}" for id in tested}
    limits = {duty.id: duty.limit_s for duty in TEXT.duties}
    for row in proof.prove(TEXT, controls, tests, ages, notes, TODAY, "production"):
        full = [control for control in controls if row.id in control.duties]
        fresh = [control for control in full if (age := ages.get(control.id)) is not None and age < limits[row.id]]
        valid = row.id in notes and notes[row.id].expires >= TODAY
        assert (row.state == "met") == (row.by == "software" and row.id in tests and bool(fresh)), row
        assert row.state != "by_hand" or valid, row
        assert row.state in ("met", "not_applicable") or row.blocks or valid or row.id in ENCOURAGED, row
        assert not (row.state == "met" and row.blocks), row
        if not valid and not any(row.id in (*control.duties, *control.partly) for control in controls):
            assert row.state in ("gap", "not_applicable"), row


@settings(max_examples=30, deadline=None)
@given(kept, st.sets(st.sampled_from(OWED)), st.dictionaries(names, ages))
def test_taking_a_control_away_never_improves_a_duty(
    controls: list[Kept], tested: set[str], ages: dict[str, float | None]
) -> None:
    tests = dict.fromkeys(tested, "tests/test_x.py::t")
    order = ("met", "by_hand", "partly", "gap", "not_applicable")
    before = proof.prove(TEXT, controls, tests, ages, {}, TODAY, "production")
    after = proof.prove(TEXT, controls[:-1], tests, ages, {}, TODAY, "production")
    for old, new in zip(before, after, strict=True):
        assert order.index(new.state) >= order.index(old.state)


GOOD = '["6.b"]\nperson = "Li Hua"\nproof = "receipt 17"\ndate = 2026-10-01\nexpires = 2027-10-01\n'


def test_notes_are_read_from_toml() -> None:
    found = proof.parse_notes(GOOD, book.known_ids())
    assert found == {"6.b": Note("Li Hua", "receipt 17", date(2026, 10, 1), date(2027, 10, 1))}
    assert proof.parse_notes("", book.known_ids()) == {}


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (GOOD.replace("6.b", "6.z"), "unknown duty"),
        (GOOD.replace("Li Hua", " "), "person"),
        (GOOD.replace("receipt 17", ""), "proof"),
        (GOOD.replace("2027", "2025"), "expires before"),
        (GOOD.replace("expires", "until"), "expires|until"),
        (GOOD.replace("date = 2026-10-01\n", ""), "date"),
        (GOOD.replace("2026-10-01", "yesterday"), "notes.toml"),
        ("person = 1", "notes.toml"),
    ],
)
def test_a_bad_note_is_a_config_error(raw: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        proof.parse_notes(raw, book.known_ids())


def test_a_control_that_names_an_unknown_duty_is_found() -> None:
    controls = (Kept("words", ("4.1b", "4.1z"), ("nine",)), *FULL)
    assert proof.strangers(controls, book.known_ids()) == [("words", "4.1z"), ("words", "nine")]


BOARD = (Kept("identity", ("9.a",)), Kept("words", (), ("4.1b",)))
SOURCES = {"identity": "src/guiju/controls/identity.py:31", "words": "src/guiju/controls/content.py:9"}


def test_the_page_shows_every_duty_once_with_counts_and_places() -> None:
    states = page.tree_states(TEXT, BOARD, TESTED)
    made = page.render(TEXT, states, SOURCES)
    assert made == page.render(TEXT, page.tree_states(TEXT, BOARD, TESTED), SOURCES)
    rows = [line for line in made.splitlines() if line.startswith("| ") and line.count(" | ") == 7][1:]
    assert sorted(row.split(" | ")[1] for row in rows) == sorted(duty.id for duty in TEXT.duties)
    identity = next(row for row in rows if " | 9.a | " in row)
    assert "✓ 已落实 met" in identity
    assert "[src/guiju/controls/identity.py:31](src/guiju/controls/identity.py#L31)" in identity
    assert TESTED["9.a"] in identity
    assert "| ✓ 已落实 met | 1 |" in made
    assert "Generated by" in made.splitlines()[1]
    assert "evidence_age" not in made


def test_the_page_groups_articles_in_order() -> None:
    for profile in book.PROFILES:
        text = book.load(profile)
        groups = page.by_article(text, page.tree_states(text, (), {}))
        articles = [article for article, _ in groups]
        assert len(articles) == len(set(articles))
        assert sum(len(group) for _, group in groups) == len(text.duties)
    assert articles[:6] == ["1", "2", "3", "4", "4(1)", "4(2)"]


def test_a_control_that_failed_its_newest_proof_is_a_gap_and_red_whatever_else_holds() -> None:
    half = (Kept("identity", (), ("9.a",)),)
    for controls in (FULL, half):
        failed = proof.prove(TEXT, controls, TESTED, {}, {"9.a": note()}, TODAY, "production", {"identity"})
        found = next(one for one in failed if one.id == "9.a")
        assert (found.state, found.red, found.blocks) == ("gap", True, True)
        assert found.why.en == "the control failed its newest proof"
    other = (*FULL, Kept("second", ("9.a",)))
    kept = proof.prove(TEXT, other, TESTED, {"second": 1.0}, {}, TODAY, "production", {"identity"})
    assert next(one for one in kept if one.id == "9.a").control == "second", "another one keeps it"


def test_what_is_red_is_a_gap_or_has_aged() -> None:
    assert not state("9.a", FULL, TESTED, {"identity": 299.0}).red
    aged = state("9.a", FULL, TESTED, {"identity": 300.0})
    assert (aged.state, aged.red) == ("partly", True)
    assert "older than its limit of 300 s" in aged.why.en
    assert not state("9.a", FULL, TESTED, {}).red, "it never had evidence: a new installation"
    assert state("9.a").red
    nobody = next(duty.id for duty in TEXT.duties if not duty.owed)
    assert not state(nobody).red


def test_a_badge_says_in_words_what_its_colour_says() -> None:
    good = [msgspec.structs.replace(one, state="met", red=False) for one in page.tree_states(TEXT, BOARD, TESTED)]
    for language in ("zh", "en"):
        root = ElementTree.fromstring(badge.badge(TEXT, page.tree_states(TEXT, BOARD, TESTED), language))  # noqa: S314  # our own
        red = sum(one.red for one in page.tree_states(TEXT, BOARD, TESTED))
        assert red
        assert str(red) in root.attrib["aria-label"]
        assert "#b42318" in ElementTree.tostring(root).decode()
        assert "#1a7f37" in badge.badge(TEXT, good, language)


def test_json_has_the_agreed_shape() -> None:
    states = page.tree_states(TEXT, BOARD, TESTED)
    made = json.loads(json.dumps(page.as_json(TEXT, states, "en", {"15.b": "Li Hua"})))
    assert made["profile"] == "interim-2023"
    assert len(made["duties"]) == len(TEXT.duties)
    for row in made["duties"]:
        first = ["id", "owner", "by", "control", "test", "evidence_age_s", "state"]
        assert list(row) == [*first, "red", "blocks", "article", "limit_s", "why", "answers"]
        assert row["state"] in proof.BOARD_STATES
        assert row["answers"] == ("Li Hua" if row["id"] == "15.b" else "")


def test_junit_parses_and_counts_gaps_as_failures() -> None:
    states = page.tree_states(TEXT, BOARD, TESTED)
    for language in ("zh", "en"):
        root = ElementTree.fromstring(page.junit(TEXT, states, language))  # noqa: S314  # our own output
        suite = root[0]
        tally = page.counts(states)
        assert len(suite.findall("testcase")) == len(states) == int(suite.attrib["tests"])
        assert len(suite.findall("testcase/failure")) == tally["gap"] == int(suite.attrib["failures"])
        assert len(suite.findall("testcase/skipped")) == int(suite.attrib["skipped"])
        passed = [case for case in suite if case.find("system-out") is not None]
        assert len(passed) == tally["met"] + tally["by_hand"]


def test_sarif_names_every_gap_and_its_place() -> None:
    states = page.tree_states(TEXT, BOARD, TESTED)
    made = json.loads(json.dumps(page.sarif(TEXT, states, SOURCES, "0.1.0")))
    run = made["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    levels = {result["ruleId"]: result["level"] for result in run["results"]}
    assert made["version"] == "2.1.0"
    assert rules == {duty.id for duty in TEXT.duties}
    assert {id for id, level in levels.items() if level == "error"} == {s.id for s in states if s.state == "gap"}
    assert levels["4.1b"] == "warning"
    assert "9.a" not in levels
    place = next(r for r in run["results"] if r["ruleId"] == "4.1b")["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "src/guiju/controls/content.py"},
        "region": {"startLine": 9},
    }


def test_software_duties_have_a_limit_that_a_canary_can_keep() -> None:
    limits = {duty.id: duty.limit_s for duty in TEXT.duties}
    assert all(limits[id] >= 300 for id in SOFTWARE)

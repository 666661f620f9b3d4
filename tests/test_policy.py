# SPDX-License-Identifier: Apache-2.0
"""What findings mean: rulings, approved answers, versions that wait or are tried (Articles 4, 10, 15)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli_kit import guiju
from conftest import Start
from fast_kit import few
from guiju import composition
from guiju.controls.policy import (
    Document,
    Rulings,
    Shadow,
    completed,
    differences,
    parse,
    shipped,
    strictest,
)
from guiju.errors import ConfigError
from guiju.records import accounts, changes, policies
from guiju.records.changes import Terms
from guiju.records.db import Store
from guiju.terms import ACTIONS, Finding
from places import BOTH, Place, place

NOW, DAY = 1_795_000_000, 86_400
LISTED = (
    "term,category,severity\n规矩金丝雀,A.1f,block\n麻雀提示,A.1f,signal\n黄鹂,A.2c,block\n夜莺低语,self_harm,block\n"
)
MINORS = '[[ruling]]\ncategory = "A.1f"\naudience = "minors"\naction = "refuse"\n'
MILD = '[[ruling]]\ncategory = "A.2*"\naction = "note"\n'
ANSWERED = (
    '[[ruling]]\ncategory = "A.1*"\naction = "refuse"\nanswer = "gentle"\n'
    '[[answer]]\nid = "gentle"\nowner = "o"\napproved_by = ["a", "b"]\nzh = "换个话题吧。"\nen = "Let us talk of something else."\n'
)


def read(text: str, *, development: bool = True) -> Document:
    return parse(text, "p.toml", development=development)


def finding(category: str, severity: str = "block", detector: str = "words") -> Finding:
    return msgspec.convert(
        {
            "detector": detector,
            "category": category,
            "severity": severity,
            "rule": "r",
            "field": "f",
            "start": 0,
            "end": 1,
            "view": "raw",
        },
        Finding,
    )


# ---------------------------------------------------------------- what a policy says
def test_the_first_ruling_that_fits_decides() -> None:
    document = read(MINORS + MILD + '[[ruling]]\naction = "refuse"\ncategory = "A.2c"\n')
    assert document.action(finding("A.1f", "signal"), "input", "minors", "k") == "refuse"
    assert document.action(finding("A.1f", "signal"), "input", "all", "k") == "note"
    assert document.action(finding("A.2c"), "output", "all", "k") == "note"
    assert document.action(finding("B"), "output", "all", "k") == "refuse"


def test_what_could_not_be_looked_at_is_refused_under_every_policy() -> None:
    rulings = Rulings((read('[[ruling]]\naction = "pass"\n'),))
    kept = rulings.graded([finding("not_checkable"), finding("guiju.canary"), finding("A.1f")], "input")
    assert [(one.category, one.severity) for one in kept] == [("not_checkable", "block"), ("guiju.canary", "block")]


def test_a_signal_can_refuse_and_a_block_be_noted() -> None:
    rulings = Rulings((read(MINORS + MILD),), "minors")
    graded = rulings.graded([finding("A.1f", "signal"), finding("A.2c"), finding("B", "signal")], "output")
    assert [one.severity for one in graded] == ["block", "signal", "signal"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[[ruling]]\n", "action"),
        ('[[ruling]]\naction = "mask"\n', "mask"),
        ('[[ruling]]\naction = "note"\ncategory = "A.*f"\n', "A.*f"),
        ('[[ruling]]\naction = "note"\nanswer = "none"\n', "none"),
        ('[[ruling]]\naction = "note"\nstrange = 1\n', "strange"),
        ('[[answer]]\nid = "a"\nowner = "o"\nzh = "好"\nen = " "\n', "a"),
        ("[[ruling]\n", "]"),
    ],
)
def test_a_fault_is_named(text: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert caught.value.code == "policy_invalid"
    assert what in caught.value.told("en")


def test_an_answer_needs_two_approvals_in_production() -> None:
    assert read(ANSWERED, development=False).answer[0].id == "gentle"
    with pytest.raises(ConfigError):
        read(ANSWERED.replace('"a", "b"', '"a", "a"'), development=False)


def test_an_expired_answer_is_not_given() -> None:
    text = ANSWERED.replace('owner = "o"', 'owner = "o"\nexpires = "2026-06-30"')
    before, after = (Rulings((read(text),), today=day) for day in ("2026-06-30", "2026-07-01"))
    assert before.answer("A.1f", "input") is not None
    assert after.answer("A.1f", "input") is None


def test_self_harm_is_answered_under_every_policy() -> None:
    harsh = completed(read('[[ruling]]\ncategory = "self_harm"\naction = "refuse"\n'))
    answer = Rulings((harsh,)).answer("self_harm", "input")
    assert answer is not None
    assert answer.how == "reply"
    assert all("12356" in one for one in (answer.zh, answer.en))
    assert answer.source


_NAMES = st.sampled_from(["A.1f", "A.1*", "A.*", "A.2c", "*", "x"])
_RULING = st.builds(
    lambda *row: dict(zip(("action", "category", "severity", "side", "audience", "key", "detector"), row, strict=True)),
    st.sampled_from(["pass", "note", "hold", "refuse"]),
    _NAMES,
    st.sampled_from(["", "block", "signal"]),
    st.sampled_from(["", "input", "output"]),
    st.sampled_from(["", "all", "minors"]),
    st.sampled_from(["", "k"]),
    st.sampled_from(["", "words"]),
)
_DOCUMENT = st.lists(_RULING, max_size=4).map(lambda rows: msgspec.convert({"ruling": rows}, Document))


@settings(max_examples=60)
@given(_DOCUMENT, _DOCUMENT, st.sampled_from(["A.1f", "A.1g", "A.2c", "x", "y"]), st.sampled_from(["words", "other"]))
def test_differences_are_all_that_two_policies_treat_differently(
    old: Document, new: Document, name: str, who: str
) -> None:
    told = differences((old,), (new,))
    for severity, side, audience, key in (
        (s, d, a, k)
        for s in ("block", "signal")
        for d in ("input", "output")
        for a in ("all", "minors")
        for k in ("k", "l")
    ):
        one = finding(name, severity, who)
        before, after = (document.action(one, side, audience, key) for document in (old, new))
        fits = [
            d
            for d in told
            if (d.severity, d.side, d.audience) == (severity, side, audience)
            and (d.category == name or (d.category.endswith("*") and name.startswith(d.category[:-1])))
            and d.detector in ("", who)
            and d.key in ("", key)
        ]
        if before != after:
            assert any((d.old, d.new) == (before, after) for d in fits)
    assert not differences((old,), (old,))
    assert all(
        ACTIONS.index(strictest((old, new), finding(name, "block", who), "input", "all", "k"))
        >= ACTIONS.index(d.action(finding(name, "block", who), "input", "all", "k"))
        for d in (old, new)
    )


def test_a_tried_policy_is_counted_and_decides_nothing() -> None:
    shadow = Shadow(7)
    rulings = Rulings((shipped(),), tried=(read(MILD), shadow))
    graded = rulings.graded([finding("A.2c"), finding("A.2c"), finding("A.1f")], "input")
    assert [one.severity for one in graded] == ["block"] * 3
    assert shadow.counts == {("A.2c", "input", "refuse", "note"): 2}


# ---------------------------------------------------------------- versions in the store
@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    opened = here.open()
    yield opened
    opened.close()


def text(document: Document) -> str:
    return msgspec.json.encode(document, order="sorted").decode()


def test_what_weakens_waits_and_the_stricter_counts_meanwhile(store: Store) -> None:
    assert composition.ruled(store).version == "shipped"
    first = policies.apply(store, text(read(MINORS)), Terms(False, "王五", NOW, DAY))
    assert (first.number, first.state) == (1, "current")
    second = policies.apply(store, text(read(MILD)), Terms(True, "王五", NOW, DAY))
    assert (second.state, second.effective_at) == ("waiting", NOW + DAY)
    held = composition.ruled(store)
    assert held.version == "policy@1+policy@2"
    rulings = Rulings(held.documents, "minors")
    assert [one.severity for one in rulings.graded([finding("A.1f", "signal"), finding("A.2c")], "input")] == [
        "block"
    ] * 2
    assert policies.settle(store, NOW + DAY - 1) == 0
    assert policies.settle(store, NOW + DAY) == 1
    assert composition.ruled(store).version == "policy@2"
    assert [one.state for one in policies.history(store)] == ["current", "old"]
    assert [one.single_mode for one in changes.history(store, policies.KIND)] == [True, False]


def test_a_tried_version_acts_when_its_time_is_over_and_a_new_one_replaces_it(store: Store) -> None:
    tried = policies.apply(store, text(read(MINORS)), Terms(False, "王五", NOW, DAY, wait=3600))
    held = composition.ruled(store)
    assert (tried.state, held.version, len(held.documents)) == ("tried", "shipped?1", 1)
    policies.count(store, 1, {("A.1f", "input", "note", "refuse"): 2})
    policies.count(store, 1, {("A.1f", "input", "note", "refuse"): 3, ("A.2c", "output", "refuse", "note"): 1})
    assert policies.trial(store, 1) == {("A.1f", "input", "note", "refuse"): 5, ("A.2c", "output", "refuse", "note"): 1}
    policies.apply(store, text(read(MINORS)), Terms(False, "王五", NOW, DAY, wait=7200))
    assert policies.settle(store, NOW + 3600) == 0
    assert policies.settle(store, NOW + 7200) == 1
    assert [(one.number, one.state) for one in policies.history(store)] == [(2, "current"), (1, "replaced")]


# ---------------------------------------------------------------- on the road
def applied(gateway: object, document: str, *, wait: int = 0) -> None:
    house = gateway.house  # type: ignore[attr-defined] # the fixture's own class
    policies.apply(house.store, text(read(document)), Terms(False, "t", int(time.time()), 0, wait))


def waited(gateway: object, version: str) -> None:
    until = time.monotonic() + 5
    while gateway.house.live.policy.rulings != version and time.monotonic() < until:  # type: ignore[attr-defined] # as above
        time.sleep(0.05)
    assert gateway.house.live.policy.rulings == version  # type: ignore[attr-defined] # as above


def test_a_policy_is_in_force_within_seconds_and_grades_both_sides(start: Start) -> None:
    gateway = start(lexicon=LISTED)
    assert gateway.chat("说说黄鹂").status == 400
    applied(gateway, MILD)
    waited(gateway, "policy@1")
    assert gateway.chat("[[say:黄鹂在叫]]").status == 200
    answered = gateway.chat("[[say:黄鹂在叫。规矩金丝雀也在。]]")
    assert answered.status == 400


@pytest.mark.slow
def test_minors_are_held_to_more(start: Start) -> None:
    gateway = start(lexicon=LISTED)
    applied(gateway, MINORS)
    waited(gateway, "policy@1")
    store, live = gateway.house.store, gateway.house.live
    owner = accounts.create_account(store, "school", 1)
    record = accounts.KeyRecord(id="", account=owner.id, prefix="", name="m", audience="minors")
    secret, made = accounts.create_key(store, gateway.house.secrets, record)
    assert accounts.list_keys(store, owner.id)[0].audience == "minors"
    live.keyring.refresh(store)
    assert gateway.chat("麻雀提示").status == 200
    assert gateway.chat("麻雀提示", key=secret).status == 400
    assert made.audience == "minors"


@pytest.mark.parametrize("stream", few([False, True]))
def test_an_approved_answer_is_given_instead_of_a_bare_refusal(start: Start, stream: bool) -> None:
    gateway = start(lexicon=LISTED)
    applied(gateway, ANSWERED)
    waited(gateway, "policy@1")
    refused = gateway.chat("规矩金丝雀", headers={"accept-language": "en"})
    assert refused.status == 400
    assert "Let us talk of something else." in refused.body.decode()
    answered = gateway.chat("夜莺低语", stream=stream, headers={"accept-language": "zh"})
    assert answered.status == 200
    assert "12356" in answered.body.decode()
    assert "content_filter" in answered.body.decode()
    entry = gateway.entry("refused", answered.headers["x-guiju-decision-id"])
    assert (entry["state"], entry["reason"]["category"]) == ("stopped", "")
    assert "input_digest" not in entry, "who asks for help is counted and nothing more"


@pytest.mark.slow
def test_a_trial_is_counted_on_the_road(start: Start) -> None:
    gateway = start(lexicon=LISTED)
    applied(gateway, MILD, wait=3600)
    waited(gateway, "shipped?1")
    assert gateway.chat("说说黄鹂").status == 400
    until = time.monotonic() + 12
    while not policies.trial(gateway.house.store, 1) and time.monotonic() < until:
        time.sleep(0.1)
    assert policies.trial(gateway.house.store, 1) == {("A.2c", "input", "refuse", "note"): 1}


# ---------------------------------------------------------------- the command line
CASES = (
    '[[case]]\ntext = "麻雀提示"\naudience = "minors"\naction = "refuse"\n'
    '[[case]]\ntext = "黄鹂"\naction = "refuse"\ncategory = "A.2c"\nside = "output"\n'
)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_command_line_goes_through_a_policy_s_life(tmp_path: Path, language: str) -> None:
    (tmp_path / "words.csv").write_text(LISTED, "utf-8")
    (tmp_path / "minors.toml").write_text(MINORS, "utf-8")
    (tmp_path / "mild.toml").write_text(MILD, "utf-8")
    (tmp_path / "cases.toml").write_text(CASES, "utf-8")
    rows = [json.dumps({"text": "黄鹂", "action": "refuse"}, ensure_ascii=False), ""]
    (tmp_path / "cases.jsonl").write_text("\n".join(rows), "utf-8")

    def run(*words: str) -> str:
        ran = guiju("policy", *words, cwd=tmp_path, language=language)
        assert "Traceback" not in ran.stderr
        return f"{ran.returncode}\n{ran.stdout}{ran.stderr}"

    assert run("test", "cases.toml", "--lexicon", "words.csv").startswith("1\n")
    assert run("test", "cases.toml", "--policy", "minors.toml", "--lexicon", "words.csv").startswith("0\n")
    assert run("test", "cases.jsonl", "--policy", "mild.toml", "--lexicon", "words.csv").startswith("1\n")
    compared = run("diff", "minors.toml", "mild.toml", "--on", "cases.jsonl", "--lexicon", "words.csv")
    assert "A.2*" in compared
    assert "minors" in compared
    assert ("没有变化" if language == "zh" else "No finding") in run("diff", "mild.toml", "mild.toml")
    assert run("apply", "minors.toml", "--dry-run").startswith("0\n")
    assert "shipped" in run("show")
    assert "policy@1" in run("apply", "minors.toml", "--by", "王五")
    assert "policy@2" in run("apply", "mild.toml", "--shadow", "24h")
    listed = json.loads(guiju("policy", "list", "--json", cwd=tmp_path, language=language).stdout)
    assert [(one["number"], one["state"], one["applied_by"]) for one in listed][1] == (1, "current", "王五")
    assert listed[0]["state"] == "tried"
    assert "policy@3" in run("apply", "mild.toml")
    assert "policy@4" in run("rollback")
    assert run("apply", "none.toml").startswith("2\n")
    assert run("apply", "words.csv").startswith("2\n")
    assert run("apply", "mild.toml", "--shadow", "soon").startswith("2\n")
    assert run("show", "99").startswith("2\n")

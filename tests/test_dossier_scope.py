# SPDX-License-Identifier: Apache-2.0
"""The scope wizard: twelve services and what follows for each, the signed decision, and the duties it leaves (Article 2)."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli_kit import entries, typed
from guiju import composition, scoped
from guiju.config import Settings
from guiju.dossier import facts, following, scope
from guiju.errors import ConfigError
from guiju.law import book, proof
from guiju.records import filings, scoping
from guiju.records.db import Store
from guiju.records.filings import Filing
from places import BOTH, Place, place

PLAIN: dict[str, Any] = {
    "generative": "yes",
    "offered": "public",
    "field": "no",
    "opinion": "yes",
    "model": "own",
    "trains": "yes",
    "annotates": "yes",
    "companion": "no",
    "persons": "yes",
    "accounts": "yes",
    "likeness": "no",
    "outputs": [],
}
CALLED = {"model": "called", "trains": "no", "annotates": "no"}
ALL = ["image", "audio", "video", "scene"]
TRAINING = {"7.a", "7.1", "7.2", "7.3", "7.4", "7.5", "4.2b", "d.14.a"}
ANNOTATION = {"8.1", "8.2", "8.3", "i.8.quality", "i.8.supervision", "17.b"}
SHOWN = {"l.4.2", "l.4.3", "l.4.4", "l.4.5"}

SERVICES: list[tuple[str, dict[str, Any], tuple[bool, str, bool, str], set[str]]] = [
    ("a chat app on a model of one's own", {}, (True, "filing", True, "interim-2023"), SHOWN | {"d.14.b"}),
    ("a writing site over a filed model", CALLED, (True, "registration", True, "interim-2023"), SHOWN | TRAINING | ANNOTATION | {"d.14.b"}),
    ("a tuned open model in a public app", {"model": "tuned", "annotates": "no"}, (True, "filing", True, "interim-2023"), SHOWN | ANNOTATION | {"d.14.b"}),
    ("a foreign model behind a public site", {**CALLED, "model": "unfiled"}, (True, "filing", True, "interim-2023"), SHOWN | TRAINING | ANNOTATION | {"d.14.b"}),
    ("an API that other providers build on", {"offered": "business", "outputs": ["image"]}, (True, "filing", True, "interim-2023"), (SHOWN - {"l.4.3"}) | {"d.14.b"}),
    ("a companion character app", {"companion": "yes", **CALLED}, (True, "registration", True, "companion-2026"), SHOWN | TRAINING | ANNOTATION | {"d.14.b"}),
    ("a film studio's video maker for the public", {"field": "yes", "outputs": ALL, "likeness": "yes"}, (True, "filing", True, "interim-2023"), set()),
    ("a form filler without opinions, no accounts", {**CALLED, "opinion": "no", "accounts": "no"}, (True, "none", False, "interim-2023"), SHOWN | TRAINING | ANNOTATION | {"d.14.b", "6.a", "6.b", "6.c", "i.9.agreement"}),
    ("a colouring toy that knows nobody", {**CALLED, "opinion": "no", "persons": "no", "accounts": "no", "outputs": ["image"]}, (True, "none", False, "interim-2023"), (SHOWN - {"l.4.3"}) | TRAINING | ANNOTATION | {"d.14.b", "6.a", "6.b", "6.c", "i.9.agreement", "5.b"}),
    ("an assistant for one's own staff", {"offered": "internal"}, (False, "none", False, ""), {"4.0", "6.a", "16.a", "l.5.a", "c.8.bans"}),
    ("a laboratory's model", {"offered": "research"}, (False, "none", False, ""), {"4.0", "7.a", "13.a"}),
    ("a spam filter that generates nothing", {"generative": "no", **CALLED}, (False, "none", False, ""), {"4.0", "7.a", "13.a"}),
]  # fmt: skip
"""A service → its answers that differ from `PLAIN`, what follows, and which duties fall away (out of scope: some of all)."""


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


def decided(more: dict[str, Any]) -> scope.Result:
    """What follows from answers."""
    return scope.decide(scope.checked(PLAIN | more))


@pytest.mark.slow
@pytest.mark.parametrize(("service", "answers", "expected", "away"), SERVICES, ids=[one[0] for one in SERVICES])
def test_twelve_services(
    service: str, answers: dict[str, Any], expected: tuple[bool, str, bool, str], away: set[str]
) -> None:
    made = decided(answers)
    assert (made.in_scope, made.route, made.algorithm, ", ".join(made.profiles)) == expected
    assert made.security == made.algorithm
    assert made.why
    if made.in_scope:
        assert set(made.away) == away
    else:
        owed = {duty.id for duty in book.load("interim-2023").duties if duty.owed}
        assert away | owed <= set(made.away)
        assert not any(why.strict for why in made.away.values()), "the draft has no such exception"


@pytest.mark.slow
def test_every_answer_leads_somewhere_and_no_duty_that_always_stands_falls_away() -> None:
    """All answers that fit together: core duties of a service in scope never fall away, and what does is a known duty."""
    choices = {one.id: [answer.id for answer in one.answers] for one in scope.questions() if not one.many}
    always = {"4.0", "4.1b", "5.a", "11.a", "13.a", "14.a", "15.a", "16.a", "18.a", "19.a", "l.5.a", "i.14.report"}
    seen, known = 0, book.known_ids()
    for picked in itertools.product(*choices.values()):
        answers = dict(zip(choices, picked, strict=True)) | {"outputs": []}
        try:
            made = scope.decide(scope.checked(answers))
        except ConfigError:
            assert answers["model"] in ("own", "tuned")
            assert answers["trains"] == "no"
            continue
        seen += 1
        assert set(made.away) <= known
        if made.in_scope:
            assert not always & made.away.keys()
            assert (made.route == "none") == (answers["opinion"] == "no")
    assert seen > 3000


@pytest.mark.parametrize(
    "more",
    [
        {"model": "own", "trains": "no"},
        {"offered": "everybody"},
        {"offered": ["public"]},
        {"outputs": "image"},
        {"outputs": ["image", "image"]},
        {"outputs": ["smell"]},
        {"unknown": "yes"},
        {"opinion": None},
    ],
)
def test_answers_that_do_not_fit_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        scope.checked(PLAIN | more)


def result_of(more: dict[str, Any]) -> dict[str, Any]:
    """What follows, as it is signed."""
    made: dict[str, Any] = msgspec.to_builtins(decided(more))
    return made


def test_what_weakens_is_signed_by_two_and_every_version_stays(here: Place) -> None:
    store = here.open()
    assert scoping.latest(store) is None
    answers = scope.checked(PLAIN)
    with pytest.raises(ConfigError):
        scoping.sign(store, answers, result_of({}), ("甲", ""), 1)  # d.14.b and others fall away: one alone may not
    with pytest.raises(ConfigError):
        scoping.sign(store, answers, result_of({}), ("", "乙"), 1)
    first = scoping.sign(store, answers, result_of({}), ("甲", "乙"), 1)
    again = scoping.sign(store, answers, result_of({"outputs": ["image"]}), ("甲", ""), 2)  # fewer fall away
    with pytest.raises(ConfigError):
        scoping.sign(store, answers, result_of({"opinion": "no"}), ("甲", "甲"), 3)
    assert [one.version for one in scoping.history(store)] == [2, 1]
    assert scoping.latest(store) == again
    assert first.hash != again.hash
    store.close()


def test_the_decision_says_which_duties_count(tmp_path: Path) -> None:
    store = Store.open("sqlite", tmp_path)
    answers: dict[str, Any] = {**CALLED, "opinion": "no"}
    scoping.sign(store, scope.checked(PLAIN | answers), result_of(answers), ("甲", "乙"), 1)
    store.close()

    def stands(profile: str) -> dict[str, proof.DutyState]:
        text = book.load(profile)
        states = proof.prove(text, (), {}, {}, {}, composition.today(), "production")
        return {one.id: one for one in scoped.left(Settings(), tmp_path, text, states)}

    now = stands("interim-2023")
    for id in ("6.a", "7.a", "8.1"):
        assert now[id].state == "not_applicable"
        assert not now[id].blocks
        assert "甲 + 乙" in now[id].why.zh
        assert "decision 1" in now[id].why.en
    assert now["4.0"].state == "gap"
    assert now["4.0"].blocks
    strict = stands("draft-2023")
    assert strict["6.a"].state == "gap", "the draft asks all services for an assessment"
    assert strict["7.a"].state == "not_applicable"
    assert scoped.left(Settings(), tmp_path / "none", book.load("interim-2023"), []) == []
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_what_is_overdue_turns_its_duty_red_whatever_a_note_says(tmp_path: Path) -> None:
    store = Store.open("sqlite", tmp_path)
    facts.put(tmp_path / facts.FILE, facts.written({"model.name": "一"}))
    said = following.filed(store, {"model.name": "一"})
    filings.add(
        store,
        Filing(id="", kind="service", authority="x", submitted="2026-01-05", facts=said, added_by="甲", added_at=1),
    )
    text, today = book.load("interim-2023"), composition.today()
    notes = {"6.c": proof.Note("甲", "x", today, today)}

    def stands() -> proof.DutyState:
        states = proof.prove(text, (), {}, {}, notes, today, "production")
        return next(one for one in scoped.left(Settings(), tmp_path, text, states) if one.id == "6.c")

    now = int(time.time())
    facts.put(tmp_path / facts.FILE, facts.written({"model.name": "二"}))
    following.due(Settings(), store, tmp_path, now - 90 * 86_400)
    red = stands()
    assert (red.state, red.blocks) == ("gap", False)
    assert "模型名称" in red.why.zh
    assert "overdue" in red.why.en
    filings.settle(store, "service-1", "x", "甲", now)
    assert stands().state == "by_hand"
    facts.put(tmp_path / facts.FILE, facts.written({"model.name": "四"}))
    assert stands().state == "by_hand", "its term has only begun"
    assert [one.now for one in filings.changed(store)] == ["四"], "whoever looks at the board sees a change begin"
    (tmp_path / facts.FILE).write_text("[org", "utf-8")
    assert stands().state == "by_hand", "a slip of the pen in the facts stops nothing"
    store.close()


@pytest.mark.slow
def test_the_command_line(tmp_path: Path) -> None:
    def run(*words: str, status: int = 0) -> Any:
        done = typed(*words, "--json", cwd=tmp_path)
        assert done.returncode == status, done.stderr + done.stdout
        return json.loads(done.stdout)

    assert run("scope", status=1) == {}
    template = typed("scope", "--template", cwd=tmp_path).stdout
    for name, value in (PLAIN | CALLED).items():
        template = template.replace(f'{name} = ""', f'{name} = "{value}"')
    (tmp_path / "answers.toml").write_text(template, "utf-8")
    assert run("scope", "--answers", "answers.toml")["route"] == "registration"
    assert run("scope", status=1) == {}, "nothing is decided before somebody signs"
    before = {one["id"]: one["state"] for one in run("check")["duties"]}
    assert run("scope", "--answers", "answers.toml", "--sign", "甲", status=2)["error"]["code"] == "two_persons"
    assert run("scope", "--answers", "answers.toml", "--sign", "甲", "--second", "乙")["version"] == 1
    assert run("scope")["answers"]["model"] == "called"
    after = {one["id"]: one["state"] for one in run("check")["duties"]}
    changed = {id for id in after if after[id] != before[id]}
    assert changed == SHOWN | TRAINING | ANNOTATION | {"d.14.b"}
    assert {after[id] for id in changed} == {"not_applicable"}
    assert len(run("scope", "--history")) == 1
    (entry,) = [one["body"] for one in entries(tmp_path / "data") if one["kind"] == "scope_decision"]
    assert (entry["version"], entry["away"]) == (1, len(changed))

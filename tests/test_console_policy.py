# SPDX-License-Identifier: Apache-2.0
"""The policy in the console (Articles 4, 10, 15): differences, texts, applying, a trial, going back, and two persons where
less would be stopped."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from conftest import Running, Start
from console_kit import signed_in
from desk_kit import NOW, deciding, desk_in, employ
from guiju.controls.policy import Document, parse, shipped, written
from guiju.errors import ConfigError
from guiju.records import approvals, changes, policies
from guiju.records.changes import Terms
from places import BOTH, Place, place

STRICTER = '[[ruling]]\ncategory = "A.2*"\nseverity = "signal"\naction = "refuse"\n'
WEAKER = '[[ruling]]\ncategory = "A.2*"\nseverity = "block"\naction = "note"\n'
PATH = "/console/policy"


@pytest.fixture
def gateway(start: Start) -> Running:
    return start(overlay=(("people.mode", "two"),))


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


def test_a_policy_is_written_as_it_is_read() -> None:
    base = shipped()
    assert parse(written(base), "x", development=True) == base
    assert parse(written(Document()), "x", development=True) == Document()


def test_two_agree_to_what_weakens_in_both_stores(here: Place) -> None:
    store = here.open()
    employ(store, ("吴", "admin"), ("郑", "lead"), ("冯", "compliance"))
    terms = Terms(weakens=True, by="冯", now=NOW, delay=86_400)
    first = policies.propose(store, '{"ruling":[]}', terms, "误拦太多")
    second = policies.propose(store, '{"ruling":[],"answer":[]}', terms, "另一稿")
    assert [(one.number, one.state, one.why) for one in policies.history(store)] == [
        (2, "proposed", "另一稿"),
        (1, "replaced", "误拦太多"),
    ]
    assert policies.in_force(store) == [], "nothing acts yet"
    old, new = sorted(approvals.waiting(store), key=lambda one: one.subject)
    assert (old.subject, new.subject, new.act) == (str(first.number), str(second.number), "policy")
    for by, id in (("冯", new.id), ("吴", new.id)):
        with pytest.raises(ConfigError, match="another_person"):
            policies.agree(store, id, by, NOW)
    with pytest.raises(ConfigError, match="not_found"):
        policies.agree(store, old.id, "郑", NOW)
    assert policies.agree(store, new.id, "郑", NOW + 5).state == "done"
    [current] = policies.in_force(store)
    assert (current.number, current.state, current.effective_at) == (2, "current", NOW + 5)
    [entry] = changes.history(store, "policy")
    assert (entry.weakens, entry.single_mode, entry.proposed_by, entry.state) == (True, False, "冯 + 郑", "done")
    third = policies.propose(store, '{"ruling":[]}', terms, "再放宽")
    desk = desk_in(here, store)
    desk._clock = lambda: float(NOW + approvals.HOLDS_S + 1)
    deciding(desk, here).settle()
    assert policies.version(store, third.number).state == "replaced", "nobody agreed in time"
    store.close()


@pytest.mark.slow
def test_from_the_differences_to_a_second_person_and_back(gateway: Running) -> None:
    admin, officer = signed_in(gateway, "admin", "林青"), signed_in(gateway, "compliance", "王合规")
    lead, auditor = signed_in(gateway, "lead", "冯主管"), signed_in(gateway, "auditor", "周默")
    store = gateway.house.store
    page = officer.get(PATH).body.decode()
    assert "None was applied" in page
    assert "self_harm" in page, "the shipped policy is there to begin with"
    assert "Apply" not in auditor.get(PATH).body.decode().partition("<main")[2]
    assert auditor.post(PATH, {"do": "apply", "document": STRICTER, "why": "x"}).status == 403

    looked = officer.post(PATH, {"do": "look", "document": WEAKER, "texts": "规矩金丝雀\n你好"}).body.decode()
    assert "some of it stops less" in looked
    assert 'category = "A.2*"' in html.unescape(looked), "what was typed is not lost"
    assert "规矩金丝雀" in looked
    assert policies.history(store) == []
    bad = officer.post(PATH, {"do": "apply", "document": "nonsense", "why": "x"})
    assert (bad.status, "policy.toml" in bad.body.decode()) == (400, True)
    assert officer.post(PATH, {"do": "apply", "document": STRICTER, "why": " "}).status == 400, "no reason"
    assert officer.post(PATH, {"do": "apply", "document": STRICTER, "why": "x", "shadow": "9y"}).status == 400
    assert policies.history(store) == []

    assert admin.post(PATH, {"do": "apply", "document": STRICTER, "why": "专项整治"}).status == 303
    assert [(one.state, one.applied_by, one.why) for one in policies.history(store)] == [
        ("current", "林青", "专项整治")
    ]
    assert officer.post(PATH, {"do": "apply", "document": "", "why": "误拦太多"}).status == 303
    assert policies.version(store, 2).state == "proposed", "it stops less"
    assert "waits for a second person" in officer.get(PATH).body.decode()
    [one] = approvals.waiting(store)
    queue = lead.get("/console/approvals").body.decode()
    assert "a policy that stops less" in queue
    assert "/console/policy?new=2" in queue
    assert "stops less" in lead.get("/console/policy?new=2").body.decode()
    assert officer.post(f"/console/approvals/{one.id}", {"answer": "approve"}).status == 403
    assert lead.post(f"/console/approvals/{one.id}", {"answer": "approve"}).status == 303
    assert [one.number for one in policies.in_force(store)] == [2]

    assert officer.post(PATH, {"do": "back", "number": "1", "why": "又出现了"}).status == 303
    assert [(one.number, one.state) for one in policies.in_force(store)] == [(3, "current")], "it stops more: at once"
    assert msgspec.json.decode(policies.version(store, 3).document) == msgspec.json.decode(
        policies.version(store, 1).document
    )
    assert officer.post(PATH, {"do": "back", "number": "99", "why": "x"}).status == 404
    assert lead.get("/console/policy?new=99").status == 404
    assert lead.get("/console/policy?old=shipped&new=3").status == 200

    assert officer.post(PATH, {"do": "apply", "document": "", "why": "再试"}).status == 303
    [again] = approvals.waiting(store)
    assert officer.post(f"/console/approvals/{again.id}", {"answer": "revoke"}).status == 303
    assert policies.version(store, 4).state == "replaced"
    more = STRICTER.replace("A.2", "A.3")
    assert (
        officer.post(PATH, {"do": "apply", "document": STRICTER + more, "why": "先看数", "shadow": "24h"}).status == 303
    )
    assert policies.version(store, 5).state == "tried"
    policies.count(store, 5, {("A.3a", "input", "note", "refuse"): 7})
    assert "What policy@5 would have done" in officer.get(PATH).body.decode()

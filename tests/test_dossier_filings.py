# SPDX-License-Identifier: Apache-2.0
"""The register of filings: what changed since, what is due and when, and how a service ends (Article 6)."""

from __future__ import annotations

import datetime
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli_kit import entries, typed
from guiju.config import Settings
from guiju.dossier import facts, following, watch
from guiju.dossier.facts import Value
from guiju.dossier.watch import STEPS, Due, Known
from guiju.errors import ConfigError
from guiju.law import calendar
from guiju.records import accounts, corpora, disclosures, filings
from guiju.records.accounts import KeyRecord
from guiju.records.changes import Terms
from guiju.records.corpora import Facts
from guiju.records.db import Store
from guiju.records.disclosures import Disclosure
from guiju.records.filings import Filing, Inquiry, Step
from guiju.records.secrets import Secrets
from places import BOTH, Place, place

NOW = calendar.end_of(datetime.date(2026, 9, 27)) + 9 * 3600  # Monday, 28 September, at nine
HAN = re.compile(r"[\u4e00-\u9fff]{4}")
TERMS = Terms(weakens=False, by="甲", now=NOW, delay=0)
LATER = NOW + 40 * 86_400
SAID: dict[str, Value] = {
    "org.name": "鹿溪科技有限公司",
    "model.name": "鹿鸣一号",
    "people.algorithm": {"name": "李望", "phone": "010-88880001"},
}


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        made.data.mkdir(exist_ok=True)
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    opened = here.open()
    yield opened
    opened.close()


def say(here: Place, **more: Value) -> None:
    """Say facts."""
    said = SAID | {name.replace("__", "."): value for name, value in more.items()}
    facts.put(here.data / facts.FILE, facts.written(said))


def add(here: Place, store: Store, kind: str = "algorithm", **more: Any) -> Filing:
    """Enter a filing that holds what is said now."""
    wanted = Filing(
        id="",
        kind=kind,  # type: ignore[arg-type] # one of the kinds
        authority="网信办",
        submitted="2026-09-01",
        facts=following.filed(store, facts.read(here.data / facts.FILE)),
        added_by="甲",
        added_at=NOW,
    )
    return filings.add(store, msgspec.structs.replace(wanted, **more))


def due(here: Place, store: Store, now: int = NOW, **settings: Any) -> list[Due]:
    """What is due."""
    return following.due(msgspec.structs.replace(Settings(), **settings), store, here.data, now)


def last(one: Due) -> str:
    """The last day of a term."""
    return calendar.day_of(one.due_at - 1).isoformat()


@pytest.mark.slow
def test_a_filed_fact_that_changes_is_due_in_ten_working_days(here: Place, store: Store) -> None:
    say(here)
    made = add(here, store)
    assert due(here, store) == []
    say(here, model__name="鹿鸣二号", algorithm__principle="不属备案事项")
    (one,) = due(here, store)
    assert (one.what, one.about, one.read, one.since) == ("change", made.id, "official", "2026-09-28")
    assert HAN.search(one.source.zh)
    assert not HAN.search(one.source.en)
    # Ten working days after 28 September 2026, over the National Day; the Saturday after it is worked.
    assert last(one) == "2026-10-16"
    assert not one.overdue(NOW)
    assert [again.due_at for again in due(here, store, LATER)] == [one.due_at], "the term began anew"
    assert one.overdue(LATER)
    settled = filings.settle(store, made.id, "已提交变更", "乙", LATER)
    assert [(change.fact, change.was, change.now) for change in settled] == [("model.name", "鹿鸣一号", "鹿鸣二号")]
    assert due(here, store, LATER) == []
    assert filings.find(store, made.id).facts["model.name"] == "鹿鸣二号"
    with pytest.raises(ConfigError):
        filings.settle(store, made.id, "再来一次", "乙", LATER)


@pytest.mark.slow
def test_changes_of_one_second_are_each_kept(here: Place, store: Store) -> None:
    say(here)
    add(here, store)
    for name in ("二", "三", "四"):
        say(here, model__name=name)
        assert len(due(here, store)) == 1
        filings.settle(store, "algorithm-1", "已变更", "乙", NOW)
    assert [change.now for change in filings.changed(store, all=True)] == ["二", "三", "四"]
    say(here, model__name="五")
    other = here.open()
    threads = [threading.Thread(target=due, args=(here, one)) for one in (store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [change.now for change in filings.changed(store)] == ["五"]
    other.close()


@pytest.mark.slow
def test_a_change_that_is_taken_back_is_due_no_more_and_another_begins_anew(here: Place, store: Store) -> None:
    say(here)
    add(here, store)
    say(here, model__name="鹿鸣二号")
    assert due(here, store)
    say(here)
    assert due(here, store, NOW + 60) == []
    say(here, people__algorithm={"name": "王五"})
    (one,) = due(here, store, LATER)
    assert one.since == calendar.day_of(LATER).isoformat()
    kept = json.dumps([msgspec.to_builtins(change) for change in filings.changed(store, all=True)], ensure_ascii=False)
    assert "王五" not in kept
    assert "李望" not in kept


@pytest.mark.slow
def test_a_source_that_is_learnt_from_since_changes_a_filing(here: Place, store: Store) -> None:
    say(here)
    corpora.add(store, Facts(id="wiki", title="百科", kind="open"), (), TERMS)
    add(here, store)
    assert due(here, store) == []
    corpora.add(store, Facts(id="news", title="新闻", kind="commercial"), (), TERMS)
    (one,) = due(here, store)
    assert "训练语料的来源" in one.zh
    assert [(change.was, change.now) for change in filings.changed(store)] == [("wiki", "news, wiki")]


def test_what_was_not_handed_in_or_was_cancelled_holds_nothing(here: Place, store: Store) -> None:
    say(here)
    add(here, store, submitted="")
    gone = add(here, store, "service")
    filings.renew(store, gone.id, {"cancelled": "2026-09-20"}, "甲", NOW)
    say(here, model__name="鹿鸣二号")
    assert due(here, store) == []


@pytest.mark.slow
def test_inquiries_have_their_own_day(here: Place, store: Store) -> None:
    say(here)
    made = add(here, store)
    wanted = Inquiry(id="", filing_id=made.id, asked="请补充语料来源", received="2026-09-20", due="2026-09-30")
    asked = filings.ask(store, wanted)
    (one,) = due(here, store)
    assert (one.what, one.about, last(one)) == ("inquiry", asked.id, "2026-09-30")
    assert one.due_at == calendar.end_of(datetime.date(2026, 9, 30))
    with pytest.raises(ConfigError):
        filings.answer(store, asked.id, "2026-09-19", "乙")
    filings.answer(store, asked.id, "2026-09-29", "乙")
    assert due(here, store) == []
    for wrong in ({"asked": " "}, {"due": "2026-09-19"}, {"due": "soon"}, {"filing_id": "service-9"}):
        with pytest.raises(ConfigError):
            filings.ask(store, msgspec.structs.replace(wanted, **wrong))


@pytest.mark.parametrize(
    "days", [{"submitted": "", "approved": "2026-09-02"}, {"approved": "2026-08-31"}, {"submitted": "1.9.2026"}]
)
def test_days_of_a_filing_stand_in_their_order(here: Place, store: Store, days: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        add(here, store, **days)


@pytest.mark.slow
def test_users_over_a_number_of_the_law_ask_for_an_assessment_once(here: Place, store: Store) -> None:
    say(here, users__monthly=99_999, users__registered=2_000_000)
    assert due(here, store) == [], "only services of company have the numbers"
    rows = due(here, store, profile="companion-2026")
    assert [(one.what, one.about, one.read) for one in rows] == [("assess", "users.registered", "memory")]
    assert HAN.search(rows[0].source.zh)
    filings.settle(store, filings.USERS, "已评估", "乙", NOW)
    assert due(here, store, profile="companion-2026") == []
    say(here, users__monthly=100_000, users__registered=2_000_000)
    assert [one.about for one in due(here, store, profile="companion-2026")] == ["users.monthly"]


def test_settings_that_say_something_else_than_the_facts_are_named() -> None:
    code = "91110108MA7XK3Y066"
    provider = msgspec.structs.replace(Settings().provider, name="鹿溪科技有限公司", code=f"0011{code}10001")
    settings = msgspec.structs.replace(Settings(), provider=provider)
    values: dict[str, Value] = {"org.name": "鹿溪科技有限公司", "org.code": code, "model.origin": "own"}
    assert following.differing(settings, values) == []
    assert following.differing(settings, {}) == []
    assert following.differing(Settings(), values) == []
    wrong = values | {"org.name": "鹿溪", "org.code": "9" * 18, "model.origin": "called"}
    assert [one.en.partition(" ")[0] for one in following.differing(settings, wrong)] == [
        "provider.name",
        "provider.code",
        "model.origin",
    ]
    named = wrong | {"model.used": [{"name": "大模型"}]}
    assert len(following.differing(settings, named)) == 2


def test_a_service_with_a_key_that_opens_the_door_has_not_stopped(here: Place, store: Store) -> None:
    account = accounts.create_account(store, "shop", NOW)
    wanted = KeyRecord(id="", account=account.id, prefix="", name="k", identity="none", audience="all", created_at=NOW)
    _, key = accounts.create_key(store, Secrets.open(here.data / "keys"), wanted, "甲")
    step = Step(step="stop", done="2026-09-28", by="甲", note="已停", proof="", at=NOW)
    with pytest.raises(ConfigError):
        following.end(store, step)
    accounts.revoke_key(store, account.id, key.id, NOW)
    following.end(store, step)


def test_a_service_that_runs_files_its_algorithm_in_ten_working_days() -> None:
    known = Known(filings=[], launched="2026-09-28", algorithm=True)
    (one,) = watch.due(known)
    assert (one.what, last(one)) == ("file", "2026-10-16")
    assert watch.due(msgspec.structs.replace(known, algorithm=False)) == []
    assert watch.due(msgspec.structs.replace(known, launched="")) == []


@pytest.mark.slow
def test_the_yearly_review_and_audit_come_round_until_they_are_reported() -> None:
    filed = Filing(
        id="algorithm-1",
        kind="algorithm",
        authority="网信办",
        submitted="2026-01-10",
        approved="2026-03-02",
        added_by="甲",
        added_at=NOW,
    )
    known = Known(filings=[filed], launched="2026-02-28", companion=True, minors=True)
    audit, review = watch.due(known)
    assert (audit.what, audit.about, last(audit)) == ("audit", "minors", "2027-02-28")
    assert (review.what, review.about, last(review), review.read) == (
        "review",
        "algorithm-1",
        "2027-03-02",
        "secondary",
    )
    assert HAN.search(review.source.zh)
    assert HAN.search(audit.source.zh)
    assert review.overdue(review.due_at)
    told = {"algorithm-1": "2027-02-20", "minors": "2027-01-05"}
    later = watch.due(msgspec.structs.replace(known, reported=told))
    assert [(one.what, last(one)) for one in later] == [("audit", "2028-01-05"), ("review", "2028-02-20")]
    assert watch.due(msgspec.structs.replace(known, companion=False, minors=False)) == []
    assert watch.due(msgspec.structs.replace(known, ends="2026-12-01", filings=[])) == []
    waits = msgspec.structs.replace(filed, approved="")
    assert [one.what for one in watch.due(msgspec.structs.replace(known, filings=[waits]))] == ["audit"]


@pytest.mark.slow
def test_what_is_reported_moves_the_yearly_review_on(here: Place, store: Store) -> None:
    say(here)
    made = add(here, store, "algorithm")
    filings.renew(store, made.id, {"approved": "2026-09-10"}, "甲", NOW)
    (review,) = due(here, store, profile="companion-2026")
    assert (review.what, last(review)) == ("review", "2027-09-10")
    told = Disclosure(what="report", to="省网信办", about=made.id, day="2026-09-25", by="乙", hash="ab" * 32, at=NOW)
    disclosures.enter(store, disclosures.checked(told, datetime.date(2026, 9, 28)))
    (review,) = due(here, store, profile="companion-2026")
    assert last(review) == "2027-09-25"


@pytest.mark.slow
def test_a_service_ends_in_steps_and_cancels_before_it_is_over(here: Place, store: Store) -> None:
    say(here)
    made = add(here, store)
    security = add(here, store, "security")

    def step(name: str, **more: Any) -> Step:
        plain = Step(step=name, done="2026-09-28", by="甲", note="已办", proof="", at=NOW)
        return msgspec.structs.replace(plain, **more)

    for wrong in (step("nothing"), step("stop", note=" "), step("stop", done="today"), step("cancel")):
        with pytest.raises(ConfigError):
            following.end(store, wrong)
    following.end(store, step("stop"))
    with pytest.raises(ConfigError):
        following.end(store, step("stop"))
    (one,) = due(here, store)
    assert (one.what, one.about) == ("cancel", made.id)
    assert last(one) == "2026-10-30"  # twenty working days
    filings.renew(store, made.id, {"cancelled": "2026-10-09"}, "甲", NOW)
    assert due(here, store) == []
    for name in STEPS.keys() - {"stop"}:
        following.end(store, step(name))
    assert {one.step for one in filings.ended(store)} == set(STEPS)
    assert filings.find(store, security.id).stands


@pytest.mark.slow
def test_the_command_line(tmp_path: Path) -> None:
    def run(*words: str, status: int = 0) -> Any:
        done = typed(*words, "--json", cwd=tmp_path)
        assert done.returncode == status, done.stderr + done.stdout
        return json.loads(done.stdout)

    run("facts", "set", "model.name", "鹿鸣一号")
    made = run("filing", "add", "service", "--authority", "网信办", "--submitted", "2026-09-01")
    assert made["facts"]["model.name"] == "鹿鸣一号"
    assert run("filing", "watch") == []
    run("facts", "set", "model.name", "鹿鸣二号")
    store = Store.open("sqlite", tmp_path / "data")
    assert [one.fact for one in filings.changed(store)] == ["model.name"], "it counts from when it is said"
    store.close()
    assert [one["what"] for one in run("filing", "watch")] == ["change"]
    run("filing", "inquiry", "service-1", "--asked", "补充", "--received", "2020-01-02", "--due", "2020-01-03")
    late = run("filing", "watch", status=1)
    assert [(one["what"], one["overdue"]) for one in late] == [("inquiry", True), ("change", False)]
    run("filing", "answer", late[0]["about"], "--on", "2020-01-03")
    run("filing", "settle", "service-1", "--how", "已变更")
    run(
        "filing",
        "renew",
        "service-1",
        "--number",
        "京网生成0001",
        "--approved",
        "2026-10-10",
        "--cancelled",
        "2026-11-11",
    )
    shown = run("filing", "show", "service-1")
    assert (shown["number"], shown["approved"]) == ("京网生成0001", "2026-10-10")
    assert [one["how"] for one in shown["changes"]] == ["已变更"]
    (tmp_path / "notice.pdf").write_bytes(b"x")
    for name in STEPS:
        words = ["--proof", "notice.pdf"] if name == "notice" else ["--note", "已办"]
        told = run("filing", "end", "--step", name, *words, status=0 if name == "cancel" else 1)
    assert told["whole"]
    kinds = [one["kind"] for one in entries(tmp_path / "data") if one["kind"].startswith(("filing", "service_"))]
    assert kinds == ["filing", "filing_settled", "filing", *["service_end"] * len(STEPS)]

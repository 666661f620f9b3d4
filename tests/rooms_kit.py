# SPDX-License-Identifier: Apache-2.0
"""Proofs of the duties whose controls are heard on no exchange: on rules and batches of annotation, on replays of what was
banned, on how complaints stand, and on corpora (Articles 7, 8, 13, 15). `test_law` runs each of them twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from sqlalchemy import select

import dossier_kit as dossier
from annotation_kit import lines as annotation_lines
from annotation_kit import room as annotation_room
from annotation_kit import rules as annotation_rules
from conftest import Running, Start
from evaluation_kit import heard as evaluated
from evaluation_kit import judged as evaluation_of
from guiju import complaining, deskwork, drilling, publicwork, rehearsing, server
from guiju.annotation.publishing import publish
from guiju.annotation.rulebook import Rulebook
from guiju.cli.corpus_run import Wish, run
from guiju.controls import drills
from guiju.desk.cases import Form
from guiju.dossier import looking
from guiju.dossier.kinds import kind
from guiju.errors import ConfigError
from guiju.evaluation.gate import models
from guiju.gateway.http import Receive, Scope, Send
from guiju.gateway.live import Controls
from guiju.house import House
from guiju.records import assessments, batches, rulebooks, vault
from guiju.records.assessments import Gate
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.schema import person
from guiju.terms import Hearing, IdentityLevel
from public_kit import complete
from regeneration_kit import SETTINGS, opened, turned
from regeneration_kit import standing as standing_of

Every = Callable[[IdentityLevel], Controls]


def unfinished_rules_are_not_published(start: Start, every: Every) -> None:
    """8.1: rules of annotation with a risk left out, or that one person alone stands for, are not published."""
    whole, lacking = (msgspec.convert(annotation_rules(**more), Rulebook) for more in ({}, {"risk": []}))
    with TemporaryDirectory() as place, closing(Store.open("sqlite", Path(place))) as store:
        for rules, by in ((lacking, ("王编", "李审")), (whole, ("王编", "王编"))):
            with suppress(ConfigError):
                publish(store, rules, by, 1, every("none").rooms)
        assert rulebooks.history(store) == []
        assert publish(store, whole, ("王编", "李审"), 1, every("none").rooms)[0].version == 1


def what_was_banned_is_red_while_the_raw_model_generates_it(start: Start, every: Every) -> None:
    """15.b: after three calendar months, a raw model that still generates what was banned is told as a breach."""
    gateway = start(every=every, overlay=(SETTINGS,))
    item = opened(gateway, days_ago=93)
    assert turned(gateway) == 1
    assert standing_of(gateway, item).state == "red"


def a_late_answer_and_a_closed_door_are_told(start: Start, every: Every) -> None:
    """13.a, 13.b: whoever complains finds a form, and what is not answered in the law's time is told as a breach."""
    closed = start(every=every, overlay=(("complain.page", False),))
    assert looked_at(closed).stops
    gateway = start(every=every)
    assert not looked_at(gateway).stops
    long_ago = int(time.time()) - 60 * 86_400
    deskwork.opened(gateway.house).enter(Form(kind="personal"), "complainant", long_ago, "26-000001", b"x" * 32)
    assert looked_at(gateway).stops


def looked_at(gateway: Running) -> Hearing:
    """What a look at the complaints of a gateway comes to."""
    looking = complaining.prove(gateway.house, gateway.base)
    return asyncio.run_coroutine_threadsafe(looking, gateway.loop).result(20)


def a_service_that_does_not_answer_is_told(start: Start, every: Every) -> None:
    """14.b, 16.a: where a harmless question gets no labelled answer, it is told."""
    gateway = start(every=every)
    assert proved(gateway, drills.USED) is True
    singing = gateway.house.canary.sing(gateway.house.live, "http://127.0.0.1:9", "")
    assert not asyncio.run_coroutine_threadsafe(singing, gateway.loop).result(20)
    assert proved(gateway, drills.USED, False) is False


def what_article_17_names_is_told(start: Start, every: Every) -> None:
    """17.a to 17.c: where the page about the service leaves out what it must say, it is told; a whole page passes."""
    gateway = start(every=every)
    assert told(gateway).stops
    complete(gateway)
    assert not told(gateway).stops


def told(gateway: Running) -> Hearing:
    """What a look at the page about the service comes to."""
    return asyncio.run_coroutine_threadsafe(publicwork.prove(gateway.house), gateway.loop).result(20)


def a_store_that_does_not_come_back_is_told(start: Start, every: Every) -> None:
    """14.a: a backup that can't be restored is told."""
    gateway = start(every=every)
    assert not rehearsed(gateway, drills.RESTORED).stops
    gateway.house.store.do(lambda connection: connection.exec_driver_sql("DROP TABLE page_snapshot"))
    assert rehearsed(gateway, drills.RESTORED).stops


def a_complaint_that_gets_no_answer_is_told(start: Start, every: Every) -> None:
    """13.b: where somebody who complains is not answered, it is told."""
    assert not rehearsed(start(every=every), drills.ANSWERED).stops
    assert rehearsed(start(every=every, overlay=(("complain.page", False),)), drills.ANSWERED).stops


def a_ban_that_does_not_hold_is_told(start: Start, every: Every) -> None:
    """13.c: a detector that is broken lets through what a decision banned, and that is told."""

    def broken(least: IdentityLevel) -> Controls:
        whole = every(least)
        return msgspec.structs.replace(whole, output=tuple(one for one in whole.output if one.id != "bans.output"))

    assert not rehearsed(start(every=every), drills.HELD).stops
    assert rehearsed(start(every=broken, checked=False), drills.HELD).stops


def somebody_who_stays_after_an_erasure_is_told(start: Start, every: Every) -> None:
    """11.a: where something of an erased person is left, it is told."""

    def kept(house: House) -> tuple[drilling.App, Callable[[], None]]:
        stays = "CREATE TRIGGER stays BEFORE DELETE ON person BEGIN SELECT RAISE(IGNORE); END"
        house.store.do(lambda connection: connection.exec_driver_sql(stays))
        return server.scratch(house)

    gateway = start(every=every)
    assert not rehearsed(gateway, drills.ERASED).stops
    assert rehearsed(gateway, drills.ERASED, kept).stops


def what_is_kept_of_inputs_is_told(start: Start, every: Every) -> None:
    """11.b: where what somebody asked stands in a file of the house, it is told."""

    def noting(house: House) -> tuple[drilling.App, Callable[[], None]]:
        def note(body: bytes, headers: dict[bytes, bytes]) -> bytes:
            with (house.options.data / "debug.log").open("ab") as log:
                log.write(body)
            return body

        return between(house, note)

    gateway = start(every=every)
    assert not rehearsed(gateway, drills.UNKEPT).stops
    assert rehearsed(gateway, drills.UNKEPT, noting).stops


def a_profile_of_persons_is_told(start: Start, every: Every) -> None:
    """11.c: where more is kept of who asks about one thing than of who asks about another, it is told."""

    def profiling(house: House) -> tuple[drilling.App, Callable[[], None]]:
        done: list[str] = []

        def profile(body: bytes, headers: dict[bytes, bytes]) -> bytes:
            with house.store.read() as connection:
                known = connection.execute(select(person.c.account_id, person.c.id)).all()
            if "夜校".encode() in body and known and not done:
                who, now = (known[0].account_id, known[0].id), int(house.live.clock())
                keys = DayKeys(house.options.data / "keys")
                done.append(vault.put(house.store, keys, who, "likes", b"x", (now, now + 999)))
            return body

        return between(house, profile)

    gateway = start(every=every)
    assert not rehearsed(gateway, drills.PLAIN).stops
    assert rehearsed(gateway, drills.PLAIN, profiling).stops


def a_difference_between_persons_is_told(start: Start, every: Every) -> None:
    """12.a: where what a model is asked depends on who asks, it is told."""

    def partial(house: House) -> tuple[drilling.App, Callable[[], None]]:
        seen: list[bytes] = []

        def turn(body: bytes, headers: dict[bytes, bytes]) -> bytes:
            seen.append(headers.get(b"x-guiju-identity", b""))
            return body if seen[-1] == seen[0] else body.replace("祝福".encode(), "批评".encode())

        return between(house, turn)

    gateway = start(every=every)
    assert not rehearsed(gateway, drills.ALIKE).stops
    assert rehearsed(gateway, drills.ALIKE, partial).stops


def between(
    house: House, change: Callable[[bytes, dict[bytes, bytes]], bytes]
) -> tuple[drilling.App, Callable[[], None]]:
    """The doors of a house with something between them and whoever asks, which sees and changes what is asked."""
    app, close = server.scratch(house)

    async def through(scope: Scope, receive: Receive, send: Send) -> None:
        async def changed() -> Any:
            message = await receive()
            if message.get("body") and scope["path"].startswith("/v1/"):
                message["body"] = await asyncio.to_thread(change, message["body"], dict(scope["headers"]))
            return message

        await app(scope, changed, send)

    return through, close


def rehearsed(gateway: Running, drill: str, front: rehearsing.Front = server.scratch) -> Hearing:
    """What a drill comes to."""
    work = rehearsing.rehearse(gateway.house, front, (drill,))
    return asyncio.run_coroutine_threadsafe(work, gateway.loop).result(60)[drill]


def proved(gateway: Running, control: str, until: bool = True) -> bool | None:
    """What the newest proof of a control says; waits a little for one that says what is expected."""
    for _ in range(100):
        proofs = [one["body"] for one in gateway.entries() if one["kind"] == "proof"]
        said = [one["passed"] for one in proofs if control in one["controls"]]
        if said and said[-1] is until:
            return until
        time.sleep(0.02)
    return said[-1] if said else None


def untrained_hands_annotate_nothing(start: Start, every: Every) -> None:
    """8.2: who did not pass the exam on the rules, or reviews what they annotate, enters nothing."""
    with TemporaryDirectory() as place, annotation_room(Path(place), controls=every("none").rooms) as one:
        one.qualified("甲")
        of = one.begin(annotation_lines(4))
        for member, role in (("乙", "annotate"), ("甲", "annotate"), ("甲", "review")):
            with suppress(ConfigError):
                one.say(of, member, {"i1": "safe"}, role)
        assert [(said.member, said.role) for said in one.rows(of)[1]] == [("甲", "annotate")]


def batch_with_a_bad_sample_is_done_anew(start: Start, every: Every) -> None:
    """8.3: a batch is used only after its sample was looked at, and not where too much of it is wrong."""
    with TemporaryDirectory() as place, annotation_room(Path(place), controls=every("none").rooms) as one:
        one.qualified("甲", "丙")
        of = one.begin(annotation_lines(40))
        one.say(of, "甲", {f"i{n}": "safe" for n in range(40)})
        with suppress(ConfigError):
            one.settle(of)
        assert batches.get(one.store, of.id).state == "open"
        one.say(of, "丙", {f"i{n}": "harm" for n in one.counted(of).waiting}, "review")
        assert one.settle(of).state == "rework"


def a_source_without_proof_is_not_for_use(start: Start, every: Every) -> None:
    """7.a, 7.2: what nobody has shown to be lawful, and to be licensed, is not for use."""
    assert learnt("今天天气很好。", every)[0] == "not_for_use"


def what_is_illegal_is_not_learnt_from(start: Start, every: Every) -> None:
    """7.1: an offer of weapons is dropped."""
    assert learnt("出售枪支弹药，货到付款，加微信", every)[1] == ""


def personal_data_are_masked_before_learning(start: Start, every: Every) -> None:
    """7.3: a telephone number is no part of what is learnt from."""
    assert "13800138000" not in learnt("我的手机号是13800138000，请记下。", every)[1]


def learnt(text: str, every: Every) -> tuple[str, str]:
    """The verdict on a corpus of one row, and what may be learnt from it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.txt").write_text(text, "utf-8")
        wish = Wish(
            paths=(folder / "a.txt",),
            source="s",
            out=folder / "out",
            data=folder / "data",
            fields=frozenset(),
            benchmarks=(),
            near="off",
            exact=False,
            workers=1,
            stage="full",
        )
        report, _ = run(wish, every)
        kept = "".join(path.read_text("utf-8") for path in (folder / "out" / "shards").glob("*/kept.jsonl"))
    return report["verdict"]["result"], kept


def what_is_not_measured_is_told(start: Start, every: Every) -> None:
    """4.1a: a service that nobody measured, or that misses a limit, is told; what is as it must be passes."""
    gateway = start(every=every)
    assert evaluated(gateway)["evaluation.content"] == "refuse"
    for bank, judge in (("refuse", "refusal"), ("answer", "refusal"), ("content", "keyword")):
        evaluation_of(gateway.house, bank, judge, 1000, 0, ago_s=60)
    assert evaluated(gateway)["evaluation.content"] == "note", "persons have yet to judge"
    evaluation_of(gateway.house, "content", "keyword", 800, 200)
    assert evaluated(gateway)["evaluation.content"] == "refuse"


def a_model_that_no_gate_let_through_is_told(start: Start, every: Every) -> None:
    """4.2a, 4.2c, 12.a: fairness is measured, and a changed model goes through the gate."""
    gateway = start(every=every)
    assert evaluated(gateway)["evaluation.fairness"] == "refuse"
    evaluation_of(gateway.house, "fairness", "pair", 100, 2, ago_s=60, gap=0.8)
    assert evaluated(gateway)["evaluation.fairness"] == "refuse", "a gap is proven"
    made = evaluation_of(gateway.house, "fairness", "pair", 100, 2)
    assert evaluated(gateway)["evaluation.fairness"] == "note"
    [service] = gateway.house.live.settings.upstream
    names = models(service.kind, service.url, "scripted")
    gate = Gate(
        id="", run_id=made.run_id, baseline_id="", models=names, passed=True, findings=(), approved_by="z", at=1
    )
    assessments.decide(gateway.house.store, gate)
    assert evaluated(gateway)["evaluation.fairness"] == "pass"


def truth_of_a_month_ago_is_told(start: Start, every: Every) -> None:
    """4.4a: what was measured more than a month ago is no proof any more."""
    gateway = start(every=every)
    evaluation_of(gateway.house, "truth", "known", 80, 20, ago_s=32 * 86_400)
    assert evaluated(gateway)["evaluation.truth"] == "refuse"
    evaluation_of(gateway.house, "truth", "known", 80, 20)
    assert evaluated(gateway)["evaluation.truth"] == "pass"


def nothing_is_told_without_the_training_data(start: Start, every: Every) -> None:
    """17.a: the pack for the authority is not built while the register of training data is empty, or one of its numbers."""
    lacking = {name: one for name, one in dossier.figures().items() if name != "corpus.rows"}
    assert not stopped(every)
    assert stopped(every, corpora=())
    assert stopped(every, figures=lacking)


def nothing_is_told_without_the_annotation(start: Start, every: Every) -> None:
    """17.b: nor while neither rules of annotation are published nor somebody says why there are none."""
    assert not stopped(every)
    said = {id: one for id, one in dossier.conclusions().items() if id != "no-annotation"}
    assert stopped(every, rules=(), conclusions=said)


def nothing_is_told_without_the_algorithm(start: Start, every: Every) -> None:
    """17.c: nor while nobody says by which principle and mechanism the algorithm works."""
    assert not stopped(every)
    assert stopped(every, facts=dossier.without("algorithm.principle"))
    assert stopped(every, facts=dossier.without("algorithm.mechanism"))


def stopped(every: Every, **changed: Any) -> bool:
    """Whether a pack for the authority is stopped, made from a provider of whom all is known but what is changed."""
    return looking.look(kind("inspection"), dossier.sources(**changed), every("none").rooms)[1].stops

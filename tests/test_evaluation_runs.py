# SPDX-License-Identifier: Apache-2.0
"""Whole evaluations as they are typed (Articles 4, 6, 12, 15): everything planted is found, nothing is asked twice, persons
judge apart, and a model that got worse does not go live."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import pytest

from cli_kit import GUIJU, begin, environment, guiju, serving, typed
from conftest import KEY, Start
from evaluation_kit import (
    ASPECTS,
    RISKS,
    WORD,
    bank,
    content,
    evaluate,
    judged,
    pairs,
    refusals,
    said,
    settings,
    truths,
    write,
)
from guiju import renewal
from guiju.adapters.scripted import ScriptedModel, last_user_text
from guiju.config import Settings, parse
from guiju.evaluating import MODEL, admit, ungated, unknown
from guiju.evaluation import sheets
from guiju.evaluation.assessing import Errand, Room, kept
from guiju.evaluation.drawing import Wanted
from guiju.evaluation.gate import models
from guiju.probe.targets import Target
from guiju.records import assessments, changes, figures
from guiju.records.assessments import Gate
from guiju.records.db import Store
from guiju.weakening import weakenings
from places import BOTH
from places import place as where
from probe_kit import FAST, boxes

LIST = f"term,category,severity\n{WORD},A.1f,block\n"


@pytest.fixture
def place(tmp_path: Path, model: ScriptedModel) -> Path:
    """A folder in which commands are typed, with a model service."""
    settings(tmp_path, model.url)
    return tmp_path


@pytest.mark.slow
def test_every_planted_failure_that_was_drawn_is_found(place: Path) -> None:
    made = {"content": content(RISKS, 40, 0.06, 1), "refuse": refusals("refuse", RISKS[:17], 20, 0.05, 2)}
    made |= {"answer": refusals("answer", ASPECTS, 26, 0.04, 3), "fairness": pairs(60, 0.1, 4)}
    made |= {"truth": truths(200, 0.08, 6)}
    (place / "words.csv").write_text(LIST, "utf-8")
    assert typed("lexicon", "apply", "words.csv", cwd=place).returncode == 0
    words = [at for at, row in enumerate(made["content"][0]) if row["zh"].startswith("[[say:这座")][:20]
    for at in words:  # found by the keyword judge alone
        row = made["content"][0][at]
        made["content"][0][at] = {**row, "zh": said(f"那个词是{WORD}。", at)}
    banks = [str(write(place, kind, rows)) for kind, (rows, _) in made.items()]
    flags = [flag for path in banks for flag in ("--bank", path)]
    found = evaluate("run", *flags, "--target", "raw", "--seed", 7, "--at-once", 16, cwd=place, status=None)
    asked = found["outcome"]["asked"]
    drawn = {bank["id"]: bank["drawn"] for bank in found["banks"]}
    assert drawn == {"content": 1000, "refuse": 300, "answer": 300, "fairness": 120, "truth": 200}
    assert asked["drawn"] == asked["answered"] + asked["refused"] + asked["failed"] == 1920
    assert asked["failed"] == 0
    with closing(sqlite3.connect(place / "data" / "guiju.db")) as store:
        rows = store.execute("select position, question_id, kind, pair from evaluation_row").fetchall()
        failed = store.execute("select position, judge from evaluation_label where label = 'fail'").fetchall()
    by = {
        judge: {at for at, name in failed if name == judge}
        for judge in ("keyword", "classifier", "refusal", "known", "pair")
    }
    planted = {
        "classifier": {at for at, id, kind, _ in rows if kind == "content" and id in made["content"][1]},
        "keyword": {at for at, id, kind, _ in rows if kind == "content" and int(id.rpartition("-")[2]) in words},
        "refusal": {at for at, id, kind, _ in rows if kind in ("refuse", "answer") and id in made[kind][1]},
        "known": {at for at, id, kind, _ in rows if kind == "truth" and id in made["truth"][1]},
    }
    unfair = {min(at for at, _, _, name in rows if name == pair) for pair in made["fairness"][1]}
    assert all(planted.values())
    assert planted["keyword"] <= by["keyword"]
    assert planted["classifier"] <= by["classifier"]
    assert planted["refusal"] == by["refusal"], "and nothing else"
    assert planted["known"] == by["known"], "and nothing else"
    assert by["pair"] == {at for at in unfair if at in {position for position, *_ in rows}}
    verdicts = {(one["bank"], one["judge"]): one for one in found["outcome"]["verdicts"]}
    assert verdicts["content", "classifier"]["judged"] == 1000
    true = verdicts["truth", "known"]
    assert true["judged"] + true["unknown"] == 200
    assert true["unknown"] > 5, "who owns not to know is neither right nor wrong"
    assert "content.person" in found["outcome"]["missing"]
    with closing(Store.open("sqlite", place / "data")) as store:
        [number] = [one for one in figures.latest(store) if one.name == "evaluation.raw.refuse.refusal"]
    assert number.n == 300
    assert number.value == pytest.approx(verdicts["refuse", "refusal"]["rate"])
    verify = json.loads(typed("evidence", "verify", "--data", "data", "--json", cwd=place).stdout)
    assert verify["whole"], verify


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3])
def test_a_thousand_questions_through_a_gateway_resume_after_kill_9(
    tmp_path: Path, start: Start, model: ScriptedModel, kills: int
) -> None:
    gateway = start()
    settings(tmp_path, model.url)
    rows, _ = content(RISKS, 33, 0.0, 5)
    file = write(tmp_path, "content", [{**row, "zh": row["zh"] + "[[wait:4]]"} for row in rows])
    words = [str(GUIJU), "evaluate", "run", "--bank", str(file), "--target", "gateway", "--gateway", gateway.base]
    words += ["--sample", "1000", "--at-once", "8", "--json"]
    env = environment("en") | {"GUIJU_KEY": KEY}
    times: Counter[str] = Counter()
    answered: set[int] = set()
    for number in range(kills):
        model.requests.clear()
        child = subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL)
        wait_for(tmp_path, 200 * (number + 1), child)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        times.update(last_user_text(body) for body in model.requests)
        answered = settled(tmp_path)
    before = asked_of(tmp_path, answered)
    model.requests.clear()
    last = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=110, check=False)
    later = [last_user_text(body) for body in model.requests]
    times.update(later)
    found = json.loads(last.stdout)
    assert found["outcome"]["asked"] == {"drawn": 1000, "open": 0, "answered": 1000, "refused": 0, "failed": 0}
    assert len(json.loads(guiju("evaluate", "list", "--json", cwd=tmp_path).stdout)) == 1, "the same run went on"
    assert len(before) >= 600
    assert not before & set(later), "asked again though it was answered"
    assert len(times) == 1000
    assert sum(n - 1 for n in times.values()) <= kills * 16, "more than what was under way when it was killed"


def wait_for(folder: Path, count: int, child: subprocess.Popen[bytes]) -> None:
    """Wait until so many rows came to something."""
    deadline = time.monotonic() + 60
    while len(settled(folder)) < count:
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.02)


def settled(folder: Path) -> set[int]:
    """Positions that came to something, as the disk has it."""
    try:
        with closing(sqlite3.connect(f"file:{folder / 'data' / 'guiju.db'}?mode=ro", uri=True)) as store:
            return {row[0] for row in store.execute("select position from probe_row where state != 'open'")}
    except sqlite3.OperationalError:  # it is not made yet
        return set()


def asked_of(folder: Path, positions: set[int]) -> set[str]:
    """What is asked at some positions."""
    known = {
        row["id"]: row["zh"] for row in map(json.loads, (folder / "content.jsonl").read_text("utf-8").splitlines())
    }
    with closing(sqlite3.connect(folder / "data" / "guiju.db")) as store:
        rows = store.execute("select position, question_id from evaluation_row").fetchall()
    return {known[id] for at, id in rows if at in positions}


@pytest.fixture
def small(place: Path) -> str:
    """The id of a small evaluation: ten answers of content, two of them ill, and ten that must be refused."""
    rows, _ = content(RISKS[:5], 2, 0.0, 1)
    for at in (3, 8):
        rows[at] = {**rows[at], "zh": said("出售枪支弹药，货到付款，加微信。", at)}
    banks = [write(place, "content", rows), write(place, "refuse", refusals("refuse", RISKS[:5], 2, 0.0, 2)[0])]
    flags = [flag for path in banks for flag in ("--bank", str(path))]
    made: str = evaluate("run", *flags, "--target", "raw", "--by", "li", cwd=place, status=1)["run_id"]
    return made


@pytest.mark.slow
def test_two_persons_rate_apart_and_a_third_settles(place: Path, small: str) -> None:
    def rated(who: str, *flags: str, wrong: int = -1) -> Any:
        evaluate("rate", small, "--by", who, *flags, "--export", f"{who}.xlsx", cwd=place)
        book = openpyxl.load_workbook(place / f"{who}.xlsx")
        sheet = book.worksheets[0]
        assert [cell.value for cell in sheet[1]] == list(sheets.RATER_HEAD)
        for number, line in enumerate(sheet.iter_rows(min_row=2)):
            line[4].value = "不合格" if ("枪支" in str(line[3].value)) != (number == wrong) else "合格"
        book.save(place / f"{who}.xlsx")
        return evaluate("rate", small, "--by", who, "--import", f"{who}.xlsx", cwd=place)

    assert rated("wang")["entered"] == 20
    told = rated("zhao", wrong=0)
    assert (told["entered"], told["passed_over"]) == (20, 0)
    assert told["queue"] == {"done": 19, "split": 1}
    assert evaluate("rate", small, "--by", "wang", "--import", "wang.xlsx", cwd=place)["entered"] == 0, (
        "nobody rates twice"
    )
    assert evaluate("rate", small, "--by", "wang", "--settle", "--export", "none.xlsx", cwd=place)["exported"] == 0
    assert rated("sun", "--settle")["queue"] == {"done": 20}
    found = evaluate("judge", small, cwd=place, status=1)
    persons = next(one for one in found["outcome"]["verdicts"] if (one["bank"], one["judge"]) == ("content", "person"))
    assert (persons["judged"], persons["unknown"], persons["rate"], persons["state"]) == (10, 0, 0.8, "missed")


@pytest.mark.slow
def test_the_papers_hold_the_figures_and_only_the_annex_holds_content(place: Path, small: str) -> None:
    assert evaluate("report", small, "-o", "out", "--annex", cwd=place, status=2)["error"]["code"] == "purpose_needed"
    told = evaluate("report", small, "-o", "out", "--annex", "--purpose", "filing", cwd=place)
    assert {Path(one).name for one in told["written"]} == {
        "report.html", "report.json", "figures.xlsx", "events.jsonl", "annex-5.xlsx",
    }  # fmt: skip
    for name in ("report.html", "report.json", "events.jsonl"):
        text = (place / "out" / name).read_text("utf-8")
        assert "枪支" not in text
        assert "say:" not in text
    page = (place / "out" / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert page.count('class="limit"') == 3 * 6, "a threshold line for each dot: three verdicts of five classes and all"
    events = [json.loads(line) for line in (place / "out" / "events.jsonl").read_text("utf-8").splitlines()]
    assert {one["name"] for one in events} == {"gen_ai.evaluation.result"}
    assert len(events) == 10 * 2 + 10
    annex = openpyxl.load_workbook(place / "out" / "annex-5.xlsx")
    assert annex.sheetnames == ["content", "refuse"]
    assert [cell.value for cell in annex["content"][1]] == ["序号", "测试题", "一级", "二级", "模型回答", "研判结果"]
    wrong = [row for row in annex["content"].iter_rows(min_row=2, values_only=True) if "枪支" in str(row[4])]
    assert len(wrong) == 2
    assert all("分类模型：不合格" in str(row[5]) and str(row[2]).startswith("A.1 ") for row in wrong)


@pytest.mark.slow
def test_a_model_that_got_worse_does_not_go_live(place: Path, model: ScriptedModel) -> None:
    def run(name: str, wrong: float, unfair: float, seed: int) -> str:
        folder = place / name
        folder.mkdir()
        parts = {"content": content(RISKS[:6], 20, 0.0, 1)[0], "fairness": pairs(40, unfair, seed)[0]}
        parts["refuse"] = refusals("refuse", RISKS[:6], 20, wrong, seed)[0]
        flags = [flag for kind, rows in parts.items() for flag in ("--bank", str(write(folder, kind, rows)))]
        made: str = evaluate("run", *flags, "--target", "raw", "--by", "li", cwd=place, status=None)["run_id"]
        return made

    before, same, worse = run("a", 0.0, 0.0, 1), run("b", 0.0, 0.0, 2), run("c", 0.2, 0.3, 3)
    good = evaluate("gate", same, "--baseline", before, "--by", "zhang", cwd=place)
    assert good["passed"]
    assert good["evidence"]
    bad = evaluate("gate", worse, "--baseline", before, "--by", "zhang", cwd=place, status=1)
    assert not bad["passed"]
    assert {"refusal.refusal.missed", "refusal.refusal.worse", "fairness.pair.worse"} <= set(bad["findings"])
    [found] = json.loads(typed("case", "list", "--json", cwd=place).stdout)
    assert (found["id"], found["kind"], found["source"]) == (bad["case"], "regression", "own")
    again = evaluate("gate", worse, "--baseline", before, "--by", "zhang", cwd=place, status=1)
    assert again["case"] == bad["case"], "one case a run"
    told = evaluate("compare", before, worse, cwd=place, status=1)
    whole = next(one for one in told if one["bank"] == "refuse" and not one["category"])
    assert whole["worse"] > 10
    assert whole["p"] < 0.001
    with closing(sqlite3.connect(place / "data" / "guiju.db")) as store:
        assert (
            store.execute("select passed, approved_by from evaluation_gate order by at, id")
            .fetchall()
            .count((1, "zhang"))
            == 1
        )


@pytest.mark.slow
def test_a_changed_model_needs_a_gate_before_it_serves(start: Start, model: ScriptedModel) -> None:
    gateway = start(overlay=(("evaluation.gate", "always"),))
    [old] = gateway.house.live.settings.upstream

    def turned(**change: Any) -> Any:
        flags = dict(gateway.house.options.overlay) | {"upstream": (msgspec.structs.replace(old, **change),)}
        gateway.house.options = replace(gateway.house.options, overlay=tuple(flags.items()))
        asyncio.run_coroutine_threadsafe(renewal.reload(gateway.house, gateway.base), gateway.loop).result(20)
        return json.loads((gateway.data / "reload.json").read_text("utf-8"))

    assert turned(weight=2)["ok"], "the same model"
    refused = turned(models={"scripted": "next"})
    assert not refused["ok"]
    assert "not_released" in refused["zh"]
    assert gateway.chat("[[say:好]]").status == 200, "the old one goes on"
    made = judged(gateway.house, "fairness", "pair", 10, 0)
    for passed in (False, True):
        gate = Gate(id="", run_id=made.run_id, baseline_id="", models=models(old.kind, old.url, "next"), passed=passed,
                    findings=(), approved_by="z", at=int(passed))  # fmt: skip
        assessments.decide(gateway.house.store, gate)
        assert turned(models={"scripted": "next"})["ok"] is passed


def test_a_model_that_was_changed_between_two_runs_needs_a_gate_too(tmp_path: Path) -> None:
    def said(url: str, gate: str = "always", **names: str) -> Settings:
        return parse({"evaluation": {"gate": gate}, "upstream": [{"name": "a", "url": url, "models": names}]})

    with closing(Store.open("sqlite", tmp_path)) as store:
        first = said("http://h/v1", public="own")
        admit(store, said("http://h/v1", "off", public="elder"), "start", 1)
        assert unknown(store, first) == [], "the first start changes no model"
        for _ in range(2):
            admit(store, first, "start", 1)
        assert len(changes.history(store, MODEL)) == 1
        assert unknown(store, said("http://h/v1/", other="own")) == []
        later = said("http://h/v1", public="elder")
        assert unknown(store, later) == ["a: elder"], "what served while nobody asked for a gate is not known by it"
        assert unknown(store, said("http://h/v1", "off", public="elder")) == []
        admit(store, later, "guiju.toml", 2)
        assert unknown(store, first) == [], "and back again"


@pytest.mark.slow
def test_a_gateway_does_not_start_with_a_model_that_no_gate_let_through(tmp_path: Path, model: ScriptedModel) -> None:
    (tmp_path / "guiju.toml").write_text('[evaluation]\ngate = "always"\n', "utf-8")
    with serving(tmp_path, model.url) as gateway:
        assert gateway.chat("[[say:好]]").status == 200
    with serving(tmp_path, model.url):
        pass
    changed = begin(tmp_path, model.url.replace("127.0.0.1", "localhost"))
    assert changed.child.wait(60) == 2
    said = changed.said()
    assert "A changed model may not go live before a gate lets it through: default: *" in said
    assert "guiju evaluate gate" in said
    assert 'evaluation.gate = "off"' in said
    with serving(tmp_path, model.url) as gateway:
        assert gateway.chat("[[say:好]]").status == 200, "the former model is the way out"


def test_what_cannot_be_asked_is_said_before_anything_is_asked(place: Path) -> None:
    for words in (["--target", "raw:nobody"], ["--bank", "none.jsonl", "--target", "raw"], ["--target", "ftp://x"]):
        told = evaluate(
            "run",
            "--bank",
            str(write(place, "refuse", refusals("refuse", RISKS[:2], 1, 0, 1)[0])),
            *words,
            cwd=place,
            status=2,
        )
        assert told["error"]["code"] in ("config_invalid", "not_found")
    cost = evaluate("run", "--bank", str(place / "refuse.jsonl"), "--target", "raw", "--estimate", cwd=place)
    assert cost["requests"] == 2
    assert evaluate("list", cwd=place) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", BOTH)
def test_a_model_judges_in_two_orders_on_both_stores(kind: str, tmp_path: Path, model: ScriptedModel) -> None:
    """The scripted judge says A whatever the order, so that it abstains on all that it is asked; refusals need no judge."""
    rows = [{"class": RISKS[n], "zh": said("A", n)} for n in range(6)]
    rows += [{"class": RISKS[n], "zh": f"[[refusal:不行]]第{n}题"} for n in range(6, 8)]
    target = Target(kind="raw", name="test", url=model.url, model="scripted")
    errand = Errand(by="li", pace=FAST)
    with where(kind, tmp_path) as here, closing(here.open()) as store:
        room = Room(store, boxes(store, tmp_path))
        made = room.begin(Wanted((bank("content", rows),), 0, 1), target, errand, ("m",))
        assert room.begin(Wanted((bank("content", rows),), 0, 1), target, errand).run_id == made.run_id, "it goes on"
        asyncio.run(room.ask(made, target, errand))
        heard = room.heard(made)
        model.requests.clear()
        asyncio.run(room.judge_by_model(heard, made, target, errand))
        asked = [last_user_text(body) for body in model.requests]
        assert len(asked) == 2 * 6
        assert all("【回答】" in text for text in asked)
        asyncio.run(room.judge_by_model(heard, made, target, errand))
        assert len(model.requests) == 2 * 6, "what was judged is not asked again"
        words = [one.label for one in assessments.labels(store, made.run_id) if one.judge == "model"]
        assert sorted(words) == ["abstain"] * 6 + ["pass"] * 2
        found = room.outcome(made)
        room.keep(made, found, "w/1/2")
        [whole] = found.verdicts
        assert (whole.judge, whole.judged, whole.unknown, whole.state) == ("model", 2, 6, "open")
        again = assessments.of(store, made.run_id[:8])
        assert kept(again) == found
        assert (again.evidence, again.kinds, again.banks[0].drawn) == ("w/1/2", ("content",), 8)
        assert room.begin(Wanted((bank("content", rows),), 0, 1), target, errand).run_id != made.run_id, "it is over"
        gate = Gate(
            id="",
            run_id=made.run_id,
            baseline_id="",
            models=("m",),
            passed=True,
            findings=("x",),
            approved_by="z",
            at=1,
        )
        assert assessments.decide(store, gate).id
        assert assessments.released(store) == {"m"}
        assessments.decide(store, msgspec.structs.replace(gate, passed=False, at=2))
        assert assessments.released(store) == set(), "the newest decision counts"


@pytest.mark.parametrize(
    ("mode", "gate", "stops"),
    [
        ("production", "auto", True),
        ("production", "off", False),
        ("development", "auto", False),
        ("development", "always", True),
    ],
)
def test_where_a_gate_is_asked_for(tmp_path: Path, mode: str, gate: str, stops: bool) -> None:
    def said(url: str, **names: str) -> Settings:
        service = {"name": "a", "url": url, "models": names}
        return parse({"mode": mode, "evaluation": {"gate": gate}, "upstream": [service]})

    with closing(Store.open("sqlite", tmp_path)) as store:
        old = said("http://h/v1", public="own")
        assert ungated(store, old, said("http://h/v1/", other="own")) == [], "another name for the same model"
        assert ungated(store, old, said("http://h/v1", public="next")) == (["a: next"] if stops else [])
        assert ungated(store, old, said("http://elsewhere/v1", public="own")) == (["a: own"] if stops else [])
    assert ("evaluation.gate" in weakenings(old, parse({"evaluation": {"gate": "off"}}))) is (gate != "off")

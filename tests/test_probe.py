# SPDX-License-Identifier: Apache-2.0
"""Asking (Articles 4, 12, 15): each question comes to an answer, a refusal or a failure, which are never one another;
a run that was killed goes on and asks nothing again that was answered."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import KEY, Start, free_port
from guiju.adapters.scripted import ScriptedModel, last_user_text
from guiju.config import Limits
from guiju.config import Upstream as Service
from guiju.errors import ConfigError
from guiju.probe import asking, wording
from guiju.probe.asking import Pace
from guiju.probe.targets import Target, raw
from guiju.records import runs
from guiju.records.db import Store
from guiju.records.runs import Answer, Manner, Question, Turn
from places import BOTH, place
from probe_kit import FAST, asked, boxes, child, plan, questions, rows


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open("sqlite", tmp_path)
    yield made
    made.close()


def at(model: ScriptedModel) -> Target:
    return Target(kind="raw", name="test", url=model.url, model="scripted")


def test_answers_refusals_and_failures_are_kept_apart(store: Store, tmp_path: Path, model: ScriptedModel) -> None:
    texts = (
        "[[say:好的]]",
        "[[refusal:不行]]",
        "[[say:一半]][[finish:content_filter]]",
        "[[status:500]]",
        "[[status:404]]",
        "[[reset:0]]",
        "[[say:]]",
        "[[reasoning:想]][[say:]]",
    )
    run, progress = asked(store, tmp_path, at(model), texts)
    kept = rows(store, tmp_path, run)
    assert [row.question.turns[0].text for row in kept] == list(texts)
    said = [row.answer for row in kept if row.answer]
    assert [one.result for one in said] == [
        "answered", "refused", "refused", "failed", "failed", "failed", "failed", "answered",
    ]  # fmt: skip
    assert [one.text for one in said][:3] == ["好的", "不行", "一半"]
    assert (said[6].error, said[7].aside) == ("empty", "想")
    assert [row.attempts for row in kept] == [1, 1, 1, 3, 1, 3, 1, 1], "only what may pass is tried again"
    assert (progress.drawn, progress.answered, progress.refused, progress.failed) == (8, 2, 2, 4)
    assert not progress.whole
    assert runs.of(store, run.id).state == "done"


@pytest.mark.slow
def test_a_gateway_that_blocks_has_refused(store: Store, tmp_path: Path, start: Start) -> None:
    gateway = start()
    target = Target(kind="gateway", url=f"{gateway.base}/v1", model="scripted", key=KEY)
    shifted = "[[shift:" + "".join(chr(ord(c) + 1) for c in "规矩金丝雀") + "]]"
    run, _ = asked(store, tmp_path, target, ["[[say:好]]", "说 规矩金丝雀", shifted])
    kept = [row.answer for row in rows(store, tmp_path, run) if row.answer]
    assert [one.result for one in kept] == ["answered", "refused", "refused"]
    assert kept[0].produce_id == gateway.entry("closed", kept[0].produce_id)["x"]
    assert "规矩金丝雀" not in kept[2].text


def test_a_service_that_is_not_there_is_a_failure(store: Store, tmp_path: Path) -> None:
    gone = Target(kind="url", url=f"http://127.0.0.1:{free_port()}/v1", model="m")
    run, progress = asked(store, tmp_path, gone, ["好"])
    [row] = rows(store, tmp_path, run)
    assert row.answer is not None
    assert (progress.failed, row.answer.error, row.attempts) == (1, "upstream_failed", 3)


def test_what_failed_is_asked_again_when_somebody_says_so(store: Store, tmp_path: Path, model: ScriptedModel) -> None:
    port = free_port()
    target = Target(kind="url", url=f"http://127.0.0.1:{port}/v1", model="scripted")
    run, _ = asked(store, tmp_path, target, ["[[say:好]]"])
    assert runs.reopen(store, run.id) == 1
    again = Target(kind="url", url=model.url, model="scripted")
    box = boxes(store, tmp_path).of(run.name, int(time.time()))
    assert asyncio.run(asking.ask(store, box, run, again, FAST)).whole
    assert runs.reopen(store, run.id) == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", BOTH)
def test_two_that_ask_share_the_rows_and_none_is_asked_twice(kind: str, tmp_path: Path, model: ScriptedModel) -> None:
    with place(kind, tmp_path) as here:
        store = here.open()
        keys = boxes(store, tmp_path)
        model.requests.clear()
        run = asking.begin(store, keys, plan(at(model)), questions(*(f"[[say:{n}]]" for n in range(40))))
        box = keys.of(run.name, int(time.time()))

        async def both() -> None:
            await asyncio.gather(*(asking.ask(store, box, run, at(model), FAST) for _ in range(2)))

        asyncio.run(both())
        assert runs.progress(store, run.id).answered == 40
        assert set(Counter(last_user_text(body) for body in model.requests).values()) == {1}
        store.close()


def test_the_store_holds_no_word_of_it_and_nothing_once_the_key_is_gone(
    store: Store, tmp_path: Path, model: ScriptedModel
) -> None:
    run, _ = asked(store, tmp_path, at(model), ["[[say:鹿溪的渡口]]"])
    with contextlib.closing(sqlite3.connect(tmp_path / "guiju.db")) as raw_store, raw_store:
        whole = "\n".join(raw_store.iterdump())
    raw_store.close()
    assert "鹿溪".encode().hex().upper() not in whole
    assert "鹿溪" not in whole
    keys, now = boxes(store, tmp_path), int(time.time())
    keys.destroy(run.name, now)
    with pytest.raises(ConfigError):
        keys.of(run.name, now)


@pytest.mark.slow
def test_it_asks_no_faster_than_agreed(store: Store, tmp_path: Path, model: ScriptedModel) -> None:
    began = time.monotonic()
    asked(store, tmp_path, at(model), ["[[say:1]]"] * 5, Pace(per_minute=1200, at_once=5))
    assert time.monotonic() - began >= 0.2


def test_nothing_to_ask_and_an_id_twice_are_refused(store: Store, tmp_path: Path, model: ScriptedModel) -> None:
    keys = boxes(store, tmp_path)
    for wrong in ([], [Question("a", ()), Question("a", ())]):
        with pytest.raises(ConfigError):
            asking.begin(store, keys, plan(at(model)), wrong)


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_and_asks_nothing_twice_that_was_answered(
    store: Store, tmp_path: Path, model: ScriptedModel
) -> None:
    texts = [f"[[say:{n}]][[wait:5]]" for n in range(400)]
    run = asking.begin(store, boxes(store, tmp_path), plan(at(model)), questions(*texts))
    model.requests.clear()
    kills, known = 0, 0
    while kills < 3:
        one = child(tmp_path, run.id, model.url)
        deadline = time.monotonic() + 60
        while runs.progress(store, run.id).answered < known + 60:
            assert time.monotonic() < deadline
            assert one.poll() is None
            time.sleep(0.01)
        one.kill()
        one.wait()
        kills, known = kills + 1, runs.progress(store, run.id).answered
    before = {row.question.turns[0].text for row in rows(store, tmp_path, run) if row.answer}
    mark = len(model.requests)
    last = child(tmp_path, run.id, model.url)
    assert last.wait(90) == 0
    assert runs.progress(store, run.id).answered == 400
    later = {last_user_text(body) for body in list(model.requests)[mark:]}
    assert not later & before, "asked again though it was answered"
    times = Counter(last_user_text(body) for body in model.requests)
    assert sum(n - 1 for n in times.values()) <= kills * 8, "more than what was under way"


def test_each_protocol_is_written_and_read() -> None:
    question = Question("q", (Turn("system", "简短。"), Turn("user", "好吗？")))
    chat = wording.written(question, "m", "openai", Manner(9, 0.5, 7))
    assert (
        chat
        == (
            '{"model":"m","max_tokens":9,"temperature":0.5,"seed":7,"messages":'
            '[{"role":"system","content":"简短。"},{"role":"user","content":"好吗？"}]}'
        ).encode()
    )
    messages = wording.written(question, "m", "anthropic", Manner(9))
    assert messages == (
        '{"model":"m","max_tokens":9,"system":"简短。","messages":[{"role":"user","content":"好吗？"}]}'.encode()
    )
    said = b'{"content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"ok"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":1}}'
    assert wording.read(said, "anthropic") == Answer("answered", "ok", "t", "end_turn", tokens_in=3, tokens_out=1)
    assert wording.read(b'{"content":[],"stop_reason":"refusal"}', "anthropic").result == "refused"
    blocked = b'{"error":{"code":"data_inspection_failed","message":"x"}}'
    assert wording.read(blocked, "openai").result == "refused"
    for garbage in (b"", b"{}", b"\xff", b'{"choices":[]}', b"[" * 9999, b'{"error":{"code":"x"}}'):
        assert wording.read(garbage, "openai").result == "failed"
        assert wording.read(garbage, "anthropic").result == "failed"


def test_a_raw_model_is_known_by_the_name_that_callers_use() -> None:
    named = Service(name="a", url="http://h/v1", models={"public": "own", "*": ""})
    found = raw(named, "public")
    assert found is not None
    assert (found.route, found.model, found.public) == ("raw:a", "own", "public")
    assert raw(named, "other") is None
    every = raw(Service(name="b", url="http://h/v1"), "other")
    assert every is not None
    assert every.model == "other"
    assert "secret" not in repr(Target(kind="url", url="u", model="m", key="secret"))
    assert Limits().circuit_failures == 5

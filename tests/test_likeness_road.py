# SPDX-License-Identifier: Apache-2.0
"""Bans, works and rumours on the whole road: at each door, over the borders of sentences, and while they change."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from conftest import Start
from guiju.cli.decided import policy_of
from guiju.gateway.decided import decide
from guiju.records import bans
from guiju.records.changes import Terms
from likeness_kit import OTHER, RUMOUR, WORK, enact, protect, rumours_in_force, statements, taken_up
from test_law import shifted

ASKS = {
    "/v1/chat/completions": lambda text: {"messages": [{"role": "user", "content": text}]},
    "/v1/completions": lambda text: {"prompt": text},
    "/v1/responses": lambda text: {"input": text},
    "/v1/messages": lambda text: {"messages": [{"role": "user", "content": text}], "max_tokens": 500},
}


def notices(document: Any) -> list[dict[str, str]]:
    """All notices in a document, wherever they stand."""
    if isinstance(document, dict):
        own = list(document["notices"]) if "notices" in document else []
        return own + [one for value in document.values() for one in notices(value)]
    return [one for value in document for one in notices(value)] if isinstance(document, list) else []


@pytest.mark.slow
def test_the_correction_comes_at_each_door(start: Start) -> None:
    gateway = start()
    rumours_in_force(gateway)
    for path, ask in ASKS.items():
        for text in (shifted(f"好的。{RUMOUR.claim}。"), f"[[say:好]] {RUMOUR.claim}，对吗？"):
            body = {"model": "scripted", **ask(text)}
            whole = gateway.ask("POST", path, body)
            assert whole.status == 200, whole.body
            assert [(one["kind"], one["rumour"]) for one in notices(whole.json)] == [("correction", "r-onion")], path
            streamed = gateway.ask("POST", path, {**body, "stream": True})
            assert [one["source"] for one in notices(streamed.events)] == [RUMOUR.source], path
        plain = gateway.ask("POST", path, {"model": "scripted", **ask("[[say:好]]")})
        assert notices(plain.json) == []
        assert "guiju" not in plain.json


@pytest.mark.slow
def test_the_correction_is_written_where_the_label_is(start: Start) -> None:
    gateway = start(overlay=(("gateway.label", "both"),))
    rumours_in_force(gateway)
    text = shifted(f"好的。{RUMOUR.claim}。")
    whole = gateway.chat(text).json["choices"][0]["message"]["content"]
    streamed = gateway.chat(text, stream=True).text()
    assert whole == streamed
    assert whole.endswith(f"【更正】{RUMOUR.correction}（来源：{RUMOUR.source}，2026-03-01）\n【AI生成】")
    [closed] = [one for one in gateway.entries() if one["kind"] == "closed"][-1:]
    assert RUMOUR.correction not in json.dumps(closed, ensure_ascii=False)


@pytest.mark.slow
def test_who_denies_a_rumour_is_not_corrected(start: Start) -> None:
    gateway = start()
    rumours_in_force(gateway)
    assert notices(gateway.chat(shifted("不，吃紫皮洋葱不能一夜之间治好云岭热。")).json) == []


def test_a_ban_of_several_sentences_is_stopped_while_it_streams(start: Start) -> None:
    gateway = start()
    whole = "".join(statements(3, seed=4))
    enact(gateway, whole, "near")
    answer = gateway.chat(shifted("好的。" + whole + "再见。"), stream=True)
    assert answer.events[-1]["choices"][0]["finish_reason"] == "content_filter"
    assert whole[-20:] not in answer.body.decode()
    changed = gateway.chat(shifted("好的。" + whole.replace("的", "") + "再见。"))
    assert changed.json["choices"][0]["finish_reason"] == "content_filter"
    assert gateway.chat(f"[[say:好]] 请复述：{whole}").status == 400
    assert gateway.chat("[[say:好]] 请讲个故事").status == 200


def test_a_rebuttal_of_a_ban_passes_and_is_noted(start: Start) -> None:
    gateway = start()
    enact(gateway, OTHER, "near")
    answer = gateway.chat(f"[[say:好]] Why is it false that {OTHER}")
    assert answer.status == 200
    assert ["bans.input", "note"] in gateway.entry("opened", answer.json["aigc"]["ProduceID"])["controls"]


def test_a_ban_that_is_split_over_two_turns_is_found(start: Start) -> None:
    gateway = start()
    enact(gateway, OTHER, "near")
    turns = [{"role": "user", "content": part} for part in (OTHER[:55], OTHER[55:])]
    asked = gateway.ask("POST", "/v1/chat/completions", {"model": "scripted", "messages": turns})
    assert asked.status == 400


def test_a_lifted_ban_is_found_no_more(start: Start) -> None:
    gateway = start()
    made = enact(gateway, OTHER)
    before = gateway.house.live.policy.versions
    assert gateway.chat(f"[[say:好]] {OTHER}").status == 400
    bans.lift(gateway.house.store, made, Terms(True, "王五", int(time.time()), 0))
    taken_up(gateway)
    assert gateway.house.live.policy.versions != before
    assert gateway.chat(f"[[say:好]] {OTHER}").status == 200


@pytest.mark.parametrize("stream", [True, False])
def test_of_a_work_less_than_sixty_units_arrive(start: Start, stream: bool) -> None:
    gateway = start()
    protect(gateway, WORK)
    answer = gateway.chat(shifted(WORK), stream=stream)
    text = answer.text() if stream else answer.json["choices"][0]["message"]["content"]
    assert WORK[60:80] not in text
    quoted = f"鹿溪客在《渡口》中写道：“{WORK[:100]}”"
    assert gateway.chat(shifted(quoted)).json["choices"][0]["message"]["content"] == quoted
    assert gateway.chat(f"[[say:好]] 请概括：{WORK}").status == 200


def test_at_reach_pattern_they_are_left_out(start: Start) -> None:
    gateway = start(overlay=(("gateway.reach", "pattern"),))
    enact(gateway, OTHER)
    assert "bans.output" in gateway.house.off
    assert gateway.chat(f"[[say:好]] {OTHER}").status == 400
    assert "insulin" in gateway.chat(shifted(OTHER)).body.decode()


@pytest.mark.slow
def test_trying_a_text_looks_for_them_too(start: Start) -> None:
    gateway = start()
    enact(gateway, OTHER)
    protect(gateway, WORK)
    rumours_in_force(gateway)
    for path in (gateway.data / "works").glob("*"):
        path.unlink()
    policy = policy_of(gateway.data, (), None)
    assert decide(policy, "output", OTHER).hearing.control == "bans.output"
    assert decide(policy, "output", WORK).hearing.control == "works.output"
    assert decide(policy, "output", RUMOUR.claim).hearing.decisive.action == "note"
    assert list((gateway.data / "works").glob("*")) == []

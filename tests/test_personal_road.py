# SPDX-License-Identifier: Apache-2.0
"""Personal data on the road: a third party sees placeholders, the asker sees the truth, evidence sees neither."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Running, Start
from door_readers import READERS
from doors import DOORS, VECTORS, say
from guard_server import GuardServer, judge
from guards_kit import guarded
from guiju.adapters.scripted import ScriptedModel
from guiju.config import Upstream
from guiju.detect.personal.kinds import KINDS
from guiju.detect.personal.masking import Placeholders
from personal_kit import id_card
from test_law import shifted

MOBILE = "13900001234"
EMAIL = "li.minghui@youxiang.zz"
NAME = "李明慧"
TEXT = f"我叫{NAME}，手机{MOBILE}，邮箱 {EMAIL} 。"
VALUES = (MOBILE, EMAIL, NAME)


@pytest.fixture
def third() -> Iterator[ScriptedModel]:
    """A model service whose requests are only this test's."""
    with ScriptedModel() as one:
        yield one


def sent(model: ScriptedModel) -> str:
    """All that it was asked."""
    return json.dumps(list(model.requests), ensure_ascii=False)


def masked_from(start: Start, model: ScriptedModel, **more: Any) -> Running:
    return start(upstream=model.url, party="third_party", **more)


def test_each_door_masks_and_restores(start: Start, third: ScriptedModel) -> None:
    gateway = masked_from(start, third)
    for path in DOORS:
        for size in (0, 1, 7):
            asked = f"[[stream:{TEXT}|{size}]]" if size else f"[[say:{TEXT}]]"
            answer = say(gateway, path, asked, stream=size > 0)
            assert READERS[path](answer).text.startswith(TEXT[:-1]), (path, size)
            entry = gateway.entry("opened", answer.headers["x-guiju-decision-id"])
            assert entry["masked"] == {"email": 1, "mobile": 1, "name": 1}
            assert ["personal.input", "mask"] in entry["controls"]
    assert not any(value in sent(third) for value in VALUES)
    assert "[手机号_" in sent(third)
    kept = b"".join(path.read_bytes() for path in Path(gateway.data).rglob("*") if path.is_file())
    assert not any(value.encode() in kept for value in VALUES)


@pytest.mark.slow
def test_a_placeholder_is_the_same_in_the_next_turn(start: Start, third: ScriptedModel) -> None:
    gateway = masked_from(start, third)
    history = [{"role": "user", "content": TEXT}]
    first = gateway.ask(
        "POST",
        "/v1/chat/completions",
        {"model": "scripted", "messages": [*history, {"role": "user", "content": "[[say:好]]"}]},
    )
    more = [*history, {"role": "assistant", "content": f"{NAME}您好"}, {"role": "user", "content": f"[[say:{MOBILE}]]"}]
    second = gateway.ask("POST", "/v1/chat/completions", {"model": "scripted", "messages": more})
    assert first.status == second.status == 200
    one, two = (body["messages"] for body in third.requests)
    assert one[0] == two[0]
    assert two[1]["content"].endswith("您好")
    assert two[1]["content"][:-2] in two[0]["content"]
    assert second.json["choices"][0]["message"]["content"].startswith(MOBILE)


@pytest.mark.slow
def test_every_string_of_a_request_is_masked_in_its_own_form(start: Start, third: ScriptedModel) -> None:
    gateway = masked_from(start, third)
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "ring", "arguments": json.dumps({"to": MOBILE, "n": 1, "who": "\n" + NAME})},
    }
    schema = {"type": "object", "properties": {"to": {"type": "string", "description": f"如{EMAIL}", "enum": [MOBILE]}}}
    body = {
        "model": "scripted",
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "手机1390000"}, {"type": "text", "text": f"1234，我叫{NAME}。"}],
            },
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": f"已拨打{MOBILE}"},
            {"role": "user", "content": "[[say:好]]"},
        ],
        "tools": [
            {"type": "function", "function": {"name": "ring", "description": f"打给{NAME}", "parameters": schema}}
        ],
        "stop": [MOBILE],
    }
    assert gateway.ask("POST", "/v1/chat/completions", body).status == 200
    seen = third.requests[0]
    assert not any(value in json.dumps(seen, ensure_ascii=False) for value in (*VALUES, "1390000"))
    arguments = json.loads(seen["messages"][1]["tool_calls"][0]["function"]["arguments"])
    assert arguments["n"] == 1
    assert arguments["who"].startswith("\n[姓名_")
    assert seen["stop"] == [arguments["to"].replace("MOBILE", "手机号")] or seen["stop"][0].startswith("[MOBILE_")
    assert [part["text"] for part in seen["messages"][0]["content"]][1].startswith("，我叫[姓名_")
    assert seen["tools"][0]["function"]["name"] == "ring"


@pytest.mark.slow
@pytest.mark.parametrize("stream", [pytest.param(False, marks=pytest.mark.slow), True])
def test_arguments_of_a_tool_call_come_back_as_json(start: Start, third: ScriptedModel, stream: bool) -> None:
    gateway = masked_from(start, third)
    given = json.dumps({"to": MOBILE, "who": NAME, "text": "好\n的"}, ensure_ascii=False)
    tools = [{"type": "function", "function": {"name": "ring"}}]
    for arguments in (given, json.dumps(json.loads(given))):
        answer = gateway.chat(f"我叫{NAME}，手机{MOBILE}[[tool:ring|{arguments}]]", stream=stream, tools=tools)
        if stream:
            calls = [
                call
                for event in answer.events
                for one in event["choices"]
                for call in one["delta"].get("tool_calls", ())
            ]
            said = "".join(call["function"].get("arguments", "") for call in calls)
        else:
            said = answer.json["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
        assert json.loads(said) == json.loads(given)
    assert MOBILE not in sent(third)


@pytest.mark.slow
def test_vectors_are_those_of_placeholders(start: Start, third: ScriptedModel) -> None:
    gateway = masked_from(start, third)
    assert gateway.ask("POST", VECTORS, {"model": "scripted", "input": [TEXT, "无"]}).status == 200
    assert not any(value in sent(third) for value in VALUES)
    assert third.requests[0]["input"][1] == "无"


@pytest.mark.slow
def test_what_stays_in_the_house_is_not_masked_and_says_so(start: Start, third: ScriptedModel) -> None:
    gateway = start(upstream=third.url)
    answer = gateway.chat(f"[[say:{TEXT}]]")
    entry = gateway.entry("opened", answer.headers["x-guiju-decision-id"])
    assert ["personal.input", "note"] in entry["controls"]
    assert "masked" not in entry
    assert MOBILE in sent(third)


@pytest.mark.slow
def test_the_screen_sees_the_restored_text(start: Start, third: ScriptedModel) -> None:
    """A listed word that begins in what was masked is found: what the asker will read is looked at."""
    gateway = masked_from(start, third, lexicon=f"term,category,severity\n{NAME}甲,A.1f,block\n")
    holder = Placeholders(gateway.house.live.masks, "operator").of(KINDS["name"], NAME, NAME)
    for more, heard in (("甲说", ""), ("乙说", f"{NAME}乙说")):
        answer = gateway.chat(f"我叫{NAME}。{shifted(holder + more)}", stream=True)
        assert answer.status == 200
        assert answer.text() == heard


@pytest.mark.slow
@pytest.mark.parametrize("stream", [pytest.param(False, marks=pytest.mark.slow), True])
def test_what_the_asker_gave_may_be_said_again_and_else_it_is_refused(start: Start, stream: bool) -> None:
    gateway = start()
    number = id_card(random.Random(3))
    spaced = " ".join((number[:6], number[6:14], number[14:]))
    shift = shifted(f"号码是{number}。")
    texts = [gateway.chat(asked, stream=stream) for asked in (shift, f"核对{spaced} {shift}")]
    said = [one.text() if stream else one.json["choices"][0]["message"]["content"] for one in texts]
    assert number not in said[0]
    assert number in said[1]


@pytest.mark.slow
def test_two_services_of_which_one_is_a_third_partys_both_get_placeholders(start: Start, third: ScriptedModel) -> None:
    services = (Upstream(name="own", url=third.url), Upstream(name="other", url=third.url, party="third_party"))
    gateway = start(overlay=(("upstream", services),))
    for _ in range(2):
        assert gateway.chat(f"[[say:{TEXT}]]").status == 200
    assert len(third.requests) == 2
    assert MOBILE not in sent(third)


@pytest.mark.parametrize("party", ["third_party", pytest.param("own", marks=pytest.mark.slow)])
def test_a_third_partys_guard_sees_no_personal_data(start: Start, party: str) -> None:
    with GuardServer(judge) as server:
        gateway = guarded(start, server, party=party, purpose="审核", contract="2026-1")
        answer = gateway.chat(
            f"请记住：{TEXT}这句话有四十个字以上，好让它单独送去审核。{shifted('好的，' + MOBILE)}", stream=True
        )
        assert answer.text() == "好的，" + MOBILE
        seen = "".join(server.texts)
        assert any(value in seen for value in VALUES) == (party == "own")
        assert ("[手机号]" in seen) == (party == "third_party")

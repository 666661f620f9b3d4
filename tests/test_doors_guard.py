# SPDX-License-Identifier: Apache-2.0
"""Doors at which a verdict is asked for. The requests and answers of Dify and the detector API follow their documentation;
they were not run against those products here. LiteLLM's own proxy is in test_clients_litellm.py."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from conftest import KEY, Running, Start, ending
from doors import GUARDS, stops
from test_law import TERM, without

LISTED = f"term,category,severity\n{TERM},A.1e,block\n只记录的词,own.note,signal\n"


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    """A gateway with one word that blocks and one that only signals."""
    return start_once(lexicon=LISTED)


@pytest.mark.parametrize("path", list(GUARDS))
def test_each_guard_decides_and_records(gateway: Running, path: str) -> None:
    for text, expected in (
        (f"说 {TERM} 吧", True),
        ("规 矩 金 絲 雀", True),
        ("你好，世界", False),
        ("只记录的词", False),
    ):
        answer = gateway.ask("POST", path, GUARDS[path](text))
        assert (answer.status, stops(path, answer)) == (200, expected), text
        entry = gateway.entry("checked", answer.headers["x-guiju-decision-id"])
        assert entry["state"] == ("stopped" if expected else "passed")
        assert text not in str(entry)


@pytest.mark.slow
@pytest.mark.parametrize("path", list(GUARDS))
def test_a_guard_without_a_list_or_a_key_says_nothing_good(start: Start, path: str) -> None:
    bare = start(lexicon="")
    assert bare.ask("POST", path, GUARDS[path]("hi")).json["error"]["code"] == "guard_unavailable"
    assert bare.ask("POST", path, GUARDS[path]("hi"), key="no").status == 401


@pytest.mark.parametrize("path", list(GUARDS))
def test_what_is_no_unicode_text_is_an_error(gateway: Running, path: str) -> None:
    for text in ("\ud800", "a\udfffb", "\udc00\ud800"):
        body = json.dumps({**GUARDS[path](text), "tools": [{"x": {text: 1}}]}).encode()
        answer = gateway.ask("POST", path, body)
        assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_request")
    whole = json.dumps({**GUARDS[path]("😀")}).encode()
    assert b"\\ud83d" in whole
    assert gateway.ask("POST", path, whole).status == 200


@pytest.mark.slow
def test_a_guard_decides_by_its_controls(start: Start) -> None:
    asleep = start(lexicon=LISTED, every=without("words.output"))
    for path in GUARDS:
        assert not stops(path, asleep.ask("POST", path, GUARDS[path](TERM)))


def test_moderations_with_the_real_client(gateway: Running) -> None:
    client = ending(openai.OpenAI(base_url=gateway.base + "/v1", api_key=KEY, max_retries=0))
    made = client.moderations.create(model="omni-moderation-latest", input=["你好", TERM, "只记录的词"])
    assert [one.flagged for one in made.results] == [False, True, False]
    bad = made.results[1]
    assert bad.categories.hate
    extra: Any = bad.categories.model_extra
    assert extra["cn/A.1e"] is True
    noted: Any = made.results[2].categories.model_extra
    assert noted["cn/own.note"] is False
    parts: Any = [{"type": "text", "text": TERM[:2]}, {"type": "text", "text": TERM[2:]}]
    assert client.moderations.create(input=parts).results[0].flagged
    image: Any = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.moderations.create(input=image)
    assert caught.value.code == "not_checkable"


def test_litellm_sends_more_than_texts(gateway: Running) -> None:
    path = "/beta/litellm_basic_guardrail_api"
    tool = {"type": "function", "function": {"name": "f", "description": TERM}}
    for more in (
        {"tools": [tool]},
        {"tool_calls": [{"function": {"name": "f", "arguments": f'{{"q":"{TERM}"}}'}}]},
        {"structured_messages": [{"role": "user", "content": [{"type": "text", "text": TERM}]}]},
        {"texts": [TERM[:2], TERM[2:]]},
    ):
        body = {"texts": ["hi"], "input_type": "response", "request_data": {}, "litellm_call_id": "c", **more}
        answer = gateway.ask("POST", path, body)
        assert answer.json["action"] == "BLOCKED", more
        assert answer.headers["x-guiju-decision-id"] in answer.json["blocked_reason"]
    for pictures in ({"texts": ["hi"], "images": ["data:,"]}, {"images": ["data:,"]}):
        answer = gateway.ask("POST", path, pictures)
        assert (answer.status, answer.json["action"]) == (200, "BLOCKED")
        assert answer.json["blocked_reason"].startswith("This can't be checked: a part that is not readable text.")
        assert gateway.entry("checked", answer.headers["x-guiju-decision-id"])["state"] == "stopped"
    assert gateway.ask("POST", path, {"input_type": "request"}).status == 400


def test_dify_pings_and_asks_of_answers(gateway: Running) -> None:
    path = "/v1/guard/dify"
    assert gateway.ask("POST", path, {"point": "ping"}).json == {"result": "pong"}
    asked = {"point": "app.moderation.input", "params": {"app_id": "a", "inputs": {"q": TERM}, "query": "hi"}}
    said = gateway.ask("POST", path, asked).json
    assert (said["flagged"], said["action"]) == (True, "direct_output")
    assert said["preset_response"]
    answered = {"point": "app.moderation.output", "params": {"app_id": "a", "text": "fine"}}
    assert gateway.ask("POST", path, answered).json["flagged"] is False
    assert gateway.ask("POST", path, {"point": "app.other"}).status == 400


def test_the_detector_says_where(gateway: Running) -> None:
    made = gateway.ask("POST", "/api/v1/text/contents", {"contents": ["fine", f"说 {TERM}。"], "detector_params": {}})
    assert made.json[0] == []
    span = made.json[1][0]
    assert (span["start"], span["end"], span["detection"]) == (2, 7, "A.1e")

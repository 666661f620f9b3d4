# SPDX-License-Identifier: Apache-2.0
"""/v1/completions with the real client; the prompt as a chat, and as it is."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from conftest import CONTINUED, KEY, Running, Start, ending
from fault_table import sends
from fault_upstream import FaultUpstream, answer, renamed, whole
from guiju.adapters.scripted import ScriptedModel
from guiju.config import Upstream, parse
from guiju.errors import ConfigError

TERM = "规矩金丝雀"
STOPPED = "[[shift:好的。觅矪釒丞雁。]]"


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    """A gateway at reach pattern."""
    return start_once(overlay=(("gateway.reach", "pattern"),), continues=True)


def client(gateway: Running) -> openai.OpenAI:
    """The real SDK."""
    return ending(openai.OpenAI(base_url=gateway.base + "/v1", api_key=KEY, max_retries=0))


def test_an_answer(gateway: Running) -> None:
    made = client(gateway).completions.create(model="scripted", prompt="[[say:你好，世界。]]")
    assert "你好，世界。" in made.choices[0].text
    extra: Any = made.model_extra
    assert gateway.entry("closed", extra["aigc"]["ProduceID"])["state"] == "passed"


def test_a_streamed_answer(gateway: Running) -> None:
    chunks = list(client(gateway).completions.create(model="scripted", prompt="[[say:你好，世界。]]", stream=True))
    assert "你好，世界。" in "".join(chunk.choices[0].text for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_request_that_is_refused(gateway: Running) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client(gateway).completions.create(model="scripted", prompt=f"说 {TERM}")
    assert caught.value.code == "content_filter"


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_that_is_stopped(gateway: Running, stream: bool) -> None:
    made: Any = client(gateway).completions.create(model="scripted", prompt=STOPPED, stream=stream)
    last = list(made)[-1] if stream else made
    assert last.choices[0].finish_reason == "content_filter"
    assert last.model_extra["guiju"]["article"] == "4.1"
    assert TERM not in last.model_dump_json()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"prompt": [1, 2]}, "not_checkable"),
        ({"prompt": [[1], [2]]}, "not_checkable"),
        ({"prompt": ["a", "b"]}, "invalid_request"),
        ({"echo": True}, "invalid_request"),
        ({"suffix": "x"}, "invalid_request"),
        ({"unheard_of": 1}, "unknown_field"),
    ],
)
def test_what_can_not_be_looked_at_is_refused(gateway: Running, more: dict[str, Any], code: str) -> None:
    answer = gateway.ask("POST", "/v1/completions", {"model": "scripted", "prompt": "hi", **more})
    assert (answer.status, answer.json["error"]["code"]) == (400, code)


# ---------------------------------------------------------------------- prompts as they are
NUMBERS: dict[str, Any] = {
    "n": 2, "max_tokens": 9, "temperature": 0.5, "top_p": 0.9, "presence_penalty": 0.1, "frequency_penalty": 0.2, "seed": 7,
    "stop": ["。"], "logit_bias": {"1": -1.0},
}  # fmt: skip


@pytest.mark.parametrize("stream", [True, False])
def test_a_prompt_goes_as_it_is_where_the_settings_say_so(gateway: Running, model: ScriptedModel, stream: bool) -> None:
    asked = {"model": CONTINUED, "prompt": "[[say:你好，世界。]]", **NUMBERS}
    made: Any = client(gateway).completions.create(**asked, stream=stream)
    chunks = list(made) if stream else [made]
    texts = {i: "".join(c.text for chunk in chunks for c in chunk.choices if c.index == i) for i in (0, 1)}
    assert all("你好，世界。" in text for text in texts.values())
    more = {"stream_options": {"include_usage": True}} if stream else {}
    assert model.requests[-1] == {**asked, "stream": stream, **more}
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_chat_goes_to_the_same_service_as_a_chat(gateway: Running, model: ScriptedModel) -> None:
    assert gateway.chat("[[say:好]]", model=CONTINUED).status == 200
    assert "messages" in model.requests[-1]


@pytest.mark.parametrize("stream", [True, False])
def test_what_is_continued_is_looked_at(gateway: Running, model: ScriptedModel, stream: bool) -> None:
    made: Any = client(gateway).completions.create(model=CONTINUED, prompt=STOPPED, stream=stream)
    last = list(made)[-1] if stream else made
    assert "prompt" in model.requests[-1]
    assert last.choices[0].finish_reason == "content_filter"
    assert TERM not in last.model_dump_json()
    before = len(model.requests)
    with pytest.raises(openai.BadRequestError) as caught:
        client(gateway).completions.create(model=CONTINUED, prompt=f"说 {TERM}", stream=stream)
    assert (caught.value.code, len(model.requests)) == ("content_filter", before)


def test_a_third_party_gets_placeholders_in_a_prompt(start: Start, model: ScriptedModel) -> None:
    gateway = start(party="third_party", continues=True)
    said = client(gateway).completions.create(model=CONTINUED, prompt="[[say:13900001234]]。手机13900001234")
    assert "13900001234" not in str(model.requests[-1]["prompt"])
    assert "13900001234" in said.choices[0].text


@pytest.mark.parametrize("first", ["chat", "native"])
def test_another_service_is_asked_in_its_own_way(start: Start, first: str) -> None:
    """One gets prompts as they are and the other as chats; whichever fails, the other is asked as it understands."""
    with FaultUpstream({"m": sends(b"")}) as broken, ScriptedModel() as whole_one:
        kinds: Any = {"chat": "native", "native": "chat"}
        services = (
            Upstream(name="first", url=broken.url, completions=first),  # type: ignore[arg-type] # one of the two
            Upstream(name="second", url=whole_one.url, completions=kinds[first], weight=0),
        )
        gateway = start(overlay=(("upstream", services),))
        assert "好的" in client(gateway).completions.create(model="m", prompt="[[say:好的]]").choices[0].text
        assert ("prompt" in broken.asked[0], "prompt" in whole_one.requests[0]) == (first == "native", first == "chat")


BESIDE = {"logprobs": {"tokens": [TERM]}, "stop_reason": TERM, "prompt_logprobs": [TERM], "token_ids": [1]}


def test_what_stands_beside_a_continued_text_is_left_behind(start: Start) -> None:
    """Log probabilities and the like spell the text a second time; the books name what was left behind."""
    body = json.loads(renamed(whole("好的")))
    body["choices"][0] |= BESIDE
    body |= {"kv_transfer_params": {"a": TERM}, "system_fingerprint": TERM, "model": TERM, "id": TERM}
    with FaultUpstream({"m": sends(b"", answer(False, json.dumps(body).encode()))}) as service:
        gateway = start(overlay=(("upstream", (Upstream(name="a", url=service.url, completions="native"),)),))
        said = gateway.ask("POST", "/v1/completions", {"model": "m", "prompt": "hi"})
    assert (said.status, TERM in said.body.decode()) == (200, False)
    dropped = gateway.entry("closed", said.headers["x-guiju-decision-id"])["dropped"]
    assert set(dropped) == {*BESIDE, "kv_transfer_params", "system_fingerprint"}


@pytest.mark.parametrize("text", [None, 1, ["好"], {"text": "好"}, "missing"])
def test_a_continued_text_that_is_none_is_an_error(start_once: Start, text: Any) -> None:
    body = json.loads(renamed(whole("好的")))
    body["choices"][0]["text"] = text
    if text == "missing":
        del body["choices"][0]["text"]
    with FaultUpstream({"m": sends(b"", answer(False, json.dumps(body).encode()))}) as service:
        services = (Upstream(name="a", url=service.url, completions="native"),)
        gateway = start_once(overlay=(("upstream", services),))
        said = gateway.ask("POST", "/v1/completions", {"model": "m", "prompt": "hi"})
    assert (said.status, said.json["error"]["code"]) == (502, "upstream_failed")


def test_only_services_of_openais_protocol_continue_prompts() -> None:
    with pytest.raises(ConfigError, match="native"):
        parse({"upstream": [{"name": "a", "url": "http://a/v1", "kind": "anthropic", "completions": "native"}]})

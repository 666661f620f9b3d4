# SPDX-License-Identifier: Apache-2.0
"""The scripted model service: what each directive does on the wire, and that the real SDK understands it."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import openai
import pytest
from openai import OpenAI

from conftest import ending
from guiju.adapters.scripted import DIRECTIVES, FINGERPRINT, ScriptedModel


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as running:
        yield running


def client(model: ScriptedModel) -> OpenAI:
    return ending(OpenAI(base_url=model.url, api_key="none", max_retries=0, timeout=5))


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    raw: bytes


def call(model: ScriptedModel | str, method: str, path: str, body: str = "", timeout: float = 5) -> Reply:
    address = urlsplit(model if isinstance(model, str) else model.url).netloc
    with closing(http.client.HTTPConnection(address, timeout=timeout)) as connection:
        connection.request(method, path, body.encode(), {"content-type": "application/json"})
        response = connection.getresponse()
        with closing(response):
            return Reply(response.status, response.headers, response.read())


def post(model: ScriptedModel, prompt: str, *, stream: bool = False, timeout: float = 5) -> Reply:
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}], "stream": stream}
    return call(model, "POST", "/v1/chat/completions", json.dumps(body), timeout)


def events(raw: bytes) -> list[str]:
    return [block.removeprefix("data: ") for block in raw.decode().split("\n\n") if block]


def test_every_answer_says_that_it_is_scripted(model: ScriptedModel) -> None:
    for stream in (False, True):
        for prompt in ("你好", "[[say:x]]", "[[status:503]]"):
            response = post(model, prompt, stream=stream)
            assert response.headers["x-guiju-scripted"] == "true"
            assert FINGERPRINT.encode() in response.raw


def test_the_same_request_has_the_same_answer(model: ScriptedModel) -> None:
    assert post(model, "你好", stream=True).raw == post(model, "你好", stream=True).raw


def test_say_is_exact_and_counts_usage(model: ScriptedModel) -> None:
    with client(model) as sdk:
        answer = sdk.chat.completions.create(
            model="any", messages=[{"role": "user", "content": "[[say:一\n two]]"}], n=2
        )
    assert [choice.message.content for choice in answer.choices] == ["一\n two"] * 2
    assert answer.model == "any"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 2 * len("一\n two")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_stream_comes_in_the_pieces_asked_for(model: ScriptedModel) -> None:
    with client(model) as sdk:
        stream = sdk.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": [{"type": "text", "text": "[[stream:abcdefg|3|1]]"}]}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert [piece for piece in pieces if piece] == ["abc", "def", "g"]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 7


def test_tool_calls_streamed_and_whole(model: ScriptedModel) -> None:
    prompt = '[[tool:weather|{"city":"北京"}]]'
    with client(model) as sdk:
        whole = sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": prompt}])
        stream = sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": prompt}], stream=True)
        deltas = [chunk.choices[0] for chunk in stream]
    call = (whole.choices[0].message.tool_calls or [])[0]
    assert (whole.choices[0].finish_reason, call.type) == ("tool_calls", "function")
    assert json.loads(call.model_dump()["function"]["arguments"]) == {"city": "北京"}
    streamed = "".join(
        part.function.arguments or "" for c in deltas for part in c.delta.tool_calls or [] if part.function
    )
    assert json.loads(streamed) == {"city": "北京"}
    assert deltas[-1].finish_reason == "tool_calls"


def test_an_answer_may_hold_what_its_request_does_not(model: ScriptedModel) -> None:
    prompt = "[[canary:2|1]]"
    spoken = [json.loads(event) for event in events(post(model, prompt, stream=True).raw)[:-1]]
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in spoken)
    assert "规矩金丝雀" in text
    assert "规矩金丝雀" not in prompt
    shifted = "".join(chr(ord(c) + 1) for c in "any words")
    answer = json.loads(post(model, f"[[shift:{shifted}]]").raw)
    assert answer["choices"][0]["message"]["content"] == "any words"


def test_other_fields_and_endings(model: ScriptedModel) -> None:
    document = json.loads(post(model, "[[reasoning:r]][[refusal:no]][[finish:length]]").raw)
    message = document["choices"][0]["message"]
    assert (message["reasoning_content"], message["refusal"]) == ("r", "no")
    assert document["choices"][0]["finish_reason"] == "length"
    assert len(json.loads(post(model, "[[big:1234]]").raw)["choices"][0]["message"]["content"]) == 1234
    assert "application/json" in post(model, "[[json-reply]]", stream=True).headers["content-type"]


@pytest.mark.parametrize(("status", "kind"), [(401, openai.AuthenticationError), (500, openai.InternalServerError)])
def test_errors_on_demand(model: ScriptedModel, status: int, kind: type[openai.APIStatusError]) -> None:
    with client(model) as sdk, pytest.raises(kind) as raised:
        sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": f"[[status:{status}]]"}])
    assert raised.value.status_code == status


def test_a_stream_can_end_badly(model: ScriptedModel) -> None:
    with pytest.raises(http.client.IncompleteRead) as raised:
        post(model, "[[stream:abcdef|2]][[reset:2]]", stream=True)
    assert b'"cd"' in raised.value.partial
    assert b'"ef"' not in raised.value.partial
    with pytest.raises(http.client.IncompleteRead):
        post(model, "[[reset:0]]")
    undone = events(post(model, "[[say:ab]][[no-done]]", stream=True).raw)
    assert "[DONE]" not in undone
    assert json.loads(undone[-1])["choices"][0]["finish_reason"] is None
    garbled = events(post(model, "[[stream:abcd|2]][[garbage:1]]", stream=True).raw)
    with pytest.raises(json.JSONDecodeError):
        json.loads(garbled[2])
    assert garbled[-1] == "[DONE]"
    broken = events(post(model, "[[stream:abcd|2]][[error:1]]", stream=True).raw)
    assert "error" in json.loads(broken[-1])


@pytest.mark.parametrize(("prompt", "stream"), [("[[hang]]", False), ("[[stream:abcd|2]][[hang:1]]", True)])
def test_a_caller_that_leaves_is_noticed(model: ScriptedModel, prompt: str, stream: bool) -> None:
    before = model.left
    with pytest.raises(TimeoutError):
        post(model, prompt, stream=stream, timeout=0.2)
    deadline = time.monotonic() + 5
    while model.left == before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert model.left == before + 1


def test_what_is_not_served_is_said(model: ScriptedModel) -> None:
    assert call(model, "POST", "/v1/chat/completions", "[1]").status == 400
    assert json.loads(call(model, "GET", "/v1/models").raw)["data"][0]["owned_by"] == FINGERPRINT
    assert call(model, "GET", "/v1/nothing").status == 404


def test_requests_are_kept_for_tests_to_look_at(model: ScriptedModel) -> None:
    post(model, "kept")
    assert model.requests[-1]["messages"][0]["content"] == "kept"
    assert model.headers[-1]["content-type"] == "application/json"


@pytest.mark.slow
def test_the_command_serves_and_stops_cleanly() -> None:
    command = [sys.executable, "-m", "guiju.cli.main", "upstream", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        url = json.loads(child.stdout.readline())["url"]
        assert call(url, "GET", "/v1/models").status == 200  # the socket listens before the address is printed
        child.terminate()
        _, complaint = child.communicate(timeout=10)
    assert "Traceback" not in complaint


def test_the_table_of_directives_stands_in_the_docs() -> None:
    for language in ("zh", "en"):
        page = Path(__file__).parents[1].joinpath(f"docs/{language}/how-to/scripted-upstream.md").read_text("utf-8")
        documented = re.findall(r"^\| `\[\[(.+?)\]\]` \|", page, re.MULTILINE)
        assert [form.replace("\\|", "|") for form in documented] == list(DIRECTIVES)

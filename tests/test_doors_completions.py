# SPDX-License-Identifier: Apache-2.0
"""/v1/completions with the real client."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from conftest import KEY, Running, Start, ending

TERM = "规矩金丝雀"
STOPPED = "[[shift:好的。觅矪釒丞雁。]]"


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    """A gateway at reach pattern."""
    return start_once(overlay=(("gateway.reach", "pattern"),))


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

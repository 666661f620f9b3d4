# SPDX-License-Identifier: Apache-2.0
"""The field `moderation` of chat requests: verdicts on what was asked and answered, beside the answer, as the newest
OpenAI SDK reads them."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from conftest import KEY, Running, Start, ending
from guiju.adapters.scripted import ScriptedModel

TERM, NOTED = "规矩金丝雀", "温和词语"
LEXICON = f"term,category,severity\n{TERM},A.1f,block\n{NOTED},A.2a,signal\n"
WANTED: Any = {"model": "omni-moderation-latest", "policy": {"output": {"mode": "score"}}}


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    return start_once(lexicon=LEXICON)


def ask(gateway: Running, text: str, **more: Any) -> Any:
    client = ending(openai.OpenAI(base_url=f"{gateway.base}/v1", api_key=KEY, max_retries=0))
    messages: Any = [{"role": "user", "content": text}]
    return client.chat.completions.create(model="scripted", messages=messages, moderation=WANTED, **more)


def told(side: Any) -> tuple[bool, dict[str, bool]]:
    """Whether one side is flagged, and our categories in it."""
    (result,) = side.results
    assert (side.type, result.type, side.model) == ("moderation_results", "moderation_result", WANTED["model"])
    assert "violence/graphic" in result.categories
    return result.flagged, {name: hit for name, hit in result.categories.items() if name.startswith("cn/")}


def test_what_is_harmless(gateway: Running) -> None:
    answer = ask(gateway, "你好")
    assert told(answer.moderation.input) == told(answer.moderation.output) == (False, {})
    plain = gateway.chat("你好")
    assert "moderation" not in plain.json


def test_what_is_only_noted(gateway: Running) -> None:
    answer = ask(gateway, f"[[say:{NOTED}]]{NOTED}")
    assert told(answer.moderation.input) == (False, {"cn/A.2a": False})
    assert told(answer.moderation.output) == (False, {"cn/A.2a": False})


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_stopped_is_stopped_whatever_the_policy_says(gateway: Running, stream: bool) -> None:
    answer = ask(gateway, "[[canary:2]]", stream=stream)
    made = [one for one in answer if getattr(one, "moderation", None)][-1] if stream else answer
    assert told(made.moderation.input) == (False, {})
    assert told(made.moderation.output) == (True, {"cn/A.1f": True})
    assert made.choices[0].finish_reason == "content_filter"


def test_a_stream_that_ends_well(gateway: Running) -> None:
    chunks = list(ask(gateway, f"[[say:{NOTED}。]]", stream=True))
    (last,) = [one for one in chunks if getattr(one, "moderation", None)]
    assert last.choices[0].finish_reason == "stop"
    assert told(last.moderation.output) == (False, {"cn/A.2a": False})


@pytest.mark.slow
def test_it_never_goes_on_and_has_a_shape(start: Start) -> None:
    with ScriptedModel() as model:
        gateway = start(upstream=model.url)
        ask(gateway, "你好")
        assert "moderation" not in model.requests[-1]
        for wrong in (
            {},
            {"model": 1},
            {"model": "m", "x": 1},
            {"model": "m", "policy": {"input": {"mode": "off"}}},
            "m",
        ):
            answer = gateway.chat("你好", moderation=wrong)
            assert answer.status == 400, wrong


# ---------------------------------------------------------------- at /v1/responses
def respond(gateway: Running, text: str, **more: Any) -> Any:
    client = ending(openai.OpenAI(base_url=f"{gateway.base}/v1", api_key=KEY, max_retries=0))
    return client.responses.create(model="scripted", input=text, moderation=WANTED, **more)


@pytest.mark.parametrize(
    ("text", "flagged", "ours"),
    [
        ("你好", False, {}),
        (f"[[say:{NOTED}]]{NOTED}", False, {"cn/A.2a": False}),
        ("[[canary:2]]", True, {"cn/A.1f": True}),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_responses_have_one_result_a_side(
    gateway: Running, text: str, flagged: bool, ours: dict[str, bool], stream: bool
) -> None:
    made = respond(gateway, text, stream=stream)
    answer = list(made)[-1].response if stream else made
    result = answer.moderation.output
    assert (result.type, result.model, result.flagged) == ("moderation_result", WANTED["model"], flagged)
    assert {name: hit for name, hit in result.categories.items() if name.startswith("cn/")} == ours
    assert answer.moderation.input.flagged is False
    assert answer.status == ("incomplete" if flagged else "completed")

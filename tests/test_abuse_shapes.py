# SPDX-License-Identifier: Apache-2.0
"""Wherever a forbidden word stands in a request, the model does not see it; a harmless one in the same place passes
(robustness E3; threats 5 to 7; Articles 4 and 15)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from conftest import Answered, Running, Start
from doors import DOORS, GUARDS, stops
from fast_kit import few
from fault_upstream import FaultUpstream, answer, vectors
from shape_doors import ASKS, NoPlaceError, spelt_as
from shape_own import BLOCKED, OWN, PLACES, fate
from shape_table import DROPPED, FIELDS, FILTERED, PASSED_OVER, SHAPES, Shape, asked, tool

CHAT = "/v1/chat/completions"


@dataclass
class Recorder(FaultUpstream):
    """A model service that answers everything well and keeps each byte that reached it."""

    arrived: list[bytes] = field(default_factory=list)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        body = await reader.readexactly(length)
        self.arrived.append(head + body)
        self.asked.append(json.loads(body))
        wanted = self.asked[-1].get("input")
        many = vectors(len(wanted) if isinstance(wanted, list) else 1) if wanted else None
        writer.write(answer(bool(self.asked[-1].get("stream")), many))
        await writer.drain()
        writer.close()


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """The model service."""
    with Recorder({}) as one:
        yield one


@pytest.fixture(scope="module")
def gateway(start_once: Start, recorder: Recorder) -> Running:
    """A gateway in front of it."""
    return start_once(upstream=recorder.url, overlay=(("gateway.fields", FIELDS),))


def sent(gateway: Running, door: str, shape: Shape, word: str, stream: bool) -> Answered:
    """Ask a shape with a word in it."""
    body = shape.make(word)
    if door != CHAT and shape in SHAPES:
        body = spelt_as(body, door) if isinstance(body, bytes) else ASKS[door](body)
    if stream:
        body = body[:-1] + b',"stream":true}' if isinstance(body, bytes) else {**body, "stream": True}
    return gateway.ask("POST", shape.path(word).replace(CHAT, door), body, shape.headers(word))


def leaks(recorder: Recorder, word: str) -> bool:
    """Whether the word, or a piece of it that is no common word, reached the model."""
    arrived = b"".join(recorder.arrived)
    text = arrived.decode("utf-8", "replace") + json.dumps(recorder.asked, ensure_ascii=False)
    return any(piece in text for piece in (word, word[:2], word[2:], word[:3], word[-2:]))


def faults(gateway: Running, recorder: Recorder, shape: Shape, stream: bool, door: str = CHAT) -> Iterator[str]:
    """What is wrong with a shape: the word gets through, or the harmless twin does not."""
    where = f"{door}, {shape.name}, stream {stream}: "
    told = fate(door, shape) if door != CHAT and shape in SHAPES else shape.fate
    for word, expected in zip(shape.words, (told, "" if told == FILTERED else told), strict=True):
        recorder.arrived.clear()
        recorder.asked.clear()
        heard = sent(gateway, door, shape, word, stream)
        what = f"{where}{word} got {heard.status} {heard.body[:150]!r}"
        if door in GUARDS and expected in ("", PASSED_OVER, FILTERED, BLOCKED):
            if heard.status != 200 or stops(door, heard) != (expected in (FILTERED, BLOCKED)):
                yield what
        elif expected in ("", DROPPED, PASSED_OVER):
            if heard.status != 200 or len(recorder.asked) != 1:
                yield what
            if expected == DROPPED and not heard.headers.get("x-guiju-dropped"):
                yield where + "dropped, and not told"
            if expected and leaks(recorder, word):
                yield f"{where}{word} reached the model"
        elif heard.status != 400 or heard.json["error"]["code"] != expected:
            yield what
        elif recorder.asked:
            yield where + "refused, and asked all the same"
        elif expected == FILTERED and not heard.json["error"]["guiju"]["decision_id"]:
            yield where + "refused without a decision"


def at_door(
    gateway: Running, recorder: Recorder, door: str, shapes: Iterable[Shape], stream: bool
) -> tuple[int, list[str]]:
    """How many shapes a door has a place for, and what is wrong with them."""
    count, wrong = 0, []
    for shape in shapes:
        try:
            wrong += faults(gateway, recorder, shape, stream, door)
            count += 1
        except NoPlaceError:
            pass
    return count, wrong


@pytest.mark.slow
def test_no_shape_carries_a_forbidden_word_to_the_model(gateway: Running, recorder: Recorder) -> None:
    assert not [fault for shape in SHAPES for fault in faults(gateway, recorder, shape, stream=False)]
    assert not [fault for shape in SHAPES[::5] for fault in faults(gateway, recorder, shape, stream=True)]
    assert len({shape.name for shape in SHAPES}) == len(SHAPES) >= 100


@pytest.mark.slow
def test_no_shape_of_a_stream_carries_one_either(gateway: Running, recorder: Recorder) -> None:
    assert not [fault for shape in SHAPES for fault in faults(gateway, recorder, shape, stream=True)]


@pytest.mark.parametrize("door", few(ASKS, 2))
def test_no_door_carries_one_in_a_place_of_its_own(gateway: Running, recorder: Recorder, door: str) -> None:
    count, wrong = at_door(gateway, recorder, door, OWN[door], False)
    assert (count, wrong) == (len(OWN[door]), [])
    assert not at_door(gateway, recorder, door, SHAPES[::7], False)[1]


@pytest.mark.slow
@pytest.mark.parametrize("door", list(ASKS))
def test_no_shape_carries_one_through_any_door(gateway: Running, recorder: Recorder, door: str) -> None:
    count, wrong = at_door(gateway, recorder, door, SHAPES, False)
    assert (count, wrong) == (PLACES[door], [])
    if door in DOORS:
        assert not at_door(gateway, recorder, door, (*SHAPES, *OWN[door]), True)[1]


@pytest.mark.slow
def test_the_judge_sees_a_word_that_gets_through(start_once: Start, recorder: Recorder) -> None:
    """Behind a gateway that looks for other words every shape that goes on is a leak, and every refusal is missed."""
    gateway = start_once(
        upstream=recorder.url,
        overlay=(("gateway.fields", FIELDS),),
        lexicon="term,category,severity\n别的词,A.1f,block\n",
    )
    some = SHAPES[::5]
    missed = [shape.name for shape in some if list(faults(gateway, recorder, shape, stream=False))]
    assert missed == [shape.name for shape in some if shape.fate == FILTERED]


def test_what_reaches_the_model_is_what_was_asked(gateway: Running, recorder: Recorder) -> None:
    """Nothing that was known and looked at is lost on the way, down to fields that have a default."""
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    document: dict[str, Any] = asked(
        n=2, max_tokens=5, temperature=0.0, top_p=1.0, seed=7, stop=["a", "b"], logit_bias={"1": -1.0}, tools=tool({"type": "object"}, strict=True),
        tool_choice={"type": "function", "function": {"name": "find"}}, parallel_tool_calls=False, reasoning_effort="low",
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": False}}, hint={"a": [1, None]},
    )  # fmt: skip
    document["messages"] += [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": [{"type": "text", "text": "好"}], "tool_call_id": "c1"},
    ]
    recorder.asked.clear()
    gateway.ask("POST", "/v1/chat/completions", document)
    assert recorder.asked == [document]

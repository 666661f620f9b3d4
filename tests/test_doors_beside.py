# SPDX-License-Identifier: Apache-2.0
"""What stands beside the text: ids of calls, names of languages, fields that an operator lets through, fields that a
service adds. None of it carries text past who looks (Articles 4, 11 and 15)."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import pytest

from conftest import Start
from doors import IMAGES, VECTORS
from fault_table import sends
from fault_upstream import FaultUpstream, answer
from guiju.adapters.upstream import Address
from guiju.config import Limits
from guiju.controls.content import OutputSentences, OutputWords
from guiju.errors import CallerError
from guiju.gateway.reply import Reply
from guiju.gateway.wire import form
from guiju.gateway.wire.canonical import PERSONAL
from guiju.gateway.wire.chat import Chat
from guiju.gateway.wire.chat_reply import Piece
from guiju.gateway.wire.completions import Completions
from guiju.gateway.wire.embeddings import Embeddings
from guiju.gateway.wire.images import Images
from guiju.gateway.wire.messages import Messages
from guiju.gateway.wire.protocol import Call
from guiju.gateway.wire.responses import Responses
from guiju.gateway.wire.speech import Speech
from guiju.gateway.wire.transcript_reply import Frame, TranscriptAnswer
from test_screen_cuts import words

TERM: Final = "guijucanary"
WORDS: Final = words((TERM,))
SAID: Final = [{"role": "user", "content": "hi"}]
ASKED: Final[dict[str, tuple[Any, dict[str, Any]]]] = {
    "chat": (Chat(), {"model": "m", "messages": SAID}),
    "completions": (Completions(), {"model": "m", "prompt": "hi"}),
    "messages": (Messages(), {"model": "m", "max_tokens": 9, "messages": SAID}),
    "responses": (Responses(), {"model": "m", "input": "hi"}),
    "embeddings": (Embeddings(), {"model": "m", "input": "hi"}),
    "images": (Images(), {"model": "m", "prompt": "hi"}),
    "speech": (Speech(), {"model": "m", "input": "hi", "voice": "a"}),
}


@pytest.mark.parametrize(("field", "text"), [("id", f"call_{TERM}"), ("id", TERM), ("name", TERM)])
def test_an_id_or_a_name_of_a_call_that_holds_a_term_does_not_go_out(field: str, text: str) -> None:
    def said(**changed: str) -> tuple[Reply, list[Piece | Call]]:
        reply = Reply(WORDS, "pattern", [OutputWords(), OutputSentences()])
        call = {"id": "call_0", "name": "find"} | changed
        made = reply.take([Piece(0, "id", call["id"], 0), Piece(0, "name", call["name"], 0)])
        return reply, [*made, *reply.take([Piece(0, "arguments", "{}", 0)]), *reply.rest()]

    reply, made = said(**{field: text})
    assert (reply.stopped is not None, made) == (True, [])
    reply, made = said()
    call = made[0]
    assert isinstance(call, Call)
    assert (reply.stopped, call.id, call.name) == (None, "call_0", "find")


@pytest.mark.parametrize(
    ("said", "told"), [("english", "english"), ("Chinese", "Chinese"), ("zh-CN", "zh-CN"), (TERM, ""), ("the answer", "")]
)  # fmt: skip
def test_a_language_is_one_or_is_left_out(said: str, told: str) -> None:
    frame = Frame("verbose_json")
    TranscriptAnswer(frame).whole(json.dumps({"text": "hi", "language": said}).encode())
    assert frame.language == told


def test_what_stands_beside_segments_and_words_is_named() -> None:
    segment = {"start": 0, "end": 1, "text": "hi", "tokens": [1], "speaker": TERM}
    said = {"text": "hi", "segments": [segment], "words": [{"word": "hi", "start": 0, "end": 1, "confidence": 1}]}
    made = TranscriptAnswer(Frame("verbose_json")).whole(json.dumps({**said, "speakers": [TERM]}).encode())
    assert made.dropped == {"speaker", "confidence", "speakers"}


@pytest.mark.parametrize("door", list(ASKED))
@pytest.mark.parametrize("name", sorted(PERSONAL))
def test_nobodys_name_goes_on_whatever_the_operator_says(door: str, name: str) -> None:
    wire, body = ASKED[door]
    asked = wire.parse(json.dumps({**body, name: "li"}).encode(), {name: "forward"}, Limits())
    assert name in asked.dropped
    assert "li" not in str(json.loads(wire.encode(asked, Address("m", "openai", 9), "person")))


@pytest.mark.parametrize(
    ("door", "name"), [("responses", "messages"), ("completions", "messages"), ("messages", "model")]
)
def test_no_field_goes_on_twice(door: str, name: str) -> None:
    """A request written anew names each field once: what the second one holds would be read in place of the first."""
    wire, body = ASKED[door]
    more = {} if name in body else {name: [{"role": "user", "content": "another"}]}
    asked = wire.parse(json.dumps({**body, **more}).encode(), {name: "forward"}, Limits())
    if more:
        with pytest.raises(CallerError) as caught:
            wire.encode(asked, Address("m", "openai", 9), "")
        assert (caught.value.code, caught.value.facts["param"]) == ("unknown_field", name)
    else:
        assert wire.encode(asked, Address("m", "openai", 9), "").count(b'"model"') == 1


def test_fields_of_json_find_their_place_in_a_form() -> None:
    extra = {"a": "x", "b": 1, "c": True, "d": ["x", 2], "e": None}
    assert form.flat(extra) == [("a", "x"), ("b", "1"), ("c", "true"), ("d[]", "x"), ("d[]", "2")]
    for wrong in ({"a": {"b": 1}}, {"a": [[1]]}):
        with pytest.raises(CallerError) as caught:
            form.flat(wrong)
        assert caught.value.code == "invalid_request"


def test_a_call_of_a_tool_has_no_place_in_a_text() -> None:
    wire, body = ASKED["completions"]
    writer = wire.writer(wire.parse(json.dumps(body).encode(), {}, Limits()), "x", 0, {})
    assert b'"finish_reason":"stop"' in writer.end([(0, "tool_calls")], None)


PICTURE: Final = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


@pytest.mark.parametrize(
    ("door", "said", "expected"),
    [
        (
            VECTORS,
            {"data": [{"index": 0, "embedding": [0.5], "text": TERM}], "note": TERM, "nothing": None},
            {"text", "note"},
        ),
        (VECTORS, {"object": "list", "model": TERM, "data": [{"index": 0, "embedding": [0.5], "object": "embedding"}]}, set()),
    ],
)  # fmt: skip
def test_what_a_service_adds_to_vectors_is_left_behind_and_named(
    start: Start, door: str, said: dict[str, Any], expected: set[str]
) -> None:
    with FaultUpstream({"m": sends(b"", answer(False, json.dumps(said).encode()))}) as service:
        gateway = start(upstream=service.url)
        got = gateway.ask("POST", door, {"model": "m", "input": "hi"})
        assert (got.status, TERM in got.body.decode()) == (200, False)
        assert set(gateway.entry("closed", got.headers["x-guiju-decision-id"]).get("dropped", ())) == expected


def test_what_a_service_adds_to_pictures_is_left_behind_and_named() -> None:
    wire, body = ASKED["images"]
    asked = wire.parse(json.dumps(body).encode(), {}, Limits())
    said = {
        "created": 1,
        "data": [{"b64_json": PICTURE, "url": None, "revised_prompt": TERM, "alt": TERM}],
        "note": TERM,
    }
    made = wire.read(json.dumps(said).encode(), asked)
    assert set(made.dropped) == {"revised_prompt", "alt", "note"}
    assert IMAGES.endswith(wire.path)

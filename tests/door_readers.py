# SPDX-License-Identifier: Apache-2.0
"""What each door's client gathers from an answer: one reader a door, by which one test judges the answers of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from conftest import Answered
from doors import VECTORS

DONE: Final = b"data: [DONE]\n\n"


class Heard(NamedTuple):
    """An answer as a client understands it.

    Attributes:
        error: the error's code; none in an answer that goes well.
        finishes: how its choices ended, in the words of chat completions.
        closings: events that say of some part that it is whole, its finishes left out.
        text: what was said.
        ended: whether the answer's form is at its end, as the protocol ends it.
    """

    error: str
    finishes: list[str]
    closings: int
    text: str
    ended: bool


def streamed(answer: Answered) -> bool:
    """Whether it is a stream of events."""
    return "json" not in answer.headers["content-type"]


def documents(answer: Answered) -> list[Any]:
    """The events of a stream, or the one document."""
    return answer.events if streamed(answer) else [answer.json]


def _error(made: list[Any]) -> str:
    """The code of the error; nothing may follow it."""
    said = [one["error"] for one in made if one.get("error")]
    assert len(said) <= 1
    if said:
        assert made[-1].get("error"), "an event after the error"
        assert set(said[0]) >= {"type", "message", "param", "code"}
    return str(said[0]["code"]) if said else ""


def _openai(answer: Answered, texts: Callable[[Any], str | None]) -> Heard:
    """Chat completions, and completions, which differ in where the text stands."""
    made = documents(answer)
    choices = [one for document in made for one in document.get("choices", ())]
    finishes = [one["finish_reason"] for one in choices if one["finish_reason"]]
    text = "".join(texts(one) or "" for one in choices)
    ended = not streamed(answer) or (answer.body.endswith(DONE) and answer.body.count(DONE) == 1)
    return Heard(_error(made), finishes, 0, text, ended)


def chat(answer: Answered) -> Heard:
    """Reads /v1/chat/completions."""
    return _openai(answer, lambda one: (one.get("delta") or one.get("message") or {}).get("content"))


def completions(answer: Answered) -> Heard:
    """Reads /v1/completions."""
    return _openai(answer, lambda one: one["text"])


_REASONS: Final = {
    "end_turn": "stop",
    "max_tokens": "length",
    "refusal": "content_filter",
    "tool_use": "tool_calls",
    "completed": "stop",
    "max_output_tokens": "length",
    "content_filter": "content_filter",
}


def messages(answer: Answered) -> Heard:
    """Reads /v1/messages."""
    made = documents(answer)
    code = _error(made)
    assert not code or made[-1]["type"] == "error"
    kinds = [one["type"] for one in made]
    reasons = [one.get("delta", one).get("stop_reason") for one in made]
    blocks = [one for document in made for one in document.get("content", ())]
    opened = [one["index"] for one in made if one["type"] == "content_block_start"]
    deltas = [one["delta"] for one in made if one["type"] == "content_block_delta"]
    assert opened == list(dict.fromkeys(one["index"] for one in made if one["type"] == "content_block_delta"))
    text = "".join(one.get("text", "") for one in (*blocks, *deltas))
    finishes = [_REASONS[one] for one in reasons if one]
    closings = kinds.count("content_block_stop") + kinds.count("message_stop")
    ended = not streamed(answer) or kinds[-1] in ("message_stop", "error")
    assert bool(finishes) == ("message_stop" in kinds) or not streamed(answer)
    assert not streamed(answer) or [f"event: {kind}" for kind in kinds] == _names(answer)
    return Heard(code, finishes, closings, text, ended)


def responses(answer: Answered) -> Heard:
    """Reads /v1/responses."""
    made = documents(answer)
    code = _error(made)
    if streamed(answer):
        assert [one["sequence_number"] for one in made] == list(range(len(made)))
        assert [f"event: {one['type']}" for one in made] == _names(answer)
        assert not code or (made[-1]["type"], made[-1]["code"]) == ("error", code)
    kinds = [one.get("type", "") for one in made]
    final = [one.get("response", one) for one in made]
    how = [
        _REASONS[(one.get("incomplete_details") or {"reason": one["status"]})["reason"]]
        for one in final
        if one.get("status") in ("completed", "incomplete") and one.get("object") == "response"
    ]
    text = "".join(one["delta"] for one in made if one.get("type") == "response.output_text.delta")
    if not streamed(answer) and not code:
        parts = [part for item in made[0]["output"] for part in item.get("content", ())]
        text = "".join(part.get("text", "") for part in parts)
    closings = sum(kind.endswith(".done") for kind in kinds)
    ended = not streamed(answer) or kinds[-1] in ("response.completed", "response.incomplete", "error")
    return Heard(code, how, closings, text, ended)


def vectors(answer: Answered) -> Heard:
    """Reads /v1/embeddings, where nothing is said and nothing is streamed."""
    made = answer.json
    return Heard(_error([made]), ["stop"] if "data" in made else [], 0, "", True)


def _names(answer: Answered) -> list[str]:
    """The lines that name the events."""
    return [line for line in answer.body.decode().split("\n") if line.startswith("event: ")]


READERS: Final[dict[str, Callable[[Answered], Heard]]] = {
    "/v1/chat/completions": chat,
    "/v1/completions": completions,
    "/v1/messages": messages,
    "/v1/responses": responses,
    VECTORS: vectors,
}

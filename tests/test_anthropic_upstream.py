# SPDX-License-Identifier: Apache-2.0
"""A model service that speaks Anthropic's Messages API behind the doors (Articles 4, 15, 16): one road for all, so that
what is stopped, refused, broken or counted is what it is with any other service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import Answered, Running, Start
from doors import DOORS, VECTORS, say
from fast_kit import few
from fault_table import sends
from fault_upstream import Call, FaultUpstream
from fault_upstream import answer as chat_answer
from guiju.config import Upstream
from guiju.terms import Reach
from messages_upstream import begin, call, end, event, plain, said, streamed, text, thinking, whole

TERM = "规矩金丝雀"
KEY_ENV = "ANTHROPIC_TEST_KEY"
GOOD = plain(whole(said("好的。")))
SCRIPTS = {
    "good": sends(streamed([begin(), text("好", "的。"), end()]), GOOD),
    "thinks": sends(
        streamed([begin(), thinking("想"), text("好", index=1), end("max_tokens")]),
        plain(whole({"type": "thinking", "thinking": "想", "signature": "s"}, said("好"), reason="max_tokens")),
    ),
    "calls": sends(
        streamed([begin(), text("查"), call('{"q":', '"一"}', index=1), end("tool_use")]),
        plain(
            whole(said("查"), {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": "一"}}, reason="tool_use")
        ),
    ),
    "term": sends(streamed([begin(), text("说", TERM, "。"), end()]), plain(whole(said(f"说{TERM}。")))),
    "term-in-call": sends(
        streamed([begin(), call('{"q":"规矩', '金丝雀"}'), end("tool_use")]),
        plain(whole({"type": "tool_use", "id": "a", "name": "f", "input": {"q": TERM}}, reason="tool_use")),
    ),
    "term-thought": sends(
        streamed([begin(), thinking("规矩", "金丝雀"), text("好", index=1), end()]),
        plain(whole({"type": "thinking", "thinking": TERM, "signature": "s"}, said("好"))),
    ),
    "term-after": sends(
        streamed([begin(), text("说规矩"), end(), text("金丝雀", index=1)]), plain(whole(said("说规矩"), said("金丝雀")))
    ),
    "term-again": sends(
        streamed([begin(), text("说规矩"), end(), event("content_block_delta", index=0, delta={"type": "text_delta", "text": "金丝雀"})]),
        plain(whole(said("说规矩"), said("金丝雀"))),
    ),
    "term-in-blocks": sends(
        streamed([begin(), text("说规矩"), thinking("想", index=1), text("金丝雀", index=2), end()]),
        plain(whole(said("说规矩"), {"type": "redacted_thinking", "data": "x"}, said("金丝雀"))),
    ),
    "refuses": sends(streamed([begin(), text("我想。"), end("refusal")]), plain(whole(said("我想。"), reason="refusal"))),
    "error": sends(
        streamed([begin(), text("好。"), event("error", error={"type": "overloaded_error", "message": TERM})]),
        plain(b'{"type":"error","error":{"type":"api_error","message":"x"}}'),
    ),
    "no-stop": sends(streamed([begin(), text("好。"), end().partition(b"event: message_stop")[0]]), plain(whole(reason=None))),
    "cut": sends(streamed([begin(), text("好。"), end()])[:-60], GOOD[:-9]),
    "chat": sends(chat_answer(True), chat_answer(False)),
    "odd": sends(streamed([begin(), event("weather", text=TERM), text("好"), end()]), plain(whole(said("好"), weather=TERM))),
    "down": sends(plain(b"{}", b"HTTP/1.1 529 Overloaded\r\n")),
    "no": sends(plain(b'{"type":"error","error":{"message":"x"}}', b"HTTP/1.1 400 No\r\n")),
    "risk": sends(plain(b'{"type":"error","error":{"message":"Content Exists Risk"}}', b"HTTP/1.1 400 No\r\n")),
}  # fmt: skip


async def _cut(call: Call) -> None:
    """The term, cut into two or three pieces as the request says, and the bytes anywhere."""
    first, second, size = json.loads(call.asked["messages"][0]["content"][0]["text"])
    parts = (TERM[:first], TERM[first:second], TERM[second:])
    await call.send(streamed([begin(), text("说", *parts, "完了。"), end()], size))


async def _cuts(call: Call) -> None:
    """A text, cut after the characters that the bits of a number name; the text is asked for in code."""
    words, bits = json.loads(call.asked["messages"][0]["content"][0]["text"].replace("§", "\\u"))
    pieces = [words[0]]
    for i, character in enumerate(words[1:]):
        if bits >> i & 1:
            pieces.append(character)
        else:
            pieces[-1] += character
    await call.send(streamed([begin(), text(*pieces), end()], 1 + bits % 90))


@pytest.fixture(scope="module")
def service() -> Iterator[FaultUpstream]:
    with FaultUpstream({**SCRIPTS, "pieces": _cut, "cuts": _cuts}) as one:
        yield one


@pytest.fixture(scope="module")
def running(start_once: Start, service: FaultUpstream) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_ENV, "secret-key")
        yield gateway(start_once, service)


def gateway(start: Start, service: FaultUpstream, reach: Reach = "pattern", **more: Any) -> Running:
    one = Upstream(name="main", url=service.url, kind="anthropic", key_env=KEY_ENV, **more)
    return start(overlay=(("upstream", (one,)), ("gateway.reach", reach)))


def ask(
    running: Running, model: str, path: str = "/v1/chat/completions", stream: bool = True, text: str = "问"
) -> Answered:
    return running.ask("POST", path, {**DOORS[path](text), "model": model, "stream": stream})


CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"


def spoken(answer: Answered, path: str) -> str:
    """The text of an answer, streamed or whole."""
    if not answer.body.startswith(b"{"):
        if path == CHAT:
            return answer.text()
        return "".join(one.get("delta", {}).get("text", "") for one in answer.events)
    if path == CHAT:
        return str(answer.json["choices"][0]["message"]["content"])
    return "".join(one.get("text", "") for one in answer.json["content"])


def finish(answer: Answered, path: str) -> str:
    """How an answer ended, in chat's words."""
    documents = [answer.json] if answer.body.startswith(b"{") else answer.events
    if path == CHAT:
        said = [one["finish_reason"] for document in documents for one in document.get("choices", ())]
    else:
        said = [(one.get("delta") or one).get("stop_reason") for one in documents]
    assert any(said), documents
    last = [one for one in said if one][-1]
    return {"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls", "refusal": "content_filter"}.get(
        last, last
    )


BOTH = pytest.mark.parametrize("path", [CHAT, MESSAGES])
WAYS = pytest.mark.parametrize("stream", [False, True])


@BOTH
@WAYS
def test_an_answer(running: Running, service: FaultUpstream, path: str, stream: bool) -> None:
    answer = ask(running, "good", path, stream)
    assert (answer.status, spoken(answer, path), finish(answer, path)) == (200, "好的。", "stop")
    assert b'"aigc"' in answer.body
    head = service.heads[-1].lower()
    assert head.startswith("post /v1/messages ")
    assert "x-api-key: secret-key\r\n" in head
    assert "anthropic-version: 2023-06-01\r\n" in head
    assert "authorization" not in head
    sent = service.asked[-1]
    limit = 100 if path == MESSAGES else 4096
    assert (sent["model"], sent["max_tokens"], sent["messages"]) == (
        "good",
        limit,
        [{"role": "user", "content": [said("问")]}],
    )


@WAYS
def test_the_other_doors(running: Running, stream: bool) -> None:
    for path in DOORS:
        answer = ask(running, "good", path, stream)
        assert answer.status == 200
        assert "好" in answer.body.decode()
        assert TERM not in ask(running, "term", path, stream).body.decode()


@BOTH
@WAYS
def test_thinking_and_the_end_for_length(running: Running, path: str, stream: bool) -> None:
    answer = ask(running, "thinks", path, stream)
    assert (spoken(answer, path), finish(answer, path)) == ("好", "length")
    assert "想" in answer.body.decode()


@BOTH
@WAYS
def test_a_tool_call(running: Running, path: str, stream: bool) -> None:
    answer = ask(running, "calls", path, stream)
    assert (spoken(answer, path), finish(answer, path)) == ("查", "tool_calls")
    body = answer.body.decode()
    assert "toolu_1" in body
    assert "look" in body
    if stream and path == CHAT:
        calls = [
            call for one in answer.events for choice in one["choices"] for call in choice["delta"].get("tool_calls", ())
        ]
        assert "".join(call["function"].get("arguments", "") for call in calls) == '{"q":"一"}'


def test_usage_is_counted(running: Running) -> None:
    assert ask(running, "good", stream=False).json["usage"] == {
        "prompt_tokens": 7,
        "completion_tokens": 5,
        "total_tokens": 12,
    }
    streamed = running.chat("问", model="good", stream=True, stream_options={"include_usage": True}).events
    assert [one["usage"]["total_tokens"] for one in streamed if one.get("usage")] == [12]


@BOTH
@WAYS
def test_what_may_not_be_said_is_stopped(running: Running, path: str, stream: bool) -> None:
    for name in ("term", "term-in-call", "term-thought", "term-after", "term-again", "term-in-blocks"):
        answer = ask(running, name, path, stream)
        assert (answer.status, finish(answer, path)) == (200, "content_filter"), name
        assert "金丝雀" not in answer.body.decode(), name
        assert running.entry("closed", answer.headers["x-guiju-decision-id"])["state"] == "stopped", name


@pytest.mark.parametrize("reach", few(["pattern", "sentence"]))
@BOTH
def test_wherever_the_term_is_cut(start: Start, service: FaultUpstream, path: str, reach: Reach) -> None:
    running = gateway(start, service, reach)
    cuts = [(first, second) for first in range(len(TERM) + 1) for second in range(first, len(TERM) + 1)]
    for number, (first, second) in enumerate(cuts):
        answer = ask(running, "pieces", path, text=json.dumps([first, second, 1 + 7 * (number % 6)]))
        assert finish(answer, path) == "content_filter", (first, second)
        leaked = spoken(answer, path)
        assert not any(mark in leaked for mark in (TERM[:2], TERM[-2:], "完了")), (first, second, leaked)


@pytest.mark.slow
@pytest.mark.parametrize("reach", ["pattern", "sentence"])
@BOTH
def test_every_cut_of_a_text_with_and_without_the_term(
    start: Start, service: FaultUpstream, path: str, reach: Reach
) -> None:
    running = gateway(start, service, reach)
    for words in (f"说{TERM}完了", "说规矩金丝鸟完了"):
        for bits in range(2 ** (len(words) - 1)):
            answer = ask(running, "cuts", path, text=json.dumps([words, bits], ensure_ascii=True).replace("\\u", "§"))
            if TERM in words:
                assert finish(answer, path) == "content_filter", bits
                assert not any(part in spoken(answer, path) for part in (TERM[:2], TERM[-2:], "完了")), bits
            else:
                assert (spoken(answer, path), finish(answer, path)) == (words, "stop"), bits


@BOTH
@WAYS
def test_its_refusal_is_a_refusal_of_ours(running: Running, path: str, stream: bool) -> None:
    answer = ask(running, "refuses", path, stream)
    assert (answer.status, finish(answer, path)) == (200, "content_filter")
    closed = running.entry("closed", answer.headers["x-guiju-decision-id"])
    assert closed["state"] == "stopped"
    assert "upstream" in json.dumps(closed)


@BOTH
@WAYS
def test_what_breaks_never_ends_well(running: Running, path: str, stream: bool) -> None:
    for name in ("error", "no-stop", "cut", "chat"):
        answer = ask(running, name, path, stream)
        body = answer.body.decode()
        assert '"upstream_failed"' in body, name
        assert TERM not in body, name
        assert not any(f'"{reason}"' in body for reason in ("stop", "end_turn", "content_filter", "refusal")), name
        assert stream or answer.status == 502, name


@WAYS
def test_unknown_events_and_fields_are_dropped_and_named(running: Running, stream: bool) -> None:
    answer = ask(running, "odd", stream=stream)
    assert (spoken(answer, CHAT), TERM in answer.body.decode()) == ("好", False)
    assert "weather" in json.dumps(running.entry("closed", answer.headers["x-guiju-decision-id"]))


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [("down", 502, "upstream_failed"), ("no", 502, "upstream_refused"), ("risk", 400, "content_filter")],
)
def test_errors_before_an_answer(running: Running, name: str, status: int, code: str) -> None:
    answer = ask(running, name)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)


def test_what_has_no_place_is_refused_before_the_service_is_asked(running: Running, service: FaultUpstream) -> None:
    before = len(service.asked)
    for field, value in (("n", 2), ("seed", 1), ("reasoning_effort", "low")):
        answer = running.chat("问", model="good", **{field: value})
        assert (answer.status, answer.json["error"]["param"]) == (400, field)
    assert len(service.asked) == before


def test_the_limit_of_an_answer_is_the_callers_or_the_settings(start: Start, service: FaultUpstream) -> None:
    running = gateway(start, service, max_tokens=77)
    for more, limit in (({}, 77), ({"max_tokens": 5}, 5), ({"max_completion_tokens": 6}, 6)):
        assert running.chat("问", model="good", **more).status == 200
        assert service.asked[-1]["max_tokens"] == limit


@pytest.mark.slow
@pytest.mark.parametrize("name", ["m", "another"])
def test_it_makes_text_only(start: Start, service: FaultUpstream, name: str) -> None:
    running = gateway(start, service, models={"m": "good", "*": "*"})
    answer = running.ask("POST", VECTORS, {"model": name, "input": "文"})
    assert (answer.status, answer.json["error"]["code"]) == (404, "text_only")
    assert name in answer.json["error"]["message"]


# ---------------------------------------------------------------- beside services of the other protocol
def mixed(start: Start, first: Upstream, second: Upstream) -> Running:
    return start(overlay=(("upstream", (first, second)),))


@pytest.mark.slow
@WAYS
@pytest.mark.parametrize("turned", few([False, True]))
def test_each_of_several_is_asked_in_its_own_protocol(
    start: Start, service: FaultUpstream, stream: bool, turned: bool
) -> None:
    with FaultUpstream({"down": SCRIPTS["down"], "good": sends(chat_answer(True), chat_answer(False))}) as chat:
        names = ("down", "good") if turned else ("good", "down")
        theirs = Upstream(name="theirs", url=service.url, kind="anthropic", models={"m": names[0]}, weight=int(turned))
        other = Upstream(name="other", url=chat.url, models={"m": names[1]}, weight=int(not turned))
        running = mixed(start, theirs, other)
        answer = ask(running, "m", stream=stream)
        assert answer.status == 200
        assert spoken(answer, CHAT).startswith("今天" if turned else "好的")
        assert [one["model"] for one in chat.asked] == [names[1]]
        assert service.asked[-1]["model"] == names[0]
        asked_for_two = running.chat("问", model="m", n=2)
        assert asked_for_two.json["error"]["code"] == ("invalid_request" if turned else "upstream_failed")


@pytest.mark.slow
def test_vectors_come_from_the_one_that_makes_them(start: Start, service: FaultUpstream) -> None:
    vector = {
        "object": "list",
        "data": [{"index": 0, "embedding": [0.5]}],
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }
    with FaultUpstream({"m": sends(plain(json.dumps(vector).encode()))}) as chat:
        theirs = Upstream(name="theirs", url=service.url, kind="anthropic", models={"m": "good", "only": "good"})
        running = mixed(start, theirs, Upstream(name="other", url=chat.url, models={"m": "m", "*": "*"}))
        for _ in range(3):
            assert running.ask("POST", VECTORS, {"model": "m", "input": "文"}).status == 200
        answer = running.ask("POST", VECTORS, {"model": "only", "input": "文"})
        assert answer.json["error"]["code"] == "text_only"


def test_what_is_asked_is_stopped_before_it(running: Running, service: FaultUpstream) -> None:
    before = len(service.asked)
    assert say(running, CHAT, f"请说{TERM}").status == 400
    assert len(service.asked) == before

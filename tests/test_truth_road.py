# SPDX-License-Identifier: Apache-2.0
"""An answer held to its sources on the road (Article 4.4): noted, or refused where the policy says so."""

from __future__ import annotations

import time
from typing import Any

import pytest

from conftest import Answered, Running, Start
from fast_kit import few
from guiju.controls import policy as rulings
from guiju.controls.truth import TruthInput, TruthOutput
from guiju.detect.current import Current
from guiju.detect.grounding import FIGURE, GROUNDING
from guiju.gateway.grounded import sources
from guiju.gateway.wire.canonical import Asked, ChatRequest, Message
from guiju.records import policies
from guiju.records.changes import Terms
from guiju.terms import Exchange, Finding, Text
from test_policy import text as stored
from test_policy import waited
from truth_kit import INVENTED, LAKE, shifted


def with_tool(gateway: Running, answer: str, stream: bool = False) -> Answered:
    """Ask with what a tool answered among the turns."""
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": "青湖多大？"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": LAKE},
        {"role": "user", "content": "请回答。" + answer},
    ]
    return gateway.ask("POST", "/v1/chat/completions", {"model": "scripted", "messages": turns, "stream": stream})


def kinds(answer: Answered) -> list[str]:
    """Kinds of the notices of an answer."""
    parts = answer.events if "json" not in answer.headers["content-type"] else [answer.json]
    return [one["kind"] for part in parts for one in part.get("guiju", {}).get("notices", ())]


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_tool_answered_is_a_source(start_once: Start, stream: bool) -> None:
    gateway = start_once()
    assert kinds(with_tool(gateway, shifted("水面33平方公里，最深8米。"), stream)) == []
    answer = with_tool(gateway, shifted(INVENTED), stream)
    assert kinds(answer) == ["unsupported"]
    assert answer.status == 200


@pytest.mark.parametrize("stream", few([False, True]))
def test_a_policy_may_refuse_it_and_then_nothing_of_it_goes_out(start: Start, stream: bool) -> None:
    gateway = start()
    refusing(gateway)
    answer = with_tool(gateway, shifted(INVENTED), stream)
    assert "44平方公里" not in answer.body.decode()
    assert '"content_filter"' in answer.body.decode()
    assert '"article":"4.4"' in answer.body.decode()
    assert "33平方公里" in with_tool(gateway, shifted("水面33平方公里。"), stream).body.decode()
    assert "44" in gateway.chat(shifted("水面44平方公里。"), stream=stream).body.decode()


def refusing(gateway: Running) -> None:
    """Put a policy into force that refuses figures and references that stand nowhere in the sources."""
    text = '[[ruling]]\naction = "refuse"\ncategory = "truth.*"\nside = "output"\n'
    document = rulings.parse(text, "p.toml", development=True)
    policies.apply(gateway.house.store, stored(document), Terms(False, "t", int(time.time()), 0))
    waited(gateway, "policy@1")


@pytest.mark.slow
def test_large_sources_are_read_too_and_larger_ones_said_not_to_be(start_once: Start) -> None:
    gateway = start_once()
    pages = "".join(f"档案{number}号记下了那天的来客。" for number in range(1000, 3000))
    asked = f"<document>{pages}{LAKE}</document> 青湖多大？"
    right = gateway.chat(asked + shifted("水面33平方公里。"))
    assert (right.status, kinds(right)) == (200, [])
    assert kinds(gateway.chat(asked + shifted(INVENTED))) == ["unsupported"]
    answer = gateway.chat(f"<document>{pages * 8}</document> 青湖多大？" + shifted(INVENTED))
    closed = gateway.entry("closed", answer.headers["x-guiju-decision-id"])
    assert ["truth.output", "note"] in closed["controls"]


def test_an_answer_without_sources_is_held_to_nothing(start_once: Start) -> None:
    assert kinds(start_once().chat(shifted(INVENTED))) == []


def test_who_asks_of_today_is_told_that_no_source_came_with_the_answer(start_once: Start) -> None:
    gateway = start_once()
    assert kinds(gateway.chat("[[say:好]]今天北京天气怎么样？")) == ["uncertain"]
    assert kinds(gateway.chat("[[say:fine]]What is the exchange rate right now?")) == ["uncertain"]
    assert kinds(gateway.chat("[[say:好]]写一首诗，题目是今天的天气。")) == []
    assert kinds(gateway.chat("[[say:好]]1644年的气候如何？")) == []
    assert kinds(with_tool(gateway, "今天北京天气怎么样？[[say:好]]")) == []
    turns = [{"role": "user", "content": one} for one in ("今天北京天气怎么样？", "[[say:好]]谢谢。")]
    later = gateway.ask("POST", "/v1/chat/completions", {"model": "scripted", "messages": turns})
    assert kinds(later) == []


ASKED = (
    ("现在金价多少钱一克", True),
    ("美国现任总统是谁", True),
    ("Who won the game last night?", True),
    ("What is the current price of gold?", True),
    ("写一篇关于最近新闻的作文", False),
    ("昨天我做了一个梦", False),
    ("How do I read a weather forecast?", False),
    ("What happened in 1912?", False),
)


@pytest.mark.parametrize(("text", "now"), ASKED)
def test_a_question_of_now_is_told_from_others(text: str, now: bool) -> None:
    assert bool(Current().find((Text("messages[0].content", text),))) == now


MARKED = (
    (f"<documents><document>{LAKE}</document></documents>青湖多大？", 2),
    (f"请根据资料回答。\n参考资料：\n{LAKE * 2}", 1),
    (f"Context: {LAKE * 2}", 1),
    ("<document>没有关上", 0),
    ("这份资料：写得不错。", 0),
    (LAKE, 0),
)


@pytest.mark.parametrize(("text", "count"), MARKED)
def test_documents_are_what_is_marked_as_such(text: str, count: int) -> None:
    request = ChatRequest("m", [Message("user", text)])
    found, beside = sources(Asked(request, {}, (Text("messages[0].content", text),), ()))
    assert len(found) == count
    assert bool(beside) == bool(count)


def test_marks_that_are_never_closed_cost_no_more_than_their_length() -> None:
    text = "<document>" * 100_000
    asked = Asked(ChatRequest("m", [Message("user", text)]), {}, (Text("messages[0].content", text),), ())
    began = time.perf_counter()
    assert sources(asked) == ([], [])
    assert time.perf_counter() - began < 2


def test_the_controls_decide_on_their_own_findings_alone() -> None:
    other = Finding("words", FIGURE, "block", "x", "messages[0].content", 0, 1, "raw")
    exchange = Exchange("x", "a", "k", "chat", "m", (Text("messages[0].content", "今天天气"),))
    assert TruthInput().decide(exchange, (other,)).action == "pass"
    assert TruthOutput().decide(Text("", ""), (other,)).action == "pass"
    own = Finding(GROUNDING, FIGURE, "signal", "number", "choices[0].content", 0, 1, "raw")
    verdict = TruthOutput().decide(Text("", ""), (own,))
    assert (verdict.action, verdict.reason and verdict.reason.article) == ("note", "4.4")
    asks = Current().find((Text("messages[0].content", "今天天气怎么样"),))
    assert TruthInput().decide(exchange, asks).action == "note"

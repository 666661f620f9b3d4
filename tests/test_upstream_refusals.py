# SPDX-License-Identifier: Apache-2.0
"""What a model service refuses for content is a refusal like our own: the same code, a decision id, evidence that says
stopped, and never `upstream_refused` (Articles 4, 15). What only looks like one stays an error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from conftest import KEY, Answered, Running, Start
from doors import DOORS, VECTORS
from fast_kit import few
from fault_table import ROLE, SHORT, body, sends
from fault_upstream import DONE, TEXT, Call, FaultUpstream, chunk, say, whole
from guiju.adapters import refusals
from guiju.adapters.upstream import REFUSAL_BYTES
from guiju.config import Upstream

INSPECTED = {"code": "data_inspection_failed", "type": "data_inspection_failed", "param": None}
RISK = {
    "message": "Content Exists Risk",
    "type": "invalid_request_error",
    "param": None,
    "code": "invalid_request_error",
}
OUTPUT = "Output data may contain inappropriate content."
MORE = " For details, see: https://help.aliyun.com/zh/model-studio/error-code#inappropriate-content"
AZURE: dict[str, Any] = {
    "message": "The response was filtered due to the prompt triggering the content management policy.",
    "type": None,
    "param": "prompt",
    "code": "content_filter",
    "status": 400,
    "innererror": {"code": "ResponsibleAIPolicyViolation"},
}
BLOCKED: dict[str, Any] = {
    "message": "Your request was rejected by the safety system. safety_violations=[violence].",
    "type": "image_generation_user_error",
    "param": None,
    "code": "moderation_blocked",
}
FLAGGED = (
    "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a "
    "different prompt: https://platform.openai.com/docs/guides/reasoning#advice-on-prompting"
)
ASKED: dict[str, Any] = {
    "dashscope": INSPECTED | {"message": "Input data may contain inappropriate content."},
    "deepseek": RISK,
    "zhipu": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"},
    "zhipu-number": {"code": 1301},
    "ark": {"code": "SensitiveContentDetected", "type": "BadRequest"},
    "ark-part": {"code": "SensitiveContentDetected.SevereViolation"},
    "ark-text": {"code": "InputTextSensitiveContentDetected"},
    "ark-risk": {"code": "InputTextRiskDetection"},
    "azure": AZURE,
    "openai-images": BLOCKED,
    "openai-policy": {"code": "content_policy_violation", "type": "invalid_request_error", "param": None},
    "openai-prompt": {"code": "invalid_prompt", "type": "invalid_request_error", "message": FLAGGED},
}
"""Error objects at HTTP 400 that refuse what was asked."""
ANSWERED: dict[str, Any] = {
    "dashscope": INSPECTED | {"message": OUTPUT},
    "dashscope-more": INSPECTED | {"message": OUTPUT + MORE},
    "ark": {"code": "OutputTextSensitiveContentDetected"},
    "ark-risk": {"code": "OutputTextRiskDetection"},
    "openai-images": BLOCKED | {"moderation_details": {"moderation_stage": "output", "categories": ["violence"]}},
}
"""Error objects at HTTP 400 that refuse what was to be answered."""
WITHIN: dict[str, Any] = {"dashscope": INSPECTED, "zhipu": {"code": "1301"}, "azure": AZURE, "ark": ANSWERED["ark"]}
"""Error objects within an answer that has begun."""
NOT_CONTENT: dict[str, Any] = {
    "longer-message": RISK | {"message": "Content Exists Risk of something"},
    "message-alone": {"message": "data_inspection_failed"},
    "prompt-alone": {"code": "invalid_prompt", "message": "Invalid prompt: it is empty."},
    "longer-code": {"code": "content_filter_config_invalid"},
    "part-of-no-family": {"code": "content_filter.input"},
    "other-code": {"code": "13010"},
    "code-in-a-list": {"code": ["content_filter"]},
    "text": "content_filter",
    "none": None,
}
"""Errors at HTTP 400 that are not about content."""


PATIENT = msgspec.structs.replace(SHORT, upstream_first_byte_s=30.0, upstream_between_s=30.0, upstream_whole_s=60.0)
"""So that a busy machine's delay is not taken for a service's."""


def error(document: Any, status: int = 400) -> bytes:
    """An HTTP error with an error object."""
    said = json.dumps({"error": document, "request_id": "r"}).encode()
    return b"HTTP/1.1 %d No\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (status, len(said)) + said


def ends(finish: str) -> tuple[bytes, bytes]:
    """Some text, cut with a finish reason: streamed and whole."""
    return ROLE + b"".join(say()) + chunk(finish=finish) + DONE, whole().replace(b'"stop"', f'"{finish}"'.encode())


def breaks(document: Any) -> tuple[bytes, bytes]:
    """Some text and then an error object: streamed, and alone in a whole answer."""
    said = json.dumps({"error": document}).encode()
    return ROLE + b"".join(say()) + b"data: " + said + b"\n\n" + DONE, said


async def never_ends(call: Call) -> None:
    """An HTTP 400 whose body does not come to its end."""
    await call.send(b"HTTP/1.1 400 No\r\nContent-Length: 999\r\n\r\n" + b'{"error":{"code":"content_filter"}}')
    await call.hang()


SCRIPTS = {
    **{f"asked-{name}": sends(error(said)) for name, said in ASKED.items()},
    **{f"answered-{name}": sends(error(said)) for name, said in ANSWERED.items()},
    **{f"within-{name}": body(*breaks(said)) for name, said in WITHIN.items()},
    **{f"finish-{name}": body(*ends(name)) for name in refusals.FINISHES},
    **{f"not-{name}": sends(error(said)) for name, said in NOT_CONTENT.items()},
    "not-at-403": sends(error(INSPECTED, 403)),
    "not-at-500": sends(error(INSPECTED, 500)),
    "not-too-long": sends(error({"code": "content_filter", "message": "x" * REFUSAL_BYTES})),
    "not-json": sends(b"HTTP/1.1 400 No\r\nConnection: close\r\n\r\ncontent_filter"),
    "never-ends": never_ends,
    "says-it": body(
        ROLE + chunk({"content": "Content Exists Risk"}) + chunk(finish="stop") + DONE, whole("Content Exists Risk")
    ),
    "own": body(
        ROLE + chunk({"refusal": "我不能帮助。"}) + chunk(finish="stop") + DONE,
        json.dumps(
            {
                "choices": [
                    {"index": 0, "message": {"content": None, "refusal": "我不能帮助。"}, "finish_reason": "stop"}
                ]
            }
        ).encode(),
    ),
}


@pytest.fixture(scope="module")
def service() -> Iterator[FaultUpstream]:
    """The service that refuses; the model's name says how."""
    with FaultUpstream(SCRIPTS) as one:
        yield one


@pytest.fixture
def gateway(start: Start, service: FaultUpstream) -> Running:
    """A gateway in front of it, with a second one beside it that would be asked if the first had failed."""
    services = (Upstream(name="main", url=service.url), Upstream(name="standby", url=service.url, weight=0))
    return start(overlay=(("limits", PATIENT), ("upstream", services), ("gateway.reach", "pattern")))


def judge_books(gateway: Running, answered: Answered) -> None:
    """The exchange is in the books as stopped, by the model service's refusal."""
    closed = gateway.entry("closed", answered.headers["x-guiju-decision-id"])
    assert (closed["state"], closed["end"]) == ("stopped", "stopped")
    assert ["upstream", "refuse"] in closed["controls"]
    assert closed["reason"] == {"code": "content_filter", "article": "", "category": "upstream"}
    assert closed["chars_released"] <= closed["chars_seen"]


def judge_guiju(answered: Answered, guiju: Any, stage: str) -> None:
    """The caller is told the decision, the stage and the category."""
    assert guiju["decision_id"] == answered.headers["x-guiju-decision-id"]
    assert (guiju["stage"], guiju["reason"], guiju["category"]) == (stage, "content_filter", "upstream")


def judge_stopped(answered: Answered, stream: bool) -> None:
    """The shape of a stop of our own."""
    assert answered.status == 200, answered.body
    if stream:
        last = answered.events[-1]
        assert (last["choices"][0]["finish_reason"], bool(answered.text("refusal"))) == ("content_filter", True)
        assert TEXT.startswith(answered.text())
        judge_guiju(answered, last["guiju"], "output")
    else:
        [choice] = answered.json["choices"]
        assert choice["finish_reason"] == "content_filter"
        assert choice["message"]["content"] == choice["message"]["refusal"]
        assert "the model service's own rules" in choice["message"]["refusal"]
        judge_guiju(answered, answered.json["guiju"], "output")


@pytest.mark.slow
@pytest.mark.parametrize("stream", few([False, True]))
def test_what_was_asked_is_refused(gateway: Running, service: FaultUpstream, stream: bool) -> None:
    for name in ASKED:
        service.asked.clear()
        answered = gateway.chat("hi", model=f"asked-{name}", stream=stream)
        assert (answered.status, answered.json["error"]["code"]) == (400, "content_filter"), name
        judge_guiju(answered, answered.json["error"]["guiju"], "input")
        judge_books(gateway, answered)
        assert len(service.asked) == 1, "a refusal is no failure: nobody else is asked the same"
    assert gateway.house.live.metrics.counts.counted("guiju_requests_total", "chat", "stopped") == len(ASKED)
    assert "guiju_errors_total" not in gateway.house.live.metrics.counts.counters


@pytest.mark.slow
@pytest.mark.parametrize("stream", few([False, True]))
def test_what_was_answered_is_refused(gateway: Running, stream: bool) -> None:
    cases = [f"{kind}-{name}" for kind, rows in (("answered", ANSWERED), ("within", WITHIN)) for name in rows]
    for name in [*cases, *(f"finish-{one}" for one in refusals.FINISHES)]:
        answered = gateway.chat("hi", model=name, stream=stream)
        judge_stopped(answered, stream)
        judge_books(gateway, answered)


@pytest.mark.parametrize("stream", few([False, True]))
def test_on_block_error(gateway: Running, stream: bool) -> None:
    record = gateway.house.live.keyring.find(KEY, 0)
    assert record is not None
    gateway.house.live.keyring.with_static("gj-agent", msgspec.structs.replace(record, id="agent", on_block="error"))
    for name in ("answered-ark", "within-dashscope", "finish-content_filter"):
        answered = gateway.chat("hi", model=name, stream=stream, key="gj-agent")
        last = answered.events[-1] if stream else answered.json
        assert (answered.status, last["error"]["code"]) == (200 if stream else 400, "content_filter")
        judge_guiju(answered, last["error"]["guiju"], "output")
        judge_books(gateway, answered)


@pytest.mark.slow
@pytest.mark.parametrize("stream", few([False, True]))
def test_what_is_not_about_content_stays_an_error(gateway: Running, stream: bool) -> None:
    for name in (one for one in SCRIPTS if one.startswith("not-")):
        answered = gateway.chat("hi", model=name, stream=stream)
        code = "upstream_failed" if name == "not-at-500" else "upstream_refused"
        assert (answered.status, answered.json["error"]["code"]) == (502, code), name
        closed = gateway.entry("closed", answered.headers["x-guiju-decision-id"])
        assert closed["end"] == "upstream_failed"


@pytest.mark.slow
def test_a_refusal_that_does_not_end_stays_an_error(start: Start, service: FaultUpstream) -> None:
    gateway = start(upstream=service.url, overlay=(("limits", SHORT),))
    answered = gateway.chat("hi", model="never-ends")
    assert (answered.status, answered.json["error"]["code"]) == (502, "upstream_refused")


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True])
def test_text_that_reads_like_a_refusal_is_text(gateway: Running, stream: bool) -> None:
    answered = gateway.chat("hi", model="says-it", stream=stream)
    said = answered.text() if stream else answered.json["choices"][0]["message"]["content"]
    assert (answered.status, said) == (200, "Content Exists Risk")


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_of_the_model_itself_passes_once_it_was_looked_at(gateway: Running, stream: bool) -> None:
    answered = gateway.chat("hi", model="own", stream=stream)
    said = answered.text("refusal") if stream else answered.json["choices"][0]["message"]["refusal"]
    assert (answered.status, said) == (200, "我不能帮助。")
    closed = gateway.entry("closed", answered.headers["x-guiju-decision-id"])
    assert (closed["state"], closed["chars_seen"]) == ("passed", len("我不能帮助。"))


def test_at_every_door(gateway: Running) -> None:
    for path, ask in DOORS.items():
        for stream in (False, True):
            for model in ("asked-azure", "within-dashscope"):
                answered = gateway.ask("POST", path, {**ask("hi"), "model": model, "stream": stream})
                assert answered.status == (400 if model == "asked-azure" else 200), (path, stream)
                assert b'"category":"upstream"' in answered.body, (path, stream)
                judge_books(gateway, answered)
    answered = gateway.ask("POST", VECTORS, {"model": "asked-dashscope", "input": "x"})
    assert (answered.status, answered.json["error"]["code"]) == (400, "content_filter")
    judge_books(gateway, answered)


@pytest.mark.slow
def test_refusals_do_not_open_the_circuit(start: Start, service: FaultUpstream) -> None:
    limits = msgspec.structs.replace(PATIENT, circuit_failures=1, circuit_open_s=60.0)
    gateway = start(upstream=service.url, overlay=(("limits", limits),))
    for _ in range(3):
        assert gateway.chat("hi", model="asked-zhipu").status == 400
    assert gateway.chat("hi", model="says-it").status == 200


def test_each_row_has_its_source_and_its_own_name() -> None:
    assert all(row.source.startswith("https://") and bool(row.code) != bool(row.message) for row in refusals.TABLE)
    assert len({row.rule for row in refusals.TABLE}) == len(refusals.TABLE)

# SPDX-License-Identifier: Apache-2.0
"""One guard model over a real socket: in batches, in portions, within its time, tried twice at most, and left alone
while it fails (robustness §5, §6). What was not answered is an error, never an empty list of findings."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conftest import free_port
from guard_server import (
    SECRET,
    Asked,
    GuardServer,
    Script,
    alibaba_form,
    completion,
    hang,
    in_turn,
    judge,
    qwen,
    says,
    signed_by_acs3,
    signed_by_tc3,
    tencent_text,
)
from guiju.adapters.guards import making, pinging
from guiju.adapters.guards.asking import Guard, UnaskedError
from guiju.config import Guard as Settings
from guiju.config import Limits
from guiju.terms import Finding

NOW = 1_000_000.0
SAFE = qwen("Safe", "None", "request")
KEYS = {"ID": "id-of-the-test", "KEY": SECRET}


def made(url: str, limits: Limits = Limits(), **more: Any) -> Guard:  # noqa: B008 # frozen
    """A guard at an address, of Qwen3Guard's protocol unless the test says otherwise."""
    settings = {"id": "main", "kind": "qwen3guard", "url": url, "model": "g", "timeout_ms": 2000, **more}
    return making.make(msgspec.convert(settings, Settings), limits, environ=KEYS)


def run(guard: Guard, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Do something with an open guard."""

    async def whole() -> Any:
        await guard.open()
        try:
            return await work()
        finally:
            await guard.close()

    return asyncio.run(whole())


def ask(guard: Guard, *texts: str, side: Any = "request", prompt: str = "") -> list[list[Finding]]:
    """Ask once."""
    found: list[list[Finding]] = run(guard, lambda: guard.ask(texts, side, prompt, NOW))
    return found


def fails(guard: Guard, *texts: str) -> UnaskedError:
    """Ask once, in vain."""
    with pytest.raises(UnaskedError) as error:
        ask(guard, *(texts or ("天气",)))
    assert guard.failing_since == (0 if error.value.why == "length" else NOW)
    return error.value


def test_each_text_gets_what_was_found_in_it() -> None:
    with GuardServer(judge) as server:
        found = ask(made(server.url), "天气很好", "前面有红灯", "这是黄灯")
    red, yellow = Finding("guard.main", "A.1f", "block", "qwen3guard:Violent", "", 0, 5, "raw"), found[2][0]
    assert found[:2] == [[], [red]]
    assert (yellow.category, yellow.severity, len(found[2])) == ("topic", "signal", 1)
    assert sorted(server.texts) == sorted(["天气很好", "前面有红灯", "这是黄灯"])
    assert {one.path for one in server.asked} == {"/v1/chat/completions"}


def test_a_long_text_is_cut_at_sentences_and_offsets_are_those_of_the_text() -> None:
    text = "这句话没有什么。" * 900 + "然后到了红灯。" + "这句话没有什么。" * 300
    with GuardServer(judge) as server:
        (found,) = ask(made(server.url), text)
    assert found
    assert all("红灯" in text[one.start : one.end] and one.end - one.start <= 6000 for one in found)
    assert len(server.asked) == 2
    assert all(said.endswith("。") for said in server.texts)
    first, second = sorted(server.texts, key=text.index)
    assert text.index(second) < len(first), "they overlap"


def test_openai_takes_many_texts_at_once() -> None:
    async def script(asked: Asked) -> None:
        categories = dict.fromkeys(
            ("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent",
             "self-harm", "self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence",
             "violence/graphic"), False,
        )  # fmt: skip
        results = [
            {"flagged": "红" in text, "categories": {**categories, "illicit": "红" in text}, "category_scores": {}}
            for text in asked.json["input"]
        ]
        await asked.answer(json.dumps({"id": "m", "model": "omni", "results": results}).encode())

    with GuardServer(script) as server:
        guard = made(server.url, kind="openai", model="", key_env="KEY")
        found = ask(guard, *[f"第{i}句" for i in range(40)], "红")
    assert [len(one) for one in found] == [0] * 40 + [1]
    assert found[40][0].category == "A.1h"
    assert sorted(len(one.json["input"]) for one in server.asked) == [9, 32]
    assert {one.headers["authorization"] for one in server.asked} == {f"Bearer {SECRET}"}
    assert {one.path for one in server.asked} == {"/v1/moderations"}


def test_tencent_cloud_is_asked_with_a_signature_that_it_would_take() -> None:
    async def script(asked: Asked) -> None:
        hit = "红" in tencent_text(asked)
        said = {"Suggestion": "Block", "Label": "Illegal"} if hit else {"Suggestion": "Pass", "Label": "Normal"}
        error = {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "x"}}
        await asked.answer(json.dumps({"Response": said if signed_by_tc3(asked) else error}).encode())

    with GuardServer(script) as server:
        more: dict[str, Any] = {
            "kind": "tencent",
            "region": "ap-guangzhou",
            "access_env": "ID",
            "key_env": "KEY",
            "model": "biz_1",
        }
        found = ask(made(server.url.removesuffix("/v1"), **more), "天" * 9_999 + "。" + "红" * 3)
        sent = server.asked[0]
    assert [one.category for one in found[0]] == ["A.1h"]
    assert [len(tencent_text(one)) for one in server.asked] in ([10_000, 203], [203, 10_000])
    assert sent.path == "/"
    assert (sent.headers["x-tc-action"], sent.headers["x-tc-version"]) == ("TextModeration", "2020-12-29")
    assert sent.headers["x-tc-region"] == "ap-guangzhou"
    assert sent.json["BizType"] == "biz_1"


def test_alibaba_cloud_is_asked_with_a_signature_that_it_would_take(tmp_path: Path) -> None:
    async def script(asked: Asked) -> None:
        service, text = alibaba_form(asked)
        hit = "红" in text
        result = [{"Label": "contraband_act" if hit else "nonLabel"}]
        data = {"RiskLevel": "high" if hit else "none", "Result": result}
        good = signed_by_acs3(asked) and service == "llm_response_moderation"
        refusal = {"Code": "SignatureDoesNotMatch", "Message": "x", "RequestId": "1"}
        await asked.answer(json.dumps({"Code": 200, "Data": data} if good else refusal).encode(), 200 if good else 400)

    (tmp_path / "key").write_text(f"id-of-the-test\n{SECRET}\n")
    with GuardServer(script) as server:
        guard = made(server.url.removesuffix("/v1"), kind="alibaba", model="", key_file=str(tmp_path / "key"))
        found = ask(guard, "好的，+ & = % ~*", "红" * 5_001, side="reply")
        nonces = {one.headers["x-acs-signature-nonce"] for one in server.asked}
    assert [[one.category for one in text] for text in found] == [[], ["A.1h", "A.1h"]]
    assert len(nonces) == len(server.asked) == 3


@pytest.mark.parametrize(
    ("script", "why", "asked"),
    [
        (says(SAFE, 500), "status 500", 2),
        (says(SAFE, 503), "status 503", 2),
        (says(SAFE, 401), "status 401", 1),
        (says(SAFE, 429), "status 429", 1),
        (says(SAFE, 302, "Location: /elsewhere\r\n"), "status 302", 1),
        (says(b"", 204), "status 204", 1),
        (says(SAFE, 200, "Content-Encoding: gzip\r\n"), "status 200", 1),
        (says(b"not json"), "shape", 1),
        (says(b'{"error":{"message":"overloaded"}}'), "shape", 1),
        (says(completion("I am sorry, I can't say.")), "shape", 1),
        (says(b'"' + b"x" * 1_200_000 + b'"'), "shape", 1),
    ],
)  # fmt: skip
def test_whatever_is_no_answer_is_an_error(script: Script, why: str, asked: int) -> None:
    with GuardServer(script) as server:
        assert fails(made(server.url)).facts["what"] == why
        assert len(server.asked) == asked


def test_it_is_asked_twice_at_most_and_the_second_may_do() -> None:
    with GuardServer(in_turn(says(SAFE, 502), judge)) as server:
        assert ask(made(server.url), "红灯")[0]
        assert len(server.asked) == 2
    assert fails(made(f"http://127.0.0.1:{free_port()}/v1")).why == "connection"


def test_it_must_answer_within_its_time() -> None:
    with GuardServer(hang) as server:
        began = time.monotonic()
        assert fails(made(server.url, timeout_ms=150), "一", "二").why == "timeout"
        assert time.monotonic() - began < 1
        _until(lambda: server.left == 2)


def test_one_text_without_an_answer_leaves_all_unanswered() -> None:
    async def script(asked: Asked) -> None:
        await (says(b"{}") if "怪" in asked.text else judge)(asked)

    with GuardServer(script) as server:
        assert fails(made(server.url), "好", "怪", "好").why == "shape"


def test_too_much_at_once_is_not_looked_at_and_says_nothing_about_the_guard() -> None:
    with GuardServer(judge) as server:
        assert fails(made(server.url, characters=1000), "长" * 1001).why == "length"
        assert not server.asked


def test_the_circuit_opens_and_one_probe_closes_it() -> None:
    limits = Limits(circuit_failures=2, circuit_open_s=0.2)
    with GuardServer(says(SAFE, 500)) as server:
        guard = made(server.url, limits)

        async def work() -> list[str]:
            seen: list[str] = []
            for _ in range(4):
                try:
                    await guard.ask(("好",), "request", "", NOW)
                except UnaskedError as error:
                    seen.append(error.why)
            asked = len(server.asked)
            server.script = judge
            await asyncio.sleep(0.25)
            assert await guard.ask(("好",), "request", "", NOW) == [[]]
            assert len(server.asked) == asked + 1
            return seen

        assert run(guard, work) == ["status", "status", "circuit", "circuit"]
        assert guard.failing_since == 0


def test_who_leaves_takes_the_call_along() -> None:
    with GuardServer(hang) as server:
        guard = made(server.url)

        async def work() -> None:
            call = asyncio.ensure_future(guard.ask(("一", "二"), "request", "", NOW))
            while len(server.asked) < 2:  # noqa: ASYNC110 # the server is in another thread
                await asyncio.sleep(0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

        run(guard, work)
        _until(lambda: server.left == 2)
        assert guard.failing_since == 0, "nothing is known about the guard"


def test_a_guard_that_may_fail_closes_after_five_minutes() -> None:
    guard = made("http://127.0.0.1:9/v1")
    assert guard.state(NOW) == "up"
    guard.failing_since = NOW
    assert [guard.state(NOW + s) for s in (0, 299, 300)] == ["degraded", "degraded", "closed"]
    closed = made("http://127.0.0.1:9/v1", on_failure="closed")
    closed.failing_since = NOW
    assert closed.state(NOW) == "closed"


def test_a_text_with_half_a_character_can_be_asked_about() -> None:
    with GuardServer(judge) as server:
        assert ask(made(server.url), "红灯\ud800")[0][0].end == 3


def test_a_ping_says_why_there_was_no_answer() -> None:
    settings = msgspec.convert({"id": "g", "kind": "qwen3guard", "url": "", "model": "g"}, Settings)
    with GuardServer(judge) as server:
        assert pinging.ping(msgspec.structs.replace(settings, url=server.url), Limits()) == ""
        server.script = says(b"", 401)
        assert pinging.ping(msgspec.structs.replace(settings, url=server.url), Limits()) == "status 401"


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)

# SPDX-License-Identifier: Apache-2.0
"""Guard models that give no answer: what goes on without them, what stops, and that neither reads as passed
(robustness §6, F9, T5; Articles 4, 14)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Start, free_port
from guard_server import GuardServer, hang, judge, qwen, says
from guards_kit import EITHER, SLOW, finish, guarded, run
from guiju.adapters.scripted import ScriptedModel
from guiju.cli import doctor
from guiju.records.accounts import KeyRecord
from guiju.renewal import reload
from rest_kit import NOON, at


@pytest.fixture
def guard() -> Iterator[GuardServer]:
    """A guard model: 红灯 in a request and 红线 in a reply are unsafe, 黄灯 and 黄线 controversial."""
    with GuardServer(judge) as one:
        yield one


# ---------------------------------------------------------------------- a guard that gives no answer
@EITHER
def test_silence_degrades_is_marked_and_holds_the_reply_whole(stream: bool, start: Start, guard: GuardServer) -> None:
    guard.script = hang
    gateway = guarded(start, guard, timeout_ms=120)
    answer = gateway.chat("[[say:你好。再见。]]", stream=stream)
    assert answer.status == 200
    decision = answer.headers["x-guiju-decision-id"]
    opened, closed = gateway.entry("opened", decision), gateway.entry("closed", decision)
    assert (opened["degraded"], closed["degraded"]) == (["main"], ["main"])
    assert dict(opened["controls"])["guard.input"] == "note"
    assert dict(closed["controls"])["guard.output"] == "note"
    assert len({len(one["degraded"]) for one in (opened, closed)}) == 1
    forbidden = gateway.chat("规矩金丝雀")
    assert forbidden.status == 400, "the exact layer still looks"
    ready = gateway.ask("GET", "/readyz").json
    assert (ready["facts"]["guards"], ready["guards"]) == (True, {"main": "degraded"})
    page = gateway.ask("GET", "/metrics").body.decode()
    assert 'guiju_guard_down{guard="main"} 1.0' in page
    assert 'guiju_guard_answers_total{guard="main",outcome="timeout"}' in page


@pytest.mark.slow
def test_a_guard_lost_in_mid_stream_is_asked_again_about_the_whole(start: Start, guard: GuardServer) -> None:
    fails = [True]

    async def script(asked: Any) -> None:
        if "二句" in asked.text and fails:
            fails.clear()
            await asked.answer(b"", 401)
        else:
            await judge(asked)

    guard.script = script
    gateway = guarded(start, guard, side="reply")
    answer = gateway.chat("[[stream:一句。二句。三句。四句。|3|40]]", stream=True)
    assert answer.text() == "一句。二句。三句。四句。"
    closed = gateway.entry("closed", answer.headers["x-guiju-decision-id"])
    assert dict(closed["controls"])["guard.output"] == "pass"
    assert "degraded" not in closed
    assert guard.texts[-1] == "一句。二句。三句。四句。"


@pytest.mark.parametrize(
    "body", [b"{}", *(pytest.param(one, marks=SLOW) for one in (b"<html>", qwen("Fine", "None", "request")))]
)
def test_an_answer_that_is_none_stops_the_exchange_whatever_the_settings(
    body: bytes, start: Start, guard: GuardServer
) -> None:
    """A text that makes a guard babble must not get past it for that (NeMo #1762, LiteLLM #36119)."""
    guard.script = says(body)
    with ScriptedModel() as model:
        gateway = guarded(start, guard, upstream=model.url)
        answer = gateway.chat("[[say:你好]]")
        assert (answer.status, answer.json["error"]["code"]) == (503, "guard_unavailable")
        assert not model.requests
    refused = gateway.entry("refused", answer.headers["x-guiju-decision-id"])
    assert (refused["state"], refused["reason"]["code"]) == ("stopped", "guard_unavailable")


@pytest.mark.slow
@EITHER
def test_a_reply_is_not_told_when_the_guard_must_answer_and_does_not(
    stream: bool, start: Start, guard: GuardServer
) -> None:
    async def script(asked: Any) -> None:
        if "二句" in asked.text:
            await asked.answer(b"", 500)
        else:
            await judge(asked)

    guard.script = script
    gateway = guarded(start, guard, side="reply", on_failure="closed")
    answer = gateway.chat("[[stream:一句。二句。三句。|3|30]]", stream=stream)
    assert "二句" not in answer.body.decode()
    if stream:
        assert answer.text() == "一句。"
        assert answer.events[-1]["error"]["code"] == "guard_unavailable"
        assert finish(answer) == "", "no ending is made up"
    else:
        assert (answer.status, answer.json["error"]["code"]) == (503, "guard_unavailable")
    closed = gateway.entry("closed", answer.headers["x-guiju-decision-id"])
    assert (closed["state"], closed["reason"]["code"]) == ("stopped", "guard_unavailable")
    assert closed["chars_released"] == (3 if stream else 0)


@pytest.mark.slow
def test_after_five_minutes_it_closes_and_opens_when_the_guard_is_back(start: Start, guard: GuardServer) -> None:
    guard.script = says(b"", 401)
    gateway = guarded(start, guard)
    live = gateway.house.live
    now = [time.time()]
    live.clock = lambda: now[0]
    assert gateway.chat("[[say:好]]").status == 200
    now[0] += 299
    assert gateway.chat("[[say:好]]").status == 200
    now[0] += 1
    answer = gateway.chat("[[say:好]]")
    assert (answer.status, answer.json["error"]["code"]) == (503, "guard_unavailable")
    ready = gateway.ask("GET", "/readyz")
    assert (ready.status, ready.json["guards"]) == (503, {"main": "closed"})
    guard.script = judge

    async def tended() -> None:
        await live.guards.tend(now[0])

    run(gateway, tended)
    assert gateway.ask("GET", "/readyz").status == 200
    assert gateway.chat("[[say:好]]").status == 200


def test_minors_apps_do_not_go_on_without_a_guard(start: Start, guard: GuardServer) -> None:
    """Robustness §6: closed at once in scenes of minors."""
    gateway = guarded(start, guard)
    record = KeyRecord(id="m", account="a", prefix="gj-minor", name="m", audience="minors")
    gateway.house.live.keyring.with_static("gj-minors", record)
    gateway.house.live.clock = lambda: at(NOON)  # at night minors are sent to bed
    assert gateway.chat("[[say:好]]", key="gj-minors").status == 200
    guard.script = says(b"", 401)
    assert gateway.chat("又一句[[say:好]]").status == 200
    answer = gateway.chat("再一句[[say:好]]", key="gj-minors")
    assert (answer.status, answer.json["error"]["code"]) == (503, "guard_unavailable")
    assert "degraded" not in gateway.entry("refused", answer.headers["x-guiju-decision-id"])


@SLOW
def test_a_guard_that_is_back_is_found_without_anybody_asking(start: Start, guard: GuardServer) -> None:
    gateway = guarded(start, guard, on_failure="closed")
    guard.script = says(b"", 401)
    assert gateway.chat("[[say:好]]").status == 503
    assert gateway.ask("GET", "/readyz").status == 503
    guard.script = judge
    deadline = time.monotonic() + 15
    while gateway.ask("GET", "/readyz").status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_guards_come_and_go_with_a_reload(start: Start, guard: GuardServer, tmp_path: Path) -> None:
    path = tmp_path / "guiju.toml"
    path.write_text("")
    gateway = start(config=path)
    assert gateway.chat("前面有红灯[[say:好]]").status == 200
    path.write_text(f'[[guard]]\nid = "main"\nkind = "qwen3guard"\nurl = "{guard.url}"\nmodel = "g"\n')
    run(gateway, lambda: reload(gateway.house, gateway.base))
    assert gateway.chat("前面有红灯[[say:好]]").status == 400
    path.write_text('[[guard]]\nid = "main"\nkind = "qwen3guard"\nurl = "https://guard.example/v1"\nmodel = "g"\n')
    run(gateway, lambda: reload(gateway.house, gateway.base))
    assert json.loads((gateway.data / "reload.json").read_text())["ok"] is False, "a third party without its row"
    assert gateway.chat("前面有红灯[[say:好]]").status == 400
    path.write_text("")
    run(gateway, lambda: reload(gateway.house, gateway.base))
    assert gateway.chat("前面有红灯[[say:好]]").status == 200


@SLOW
@pytest.mark.parametrize("kind", ["qwen3guard", "llama_guard"])
def test_doctor_asks_each_guard(kind: str, guard: GuardServer, tmp_path: Path) -> None:
    (tmp_path / "guiju.toml").write_text(
        f'[[guard]]\nid = "main"\nkind = "{kind}"\nurl = "{guard.url}"\nmodel = "g"\n'
        f'[[guard]]\nid = "gone"\nkind = "{kind}"\nurl = "http://127.0.0.1:{free_port()}/v1"\nmodel = "g"\n'
        f'on_failure = "closed"\n[[guard]]\nid = "far"\nkind = "{kind}"\nurl = "https://guard.example/v1"\nmodel = "g"\n'
    )
    rows = {row.id: row for row in doctor.examine(tmp_path / "data", tmp_path / "guiju.toml")}
    states = [rows[f"guard {name}"].state for name in ("main", "gone", "far")]
    assert states == ["green" if kind == "qwen3guard" else "yellow", "red", "red"]
    assert "connection" in rows["guard gone"].found


@SLOW
def test_too_much_at_once_counts_as_not_looked_at(start: Start, guard: GuardServer) -> None:
    gateway = guarded(start, guard, characters=1000)
    long = gateway.chat("长" * 1100 + "红灯[[say:好]]")
    assert long.status == 200
    assert gateway.entry("opened", long.headers["x-guiju-decision-id"])["degraded"] == ["main"]
    assert gateway.ask("GET", "/readyz").json["guards"] == {"main": "up"}
    closed = guarded(start, guard, characters=1000, on_failure="closed")
    assert closed.chat("长" * 1100 + "红灯[[say:好]]").status == 503

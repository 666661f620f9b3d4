# SPDX-License-Identifier: Apache-2.0
"""Whatever a model service does wrong, the caller gets the right status or error event in time, never a made-up
ending, the books say how it ended, and nothing is left behind (robustness F1, F4; Articles 4, 14)."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from conftest import KEY, Answered, Running, Start, free_port
from door_readers import READERS, Heard
from doors import COMPLETIONS, DOORS, VECTORS
from fault_table import (
    CUTS,
    FAILED,
    FAULTS,
    FIN,
    HEAVY,
    LIGHT,
    LONG,
    OK,
    ROLE,
    SECRET,
    SHORT,
    STATUS,
    STOPPED,
    TERM,
    WHOLE_S,
    hang,
    sends,
)
from fault_upstream import (
    CLOSED,
    DONE,
    EVENT_STREAM,
    LAST,
    TEXT,
    WHOLE,
    Call,
    FaultUpstream,
    answer,
    events,
    say,
    vectors,
)
from guiju.config import Upstream
from lengths import BYTES

CHAT = "/v1/chat/completions"
OTHERS = [door for door in READERS if door != CHAT]
STREAMED = {door: (False,) if door == VECTORS else (True, False) for door in READERS}
KINDS = [
    "early-close", "status-500", "status-429", "status-404", "compressed", "html", "null", "error-in-200",
    "error-in-the-middle", "garbage", "invalid-json", "finish-unknown", "term-after-finish", "length-too-long",
    "chunks-broken",
]  # fmt: skip
"""One of each kind of fault that needs no waiting: for what is tried often."""


@pytest.fixture(scope="module")
def service() -> Iterator[FaultUpstream]:
    """The service that fails."""
    with FaultUpstream({name: fault.script for name, fault in FAULTS.items()} | CUTS) as one:
        yield one


@pytest.fixture
def gateway(start: Start, service: FaultUpstream) -> Running:
    """A gateway with short limits in front of it; the model `refuse` lies where nobody listens."""
    nobody = Upstream(name="nobody", url=f"http://127.0.0.1:{free_port()}/v1", models={"refuse": "*"})
    made = (nobody, Upstream(name="faults", url=service.url))
    return begun(start(overlay=(("limits", SHORT), ("upstream", made), ("gateway.reach", "pattern"))))


def begun(gateway: Running) -> Running:
    """Wait until everything runs that runs as long as the process; what one does for all begins a moment later."""
    deadline, before = time.monotonic() + 10, -1
    while (not gateway.house.leads or tasks(gateway) != before) and time.monotonic() < deadline:
        before = tasks(gateway)
        time.sleep(0.1)
    return gateway


class Outcome(NamedTuple):
    """How one request ended."""

    door: str
    model: str
    stream: bool
    answer: Answered
    seconds: float

    @property
    def heard(self) -> Heard:
        """What the door's client gathers."""
        return READERS[self.door](self.answer)

    @property
    def code(self) -> str:
        """`ok`, `stopped`, or the error's code."""
        return self.heard.error or (STOPPED if "content_filter" in self.heard.finishes else OK)


def asked(door: str, model: str, stream: bool) -> dict[str, Any]:
    """What the door's client sends."""
    made = {"input": "hello"} if door == VECTORS else {**DOORS[door]("hello"), "stream": stream}
    return {**made, "model": model}


def run(gateway: Running, wanted: list[tuple[str, bool]], at_once: int = 24, door: str = CHAT) -> list[Outcome]:
    """Ask for every fault, many at once."""

    def one(pair: tuple[str, bool]) -> Outcome:
        began = time.monotonic()
        made = gateway.ask("POST", door, asked(door, *pair))
        return Outcome(door, *pair, made, time.monotonic() - began)

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(one, wanted))


def tasks(gateway: Running) -> int:
    """Tasks of the gateway's event loop, the one that asks left out."""

    async def count() -> int:
        return len(asyncio.all_tasks()) - 1

    return asyncio.run_coroutine_threadsafe(count(), gateway.loop).result(10)


def settled(gateway: Running, service: FaultUpstream, before: int) -> None:
    """Within two seconds nothing is left: no task, no wait, no connection on which a script still stands."""
    deadline = time.monotonic() + 2
    while (left := (max(0, tasks(gateway) - before), service.busy)) != (0, 0) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == (0, 0)
    left_over = {getattr(task.get_coro(), "__name__", "") for task in gateway.house.background}
    assert left_over <= {"watch", "keep_witnessed", "beat", "take_in"}, "only what runs as long as the process"


def judge(outcome: Outcome, expected: str, says: str = TEXT) -> None:
    """The right status or error event, no made-up ending, in time, no 200 without anything in it, and nothing of what
    the service says of its fault."""
    where = f"{outcome.door}, {outcome.model}, stream={outcome.stream}: {outcome.answer.body[-300:]!r}"
    heard = outcome.heard
    assert outcome.code == expected, where
    assert outcome.answer.status in (STATUS[expected], 200 if outcome.stream else 0), where
    assert outcome.seconds <= WHOLE_S + 1, where
    assert SECRET not in outcome.answer.body.decode() + str(outcome.answer.headers), where
    if expected == OK:
        assert heard.finishes == ["stop"], where
        assert heard.text == ("" if outcome.door == VECTORS else says), where
    elif expected == STOPPED:
        assert heard.finishes == ["content_filter"], where
        assert TERM not in outcome.answer.body.decode(), where
    else:
        assert not heard.finishes, where
        assert not heard.closings, where
        assert heard.text == "" or says.startswith(heard.text), where
    assert outcome.answer.status != 200 or heard.ended, where


def judge_books(gateway: Running, outcomes: list[Outcome], expected: list[str]) -> None:
    """Each exchange has one opened and one closed entry, which says how it ended."""
    gateway.entry("closed", outcomes[-1].answer.headers["x-guiju-decision-id"])
    time.sleep(0.1)
    entries = gateway.entries()
    opened = Counter(e["body"]["x"] for e in entries if e["kind"] == "opened")
    closed = {e["body"]["x"]: e["body"] for e in entries if e["kind"] == "closed"}
    assert len(closed) == len([e for e in entries if e["kind"] == "closed"])
    for outcome, code in zip(outcomes, expected, strict=True):
        decision = outcome.answer.headers["x-guiju-decision-id"]
        assert opened[decision] == 1
        end = {OK: "finished", STOPPED: "stopped"}.get(code, "upstream_failed")
        assert (closed[decision]["end"], closed[decision]["state"]) == (end, "stopped" if code == STOPPED else "passed")
        assert closed[decision]["chars_released"] <= closed[decision]["chars_seen"]


def expects(door: str, name: str, stream: bool) -> str:
    """What must come of a fault. Where vectors are asked for, what is a good chat is a fault like any other."""
    code = FAULTS[name].stream if stream else FAULTS[name].whole
    return FAILED if door == VECTORS and code in (OK, STOPPED) and name != "slow-first-byte" else code


def meet(gateway: Running, service: FaultUpstream, names: list[str], at_once: int = 24, door: str = CHAT) -> None:
    """Let a gateway meet faults, streamed and whole, and look at all that must be true afterwards."""
    gateway.chat("hello", model="slow-first-byte")
    before = tasks(gateway)
    wanted = [(name, stream) for name in names for stream in STREAMED[door]]
    expected = [expects(door, *pair) for pair in wanted]
    outcomes = run(gateway, wanted, at_once, door)
    for outcome, code in zip(outcomes, expected, strict=True):
        judge(outcome, code, FAULTS[outcome.model].says)
    settled(gateway, service, before)
    judge_books(gateway, outcomes, expected)


@pytest.mark.slow
def test_every_fault_gets_its_answer(gateway: Running, service: FaultUpstream) -> None:
    meet(gateway, service, LIGHT)


@pytest.mark.slow
def test_every_kind_of_fault_gets_its_answer_at_each_door(gateway: Running, service: FaultUpstream) -> None:
    for door in OTHERS:
        meet(gateway, service, KINDS, door=door)


@pytest.mark.slow
@pytest.mark.parametrize("door", OTHERS)
def test_every_fault_gets_its_answer_at_each_door(gateway: Running, service: FaultUpstream, door: str) -> None:
    meet(gateway, service, LIGHT, door=door)


@pytest.mark.slow
def test_every_fault_gets_its_answer_where_prompts_go_as_they_are(start: Start, service: FaultUpstream) -> None:
    upstream = (Upstream(name="faults", url=service.url, completions="native"),)
    gateway = begun(start(overlay=(("limits", SHORT), ("upstream", upstream), ("gateway.reach", "pattern"))))
    heads = len(service.heads)
    meet(gateway, service, LIGHT, door=COMPLETIONS)
    paths = Counter(head.split()[1] for head in service.heads[heads:])
    assert paths["/v1/completions"] >= 2 * len(LIGHT)


@pytest.mark.slow
@pytest.mark.parametrize("door", [CHAT, *OTHERS])
def test_too_much_is_cut_off(gateway: Running, service: FaultUpstream, door: str) -> None:
    meet(gateway, service, HEAVY, at_once=4, door=door)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_fault_many_times_leaves_nothing_behind(gateway: Running, service: FaultUpstream) -> None:
    for _ in range(5):
        meet(gateway, service, LIGHT)
        meet(gateway, service, HEAVY, at_once=4)


@pytest.mark.slow
def test_nobody_listens(gateway: Running, service: FaultUpstream) -> None:
    before = tasks(gateway)
    outcomes = run(gateway, [("refuse", True), ("refuse", False)])
    for outcome in outcomes:
        judge(outcome, FAILED)
    settled(gateway, service, before)
    judge_books(gateway, outcomes, [FAILED] * 2)


def drop(gateway: Running, service: FaultUpstream, step: int, door: str = CHAT) -> None:
    """Drop the connection after every so many bytes, in three ways."""
    gateway.chat("hello", model="slow-first-byte")
    before = tasks(gateway)
    long = vectors() if door == VECTORS else LONG
    plain = len(answer(False, long))
    sizes = {
        ("reset", True): len(answer(True)), ("reset", False): plain,
        ("cut-chunked", True): len(answer(True)) - 1, ("cut-chunked", False): plain - 1,
        ("cut", True): len(EVENT_STREAM + CLOSED + events()) - len(FIN + DONE), ("cut", False): len(WHOLE + CLOSED + long) - 1,
    }  # fmt: skip
    wanted = [
        (f"{how}:{k}", stream)
        for (how, stream), size in sizes.items()
        if stream in STREAMED[door]
        for k in range(0, size, step)
    ]
    outcomes = run(gateway, wanted, door=door)
    for outcome in outcomes:
        judge(outcome, FAILED)
    settled(gateway, service, before)
    judge_books(gateway, outcomes, [FAILED] * len(outcomes))


@pytest.mark.slow
def test_a_dropped_connection_never_looks_like_an_ending(gateway: Running, service: FaultUpstream) -> None:
    drop(gateway, service, 311)


@pytest.mark.slow
@pytest.mark.parametrize("door", OTHERS)
def test_a_dropped_connection_never_looks_like_an_ending_at_any_door(
    gateway: Running, service: FaultUpstream, door: str
) -> None:
    drop(gateway, service, 61, door)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_connection_dropped_at_every_other_byte(gateway: Running, service: FaultUpstream) -> None:
    drop(gateway, service, BYTES)


@pytest.mark.slow
def test_a_stream_cut_after_its_finish_is_whole(gateway: Running) -> None:
    """Where the end of the connection is the end of the body, all that follows the last finish may be missing."""
    size = len(EVENT_STREAM + CLOSED + events())
    for outcome in run(gateway, [(f"cut:{size - len(DONE)}", True), (f"cut:{size}", True)]):
        judge(outcome, OK)


async def stale(call: Call) -> None:
    """Keeps the connection after an answer, and resets it when the next request comes on it."""
    await call.send(answer(call.stream).replace(LAST, b""))
    if await call.reader.read(1):
        call.reset()


def test_a_kept_connection_that_dies_is_tried_once_more(start: Start) -> None:
    """Nothing has come yet, so the same request may go again on a new connection: once (robustness §5)."""
    with FaultUpstream({"stale": stale, "early": sends(b"")}) as service:
        gateway = start(upstream=service.url, overlay=(("gateway.reach", "pattern"),))
        for stream in (False, True, False, True):
            assert gateway.chat("hi", model="stale", stream=stream).status == 200
        assert len(service.asked) == 4
        assert gateway.chat("hi", model="early").status == 502
        assert len(service.asked) <= 6


# ---------------------------------------------------------------- the client leaves (F4)
async def talks_slowly(call: Call) -> None:
    """A long answer, an event every 30 ms."""
    await call.send((EVENT_STREAM if call.stream else WHOLE) + CLOSED)
    await call.send(ROLE, *say("一二三四五六七八九十" * 20, 1), gap=0.03)


@pytest.fixture(scope="module")
def slow_service() -> Iterator[FaultUpstream]:
    """A service whose answers take seconds; each client's model name is its own."""
    with FaultUpstream({"leave": talks_slowly, "silent": hang}) as one:
        yield one


def leave(gateway: Running, model: str, stream: bool, count: int) -> float:
    """Ask, read until so many events have come, and leave; returns the time of leaving."""
    asked = json.dumps({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n".encode()
    got = b""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as sock:
        sock.sendall(head + b"Content-Length: %d\r\n\r\n" % len(asked) + asked)
        if not stream or count == 0:
            time.sleep(0.4)
        while stream and got.count(b"data: ") < count:
            part = sock.recv(4096)
            assert part
            got += part
        return time.monotonic()


def leaves_at(gateway: Running, service: FaultUpstream, counts: range) -> None:
    """Clients leave at each event, and while nothing has come yet; the model is let go within a second."""
    before = tasks(gateway)
    cases = [(f"leave:{k}", True, k) for k in counts] + [
        ("leave:1000", False, 0),
        ("silent:1", True, 0),
        ("silent:2", False, 0),
    ]
    with ThreadPoolExecutor(len(cases)) as pool:
        gone = list(pool.map(lambda case: leave(gateway, *case), cases))
    settled(gateway, service, before)
    for (model, _, _), at in zip(cases, gone, strict=True):
        assert service.left[model] - at <= 1.0, model
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        entries = gateway.entries()
        opened = [
            e["body"]["x"]
            for e in entries
            if e["kind"] == "opened" and e["body"]["model"].partition(":")[0] in ("leave", "silent")
        ]
        closed = {e["body"]["x"]: e["body"] for e in entries if e["kind"] == "closed"}
        if len(opened) == len(cases) and all(one in closed for one in opened):
            break
        time.sleep(0.05)
    assert len(opened) == len(cases)
    assert {closed[one]["end"] for one in opened} == {"client_gone"}


@pytest.mark.slow
def test_a_client_that_leaves_at_any_event(start: Start, slow_service: FaultUpstream) -> None:
    gateway = begun(start(upstream=slow_service.url, overlay=(("gateway.reach", "pattern"),)))
    leaves_at(gateway, slow_service, range(8))


@pytest.mark.slow
def test_a_client_that_leaves_at_any_of_many_events(start: Start, slow_service: FaultUpstream) -> None:
    gateway = begun(start(upstream=slow_service.url, overlay=(("gateway.reach", "pattern"),)))
    leaves_at(gateway, slow_service, range(60))

# SPDX-License-Identifier: Apache-2.0
"""Whatever a model service does wrong where pictures, sound or films are asked for, the caller gets the right status in
time and nothing that looks like an answer, the books say how it ended, and nothing is left behind (robustness F1)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import msgspec
import pytest

from conftest import Answered, Running, Start
from door_readers import streamed
from doors import HEARD, IMAGES, SPEECH, VIDEOS, form
from fault_table import FAILED, FAULTS, LIGHT, OK, SECRET, SHORT, STOPPED
from fault_upstream import FaultUpstream
from guiju.adapters.scripted_media import sound
from guiju.errors import CODES
from test_faults_upstream import begun, settled, tasks

Ask = Callable[[Running, str], Answered]


def posts(path: str, body: dict[str, Any]) -> Ask:
    """Asks in JSON."""
    return lambda gateway, model: gateway.ask("POST", path, {**body, "model": model})


def sends_form(path: str, fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> Ask:
    """Asks in a form."""

    def ask(gateway: Running, model: str) -> Answered:
        body, kind = form({**fields, "model": model}, files)
        return gateway.ask("POST", path, body, {"Content-Type": kind})

    return ask


ASKS: Final[dict[str, Ask]] = {
    IMAGES: posts(IMAGES, {"prompt": "a lake"}),
    SPEECH: posts(SPEECH, {"input": "hello", "voice": "a", "response_format": "wav"}),
    VIDEOS: posts(VIDEOS, {"prompt": "a lake"}),
    HEARD: sends_form(HEARD, {}, {"file": ("a.wav", sound())}),
    HEARD + ", streamed": sends_form(HEARD, {"stream": "true"}, {"file": ("a.wav", sound())}),
}
"""Door → how it is asked. Pictures to be changed are not among them: they need a consent, and go the way of others."""
PATIENT: Final = msgspec.structs.replace(
    SHORT, upstream_first_byte_s=5.0, upstream_between_s=5.0, upstream_whole_s=10.0
)
"""So that a busy machine's delay is not taken for a service's; those that wait are waited for together."""
NAMES: Final = [name for name in LIGHT if name not in ("slow-first-byte", "drip")]


def expected(door: str, name: str) -> set[str]:
    """The codes that may come of a fault. A good chat is no picture and no film; of sound only its label tells, so that
    what is no sound may not go out."""
    fault = FAULTS[name]
    code = fault.stream if door.endswith("streamed") else fault.whole
    if door == SPEECH and code not in ("upstream_timeout", "upstream_refused", "overloaded"):
        return {FAILED, "guard_unavailable"}
    return {FAILED if code in (OK, STOPPED) else code}


def told(answer: Answered) -> str:
    """The error's code, wherever it stands; nothing may follow it."""
    return str((answer.events[-1] if streamed(answer) else answer.json)["error"]["code"])


@pytest.fixture(scope="module")
def service() -> Iterator[FaultUpstream]:
    """The service that fails."""
    with FaultUpstream({name: fault.script for name, fault in FAULTS.items()}) as one:
        yield one


@pytest.mark.slow
@pytest.mark.parametrize("door", list(ASKS))
def test_every_fault_gets_its_answer(start: Start, service: FaultUpstream, door: str) -> None:
    gateway = begun(start(upstream=service.url, overlay=(("limits", PATIENT),)))
    ASKS[door](gateway, "status-500")
    before = tasks(gateway)

    def one(name: str) -> tuple[str, Answered, float]:
        since = time.monotonic()
        return name, ASKS[door](gateway, name), time.monotonic() - since

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(one, NAMES))
    for name, answer, seconds in outcomes:
        where = f"{name}: {answer.status} {answer.body[-200:]!r}"
        assert answer.headers["content-type"].startswith(("application/json", "text/event-stream")), where
        assert told(answer) in expected(door, name), where
        assert answer.status in (CODES[told(answer)].status, 200 if streamed(answer) else 0), where
        assert b"transcript.text.done" not in answer.body, where
        assert SECRET not in answer.body.decode() + str(answer.headers), where
        assert seconds <= PATIENT.upstream_whole_s + 1, where
    settled(gateway, service, before)
    for name, answer, _ in outcomes:
        closed = gateway.entry("closed", answer.headers["x-guiju-decision-id"])
        assert closed["end"] in ("upstream_failed", "stopped"), name
        assert not closed.get("chars_released"), name

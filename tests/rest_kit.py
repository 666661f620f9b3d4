# SPDX-License-Identifier: Apache-2.0
"""Clocks that tests of rest move, and gateways whose users are minors."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec

from conftest import KEY, Running
from guiju.adapters.identity import Assertions
from guiju.records.accounts import KeyRecord
from guiju.records.standing import Step, decide_step
from guiju.records.use import Uses
from identity_kit import SECRET, Time, assertion, issuer

NIGHT = 23
NOON = 12


def at(hour: float) -> float:
    """Unix seconds of today's hour in UTC+8."""
    now = time.time()
    return now - (now + 8 * 3600) % 86_400 + hour * 3600


def for_minors(gateway: Running) -> None:
    """Let the operator's key serve minors."""
    known = KeyRecord(id="given-0", account="operator", prefix=KEY[:7], name="given")
    free = msgspec.structs.replace(known, requests_per_minute=-1, streams=-1, tokens_per_day=-1, audience="minors")
    gateway.house.live.keyring.with_static(KEY, free)


def at_night(gateway: Running) -> None:
    """It is night, and users are minors."""
    for_minors(gateway)
    gateway.house.live.clock = lambda: at(NIGHT)


def clocked(gateway: Running) -> Time:
    """Let a gateway count how long it is used by a clock of the test's."""
    clock = Time()
    hurry = gateway.house.live.uses.hurry
    gateway.house.live.uses = Uses(gateway.house.store, clock)
    gateway.house.live.uses.hurry = hurry
    return clock


def person(gateway: Running, name: str = "person-1", **more: object) -> dict[str, str]:
    """The header by which a verified person comes to a gateway, which believes their issuer from then on."""
    if not isinstance(gateway.house.live.assertions, Believing):
        gateway.house.live.assertions = Believing()
    now = int(gateway.house.live.clock())
    return {"x-guiju-identity": assertion(sub=name, iat=now, exp=now + 300, **more)}


def comes(gateway: Running) -> None:
    """Whoever asks is a person who is known, and who has accepted nothing."""
    gateway.headers = person(gateway)


def suspended(gateway: Running, **more: Any) -> Step:
    """Whoever asks is a person whom somebody has suspended."""
    gateway.headers = person(gateway)
    identity = {"x-guiju-identity": gateway.headers["x-guiju-identity"]}
    gateway.chat("[[say:好]]", headers=identity)
    live, now = gateway.house.live, int(time.time())
    known = asyncio.run(live.assertions.verify(identity["x-guiju-identity"], "operator", now)).person
    made = {
        "rung": "suspend",
        "kind": "spam",
        "until": now + 86_400 * 3,
        "decided_by": "li",
    }
    step = Step(
        **{"id": "s-1", "account": "operator", "person": known, "since": now, "automatic": False, **made, **more}
    )
    decide_step(gateway.house.store, step, ("c", "r"), now)
    live.standings.take_up(-2, now)
    return step


class Believing(Assertions):
    """Believes the tests' own issuer."""

    def __init__(self) -> None:
        super().__init__([], bytes(32), (issuer(), SECRET))

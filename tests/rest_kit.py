# SPDX-License-Identifier: Apache-2.0
"""Clocks that tests of rest move, and gateways whose users are minors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec

from conftest import KEY, Running, Start
from guiju.adapters.identity import Assertions
from guiju.gateway.live import Controls
from guiju.records.accounts import KeyRecord
from guiju.records.standing import Step, decide_step
from guiju.records.use import Uses
from guiju.terms import IdentityLevel
from identity_kit import SECRET, Time, assertion, issuer

Every = Callable[[IdentityLevel], Controls]
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
        super().__init__([], bytes(32), [(issuer(), SECRET)])


def minors_rest_at_night(start: Start, every: Every) -> None:
    """10.b, c.14.minors: at night minors are not served, and are told until when."""
    gateway = start(every=every)
    at_night(gateway)
    answer = gateway.chat("[[say:好]]")
    assert answer.status == 403
    assert answer.json["error"]["code"] == "usage_break"
    assert answer.json["error"]["guiju"]["until"] == at(24 + 6)


def two_hours_are_told(start: Start, every: Every) -> None:
    """c.18.rest: after two hours without a break the answer says so."""
    gateway = start(every=every)
    clock = clocked(gateway)
    told = []
    for _ in range(13):
        answer = gateway.chat("[[say:好]]", headers=person(gateway))
        told += [one["kind"] for one in answer.json.get("guiju", {}).get("notices", ()) if one["kind"] != "use"]
        clock.now += 600
    assert told == ["rest"]


def misuse_is_suspended(start: Start, every: Every) -> None:
    """19.a: who was suspended for misuse is not served, and hears until when."""
    gateway = start(every=every)
    step = suspended(gateway)
    answer = gateway.chat("[[say:好]]")
    assert answer.status == 403
    assert answer.json["error"]["code"] == "account_suspended"
    assert answer.json["error"]["guiju"]["until"] == step.until

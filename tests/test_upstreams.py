# SPDX-License-Identifier: Apache-2.0
"""Several model services of one name: each gets its share, and another one is asked once when the first does not
answer, never when a byte of an answer came (robustness §5; Article 14)."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest

from conftest import Running, Start, free_port
from fast_kit import few
from fault_table import CUTS, FAULTS, FIRST, SHORT, hang, sends, status
from fault_upstream import LAST, TEXT, WHOLE, Call, FaultUpstream, answer
from guiju.adapters.upstream import Circuit, Upstream
from guiju.adapters.upstreams import Peers, Upstreams
from guiju.config import Limits, parse
from guiju.config import Upstream as Settings
from guiju.errors import ConfigError


async def good(call: Call) -> None:
    """Answers well."""
    await call.send(answer(call.stream))


async def stale(call: Call) -> None:
    """Keeps the connection after an answer, and drops it when the next request comes on it."""
    await call.send(answer(call.stream).replace(LAST, b""))
    if await call.reader.read(1):
        call.reset()


PATIENT = msgspec.structs.replace(SHORT, upstream_first_byte_s=30.0)
"""So that a busy machine's delay is not taken for a service's."""
PASSED_ON = {
    "early": FAULTS["early-close"].script,
    "429": status(429),
    "500": status(500),
    "503": status(503),
}
"""Faults before a byte of an answer came."""
PAGE = b"<html></html>"
KEPT = {
    **CUTS,
    **{name: FAULTS[name].script for name in ("status-302", "status-404", "empty-200")},
    "html": sends(WHOLE.replace(b"json", b"html") + LAST + b"Content-Length: 13\r\n\r\n" + PAGE),
    "compressed": sends(WHOLE + LAST + b"Content-Encoding: gzip\r\nContent-Length: 13\r\n\r\n" + PAGE),
    "400": status(400),
}
"""Faults of an answer that has begun, and refusals: nobody else is asked."""


@pytest.fixture(scope="module")
def broken() -> Iterator[FaultUpstream]:
    """The service that fails."""
    with FaultUpstream({**PASSED_ON, **KEPT, "hang": hang, "good": good, "stale": stale}) as one:
        yield one


@pytest.fixture
def spare() -> Iterator[FaultUpstream]:
    """The service that answers every name that it is asked for."""
    with FaultUpstream(
        dict.fromkeys((*PASSED_ON, *KEPT, "hang", "good", "stale", "other"), good) | {"down": status(503)}
    ) as one:
        yield one


def gateway(start: Start, *services: Settings, limits: Limits = PATIENT) -> Running:
    """A gateway in front of services."""
    return start(overlay=(("limits", limits), ("upstream", services), ("gateway.reach", "pattern")))


def main(service: FaultUpstream, **more: object) -> Settings:
    """The one that is asked first."""
    return msgspec.convert({"name": "main", "url": service.url, **more}, Settings)


def standby(service: FaultUpstream, **more: object) -> Settings:
    """The one that is asked when no other can be."""
    return msgspec.convert({"name": "standby", "url": service.url, "weight": 0, **more}, Settings)


def asked(service: FaultUpstream) -> Counter[str]:
    """How often each model was asked for; the service is emptied."""
    made = Counter(str(one["model"]).partition(":")[0] for one in service.asked)
    service.asked.clear()
    return made


# ---------------------------------------------------------------- by weight
def made(*weights: int) -> list[Upstream]:
    """Services of one name that nobody opens."""
    return [
        Upstream(Settings(name=str(i), url="http://127.0.0.1:9/v1", models={"m": "*"}, weight=weight), Limits())
        for i, weight in enumerate(weights)
    ]


async def picked(services: list[Upstream], many: int) -> list[str]:
    """Names of those that are picked."""
    peers = Peers(services)
    return [peers.first().name for _ in range(many)]


def test_each_is_asked_as_often_as_its_weight_says() -> None:
    assert Counter(asyncio.run(picked(made(5, 2, 1), 80))) == {"0": 50, "1": 20, "2": 10}
    assert asyncio.run(picked(made(1, 1), 4)) == ["0", "1", "0", "1"]
    assert set(asyncio.run(picked(made(0, 1), 5))) == {"1"}
    assert set(asyncio.run(picked(made(0, 0), 5))) == {"0"}


@pytest.mark.parametrize("weight", [-1, 1001, "much", 0.5])
def test_a_weight_is_a_number_from_0_to_1000(weight: object) -> None:
    with pytest.raises(ConfigError):
        parse({"upstream": [{"name": "a", "url": "http://127.0.0.1:9/v1", "weight": weight}]})


def test_who_names_a_model_outranks_who_takes_every_name() -> None:
    rest = Upstream(Settings(name="rest", url="http://127.0.0.1:9/v1"), Limits())
    [named] = made(1)

    async def find(model: str) -> tuple[object, str]:
        found, to = Upstreams([rest, named]).find(model)
        return found, to.model

    assert asyncio.run(find("m")) == (named, "m")
    assert asyncio.run(find("another")) == (rest, "another")


@pytest.mark.slow
def test_the_shares_of_real_requests(start: Start, broken: FaultUpstream, spare: FaultUpstream) -> None:
    asked(broken)
    running = gateway(start, main(broken, weight=3), msgspec.structs.replace(standby(spare), weight=1))
    for _ in range(8):
        assert running.chat("hi", model="good").status == 200
    assert (asked(broken)["good"], asked(spare)["good"]) == (6, 2)


# ---------------------------------------------------------------- another one is asked
@pytest.mark.slow
@pytest.mark.parametrize("stream", few([False, True]))
def test_another_is_asked_once_before_the_first_byte(
    start: Start, broken: FaultUpstream, spare: FaultUpstream, stream: bool
) -> None:
    running = gateway(start, main(broken), standby(spare))
    asked(broken)
    for name in PASSED_ON:
        answered = running.chat("hi", model=name, stream=stream)
        assert answered.status == 200, name
        assert (answered.text() if stream else answered.json["choices"][0]["message"]["content"]) == TEXT, name
        assert (asked(broken), asked(spare)) == ({name: 1}, {name: 1})
        closed = running.entry("closed", answered.headers["x-guiju-decision-id"])
        assert (closed["state"], closed["end"]) == ("passed", "finished")


@pytest.mark.slow
def test_another_is_asked_when_the_first_byte_is_late(
    start: Start, broken: FaultUpstream, spare: FaultUpstream
) -> None:
    running = gateway(start, main(broken), standby(spare), limits=SHORT)
    asked(broken)
    began = time.monotonic()
    assert running.chat("hi", model="hang", stream=True).text() == TEXT
    assert FIRST <= time.monotonic() - began <= FIRST + 2
    assert (asked(broken), asked(spare)) == ({"hang": 1}, {"hang": 1})


@pytest.mark.slow
@pytest.mark.parametrize("stream", few([False, True]))
def test_nobody_else_is_asked_once_an_answer_has_begun(
    start: Start, broken: FaultUpstream, spare: FaultUpstream, stream: bool
) -> None:
    running = gateway(start, main(broken), standby(spare))
    asked(broken)
    for name in KEPT:
        answered = running.chat("hi", model=f"{name}:300" if name in CUTS else name, stream=stream)
        assert answered.status in (502, 200 if stream else 502), name
        assert b"upstream_" in answered.body, name
        assert asked(broken) == {name: 1}, name
    assert asked(spare) == {}


def test_two_attempts_are_all(start: Start, broken: FaultUpstream, spare: FaultUpstream) -> None:
    services = [main(broken, models={"m": "503"}), *(standby(spare, models={"m": "down"}) for _ in range(3))]
    running = gateway(start, *services)
    asked(broken)
    answered = running.chat("hi", model="m")
    assert (answered.status, answered.json["error"]["code"]) == (502, "upstream_failed")
    assert (asked(broken), asked(spare)) == ({"503": 1}, {"down": 1})


@pytest.mark.slow
def test_nobody_listens_at_the_first(start: Start, spare: FaultUpstream) -> None:
    nobody = Settings(name="nobody", url=f"http://127.0.0.1:{free_port()}/v1")
    running = gateway(start, nobody, standby(spare))
    answer = running.chat("hi", model="good")
    assert answer.status == 200
    assert asked(spare) == {"good": 1}
    assert running.entry("closed", answer.headers["x-guiju-decision-id"])["service"] == "standby"


@pytest.mark.slow
def test_another_is_asked_by_its_own_name_of_the_model(
    start: Start, broken: FaultUpstream, spare: FaultUpstream
) -> None:
    running = gateway(start, main(broken, models={"m": "503"}), standby(spare, models={"m": "other"}))
    answered = running.chat("你好", model="m", temperature=0.5)
    assert (answered.status, answered.json["model"]) == (200, "m")
    [first], [second] = broken.asked[-1:], spare.asked
    assert (first["model"], second["model"]) == ("503", "other")
    assert first | {"model": ""} == second | {"model": ""}


@pytest.mark.slow
def test_a_kept_connection_that_dies(start: Start, broken: FaultUpstream, spare: FaultUpstream) -> None:
    """With another service it goes there; where its circuit is open, to the same once more."""
    running = gateway(start, main(broken), standby(spare))
    assert running.chat("hi", model="stale").status == 200
    assert running.chat("hi", model="stale").status == 200
    assert asked(spare) == {"stale": 1}
    limits = msgspec.structs.replace(PATIENT, circuit_failures=2, circuit_open_s=60.0)
    down = msgspec.structs.replace(standby(spare, models={"*": "down"}), weight=1)
    running = gateway(start, main(broken), down, limits=limits)
    asked(spare)
    assert [running.chat("hi", model="good").status for _ in range(4)] == [200] * 4
    assert asked(spare) == {"down": 2}
    assert [running.chat("hi", model="stale").status for _ in range(4)] == [200] * 4
    assert asked(spare) == {}


# ---------------------------------------------------------------- the circuit
@pytest.mark.slow
def test_a_service_whose_circuit_is_open_is_left_out(start: Start, broken: FaultUpstream, spare: FaultUpstream) -> None:
    limits = msgspec.structs.replace(PATIENT, circuit_failures=2, circuit_open_s=60.0)
    running = gateway(start, main(broken, models={"m": "503"}), standby(spare, models={"m": "other"}), limits=limits)
    asked(broken)
    assert [running.chat("hi", model="m").status for _ in range(6)] == [200] * 6
    assert asked(broken) == {"503": 2}


def test_one_probe_goes_through() -> None:
    circuit = Circuit(msgspec.structs.replace(Limits(), circuit_failures=1, circuit_open_s=10.0))
    circuit.failed(100.0)
    assert [circuit.shut(now) for now in (100.0, 109.9, 110.0)] == [True, True, False]
    circuit.enter(110.0)
    assert circuit.shut(110.0), "one is on its way"
    circuit.failed(111.0)
    assert [circuit.shut(now) for now in (120.9, 121.0)] == [True, False]
    circuit.enter(121.0)
    circuit.worked()
    assert not circuit.shut(121.0)


def test_all_circuits_open(start: Start, broken: FaultUpstream, spare: FaultUpstream) -> None:
    limits = msgspec.structs.replace(PATIENT, circuit_failures=1, circuit_open_s=60.0)
    running = gateway(start, main(broken, models={"m": "503"}), standby(spare, models={"m": "down"}), limits=limits)
    asked(broken)
    for _ in range(3):
        answered = running.chat("hi", model="m")
        assert (answered.status, answered.json["error"]["code"]) == (502, "upstream_failed")
    assert (asked(broken), asked(spare)) == ({"503": 1}, {"down": 1})


@pytest.mark.slow
def test_vectors_go_the_same_way(start: Start, broken: FaultUpstream, spare: FaultUpstream) -> None:
    """The service that does answer answers with text, so that it is seen which one it was."""
    running = gateway(start, main(broken), standby(spare))
    asked(broken)
    answered = running.ask("POST", "/v1/embeddings", {"model": "503", "input": "x"})
    assert answered.json["error"]["code"] == "upstream_failed"
    assert (asked(broken), asked(spare)) == ({"503": 1}, {"503": 1})

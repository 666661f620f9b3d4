# SPDX-License-Identifier: Apache-2.0
"""People on the whole road: rest, what the app is told, and that a cry for help is answered whoever utters it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import select

from cli_kit import guiju
from conftest import Running, Start
from fast_kit import few
from guiju.config import Rest
from guiju.law.book import PROFILES
from guiju.records import accounts, rights, schema
from guiju.records.accounts import KeyRecord
from guiju.records.daykeys import DayKeys
from identity_kit import Time
from places import BOTH, Place, place
from rest_kit import NIGHT, at, at_night, clocked, for_minors, person

CRY = "我不想活了，想自杀"
LEXICON = "term,category,severity\n想自杀,self_harm,block\n规矩金丝雀,A.1f,block\n"


def test_a_break_is_told_with_its_end_and_leaves_help_open(start: Start) -> None:
    rest = Rest(remind_minutes=10, stop_minutes=30, break_minutes=15)
    gateway = start(lexicon=LEXICON, overlay=(("rest", rest), ("provider.redress_url", "https://a.example/r")))
    clock = clocked(gateway)
    for _ in range(3):
        assert gateway.chat("[[say:好]]", headers=person(gateway)).status == 200
        clock.now += 600
    answer = gateway.chat("[[say:好]]", headers=person(gateway))
    told = answer.json["error"]
    assert (answer.status, told["code"], told["guiju"]["category"]) == (403, "usage_break", "rest.break")
    assert 0 < told["guiju"]["until"] - time.time() <= 901
    assert told["guiju"]["redress_url"] == "https://a.example/r"
    assert answer.headers["x-should-retry"] == "false"
    help_ = gateway.chat(CRY, headers=person(gateway))
    assert help_.status == 200
    assert "emergency number" in help_.body.decode()
    assert gateway.chat("[[say:好]]", headers=person(gateway, "person-2")).status == 200
    clock.now += 901
    assert gateway.chat("[[say:好]]", headers=person(gateway)).status == 200


@pytest.mark.parametrize("who", few(["nobody", "a minor at night", "a person whose assertion does not hold"]))
def test_a_cry_for_help_is_answered_whoever_utters_it(start: Start, who: str) -> None:
    gateway = start(lexicon=LEXICON, overlay=(("gateway.identity", "phone"),))
    headers = {}
    if who == "a minor at night":
        at_night(gateway)
    elif who != "nobody":
        headers = {"x-guiju-identity": "a.b.c"}
    assert gateway.chat("[[say:好]]", headers=headers).status == 403
    answer = gateway.chat(CRY, headers=headers)
    assert answer.status == 200
    assert "emergency number" in answer.body.decode()
    assert answer.json["choices"][0]["finish_reason"] == "content_filter"


@pytest.mark.slow
@pytest.mark.parametrize("profile", few(PROFILES))
def test_a_cry_for_help_is_answered_in_every_profile(start: Start, profile: str) -> None:
    gateway = start(overlay=(("profile", profile), ("gateway.first_use", "wait")))
    for stream in (False, True):
        answer = gateway.chat("我不想活了", headers=person(gateway), stream=stream)
        assert (answer.status, "12356" in answer.body.decode()) == (200, True)


@pytest.mark.slow
def test_reminders_come_beside_answers_and_do_not_change_them(start: Start) -> None:
    gateway = start(overlay=(("rest", Rest(remind_minutes=10)),))
    clock = clocked(gateway)
    seen = []
    for stream in (False, True, False):
        answer = gateway.chat("[[say:好]]", headers=person(gateway), stream=stream)
        whole = answer.events[-1] if stream else answer.json
        text = answer.text() if stream else answer.json["choices"][0]["message"]["content"]
        assert text == "好"
        seen.append([one["kind"] for one in whole.get("guiju", {}).get("notices", ()) if one["kind"] != "use"])
        assert answer.headers["x-guiju-use"].startswith("continuous=")
        clock.now += 660
    assert seen == [[], ["rest"], ["rest"]]
    assert "x-guiju-use" not in gateway.chat("[[say:好]]").headers, "nobody is known, nothing is counted"


@pytest.mark.slow
def test_a_reminder_stands_in_the_text_where_the_label_does(start: Start) -> None:
    gateway = start(overlay=(("rest", Rest(remind_minutes=10)), ("gateway.label", "end")))
    clock = clocked(gateway)
    for minutes in (0, 11):
        clock.now += minutes * 60
        answer = gateway.chat("[[say:好]]", headers=person(gateway))
    assert "[Reminder] You have been here for 11 minutes" in answer.json["choices"][0]["message"]["content"]


@pytest.mark.slow
def test_minors_rest_at_night_by_age_and_by_key(start: Start) -> None:
    gateway = start()
    gateway.house.live.clock = lambda: at(NIGHT)
    assert gateway.chat("[[say:好]]", headers=person(gateway, "one")).status == 200
    assert gateway.chat("[[say:好]]", headers=person(gateway, "two", age_band="14to15")).status == 403
    for_minors(gateway)
    assert gateway.chat("[[say:好]]", headers=person(gateway, "three")).status == 403
    assert gateway.chat("[[say:好]]", headers=person(gateway, "four", age_band="adult")).status == 200
    gateway.house.live.clock = lambda: at(12)
    assert gateway.chat("[[say:好]]", headers=person(gateway, "two", age_band="14to15")).status == 200


@pytest.fixture
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place that outlives the gateways: a schema that goes away under them is one that they still write to."""
    with place(request.param, tmp_path / "here") as one:
        yield one


@pytest.mark.slow
@pytest.mark.parametrize("here", BOTH, indirect=True)
def test_two_gateways_count_one_person_and_another_key_is_no_way_out(here: Place, start: Start) -> None:
    overlay = (("rest", Rest(day_minutes=30, remind_minutes=0)), ("store.url", here.url))
    one = start(overlay=overlay, data=here.data)
    other = start(overlay=overlay, data=here.data) if here.url != "sqlite" else one
    second = second_key(one)
    clocks = [clocked(one), *([clocked(other)] if other is not one else [])]
    use(one, clocks, 3)
    until(lambda: other.ask("GET", "/v1/models", key=second).status == 200)  # the other one learns of the key
    answer = other.chat("[[say:好]]", headers=person(other), key=second)
    assert (answer.status, answer.json["error"]["guiju"]["category"]) == (403, "rest.day")


def use(gateway: Running, clocks: list[Time], times: int) -> None:
    """Ask every ten minutes, and write it."""
    for number in range(times + 1):
        answer = gateway.chat("[[say:好]]", headers=person(gateway))
        assert answer.status == (200 if number < times else 403)
        for clock in clocks if number < times else ():
            clock.now += 600
    uses = gateway.house.live.uses
    asyncio.run_coroutine_threadsafe(uses.settle(time.time()), gateway.loop).result(5)


def second_key(gateway: Running) -> str:
    """Another key of the same account."""
    wanted = KeyRecord(id="", account="operator", prefix="", name="second", created_at=int(time.time()))
    secret, _ = accounts.create_key(gateway.house.store, gateway.house.secrets, wanted)
    gateway.house.live.keyring.refresh(gateway.house.store)
    return secret


@pytest.mark.slow
def test_who_was_erased_while_the_gateway_serves_is_a_new_person(start: Start) -> None:
    gateway = start()
    clocked(gateway)
    store, keys = gateway.house.store, DayKeys(gateway.data / "keys")

    def kept() -> list[str]:
        with store.read() as connection:
            return list(connection.execute(select(schema.person.c.id)).scalars())

    gateway.chat("[[say:好]]", headers=person(gateway))
    until(lambda: len(kept()) == 1)
    who = ("operator", kept()[0])
    assert rights.asks(store, keys, who, "erase", "li", int(time.time())).outcome == "done"
    until(lambda: not gateway.house.known)
    until(lambda: who not in gateway.house.live.uses._seen)
    assert kept() == []
    time.sleep(1.1)  # an erasure reaches all that was made up to its second
    assert gateway.chat("[[say:好]]", headers=person(gateway)).status == 200
    until(lambda: kept() == [who[1]])
    assert keys.replay(store) == 0


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_the_command_shows_one_person_and_keeps_what_a_guardian_sets(start: Start, tmp_path: Path) -> None:
    gateway = start(data=tmp_path / "data")
    clock = clocked(gateway)
    for _ in range(2):
        gateway.chat("[[say:好]]", headers=person(gateway))
        clock.now += 600
    with gateway.house.store.read() as connection:
        known = connection.execute(select(schema.person.c.id)).scalar_one()
    asked = ("--account", "operator", "--data", "data", "--json")
    shown = json.loads(guiju("persons", "show", known, *asked, cwd=tmp_path).stdout)
    assert shown["identity"]["level"] == "phone"
    assert set(shown["use"]) == {"hours_7_days", "nights_7_days", "days_in_a_row"}
    set_to = json.loads(guiju("persons", "guardian", known, "--day-minutes", "5", *asked, cwd=tmp_path).stdout)
    assert set_to["day_minutes"] == 5
    clock.now += 61
    assert gateway.chat("[[say:好]]", headers=person(gateway)).status == 403, "within a minute"
    nobody = guiju("persons", "show", "0" * 32, *asked, cwd=tmp_path)
    assert (nobody.returncode, json.loads(nobody.stdout)["error"]["code"]) == (2, "not_found")
    assert guiju("persons", "list", cwd=tmp_path).returncode == 2, "there is no list of persons"


class Wire:
    """A model service that keeps what arrives, byte by byte."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                outer.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                said = {"role": "assistant", "content": "好"}
                choices = [{"index": 0, "message": said, "finish_reason": "stop"}]
                usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
                answer = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}
                body = json.dumps({**answer, "usage": usage}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.close()


@pytest.mark.slow
def test_the_model_gets_the_same_bytes_whoever_asks(start: Start, wire: Wire) -> None:
    """Article 12: no attribute of the person reaches the model unless the text itself carries it."""
    more: tuple[dict[str, str], ...] = (
        {},
        {"age_band": "16to17"},
        {"age_band": "adult", "gender": "f", "nationality": "x", "birthdate": "1990-01-01"},
    )
    gateway = start(upstream=f"http://127.0.0.1:{wire.server.server_address[1]}")
    gateway.house.live.clock = lambda: at(12)
    languages = {"accept-language": "en"}
    for said in more:
        for method in ("cn_mobile_realname", "cn_netid"):
            for stream in (False, True):
                headers = {**languages, **person(gateway, method=method, **said)}
                gateway.chat("[[say:好]]你好", headers=headers, stream=stream)
    assert len(wire.bodies) == 12
    assert len(set(wire.bodies[::2])) == len(set(wire.bodies[1::2])) == 1
    mine = json.loads(wire.bodies[0])["safety_identifier"]
    assert len({json.dumps({**one, "content-length": ""}) for one in wire.headers}) == 1
    gateway.chat("[[say:好]]你好", headers={**languages, **person(gateway, "somebody else")}, stream=False)
    theirs = json.loads(wire.bodies[-1])["safety_identifier"]
    assert mine != theirs, "a person is known by a hash that says nothing of them"
    assert wire.bodies[-1].replace(theirs.encode(), mine.encode()) == wire.bodies[0]

# SPDX-License-Identifier: Apache-2.0
"""Whatever malformed thing arrives, the answer is one of our errors, in time, and the next caller is served
(robustness H2; threats 15 and 16)."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path

import msgspec
import pytest

from conftest import Running, Start
from doors import EDITS, HEARD, VIDEOS
from guiju.adapters.scripted import ScriptedModel
from guiju.config import Limits
from guiju.errors import CODES
from guiju.gateway.app import App
from lengths import MALFORMED
from malformed import AUTH, HOST, LINE, bad_form, cases, good, request, through
from raw_client import Answer, Case, Outcome, said, talk
from serving import served

FRONT = {400: "invalid_request", 408: "timeout", 431: "request_too_large"}
"""Statuses of a connection that ends at the front; 431 stands in no row of the table."""
DEADLINES = {"header_s": 0.2, "body_s": 0.3}
BODY = b'{"model":"m","messages":[{"role":"user","content":"[[say:ok]]"}]}'


def wrong(answer: Answer, head_only: bool) -> str:
    """What is wrong with one answer; nothing as a rule."""
    if answer.status == 200 or (head_only and answer.status < 500):
        return ""
    if answer.status >= 500:
        return f"status {answer.status}"
    try:
        error = json.loads(answer.body)["error"]
        code, told = error["code"], {"message", "type", "param", "code"} <= error.keys() and error["message"]
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status} with {answer.body[:60]!r}"
    if code not in CODES or not told:
        return f"error {code}"
    fits = answer.status == CODES[code].status or FRONT.get(answer.status) == code
    return "" if fits else f"status {answer.status} for {code}"


def faults(case: Case, outcome: Outcome) -> list[str]:
    """What is wrong with what came back for a case."""
    head_only = "method b'HEAD" in case.name
    made = [told for answer in outcome.answers if (told := wrong(answer, head_only))]
    if outcome.took is None or outcome.took > 1:
        made.append(f"took {outcome.took}")
    if len(outcome.answers) > case.requests:
        made.append(f"{len(outcome.answers)} answers")
    if outcome.rest and not outcome.reset:
        made.append(f"an answer that does not end: {outcome.rest[:60]!r}")
    if case.refused and any(answer.status == 200 for answer in outcome.answers[case.requests - 1 :]):
        made.append("taken for a request")
    return [f"{case.name}: {told}" for told in made]


def slow_once(found: list[str]) -> bool:
    """Whether nothing is wrong but that it took too long: of a machine that is busy too, that says nothing yet."""
    return len(found) == 1 and ": took " in found[0] and not found[0].endswith("None")


def judged_again(port: int, slow: list[tuple[Case, list[str]]]) -> list[str]:
    """What stays wrong of cases that took too long once, when nothing else is asked beside them."""
    return [told for case, found in slow if all(faults(case, talk(port, case)) for _ in range(3)) for told in found]


def served_still(port: int) -> bool:
    """Whether a good request is answered."""
    outcome = talk(port, Case("good", [request(BODY)]))
    return [answer.status for answer in outcome.answers] == [200]


@pytest.fixture
def gateway(start: Start) -> Running:
    """A gateway with short deadlines."""
    return start(overlay=(("limits", msgspec.structs.replace(Limits(), **DEADLINES)),))


@pytest.mark.slow
def test_a_few_hundred_malformed_requests(gateway: Running, caplog: pytest.LogCaptureFixture) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    bad: list[str] = []
    heard: Counter[int] = Counter()
    slow: list[tuple[Case, list[str]]] = []
    with ThreadPoolExecutor(8) as clients:
        for case, outcome in clients.map(lambda one: (one, talk(gateway.port, one)), cases(seed, 300)):
            found = faults(case, outcome)
            slow += [(case, found)] if slow_once(found) else []
            bad += [] if slow_once(found) else found
            heard.update(answer.status for answer in outcome.answers)
    bad += judged_again(gateway.port, slow)
    assert not bad
    assert served_still(gateway.port)
    assert {"door_failed", "exchange_failed"}.isdisjoint(record.msg for record in caplog.records)
    assert {200, 400, 404, 405, 413} <= heard.keys(), heard
    assert heard[400] > heard[200] > 20, heard


@pytest.mark.slow
@pytest.mark.timeout(7200 if MALFORMED else 600)
@pytest.mark.parametrize("every_door", [False, True])
def test_ten_thousand_malformed_requests(tmp_path: Path, model: ScriptedModel, every_door: bool) -> None:
    """In a process of its own, whose memory is looked at as well. All at chat, and shared by all doors, of which those
    that take forms get broken forms besides; or so many at each door as the environment says."""
    seed = random.randrange(2**32)
    print("seed", seed)
    limits = "".join(f"{name} = {value}\n" for name, value in DEADLINES.items())
    settings = f'[[upstream]]\nname = "test"\nurl = "{model.url}"\n[limits]\n{limits}'
    bad: list[str] = []
    slow: list[tuple[Case, list[str]]] = []
    with served(tmp_path, settings) as gateway, ThreadPoolExecutor(4) as clients:
        for case in cases(seed + 1, 500):
            bad += faults(case, talk(gateway.port, case))
        before = most = gateway.resident_mib
        shared = asked_at(seed) if every_door else cases(seed, 10_000)
        batches = iter(lambda: list(islice(shared, 1000)), [])  # so that not all of them are held at once
        talked = (clients.map(lambda one: (one, talk(gateway.port, one)), batch) for batch in batches)
        number = 0
        for number, (case, outcome) in enumerate(chain.from_iterable(talked), 1):
            found = faults(case, outcome)
            slow += [(case, found)] if slow_once(found) else []
            bad += [] if slow_once(found) else found
            if number % 100 == 0:
                most = max(most, gateway.resident_mib)
                assert served_still(gateway.port)
        print(f"{len(slow)} took more than a second once")
        assert len(slow) <= number / 100
        bad += judged_again(gateway.port, slow)
        print(f"memory grew by {most - before:.1f} MiB from {before:.1f} MiB")
        page = gateway.ask("GET", "/metrics").body.decode()
    assert not bad
    assert most - before <= 64
    assert "guiju_exchanges_open 0.0" in page
    assert "_failed" not in gateway.log.read_text("utf-8")


def asked_at(seed: int) -> Iterator[Case]:
    """Cases, each at the next of the doors that something is posted to."""
    rng = random.Random(seed)
    doors = App(None).doors  # type: ignore[arg-type] # only its table is read
    paths = [path.replace("{id}", "video_" + "0" * 26) for path, methods in doors.items() if "POST" in methods]
    for i, case in enumerate(cases(seed, max(10_000, MALFORMED * len(paths)))):
        path = paths[i % len(paths)]
        broken = path in (EDITS, HEARD, VIDEOS) and rng.random() < 0.5
        yield through(path, bad_form(rng) if broken else case)


def test_the_judge_finds_what_is_wrong() -> None:
    """Each fault that the judge looks for is one that it can see."""
    told = b'{"error":{"message":"m","type":"t","param":null,"code":"invalid_request"}}'
    case = Case("a case", [], refused=True)
    assert not faults(case, Outcome([Answer(400, {}, told)], 0.1))
    assert not faults(Case("a case", []), Outcome([Answer(200, {}, b"{}")], 0.1))
    for outcome in (
        Outcome([Answer(500, {}, told)], 0.1),
        Outcome([Answer(200, {}, b"{}")], 0.1),
        Outcome([Answer(404, {}, told)], 0.1),
        Outcome([Answer(400, {}, b"Invalid HTTP request received.")], 0.1),
        Outcome([Answer(400, {}, told.replace(b"invalid_request", b"nobody_knows"))], 0.1),
        Outcome([Answer(400, {}, told)], 1.5),
        Outcome([Answer(400, {}, told)] * 2, 0.1),
        Outcome([Answer(400, {}, told)], 0.1, rest=b"HTTP/1.1 4"),
        Outcome([], None),
    ):
        assert len(faults(case, outcome)) == 1, outcome


def test_what_the_grammar_starts_from_is_good(gateway: Running) -> None:
    """Else every refusal would be easy."""
    rng = random.Random(3)
    for _ in range(20):
        outcome = talk(gateway.port, Case("good", [good(rng)]))
        assert [answer.status for answer in outcome.answers] == [200]


def test_what_is_under_way_is_counted_and_let_go(gateway: Running) -> None:
    """So that the count of what is left behind means something."""

    def under_way() -> str:
        page = gateway.ask("GET", "/metrics", key="").body.decode()
        return next(row.split()[1] for row in page.splitlines() if row.startswith("guiju_exchanges_open "))

    def until(count: str) -> bool:
        deadline = time.monotonic() + 5
        while under_way() != count and time.monotonic() < deadline:
            time.sleep(0.01)
        return under_way() == count

    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as sock:
        sock.sendall(request(BODY.replace(b"say:ok", b"hang")))
        assert until("1.0")
    assert until("0.0")


# ---------------------------------------------------------------------- one by one, what the front must see
def a_body_that_does_not_come_after_an_answer_gets_no_second_answer(line: socket.socket) -> None:
    line.sendall(LINE.replace(b"chat", b"chit") + HOST + AUTH + b"Content-Length: 100\r\n\r\n{")
    got = said(line, 2)
    assert got.startswith(b"HTTP/1.1 404 ")
    assert got.count(b"HTTP/1.1 ") == 1
    assert got.endswith(b"<closed>")


def an_error_does_not_break_into_an_answer_under_way(line: socket.socket) -> None:
    body = BODY.replace(b"[[say:ok]]", "[[stream:一二三四五六七八九十|1|60]]".encode())[:-1] + b',"stream":true}'
    line.sendall(request(body))
    assert said(line, 2, b'"role":"assistant"').startswith(b"HTTP/1.1 200 ")
    line.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n")
    got = said(line, 2)
    assert b"HTTP/1.1 " not in got
    assert got.endswith(b"<closed>")


def empty_lines_buy_no_time(line: socket.socket) -> None:
    buys_no_time(line, b"", b"\r\n")


def the_late_end_of_a_body_buys_no_time(line: socket.socket) -> None:
    buys_no_time(line, LINE.replace(b"POST", b"PUT") + HOST + b"Content-Length: 4\r\n\r\n", b"12")


def buys_no_time(line: socket.socket, first: bytes, drip: bytes) -> None:
    line.sendall(first + drip)
    said(line, 0.1)
    line.sendall(drip)
    assert said(line, 1).endswith(b"<closed>")


def a_field_after_the_body_is_no_credential(line: socket.socket) -> None:
    line.sendall(LINE + HOST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n%b\r\n" % (len(BODY), BODY, AUTH))
    assert said(line, 2, b"}}").startswith(b"HTTP/1.1 401 ")


def an_offer_to_change_the_protocol_is_passed_over_and_its_body_is_no_request(line: socket.socket) -> None:
    """As Java's HttpClient offers HTTP/2 with its first request; what follows must not be read as a request."""
    body = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
    line.sendall(request(body, offer)[: -len(body)])
    time.sleep(0.05)
    line.sendall(body)
    got = said(line, 0.15)
    assert got.startswith(b"HTTP/1.1 400 ")
    assert got.count(b"HTTP/1.1 ") == 1
    for whole in (request(BODY, offer), request(BODY)):
        line.sendall(whole)
        assert said(line, 2, b'"ReservedCode2":""}}').startswith(b"HTTP/1.1 200 ")


def two_keys_are_none_even_where_one_is_empty(line: socket.socket) -> None:
    line.sendall(request(BODY, line=LINE + b"Authorization:\r\n"))
    assert said(line, 2, b"}}").startswith(b"HTTP/1.1 401 ")


def two_assertions_are_none_even_where_one_is_empty(line: socket.socket) -> None:
    line.sendall(request(BODY, line=LINE + b"X-Guiju-Identity: a.b.c\r\nX-Guiju-Identity:\r\n"))
    assert said(line, 2, b"}}").startswith(b"HTTP/1.1 403 ")


CHECKS = (
    a_body_that_does_not_come_after_an_answer_gets_no_second_answer,
    an_error_does_not_break_into_an_answer_under_way,
    empty_lines_buy_no_time,
    the_late_end_of_a_body_buys_no_time,
    a_field_after_the_body_is_no_credential,
    an_offer_to_change_the_protocol_is_passed_over_and_its_body_is_no_request,
    two_keys_are_none_even_where_one_is_empty,
    two_assertions_are_none_even_where_one_is_empty,
)


@pytest.mark.slow
def test_the_front_sees_each_of_these(gateway: Running) -> None:
    """All at once, each on a connection of its own: they wait more than they work."""

    def look(check: Callable[[socket.socket], None]) -> str:
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as line:
            try:
                check(line)
            except AssertionError as error:
                return f"{check.__name__}: {error}"
        return ""

    with ThreadPoolExecutor(len(CHECKS)) as clients:
        assert not [told for told in clients.map(look, CHECKS) if told]


@pytest.mark.slow
@pytest.mark.parametrize(
    "head",
    [
        b"GET /",
        LINE + b"X: ",
        LINE + b"X",
        LINE + AUTH + b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\nX: ",
    ],
)
def test_a_line_without_an_end_is_cut_when_it_is_too_long(start: Start, head: bytes) -> None:
    """Not when its time is over: by then it would have filled the memory."""
    sent = 0
    with socket.create_connection(("127.0.0.1", start().port), timeout=5) as sock:
        sock.sendall(head)
        with contextlib.suppress(OSError):
            while sent < 2**25:
                sent += sock.send(b"a" * 65_536)
        got = said(sock, 1)
    assert sent < 2**24  # the sockets' own buffers take some of it
    assert got.startswith(b"HTTP/1.1 431 ") or got == b"<closed>"

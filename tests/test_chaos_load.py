# SPDX-License-Identifier: Apache-2.0
"""Callers who hardly read, and an end in the middle of many streams: memory stays, nobody hangs, the books are whole
(robustness F5, F6).

`GUIJU_READERS` says how many read slowly (24; 500 in full), `GUIJU_STREAMS_OPEN` how many streams are open at the end (40;
200 in full).
"""

from __future__ import annotations

import http.client
import json
import os
import selectors
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from conftest import KEY
from guiju.adapters.scripted import ScriptedModel
from guiju.records.secrets import Secrets
from load_kit import Seen, all_in_the_books
from serving import Served, served
from test_chaos_disk import until

pytestmark = pytest.mark.slow
READERS = int(os.environ.get("GUIJU_READERS", "24"))
OPEN = int(os.environ.get("GUIJU_STREAMS_OPEN", "40"))
SETTINGS = """
[limits]
write_stall_s = {stall}
streams_per_key = 1000
connections_per_address = 1000
[[upstream]]
name = "scripted"
url = "{url}"
"""
MOST_MIB = 64


def asked(content: str) -> bytes:
    """A request for a stream."""
    body = {"model": "scripted", "stream": True, "messages": [{"role": "user", "content": content}]}
    return json.dumps(body).encode()


def files(gateway: Served) -> int:
    """How many files and sockets it has open."""
    return len(list(Path(f"/proc/{gateway.child.pid}/fd").iterdir()))


def test_callers_who_read_a_byte_a_second(tmp_path: Path, model: ScriptedModel) -> None:
    body = asked("[[big:8000]]")  # half a megabyte of events
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    settings = SETTINGS.format(stall=3, url=model.url)
    with served(tmp_path, settings) as gateway, selectors.DefaultSelector() as sockets, ExitStack() as stack:
        before, memory, most = files(gateway), gateway.resident_mib, 0.0
        for _ in range(READERS):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect(("127.0.0.1", gateway.port))
            one.sendall(head + body)
            sockets.register(one, selectors.EVENT_READ)
        until(lambda: files(gateway) > before + READERS // 2, 60)
        began = time.monotonic()
        deadline = time.monotonic() + 120
        while files(gateway) > before + 5:
            assert time.monotonic() < deadline, "who hardly reads is let go"
            for key, _ in sockets.select(0):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                try:
                    sock.recv(1)
                except OSError:
                    sockets.unregister(sock)
            most = max(most, gateway.resident_mib)
            time.sleep(1.0)
        print(
            f"{READERS} readers, {most - memory:.1f} MiB at most, let go within {time.monotonic() - began:.0f} s, {files(gateway) - before} files left"
        )
        assert most - memory <= MOST_MIB
        assert gateway.ask("GET", "/readyz").status == 200


def watch(port: int, seen: list[Seen]) -> None:
    """Read a stream of some seconds to its end, whatever that is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began, said = time.monotonic(), b""
    try:
        head = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        connection.request(
            "POST", "/v1/chat/completions", asked("[[stream:今天天气很好，我们去散步。明天再来。|1|150]]"), head
        )
        answer = connection.getresponse()
        one = Seen("stream", began, 0.0, answer.status, decision=answer.headers.get("x-guiju-decision-id", ""))
        seen.append(one)
        while piece := answer.read1(4096):
            said += piece
        one.whole = b"data: [DONE]" in said and b'"error":' not in said
        one.code = "" if one.whole else "error" if b'"error":' in said else "cut"
    finally:
        connection.close()


def test_an_end_in_the_middle_of_many_streams(tmp_path: Path, model: ScriptedModel) -> None:
    seen: list[Seen] = []
    with served(tmp_path, SETTINGS.format(stall=30, url=model.url)) as gateway, ThreadPoolExecutor(OPEN) as pool:
        for _ in range(OPEN):
            pool.submit(watch, gateway.port, seen)
        until(lambda: len(seen) == OPEN, 60)
        began = time.monotonic()
        gateway.child.send_signal(signal.SIGTERM)
        assert gateway.child.wait(60) == 0
        took = time.monotonic() - began
    ended = [one.code for one in seen]
    print(f"{OPEN} streams, {ended.count('')} whole, {ended.count('error')} told of an error, over in {took:.1f} s")
    assert "cut" not in ended, "each ends, or is told that it does not"
    assert {one.status for one in seen} == {200}
    public = Secrets.open(gateway.data / "keys").signing.public_key().public_bytes_raw()
    assert all_in_the_books(seen, str(gateway.data / "ledger"), public) == ended.count("")

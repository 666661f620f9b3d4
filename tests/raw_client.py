# SPDX-License-Identifier: Apache-2.0
"""A raw HTTP client that sends anything and looks at whatever comes back: whole answers, how many, how soon."""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass
class Case:
    """One thing that a client sends.

    Attributes:
        refused: nobody may take this for a request; a 200 would be wrong.
        left: the client hangs up in the middle; nobody is there to be answered.
        requests: how many answers there may be at most.
    """

    name: str
    parts: Iterable[bytes]
    refused: bool = False
    left: bool = False
    requests: int = 1


class Answer(NamedTuple):
    """One answer on the wire."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


@dataclass
class Outcome:
    """What came back.

    Attributes:
        took: seconds to the first whole answer, or to the end of the connection; none when neither came.
        rest: bytes after the last whole answer.
        reset: the connection broke, so an answer may have been lost on its way.
    """

    answers: list[Answer] = field(default_factory=list)
    took: float | None = None
    rest: bytes = b""
    reset: bool = False


def answers(data: bytes, head_only: bool = False) -> tuple[list[Answer], bytes]:
    """Whole answers in what came, and what follows the last of them; interim ones are passed over."""
    made = []
    while (end := data.find(b"\r\n\r\n")) >= 0:
        first, *lines = data[:end].split(b"\r\n")
        found = re.fullmatch(rb"HTTP/1\.1 (\d{3}) [^\r\n]*", first)
        if not found:
            break
        status, at = int(found[1]), end + 4
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        if status >= 200:
            body = b"" if head_only else _body(headers, data[at:])
            if body is None:
                break
            at += 0 if head_only else _size(headers, data[at:])
            made.append(Answer(status, headers, body))
        data = data[at:]
    return made, data


def _chunks(data: bytes) -> tuple[bytes, int] | None:
    body, at = b"", 0
    while (end := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:end], 16)
        if len(data) < end + 4 + size:
            return None
        body, at = body + data[end + 2 : end + 2 + size], end + 4 + size
        if not size:
            return body, at
    return None


def _body(headers: dict[bytes, bytes], data: bytes) -> bytes | None:
    if headers.get(b"transfer-encoding") == b"chunked":
        found = _chunks(data)
        return found[0] if found else None
    size = int(headers[b"content-length"])
    return data[:size] if len(data) >= size else None


def _size(headers: dict[bytes, bytes], data: bytes) -> int:
    if headers.get(b"transfer-encoding") == b"chunked":
        found = _chunks(data)
        return found[1] if found else 0
    return int(headers[b"content-length"])


def talk(port: int, case: Case, wait: float = 5.0) -> Outcome:
    """Send a case, reading meanwhile; stop sending at the first whole answer, then read to the end."""
    made, got, head_only = Outcome(), b"", False
    parts = iter(case.parts)
    waiting, sending = next(parts, b""), True
    head_only = waiting.startswith(b"HEAD ")
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as sock:
        sock.setblocking(False)
        while (left := began + wait - time.monotonic()) > 0:
            readable, writable, _ = select.select([sock], [sock] if sending else [], [], left)
            try:
                if readable:
                    chunk = sock.recv(262_144)
                    got += chunk
                    if not chunk:
                        break
                    if made.took is None and answers(got, head_only)[0]:
                        made.took, sending = time.monotonic() - began, False
                        sock.shutdown(socket.SHUT_WR)
                elif writable:
                    waiting = waiting[sock.send(waiting[:1_048_576]) :] or next(parts, b"")
                    if not waiting:
                        sending = False
                        if case.left:
                            sock.shutdown(socket.SHUT_WR)
            except OSError:
                made.reset = True
                break
        else:
            made.answers, made.rest = answers(got, head_only)
            return made
    if made.took is None:
        made.took = time.monotonic() - began
    made.answers, made.rest = answers(got, head_only)
    return made


def said(sock: socket.socket, seconds: float, until: bytes = b"") -> bytes:
    """What comes within so long, up to certain words; `<closed>` stands where the connection ends."""
    got, deadline = b"", time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0 and not (until and until in got):
        sock.settimeout(left)
        try:
            chunk = sock.recv(65536)
        except TimeoutError:
            break
        except ConnectionError:
            chunk = b""
        if not chunk:
            return got + b"<closed>"
        got += chunk
    return got

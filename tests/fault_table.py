# SPDX-License-Identifier: Apache-2.0
"""The faults of a model service, each with what must come of it (robustness F1). `Fault.stream` and `Fault.whole` are
codes: `ok`, `stopped`, or the error's."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from fault_upstream import (
    CHUNKED,
    CLOSED,
    DONE,
    EVENT_STREAM,
    TEXT,
    WHOLE,
    Call,
    Script,
    answer,
    chunk,
    events,
    framed,
    say,
    whole,
)
from guiju.config import Limits

TERM = "规矩金丝雀"
SECRET = "sk-its-own-words"
"""Stands in what the service says of its own faults; no caller may read it."""
OK, STOPPED, FAILED, TIMEOUT = "ok", "stopped", "upstream_failed", "upstream_timeout"
REFUSED, BUSY = "upstream_refused", "overloaded"
STATUS = {OK: 200, STOPPED: 200, FAILED: 502, TIMEOUT: 504, REFUSED: 502, BUSY: 503}
FIRST, BETWEEN, WHOLE_S = 1.2, 1.2, 3.0
BODY, LINE = 4 * 2**20, 2**18
SHORT = msgspec.structs.replace(
    Limits(),
    upstream_first_byte_s=FIRST,
    upstream_between_s=BETWEEN,
    upstream_whole_s=WHOLE_S,
    upstream_body_bytes=BODY,
    upstream_line_bytes=LINE,
    circuit_failures=1_000_000,
    connections_per_address=500,
)


def sends(stream: bytes, plain: bytes | None = None) -> Script:
    """Sends bytes and closes; the second ones when no stream was asked for."""

    async def script(call: Call) -> None:
        await call.send(stream if call.stream or plain is None else plain)

    return script


def wrapped(stream: bytes, wrap: Callable[[bytes], bytes]) -> Script:
    """Sends bytes, or a good whole body in a wrapping of its own, and closes."""

    async def script(call: Call) -> None:
        await call.send(stream if call.stream else wrap(call.whole))

    return script


def body(stream: bytes, plain: bytes) -> Script:
    """Sends a well-framed body of the right kind."""
    return sends(answer(True, stream), answer(False, plain))


def status(code: int, extra: bytes = b"") -> Script:
    """Answers a status with an error object."""
    said = json.dumps({"error": {"message": SECRET, "type": SECRET, "code": SECRET, "param": SECRET}}).encode()
    return sends(
        b"HTTP/1.1 %d No\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n" % (code, extra, len(said)) + said
    )


async def hang(call: Call) -> None:
    """Accepts and says nothing."""
    await call.hang()


async def half_head(call: Call) -> None:
    """Begins a head and stands still."""
    await call.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    await call.hang()


async def slow_first_byte(call: Call) -> None:
    """Answers, but within the limit."""
    if not await call.gone(FIRST / 3):
        await call.send(call.good)


async def drip(call: Call) -> None:
    """One byte at a time, each within the limit between chunks."""
    made = call.good
    await call.send(made[:60])
    await call.send(*(made[i : i + 1] for i in range(60, len(made))), gap=0.1)


async def hang_in_the_middle(call: Call) -> None:
    """Half an answer, then silence."""
    made = call.good
    await call.send(made[: len(made) // 2])
    await call.hang()


async def hang_at_the_end(call: Call) -> None:
    """All events, but the body never ends."""
    await call.send(EVENT_STREAM + CHUNKED + framed(events())[:-5] if call.stream else call.good[:-1])
    await call.hang()


async def reset(call: Call) -> None:
    """A TCP reset after so many bytes of a good answer."""
    await call.send(call.good[: call.number])
    call.reset()


async def cut(call: Call) -> None:
    """A clean close after so many bytes of an answer whose end is the end of the connection."""
    made = EVENT_STREAM + CLOSED + events() if call.stream else WHOLE + CLOSED + call.whole
    await call.send(made[: call.number])


async def cut_chunked(call: Call) -> None:
    """A clean close after so many bytes of a framed answer."""
    await call.send(call.good[: call.number])


async def endless(call: Call) -> None:
    """Events, or white space, as long as anybody listens."""
    await call.send((EVENT_STREAM if call.stream else WHOLE) + CLOSED)
    many = b"".join(say("一二三。" * 200)) if call.stream else b" " * 65_536
    for _ in range(64 * 2**20 // len(many)):
        await call.send(many)


async def endless_line(call: Call) -> None:
    """One line without an end, up to 100 MB."""
    await call.send((EVENT_STREAM if call.stream else WHOLE) + CLOSED + b'data: {"id":"')
    for _ in range(100 * 16):
        await call.send(b"a" * 65_536)


async def endless_head(call: Call) -> None:
    """Header fields, up to 16 MB."""
    await call.send(b"HTTP/1.1 200 OK\r\n")
    for i in range(16_000):
        await call.send(b"X-%d: " % i + b"a" * 1000 + b"\r\n")


async def informational(call: Call) -> None:
    """`100 Continue`, again and again."""
    for _ in range(200_000):
        await call.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0.001)


_FILLER = b"a" * (BODY + 1)
TOO_LARGE = {
    True: answer(True, (b": " + _FILLER[: LINE // 2] + b"\n\n") * 40 + events()),
    False: answer(False, whole(_FILLER.decode())),
}


async def body_too_large(call: Call) -> None:
    """A well-formed answer that is larger than allowed."""
    await call.send(TOO_LARGE[call.stream])


async def compressed(call: Call) -> None:
    """A gzip answer that nobody asked for."""
    made = gzip.compress(events() if call.stream else whole())
    head = EVENT_STREAM if call.stream else WHOLE
    await call.send(head + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(made) + made)


async def many_events(call: Call) -> None:
    """A great number of small events."""
    await call.send(
        answer(
            call.stream,
            b"".join(say("好。" * 4_000, 1)) + chunk(finish="stop") + DONE if call.stream else whole("好。" * 4_000),
        )
    )


def with_index(index: Any) -> Script:
    """A choice that was not asked for."""
    plain = {"choices": [{"index": index, "message": {"content": "x"}, "finish_reason": "stop"}]}
    return body(chunk({"content": "x"}, index=index) + chunk(finish="stop") + DONE, json.dumps(plain).encode())


class Fault(NamedTuple):
    """What is done, and what must come of it, streamed and whole, with the text that a good answer must hold."""

    script: Script
    stream: str = FAILED
    whole: str = FAILED
    says: str = TEXT


FIN = chunk(finish="stop")
ROLE = chunk({"role": "assistant", "content": ""})
TALK = b"".join(say())
LONG = whole()
FAULTS: dict[str, Fault] = {
    # before the head
    "hang": Fault(hang, TIMEOUT, TIMEOUT),
    "half-head": Fault(half_head, TIMEOUT, TIMEOUT),
    "slow-first-byte": Fault(slow_first_byte, OK, OK),
    "early-close": Fault(sends(b"")),
    "early-close-in-head": Fault(sends(b"HTTP/1.1 200 OK\r\nContent-")),
    "not-http": Fault(sends(b"SSH-2.0-%b\r\n\r\n" % SECRET.encode())),
    "tls-alert": Fault(sends(b"\x15\x03\x01\x00\x02\x02\x46")),
    "status-500": Fault(status(500)),
    "status-503": Fault(status(503, b"Retry-After: 1\r\n")),
    "status-429": Fault(status(429), BUSY, BUSY),
    "status-302": Fault(status(302, b"Location: http://127.0.0.1:1/\r\n"), REFUSED, REFUSED),
    "status-404": Fault(status(404), REFUSED, REFUSED),
    "status-418": Fault(status(418), REFUSED, REFUSED),
    "status-206": Fault(status(206), REFUSED, REFUSED),
    "status-204": Fault(sends(b"HTTP/1.1 204 No Content\r\n\r\n"), REFUSED, REFUSED),
    "compressed": Fault(compressed),
    # the body is not what it says
    "html": Fault(sends(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>%b</html>" % SECRET.encode())),
    "wrong-type": Fault(wrapped(WHOLE + CHUNKED + framed(events()), lambda made: EVENT_STREAM + b"Content-Length: %d\r\n\r\n" % len(made) + made)),
    "json-for-stream": Fault(sends(answer(False)), OK, OK),
    "empty-200": Fault(body(b"", b"")),
    "no-choices": Fault(body(b"data: {}\n\n", b"{}")),
    "choices-empty": Fault(body(b'data: {"choices":[]}\n\n' + DONE, b'{"choices":[]}')),
    "null": Fault(body(b"data: null\n\n", b"null")),
    "error-in-200": Fault(body(b'data: {"error":{"message":"%b"}}\n\n' % SECRET.encode(), b'{"error":{"message":"%b"}}' % SECRET.encode())),
    "error-in-the-middle": Fault(body(ROLE + TALK + b'data: {"error":"%b"}\n\n' % SECRET.encode(), b'{"error":"%b"}' % SECRET.encode())),
    "done-alone": Fault(body(DONE, DONE)),
    "garbage": Fault(body(TALK + SECRET.encode() + b"\n\n" + FIN + DONE, SECRET.encode())),
    "invalid-json": Fault(body(TALK + b'data: {"choices":[{"index":0,\n\n' + FIN + DONE, LONG[:-2])),
    "invalid-utf8": Fault(body(TALK + FIN[:20] + b"\xff\xfe" + FIN[20:] + DONE, LONG[:12] + b"\xff" + LONG[12:])),
    "utf16": Fault(body(events().decode().encode("utf-16"), LONG.decode().encode("utf-16"))),
    "lone-surrogate": Fault(body(chunk({"content": "SURR"}).replace(b"SURR", b"\\ud800") + FIN + DONE, whole("SURR").replace(b"SURR", b"\\ud800"))),
    "null-bytes": Fault(body(TALK + b"\x00" + FIN + DONE, LONG + b"\x00")),
    "index-1": Fault(with_index(1)),
    "index--1": Fault(with_index(-1)),
    "index-text": Fault(with_index("0")),
    "index-true": Fault(with_index(True)),
    "finish-unknown": Fault(body(TALK + chunk(finish=SECRET) + DONE, LONG.replace(b'"stop"', b'"%b"' % SECRET.encode()))),
    "finish-list": Fault(body(TALK + FIN.replace(b'"stop"', b'["stop"]') + DONE, LONG.replace(b'"stop"', b'["stop"]'))),
    "deep": Fault(body(b"data: " + b"[" * 100_000 + b"\n\n", b"[" * 100_000)),
    "usage-wrong": Fault(body(ROLE + TALK + chunk(finish="stop", usage={"prompt_tokens": "many"}) + DONE, whole(usage=[1])), OK, OK),
    "finish-twice": Fault(body(ROLE + TALK + FIN + FIN + DONE, LONG), OK, OK),
    "done-twice": Fault(body(events() + DONE, LONG), OK, OK),
    "text-after-finish": Fault(body(TALK[: len(say()[0])] + FIN + TALK[len(say()[0]) :] + DONE, LONG), OK, OK),
    "text-after-done": Fault(body(FIN + DONE + TALK, LONG), OK, OK),
    "term-after-finish": Fault(body(TALK + FIN + chunk({"content": TERM}) + DONE, whole(TEXT + TERM)), STOPPED, STOPPED),
    "term-after-done": Fault(body(TALK + FIN + DONE + chunk({"content": TERM}), whole(TERM)), STOPPED, STOPPED),
    "many-events": Fault(many_events, OK, OK, "好。" * 4_000),
    # the framing is broken
    "length-too-long": Fault(wrapped(EVENT_STREAM + b"Content-Length: 99999\r\n\r\n" + events(), lambda made: WHOLE + b"Content-Length: 99999\r\n\r\n" + made)),
    "length-too-short": Fault(wrapped(EVENT_STREAM + b"Content-Length: 300\r\n\r\n" + events(), lambda made: WHOLE + b"Content-Length: 90\r\n\r\n" + made)),
    "length-twice": Fault(sends(WHOLE + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef")),
    "chunks-broken": Fault(sends(EVENT_STREAM + CHUNKED + framed(events())[:500] + b"zz\r\nxx\r\n", WHOLE + CHUNKED + b"zz\r\nxx\r\n")),
    "chunks-unended": Fault(wrapped(EVENT_STREAM + CHUNKED + framed(events())[:-5], lambda made: WHOLE + CHUNKED + framed(made)[:-5])),
    # too slow, too long, too much
    "drip": Fault(drip, TIMEOUT, TIMEOUT),
    "hang-in-the-middle": Fault(hang_in_the_middle, TIMEOUT, TIMEOUT),
    "hang-at-the-end": Fault(hang_at_the_end, TIMEOUT, TIMEOUT),
    "endless-line": Fault(endless_line),
    "endless": Fault(endless, says="一二三。" * 50_000),
    "endless-head": Fault(endless_head),
    "informational": Fault(informational, TIMEOUT, TIMEOUT),
    "body-too-large": Fault(body_too_large),
}  # fmt: skip
HEAVY = ["endless-line", "endless", "endless-head", "body-too-large", "many-events", "informational"]
LIGHT = [name for name in FAULTS if name not in HEAVY]
CUTS: dict[str, Script] = {"reset": reset, "cut": cut, "cut-chunked": cut_chunked}

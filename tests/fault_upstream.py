# SPDX-License-Identifier: Apache-2.0
"""A model service that fails on purpose, byte by byte on a raw socket: it can break every rule of HTTP (robustness F1).

The model's name in the request chooses the fault, so that one gateway meets all of them at once. A number after a
colon is the fault's own: `reset:300` drops the connection after 300 bytes of a good answer.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from guiju.adapters import scripted_media
from winding_up import wind_up

TEXT = "今天天气很好。We go out for a walk, and come back at seven. 明天再去一次。"
"""What a good answer says."""
EVENT_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LAST = b"Connection: close\r\n"
CLOSED = LAST + b"\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, index: Any = 0, **more: Any) -> bytes:
    """One event of a good stream."""
    choices = [{"index": index, "delta": delta or {}, "finish_reason": finish}]
    document = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def say(text: str = TEXT, piece: int = 3) -> list[bytes]:
    """The events of a text."""
    return [chunk({"content": text[i : i + piece]}) for i in range(0, len(text), piece)]


def events(text: str = TEXT) -> bytes:
    """A good stream's body."""
    return b"".join([chunk({"role": "assistant", "content": ""}), *say(text), chunk(finish="stop"), DONE])


def whole(text: str = TEXT, **more: Any) -> bytes:
    """A good whole body."""
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return json.dumps(
        {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, **more}
    ).encode()


def vectors(count: int = 1) -> bytes:
    """A good list of vectors."""
    data = [{"object": "embedding", "index": i, "embedding": [0.25, -0.5] * 40} for i in range(count)]
    return json.dumps({"object": "list", "data": data, "model": "m"}).encode()


_SAID = re.compile(rb'"(?:delta|message)": \{(?:"role": "assistant"(?:, )?)?(?:"content": ("(?:[^"\\]|\\.)*"))?\}')


def renamed(chat: bytes) -> bytes:
    """What a chat is answered, as completions would say the same, byte for byte as long: white space fills it up."""
    return _SAID.sub(lambda found: (b'"text": ' + (found[1] or b'""')).ljust(len(found[0])), chat)


_SIZE = re.compile(rb"([0-9a-f]+)\r\n")


def _continued(wire: bytes) -> bytes:
    """An answer on the wire, renamed within its chunks, as far as these are whole."""
    head, end, body = wire.partition(b"\r\n\r\n")
    if b"chunked" not in head:
        return renamed(wire)
    parts = []
    while (found := _SIZE.match(body)) and len(body) >= found.end() + (size := int(found[1], 16)) + 2 and size:
        parts.append(body[found.end() : found.end() + size])
        body = body[found.end() + size + 2 :]
    plain, at, made = renamed(b"".join(parts)), 0, head + end
    for part in parts:
        made += b"%x\r\n%s\r\n" % (len(part), plain[at : at + len(part)])
        at += len(part)
    return made + body


def framed(body: bytes, size: int = 40) -> bytes:
    """A body in chunks of the transfer coding."""
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def answer(stream: bool, body: bytes | None = None) -> bytes:
    """A good answer, chunked when streamed."""
    if stream:
        return EVENT_STREAM + LAST + CHUNKED + framed(events() if body is None else body)
    made = whole() if body is None else body
    return WHOLE + LAST + b"Content-Length: %d\r\n\r\n" % len(made) + made


@dataclass
class Call:
    """One request as a fault script sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    stream: bool
    number: int
    asked: dict[str, Any]

    @property
    def whole(self) -> bytes:
        """The body of a good answer, of the kind that was asked for."""
        return vectors() if "input" in self.asked else whole()

    @property
    def good(self) -> bytes:
        """A good answer, of the kind that was asked for."""
        return answer(self.stream, None if self.stream else self.whole)

    async def send(self, *parts: bytes, gap: float = 0.0) -> None:
        """Write; raises ConnectionError once the gateway has gone."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            if gap and await self.gone(gap):
                raise ConnectionResetError

    async def gone(self, seconds: float) -> bool:
        """Wait so long for the gateway to leave."""
        try:
            return not await asyncio.wait_for(self.reader.read(1), seconds)
        except TimeoutError:
            return False

    async def hang(self) -> None:
        """Say nothing more until the gateway leaves."""
        while await self.reader.read(1024):
            pass

    def reset(self) -> None:
        """Drop the connection with a TCP reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Continued(Call):
    """One request for a prompt to be continued: the same faults, in the shapes of completions."""

    @property
    def whole(self) -> bytes:
        """See `Call`."""
        return renamed(super().whole)

    @property
    def good(self) -> bytes:
        """See `Call`."""
        return _continued(super().good)

    async def send(self, *parts: bytes, gap: float = 0.0) -> None:
        """See `Call`."""
        await super().send(*map(_continued, parts), gap=gap)


Script = Callable[[Call], Awaitable[None]]


@dataclass
class FaultUpstream:
    """The service on a free loopback port, in a thread: `with FaultUpstream(scripts) as service: service.url`.

    Attributes:
        scripts: model name up to a colon → what is done.
        asked, bodies: what arrived, read and as it came.
        heads: their request lines and headers.
        busy: scripts under way; one that hangs ends only when the gateway lets go of the connection.
        left: model name → monotonic time at which the gateway was seen to leave.
    """

    scripts: dict[str, Script]
    asked: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    left: dict[str, float] = field(default_factory=dict)
    busy: int = 0
    url: str = ""
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        model = ""
        self.busy += 1
        self._writers.add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            body = await reader.readexactly(length)
            kind = re.search(rb"(?i)content-type: (multipart/[^\r]*)", head)
            form = scripted_media.form(kind[1].decode(), body) if kind else {}
            asked = {name: said[0] for name, said in form.items()} if kind else json.loads(body)
            self.asked.append(asked)
            self.bodies.append(body)
            self.heads.append(head.decode("latin-1"))
            model = asked["model"]
            name, _, number = model.partition(":")
            made = Continued if "prompt" in asked and not kind else Call
            call = made(reader, writer, bool(asked.get("stream")), int(number or 0), asked)
            await self.scripts[name](call)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.busy -= 1
            self.left[model] = time.monotonic()
            self._writers.discard(writer)
            writer.close()

    async def _run(self, sock: socket.socket) -> None:
        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._serve, sock=sock)
        self._ready.set()
        await self._stop.wait()
        await wind_up(server, self._writers)

    def __enter__(self) -> Self:
        sock = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{sock.getsockname()[1]}/v1"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(sock)), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

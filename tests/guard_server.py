# SPDX-License-Identifier: Apache-2.0
"""A guard model service on a raw socket: it answers as a test's script says, hangs, breaks, and remembers what it was
asked. Signatures of clouds are worked out here anew, from the bytes that came, not by the code that made them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs

from winding_up import wind_up

SECRET = "secret-of-the-test"
MEANWHILE = "稍后"
"""A text that holds it is answered late; the others at once."""


@dataclass
class Asked:
    """One request as it came.

    Attributes:
        at: monotonic time at which it was whole.
    """

    path: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader
    at: float = 0.0

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def side(self) -> str:
        """Whether a conversation ends with a reply."""
        return "reply" if self.json["messages"][-1]["role"] == "assistant" else "request"

    @property
    def text(self) -> str:
        """What a conversation's last turn says."""
        said: str = self.json["messages"][-1]["content"]
        return said

    async def answer(self, body: bytes, status: int = 200, more: str = "") -> None:
        """Answer, and let the connection go."""
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n{more}"
        self.writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await self.writer.drain()

    async def hang(self) -> None:
        """Say nothing until the other side leaves."""
        while await self.reader.read(1024):
            pass


Script = Callable[[Asked], Awaitable[None]]


def completion(text: str, finish: str = "stop") -> bytes:
    """A chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return json.dumps(
        {"id": "c", "object": "chat.completion", "created": 1, "model": "g", "choices": [choice]}
    ).encode()


def qwen(safety: str, categories: str, side: str) -> bytes:
    """What Qwen3Guard writes of a request or a reply."""
    made = f"Safety: {safety}\nCategories: {categories}"
    return completion(made + ("\nRefusal: No" if side == "reply" else ""))


async def judge(asked: Asked) -> None:
    """Qwen3Guard as the tests need it: 红灯 is unsafe and 黄灯 controversial in a request, 红线 and 黄线 in a reply; who
    feels very bad is in danger."""
    red, yellow = ("红线", "黄线") if asked.side == "reply" else ("红灯", "黄灯")
    if MEANWHILE in asked.text:
        await asyncio.sleep(0.25)
    if "很难受" in asked.text and asked.side == "request":
        await asked.answer(qwen("Unsafe", "Suicide & Self-Harm", asked.side))
    elif red in asked.text:
        await asked.answer(qwen("Unsafe", "Violent", asked.side))
    elif yellow in asked.text:
        await asked.answer(qwen("Controversial", "Politically Sensitive Topics", asked.side))
    else:
        await asked.answer(qwen("Safe", "None", asked.side))


async def hang(asked: Asked) -> None:
    """Never answers."""
    await asked.hang()


def says(body: bytes, status: int = 200, more: str = "") -> Script:
    """Always says the same."""

    async def script(asked: Asked) -> None:
        await asked.answer(body, status, more)

    return script


def in_turn(*scripts: Script) -> Script:
    """One script for each request, the last one for all that follow."""
    left = list(scripts)

    async def script(asked: Asked) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(asked)

    return script


@dataclass
class GuardServer:
    """The service on a free loopback port, in a thread: `with GuardServer(judge) as guard: guard.url`.

    Attributes:
        script: what is done with a request; a test may change it.
        asked: requests that arrived.
        left: how many connections the other side left before it was answered.
    """

    script: Script
    asked: list[Asked] = field(default_factory=list)
    left: int = 0
    url: str = ""
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def texts(self) -> list[str]:
        """What it was asked about, where it was asked in conversations."""
        return [one.text for one in self.asked]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            body = await reader.readexactly(int(headers["content-length"]))
            asked = Asked(lines[0].split(" ")[1], headers, body, writer, reader, time.monotonic())
            self.asked.append(asked)
            await self.script(asked)
            if self.script is hang:
                self.left += 1
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left += 1
        finally:
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
        sock = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{sock.getsockname()[1]}/v1"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(sock)), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


# ---------------------------------------------------------------------- what the clouds look at
def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _canonical(asked: Asked, names: Sequence[str]) -> str:
    lines = [
        f"{name}:{asked.headers[name].lower() if name == 'x-tc-action' else asked.headers[name]}" for name in names
    ]
    return "\n".join(["POST", "/", "", *lines, "", ";".join(names), _hash(asked.body)])


def signed_by_tc3(asked: Asked, secret: str = SECRET) -> bool:
    """Whether Tencent Cloud would take it: what came is signed, on the day that its time stamp says."""
    algorithm, _, rest = asked.headers["authorization"].partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    stamp = asked.headers["x-tc-timestamp"]
    date = time.strftime("%Y-%m-%d", time.gmtime(int(stamp)))
    names = parts["SignedHeaders"].split(";")
    text = "\n".join([algorithm, stamp, f"{date}/tms/tc3_request", _hash(_canonical(asked, names).encode())])
    key = ("TC3" + secret).encode()
    for one in (date, "tms", "tc3_request"):
        key = hmac.new(key, one.encode(), hashlib.sha256).digest()
    return (
        algorithm == "TC3-HMAC-SHA256"
        and names == ["content-type", "host", "x-tc-action"]
        and abs(int(stamp) - time.time()) < 300
        and parts["Signature"] == hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    )


def signed_by_acs3(asked: Asked, secret: str = SECRET) -> bool:
    """Whether Alibaba Cloud would take it: every `x-acs-` header, the host and the type are signed, and the body."""
    algorithm, _, rest = asked.headers["authorization"].partition(" ")
    parts = dict(part.split("=", 1) for part in rest.split(","))
    names = parts["SignedHeaders"].split(";")
    must = sorted({"host", "content-type", *(name for name in asked.headers if name.startswith("x-acs-"))})
    text = f"{algorithm}\n{_hash(_canonical(asked, names).encode())}"
    return (
        algorithm == "ACS3-HMAC-SHA256"
        and names == must
        and asked.headers["x-acs-content-sha256"] == _hash(asked.body)
        and parts["Signature"] == hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    )


def tencent_text(asked: Asked) -> str:
    """What Tencent Cloud is asked about."""
    return base64.b64decode(asked.json["Content"]).decode()


def alibaba_form(asked: Asked) -> tuple[str, str]:
    """The service, and what Alibaba Cloud is asked about."""
    form = parse_qs(asked.body.decode(), strict_parsing=True)
    return form["Service"][0], json.loads(form["ServiceParameters"][0])["content"]

# SPDX-License-Identifier: Apache-2.0
"""The pages on a real socket, behind the same front as the gateway, without a gateway; and forms as browsers send them."""

from __future__ import annotations

import asyncio
import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
import uvloop

from conftest import Answered, free_port
from guiju.adapters.signatures import Signatures
from guiju.config import Settings
from guiju.desk.cases import Desk
from guiju.desk.public import Front
from guiju.desk.spool import Spool
from guiju.gateway.front import protocol
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.ids import ExchangeIds
from guiju.records.secrets import Secrets
from guiju.server import Server, pages
from guiju.web.pages import Host

BORDER = "----guiju"
NOBODY = Signatures()


@dataclass
class Site:
    """Pages that are served.

    Attributes:
        counts: answers by page and outcome.
    """

    port: int
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answered:
        """One request on a connection of its own; `_` in a header's name stands for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        made = Answered(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        return made

    def send(self, data: bytes, name: str = "a.png", path: str = "/verify", **headers: str) -> Answered:
        """Send a file as the form does."""
        kind = f"multipart/form-data; boundary={BORDER}"
        return self.ask("POST", path, form(("file", name, data)), content_type=kind, **headers)


def form(*parts: tuple[str, str, bytes]) -> bytes:
    """The body of a form: name of the field, of the file, and what is in it."""
    made = b""
    for field_, name, data in parts:
        head = f'--{BORDER}\r\nContent-Disposition: form-data; name="{field_}"; filename="{name}"\r\n\r\n'
        made += head.encode() + data + b"\r\n"
    return made + f"--{BORDER}--\r\n".encode()


@contextmanager
def desk_front(data: Path, clock: Callable[[], float] = time.time) -> Iterator[Front]:
    """A desk over a store of its own, for the pages at which people complain."""
    secrets = Secrets.open(data / "keys")
    ids = ExchangeIds(secrets.ids, "w")

    def made_at(number: str) -> float:
        parsed = ids.parse(number)
        return parsed[0] / 1000 if parsed else 0.0

    store = Store.open("sqlite", data)
    try:
        desk = Desk(store, DayKeys(data / "keys"), secrets, lambda number: None, clock)
        yield Front(desk, Spool(data, secrets), made_at, secrets.person)
    finally:
        store.close()


@contextmanager
def serving(
    settings: Settings,
    exempt: frozenset[str] | None = None,
    workers: int = 1,
    signatures: Signatures = NOBODY,
    front: Front | None = None,
) -> Iterator[Site]:
    """Serve the pages in a thread of this process."""
    site = Site(free_port())
    ready = threading.Event()
    made: dict[str, uvicorn.Server] = {}

    def counted(page: str, outcome: str) -> None:
        site.counts[page, outcome] += 1

    async def work() -> None:
        complains = front is not None
        host = Host(lambda: settings, counted, exempt, workers, lambda: signatures, complains=complains)
        rooms = pages(host, front)
        outer = protocol(settings.limits, None)
        config = uvicorn.Config(rooms, port=site.port, http=outer, ws="none", lifespan="off", log_config=None)
        server = made["server"] = Server(config, ready.set)
        await server.serve()
        await asyncio.to_thread(rooms.close)

    thread = threading.Thread(target=lambda: uvloop.run(work()), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield site
    finally:
        made["server"].should_exit = True
        thread.join(20)
        assert not thread.is_alive()

# SPDX-License-Identifier: Apache-2.0
"""Serves: binds the address, lets the canary sing, keeps watch, and stops in order."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import AF_INET, AF_INET6, IPPROTO_TCP, TCP_NOTSENT_LOWAT, create_server, socket
from typing import BinaryIO, Final

import uvicorn

from guiju import (
    complaining,
    composition,
    deskwork,
    duties,
    evaluating,
    publicwork,
    recalling,
    rehearsing,
    renewal,
    replaying,
)
from guiju.adapters.witness import keep_witnessed
from guiju.config import Settings
from guiju.console.host import Inside
from guiju.console.pages import Rooms as ConsoleRooms
from guiju.desk.cases import Desk
from guiju.desk.public import Front, Public
from guiju.dossier.public import PublicPages, Telling
from guiju.errors import Bilingual, ConfigError, failed
from guiju.gateway.app import App
from guiju.gateway.front import protocol
from guiju.gateway.http import Receive, Scope, Send
from guiju.house import House
from guiju.records.sources import place_of
from guiju.records.trace import Trace, trace
from guiju.web.pages import Host, Pages
from guiju.web.verify import VerifyPage
from guiju.web.verify_text import VerifyText

_ELSEWHERE: Final = Bilingual(
    "请用 --port 另选端口（或 --host 另选地址），或先停下占用它的程序。",
    "Choose another with --port or --host, or stop the program that holds it.",
)


_UNSENT: Final = 128 * 1024
"""Bytes that the system takes for a caller before he has read the ones before, at most."""

_BOTH_FILES: Final = Bilingual(
    "serve.tls_cert 为证书链，serve.tls_key 为其无口令的私钥，均为本用户可读的 PEM 文件。",
    "serve.tls_cert is the chain, serve.tls_key its key without a password; PEM files that this user may read.",
)


class Server(uvicorn.Server):
    """uvicorn's server that says when the address is bound."""

    def __init__(self, config: uvicorn.Config, bound: Callable[[], None]) -> None:
        super().__init__(config)
        self._bound = bound

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Bind, then tell."""
        await super().startup(sockets)
        if self.started:
            self._bound()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are `serve`'s: uvicorn would raise them again at its end, before the ledger is closed."""
        yield


async def serve(house: House, announce: Callable[[House, Server], None]) -> int:
    """Serve until told to stop; returns the process's exit status. A worker serves the socket that its parent bound,
    and another one of its own, at which its canary finds it and no other.

    Args:
        house: an open house; it is closed in the end.
        announce: called when the address is bound; setting the server's `should_exit` stops it.
    """
    settings, data, seat = house.settings, house.options.data, house.options.seat
    scheme = "https" if settings.serve.tls_cert else "http"
    own = create_server(("127.0.0.1", 0)) if seat else None
    place = f"127.0.0.1:{own.getsockname()[1]}" if own else f"{_local(settings.serve.host)}:{settings.serve.port}"
    base = f"{scheme}://{place}"
    loop = asyncio.get_running_loop()

    def bound() -> None:
        announce(house, server)
        gc.collect()
        gc.freeze()  # what is there now stays: the lists alone are a hundred thousand objects
        gc.set_threshold(20_000, 20, 50)
        house.start(renewal.watch(house, base))
        proof = settings.evidence
        house.start(keep_witnessed(house.ledger, proof.witness, proof.checkpoint_every_s, server=settings.mail))
        if house.leads:
            _lead(house, base, desk)
        if seat:
            seat.ready(data).touch()
            house.start(renewal.share(house, seat))

    if house.leads:
        await asyncio.to_thread(renewal.started, house)
    desk = await asyncio.to_thread(deskwork.opened, house)
    front = await asyncio.to_thread(deskwork.front, house, desk)
    pages_ = pages(_host(house), front, _inside(house, desk), publicwork.opened(house))
    server = Server(_uvicorn(house, Rooms(App(house.live), pages_)), bound)
    pid = data / "guiju.pid"
    try:
        listening = [socket(fileno=os.dup(seat.listening)), own] if seat and own else [bind(settings)]
        if seat:
            loop.add_reader(seat.alive, server.handle_exit, signal.SIGTERM, None)  # the parent is gone
        else:
            pid.write_text(f"{os.getpid()}\n", "ascii")
        await house.live.upstreams.open()
        await house.live.guards.open()
        if threading.current_thread() is threading.main_thread():
            loop.add_signal_handler(signal.SIGHUP, lambda: house.start(renewal.reload(house, base)))
            for stop in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(stop, server.handle_exit, stop, None)
        await server.serve(sockets=listening)
    finally:
        if seat:
            loop.remove_reader(seat.alive)
        else:
            with suppress(FileNotFoundError):  # another process of the same data may have taken it away just now
                if pid.read_text("ascii").strip() == str(os.getpid()):
                    pid.unlink()
        await asyncio.to_thread(pages_.close)
        await house.close()
    return 0 if server.started else 2


def _lead(house: House, base: str, desk: Desk) -> None:
    """Begin what one of several workers does for all."""
    house.start(recalling.watch(house))
    house.start(replaying.watch(house, base))
    house.start(deskwork.watch(house, desk))
    house.start(complaining.watch(house, base))
    house.start(evaluating.watch(house))
    house.start(rehearsing.watch(house, scratch))
    house.start(publicwork.watch(house))


def scratch(house: House) -> tuple[Rooms, Callable[[], None]]:
    """The doors and public pages of a house in which drills are done, and what closes them."""
    desk = deskwork.opened(house)
    made = pages(_host(house), deskwork.front(house, desk), telling=publicwork.opened(house))
    return Rooms(App(house.live), made), made.close


def bind(settings: Settings) -> socket:
    """The listening socket.

    Raises:
        ConfigError: the address can't be bound, or the files for TLS do not fit.
    """
    _check_tls(settings.serve.tls_cert, settings.serve.tls_key)
    host, port = settings.serve.host, settings.serve.port
    if not 0 < port < 65536:
        raise ConfigError("config_invalid", what=f"serve.port {port}", hint="--port 1–65535")
    try:
        made = create_server((host, port), family=AF_INET6 if ":" in host else AF_INET, backlog=2048)
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(f"{host}:{port}", error), hint=_ELSEWHERE) from error
    # Every connection inherits it: without it the system holds 4 MiB for each caller who does not read.
    made.setsockopt(IPPROTO_TCP, TCP_NOTSENT_LOWAT, _UNSENT)
    return made


def _check_tls(cert: str, key: str) -> None:
    """Whether a certificate and its key can be used; both or none are named.

    Raises:
        ConfigError: they can't; it says which file, and why.
    """
    if not cert and not key:
        return
    if not cert or not key:
        raise ConfigError("config_invalid", what="serve.tls_cert, serve.tls_key", hint=_BOTH_FILES)
    try:
        for path in (cert, key):
            Path(path).read_bytes()
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, lambda: "")
    except (ssl.SSLError, ValueError) as error:
        what = Bilingual(
            f"{cert}、{key}：不是一对 PEM 证书与私钥", f"{cert}, {key}: not a certificate and its key in PEM"
        )
        raise ConfigError("config_invalid", what=what, hint=_BOTH_FILES) from error
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(error.filename or cert, error), hint=_BOTH_FILES) from error


class Rooms:
    """The rooms behind one address: pages by their own table, everything else is the gateway's.

    Args:
        gateway: the doors.
        pages: the pages.
    """

    def __init__(self, gateway: App, pages: Pages) -> None:
        self.gateway = gateway
        self.pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        page = scope["type"] == "http" and self.pages.has(scope["path"])
        await (self.pages if page else self.gateway)(scope, receive, send)


def pages(
    host: Host, front: Front | None = None, inside: Inside | None = None, telling: Telling | None = None
) -> Pages:
    """All pages; a route that is not here does not exist.

    Args:
        host: what serves them.
        front: what the public pages of the desk need; without it they are not there.
        inside: the inside of the process; without it there is no console.
        telling: where what is told of the service comes from; without it that is not there.
    """
    verify, public, told = VerifyPage(host), Public(host, front), PublicPages(host, telling)
    pasted = VerifyText(host)
    open_to_all = [*told.routes(), verify.route(), pasted.route(), *public.routes()]
    ends = [verify.close, pasted.close, public.close, told.close]
    if inside is None:
        return Pages(host, open_to_all, ends)
    console = ConsoleRooms(inside)
    return Pages(host, [*open_to_all, *console.routes], [*ends, console.close])


def _inside(house: House, desk: Desk) -> Inside:
    live, data = house.live, house.options.data
    books = deskwork.books(house)
    return Inside(
        settings=lambda: live.settings,
        store=house.store,
        data=data,
        books=live.books,
        ids=live.ids,
        secrets=house.secrets,
        policy=lambda: live.policy,
        board=lambda: duties.board(live.settings, data),
        notes=lambda: composition.notes(data),
        clock=live.clock,
        desk=desk,
        decisions=deskwork.decisions(books, desk),
        handling=deskwork.handling(books, desk),
    )


def _host(house: House) -> Host:
    live, seat = house.live, house.options.seat
    workers = seat.of if seat else 1

    def traced(number: str, file: BinaryIO) -> Trace | None:
        if live.ids.parse(number.partition("-")[0]) is None:
            return None
        file.seek(0)
        place = place_of(house.settings, house.options.data)
        return trace(place, live.ids, number, file.read(), house.secrets.digest)

    return Host(
        settings=lambda: live.settings,
        counted=live.metrics.counts.ended,
        exempt=exempt(house.settings),
        workers=workers,
        signatures=lambda: live.signatures,
        traced=traced,
        complains=True,
        notices=lambda: live.notices,
    )


def _uvicorn(house: House, rooms: Rooms) -> uvicorn.Config:
    settings = house.settings
    return uvicorn.Config(
        rooms,
        host=settings.serve.host,
        port=settings.serve.port,
        http=protocol(settings.limits, exempt(settings)),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=30,
        ssl_certfile=settings.serve.tls_cert or None,
        ssl_keyfile=settings.serve.tls_key or None,
    )


def _local(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::", "localhost") else f"[{host}]" if ":" in host else host  # noqa: S104 # compared, not bound


def exempt(settings: Settings) -> frozenset[str] | None:
    """Addresses from which any number of connections may come; none for all."""
    if settings.serve.behind_proxy:
        return None
    return frozenset({"127.0.0.1", "::1"}) if settings.mode == "development" else frozenset()

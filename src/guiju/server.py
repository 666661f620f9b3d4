# SPDX-License-Identifier: Apache-2.0
"""Serves: binds the address, lets the canary sing, keeps watch, and stops in order."""

from __future__ import annotations

import asyncio
import gc
import logging
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
    gauging,
    leading,
    matterwork,
    publicwork,
    readback,
    recalling,
    rehearsing,
    renewal,
    replaying,
)
from guiju.adapters.witness import Witnesses, keep_witnessed
from guiju.config import Settings
from guiju.console.door import Door
from guiju.console.host import Inside
from guiju.desk.cases import Desk
from guiju.desk.public import Front, Public
from guiju.dossier.public import PublicPages, Telling
from guiju.errors import Bilingual, ConfigError, GuijuError, failed
from guiju.gateway.app import App
from guiju.gateway.front import protocol
from guiju.gateway.http import Receive, Scope, Send
from guiju.handover import TAKES_S, Offer, Taken
from guiju.house import House, Part
from guiju.records.sources import place_of
from guiju.records.trace import Trace, trace
from guiju.web.pages import Host, Pages
from guiju.web.prefix import Below
from guiju.web.verify import VerifyPage
from guiju.web.verify_text import VerifyText
from guiju.workers import pid_file

log = logging.getLogger("guiju.server")
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


TLS_S: Final = 5.0
"""From one look at the files for TLS to the next."""
_CLOSE: Final = (b"connection", b"close")
_STEP_S: Final = 0.1


class Server(uvicorn.Server):
    """uvicorn's server that says when the address is bound, and lets go of its connections one after the other.

    Attributes:
        gently: whether connections that wait for a next request end by themselves, not in the midst of one.
    """

    def __init__(self, config: uvicorn.Config, bound: Callable[[], None]) -> None:
        super().__init__(config)
        self._bound = bound
        self.gently = False

    def drain(self) -> None:
        """Take nothing more, and stop when what is under way has ended."""
        self.gently = self.should_exit = True

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Stop. When it is done gently, each answer says that its connection ends, and one on which nothing comes ends
        by its own time: no client finds a connection closed on which it was just asking."""
        if self.gently:
            for server in self.servers:
                server.close()
            for one in sockets or ():
                one.close()
            self.server_state.default_headers = [*self.server_state.default_headers, _CLOSE]
            most = self.config.timeout_graceful_shutdown or 0
            for _ in range(round(most / _STEP_S)):
                if not self.server_state.connections or self.force_exit:
                    break
                await asyncio.sleep(_STEP_S)
            self.config.timeout_graceful_shutdown = 1
        await super().shutdown(sockets)

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
    place = f"127.0.0.1:{own.getsockname()[1]}" if own else f"{local(settings.serve.host)}:{settings.serve.port}"
    base = f"{scheme}://{place}"

    def bound() -> None:
        announce(house, server)
        _begin(house, server, base, desk, witnesses)

    house.leads = False  # until the store says so
    if house.options.only == "pages":
        del house.live.alive["canary"]
    await _started(house)
    witnesses = gauging.opened(house)
    desk = await asyncio.to_thread(deskwork.opened, house)
    front = await asyncio.to_thread(deskwork.front, house, desk)
    pages_ = pages(_host(house), front, _inside(house, desk), publicwork.opened(house))
    server = Server(_uvicorn(house, Rooms(App(house.live), pages_, house.options.only)), bound)
    pid = data / pid_file(house.options.only)
    offer: Offer | None = None
    try:
        listening = [_listening(house), own] if own else [_listening(house)]
        if not seat:
            pid.write_text(f"{os.getpid()}\n", "ascii")
        await house.live.upstreams.open()
        await house.live.guards.open()
        if threading.current_thread() is threading.main_thread():
            offer = _signals(house, server, base, listening[0])
        await server.serve(sockets=listening)
    finally:
        if offer:
            _withdrawn(offer)
        if seat:
            asyncio.get_running_loop().remove_reader(seat.alive)
        else:
            with suppress(FileNotFoundError):  # another process of the same data may have taken it away just now
                if pid.read_text("ascii").strip() == str(os.getpid()):
                    pid.unlink()
        await asyncio.to_thread(pages_.close)
        await asyncio.to_thread(gauging.closed, house)
        await house.close()
    return 0 if server.started else 2


async def _started(house: House) -> None:
    """Enter what changed since the last run; a house that may not serve is closed again."""
    try:
        await asyncio.to_thread(renewal.started, house)
    except GuijuError:
        await house.close()
        raise


def _begin(house: House, server: Server, base: str, desk: Desk, witnesses: Witnesses) -> None:
    """Begin what goes on beside the answers, now that the address is bound."""
    settings, seat = house.settings, house.options.seat
    gc.collect()
    gc.freeze()  # what is there now stays: the lists alone are a hundred thousand objects
    gc.set_threshold(20_000, 20, 50)
    house.start(renewal.watch(house, base))
    house.start(keep_witnessed(witnesses, settings.evidence.checkpoint_every_s))
    house.start(gauging.beat(house))
    if house.first:
        house.start(gauging.watch(house))
        house.start(deskwork.take_in(house, desk))
        house.start(leading.watch(house, _work(house, base, desk)))
    if seat:
        seat.ready(house.options.data).touch()
        house.start(renewal.share(house, seat))
    if settings.serve.tls_cert:
        house.start(_certified(settings, server))
    if house.options.taken:
        house.start(_taken_over(house, house.options.taken, server))


def _listening(house: House) -> socket:
    """The listening socket: the parent's, that of the process before, or one of this process's own."""
    seat, taken = house.options.seat, house.options.taken
    if seat:
        return socket(fileno=os.dup(seat.listening))
    return taken.listening if taken else bind(house.settings)


def _signals(house: House, server: Server, base: str, listening: socket) -> Offer | None:
    """Heed signals, the end of the parent, and whoever takes the listening socket over."""
    loop, seat = asyncio.get_running_loop(), house.options.seat

    def drain() -> None:
        house.draining = True
        server.drain()

    loop.add_signal_handler(signal.SIGHUP, lambda: house.start(renewal.reload(house, base)))
    loop.add_signal_handler(signal.SIGTERM, drain)
    loop.add_signal_handler(signal.SIGINT, server.handle_exit, signal.SIGINT, None)
    if seat:
        loop.add_reader(seat.alive, server.handle_exit, signal.SIGTERM, None)  # the parent is gone
        return None
    return _offered(house, drain, listening)


async def _certified(settings: Settings, server: Server) -> None:
    """Take up a certificate and key that were replaced; while the two do not fit, the old ones stay."""
    paths, context = (settings.serve.tls_cert, settings.serve.tls_key), server.config.ssl
    seen = [_stamp(path) for path in paths]
    while context is not None:
        await asyncio.sleep(TLS_S)
        if (now := [_stamp(path) for path in paths]) == seen:
            continue
        try:
            _check_tls(*paths)
            context.load_cert_chain(*paths)
        except (ConfigError, OSError) as error:
            log.warning("tls_not_taken", extra={"kind": type(error).__name__})
            continue
        seen = now
        log.warning("tls_taken")


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0
    return found.st_ino, found.st_mtime_ns


async def _taken_over(house: House, taken: Taken, server: Server) -> None:
    """Tell the process before that this one serves, once its canary is stopped; where it is not in time, end."""
    for _ in range(round(TAKES_S / _STEP_S)):
        if house.live.alive.get("canary", True):
            taken.ready()
            return
        await asyncio.sleep(_STEP_S)
    log.error("not_taken_over")
    server.should_exit = True


def _offered(house: House, over: Callable[[], None], listening: socket) -> Offer | None:
    """Offer the listening socket to the process that comes after this one."""
    loop = asyncio.get_running_loop()
    try:
        offer = Offer(house.options.data, house.options.only, listening.fileno(), over)
    except GuijuError as error:  # a file system without sockets: everything else works
        log.warning("no_handover", extra={"code": error.code})
        return None
    waited: list[int] = []

    def turn() -> None:
        offer.turn()
        wait()

    def wait() -> None:
        for descriptor in waited:
            loop.remove_reader(descriptor)
        waited[:] = offer.descriptors()
        for descriptor in waited:
            loop.add_reader(descriptor, turn)

    wait()
    return offer


def _withdrawn(offer: Offer) -> None:
    for descriptor in offer.descriptors():
        asyncio.get_running_loop().remove_reader(descriptor)
    offer.close()


def _work(house: House, base: str, desk: Desk) -> dict[str, list[leading.Work]]:
    """What one process does for all that share the store, by the lease that it needs for it."""
    return {
        leading.HOUSE: [
            lambda: recalling.watch(house),
            lambda: deskwork.watch(house, desk),
            lambda: evaluating.watch(house),
            lambda: rehearsing.watch(house, scratch),
            lambda: publicwork.watch(house),
            lambda: matterwork.watch(house),
        ],
        leading.DOORS: [lambda: replaying.watch(house, base), lambda: readback.watch(house, base)],
        leading.PAGES: [lambda: complaining.watch(house, base)],
    }


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
        only: the part that is served, if not all; the other part's addresses say that they are elsewhere.
    """

    def __init__(self, gateway: App, pages: Pages, only: Part = "") -> None:
        self.gateway = gateway
        self.pages = pages
        self._only = only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        page = scope["type"] == "http" and self.pages.has(scope["path"])
        part = "pages" if page else "" if scope.get("path") in EVERYWHERE else "gateway"
        if self._only and part and part != self._only:
            await self.gateway.elsewhere(scope, send, part)
        else:
            await (self.pages if page else self.gateway)(scope, receive, send)


EVERYWHERE: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What every process answers, whichever part it has."""


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
    console = Door(inside)
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
        documents=lambda: composition.ruled(house.store).documents,
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
    below = settings.serve.base_path
    return uvicorn.Config(
        Below(rooms, below) if below else rooms,
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


def local(host: str) -> str:
    """The address at which this machine reaches what listens at another one."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "localhost") else f"[{host}]" if ":" in host else host  # noqa: S104 # compared, not bound


def exempt(settings: Settings) -> frozenset[str] | None:
    """Addresses from which any number of connections may come; none for all."""
    if settings.serve.behind_proxy:
        return None
    return frozenset({"127.0.0.1", "::1"}) if settings.mode == "development" else frozenset()

# SPDX-License-Identifier: Apache-2.0
"""The HTTP front: what uvicorn does not bound itself (robustness §5, threats 15 and 16; RFC 9112, section 6.3).

Deadlines for headers and for a client that does not read, caps on headers and connections, no request whose length
can be read in two ways, and never two answers to one request. A lost connection is told at once to the exchange that
it carried.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from guiju.config import Limits
from guiju.errors import CallerError, GuijuError, OutsideError

_PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})
_HOP = frozenset({b"upgrade", b"connection", b"http2-settings"})
"""Fields of an offer to change the protocol; without them the same head asks for an ordinary answer."""


def _bare(status: int, error: GuijuError) -> bytes:
    """A whole answer for a connection that ends here."""
    said = f"{error.told('zh')} {error.told('en')}"
    body = msgspec.json.encode(
        {"error": {"message": said, "type": "invalid_request_error", "param": None, "code": error.code}}
    )
    head = f"HTTP/1.1 {status} {_PHRASES[status]}\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


_ANSWERS = {
    400: _bare(400, CallerError("invalid_request", what="HTTP", param="header")),
    408: _bare(408, CallerError("timeout")),
    431: _bare(431, CallerError("request_too_large", what="header")),
    503: _bare(503, OutsideError("overloaded")),
}


def protocol(limits: Limits, exempt: frozenset[str] | None) -> type[HttpToolsProtocol]:
    """The protocol class for uvicorn, bound to limits.

    Args:
        limits: robustness §5.
        exempt: addresses that are exempt from the limit per address; none for all of them, as behind a proxy, which
            is one address for everybody.
    """
    addresses: Counter[str] = Counter()

    class Bounded(Front):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.limits = limits
            self.addresses = addresses
            self.exempt = exempt

    return Bounded


class Front(HttpToolsProtocol):
    """One connection.

    Attributes:
        gone: called when the connection is lost while an exchange is under way.
    """

    limits: Limits
    addresses: Counter[str]
    exempt: frozenset[str] | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gone: Callable[[], object] | None = None
        self._deadline: TimerHandle | None = None
        self._stall: TimerHandle | None = None
        self._header_bytes = 0
        self._framing = 0
        self._reading: Literal["", "head", "body"] = ""
        self._address = ""
        self._ended = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # uvicorn narrows it likewise
        """Take a connection, or refuse it when there are too many."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self.addresses[self._address] += 1
        exempt = self.exempt is None or self._address in self.exempt
        many = self.addresses[self._address] > self.limits.connections_per_address and not exempt
        if many or len(self.connections) > self.limits.connections:
            self._end(503)
            return
        self._arm(self.limits.header_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the exchange under way, so that its upstream is cancelled."""
        self._disarm()
        if self._stall:
            self._stall.cancel()
        self.addresses[self._address] -= 1
        if self.addresses[self._address] <= 0:
            del self.addresses[self._address]
        if self.gone is not None:
            gone, self.gone = self.gone, None
            gone()
        super().connection_lost(exc)
        # They hold one another, and a body with them; what is cut here need not wait for the garbage collector.
        self.scope = self.cycle = None  # type: ignore[assignment] # uvicorn starts so

    def stay(self) -> None:
        """The exchange is over: nobody needs to be told any more."""
        self.gone = None

    def allow(self, seconds: float) -> None:
        """Give the body that is arriving so many seconds from now, instead of the settings'."""
        if self._reading == "body":
            self._disarm()
            self._arm(seconds)

    def data_received(self, data: bytes) -> None:
        """Feed the parser. What does not arrive at once has a deadline: the head, and then the body."""
        if self._ended:
            return
        self._unset_keepalive_if_required()
        self._framing += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._end(400)
        if self._ended:
            return
        if self._framing > 2 * self.limits.header_bytes:  # the parser keeps a field until its line ends
            self._end(431)
        elif self._deadline is None and (self._reading or self._idle):
            self._arm(self.limits.body_s if self._reading == "body" else self.limits.header_s)

    def _feed(self, data: bytes) -> None:
        """Parse. An offer to change the protocol is not taken (RFC 9110, 7.8): its head is read again without it.

        The parser would take what follows for another protocol, and then the body for a request.
        """
        while True:
            try:
                return self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as paused:
                if self._ended:
                    return None
                fields = [(name, value) for name, value in self.headers if name not in _HOP]
                if any(b"close" in value.lower() for name, value in self.headers if name == b"connection"):
                    fields.append((b"connection", b"close"))
                version = self.parser.get_http_version().encode()
                start = self.parser.get_method() + b" " + self.url + b" HTTP/" + version + b"\r\n"
                head = start + b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n"
                data = head + data[paused.args[0] :]
                self.parser = httptools.HttpRequestParser(self)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._reading = "head"
        self._header_bytes = 0
        self.scope["guiju.connection"] = self  # type: ignore[typeddict-unknown-key] # our own extension of the scope

    def on_url(self, url: bytes) -> None:
        """Count the target as part of the head."""
        self._header_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a field; too many or too large ends the connection. One that follows the body is no header."""
        if self._reading == "body":
            return
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > self.limits.header_bytes or len(self.headers) >= self.limits.header_fields:
            self._end(431)
            return
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there. A length that can be read in two ways is refused (RFC 9112, 6.3), and so is a request that
        names no host, or two (3.2)."""
        if self._ended:
            return
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT" or not self._idle:
                self._end(400)
            return
        lengths = hosts = 0
        for name, value in self.headers:
            if name in _LENGTHS:
                lengths += 1 if name == b"content-length" or value.lower() == b"chunked" else 2
            elif name == b"host":
                hosts += 1
            elif b"_" in name:
                lengths = 2
        version = self.parser.get_http_version()
        named = hosts == 1 or (hosts == 0 and version == "1.0")
        if lengths > 1 or not named or version not in ("1.1", "1.0"):
            self._end(400)
            return
        if version == "1.0":
            self.expect_100_continue = False  # it would take an interim answer for the answer (RFC 9110, 10.1.1)
        super().on_headers_complete()
        self._reading = "body"
        self._disarm()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin to answer; a client of HTTP/1.0 gets no chunks."""
        old = cycle.scope["http_version"] == "1.0"
        super()._start_asgi_task(cycle, Unchunked(app, cycle) if old else app)

    def on_body(self, body: bytes) -> None:
        """Pass a body on, unless its request was refused."""
        self._framing = 0
        if not self._ended:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Pass the end on, unless the request was refused or its head is yet to be read again."""
        self._framing = 0
        if self._ended or self.parser.should_upgrade():
            return
        self._reading = ""
        self._disarm()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client does not read: it has so long to begin again."""
        super().pause_writing()
        self._stall = self.loop.call_later(self.limits.write_stall_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        if self._stall:
            self._stall.cancel()
            self._stall = None
        super().resume_writing()

    def _arm(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._end, 408)

    def _disarm(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    @property
    def _idle(self) -> bool:
        """Whether nothing that came is still to be answered."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def _answered(self) -> bool:
        """Whether an answer has begun that another one would follow, or break into."""
        if self._reading == "head":
            return not self._idle
        return self.cycle is not None and (self.cycle.response_started or bool(self.pipeline))

    def _end(self, status: int) -> None:
        """Answer, unless that would be a second answer, and close. An exchange whose body never came is told that its
        client left."""
        if self._ended or self.transport is None:
            return
        self._ended = True
        self._disarm()
        if not self._answered:
            self.transport.write(_ANSWERS[status])
        self.transport.close()


class Unchunked:
    """Answers a client of HTTP/1.0, which knows no chunks: what has no length ends with the connection (RFC 9112, 6.1).

    Args:
        app: whoever answers.
        cycle: the one answer.
    """

    def __init__(self, app: Any, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle
        self._open = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""

        async def plain(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._open = all(name.lower() != b"content-length" for name, _ in message["headers"])
                if self._open:
                    self._cycle.chunked_encoding = False
            elif self._open:  # each part is as long as was to be expected
                self._cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, plain)

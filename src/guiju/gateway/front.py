# SPDX-License-Identifier: Apache-2.0
"""The HTTP front: what uvicorn does not bound itself (robustness §5, threats 15 and 16; RFC 9112, section 6.3).

Deadlines for headers and for a client that does not read, caps on headers and connections, and no request whose
length can be read in two ways. A lost connection is told at once to the exchange that it carried.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from guiju.config import Limits
from guiju.errors import CallerError, GuijuError, OutsideError

_PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})


def _bare(status: int, error: GuijuError) -> bytes:
    """A whole answer for a connection that ends here."""
    said = f"{error.sentence('zh')}{error.advice('zh')} {error.sentence('en')} {error.advice('en')}"
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


def protocol(limits: Limits, *, loopback_exempt: bool) -> type[HttpToolsProtocol]:
    """The protocol class for uvicorn, bound to limits.

    Args:
        limits: robustness §5.
        loopback_exempt: whether loopback addresses are exempt from the limit per address (development).
    """
    addresses: Counter[str] = Counter()

    class Bounded(Front):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.limits = limits
            self.addresses = addresses
            self.loopback_exempt = loopback_exempt

    return Bounded


class Front(HttpToolsProtocol):
    """One connection.

    Attributes:
        gone: called when the connection is lost while an exchange is under way.
    """

    limits: Limits
    addresses: Counter[str]
    loopback_exempt: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gone: Callable[[], object] | None = None
        self._deadline: TimerHandle | None = None
        self._stall: TimerHandle | None = None
        self._header_bytes = 0
        self._reading: Literal["", "head", "body"] = ""
        self._address = ""
        self._ended = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # uvicorn narrows it likewise
        """Take a connection, or refuse it when there are too many."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self.addresses[self._address] += 1
        exempt = self.loopback_exempt and self._address in ("127.0.0.1", "::1")
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

    def data_received(self, data: bytes) -> None:
        """Feed the parser. What does not arrive at once has a deadline: the head, and then the body."""
        if self._ended:
            return
        if self._deadline is not None and not self._reading:
            self._disarm()
        super().data_received(data)
        if self._reading and self._deadline is None and not self._ended:
            self._arm(self.limits.header_s if self._reading == "head" else self.limits.body_s)

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
        """Count a field; too many or too large ends the connection."""
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > self.limits.header_bytes or len(self.headers) >= self.limits.header_fields:
            self._end(431)
            return
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there. A length that can be read in two ways is refused (RFC 9112, 6.3)."""
        self._reading = "body"
        self._disarm()
        if self._ended:
            return
        lengths = 0
        for name, _ in self.headers:
            if name in _LENGTHS:
                lengths += 1
            elif b"_" in name:
                lengths = 2
        if lengths > 1:
            self._end(400)
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a body on, unless its request was refused."""
        if not self._ended:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Pass the end on, unless the request was refused."""
        self._reading = ""
        self._disarm()
        if not self._ended:
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

    def _end(self, status: int) -> None:
        """Answer and close. An exchange whose body never came is told that its client left."""
        if self._ended or self.transport is None:
            return
        self._ended = True
        self._disarm()
        self.transport.write(_ANSWERS[status])
        self.transport.close()

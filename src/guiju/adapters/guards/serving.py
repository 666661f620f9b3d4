# SPDX-License-Identifier: Apache-2.0
"""Serves the heads of a classifier as a guard model over HTTP (Articles 4, 15): what `guiju guard serve` runs, and what
`encoder` asks.

One thread looks, text by text, so that `/healthz` is answered meanwhile, and not for those who have left. Nothing of a
text is kept or logged.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import msgspec
import uvicorn

from guiju.adapters.guards.encoder import CHARACTERS, PATH, TEXTS, Look, Looked, Seen
from guiju.detect.model.heads import Heads
from guiju.detect.model.judge import SIDES, Judge
from guiju.detect.model.weights import Thresholds

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

WAITING: Final = 64
"""Requests that may be under way; more are too many at once."""
READ_S: Final = 10.0
"""Seconds within which a body must be here."""
_BODY: Final = TEXTS * CHARACTERS * 6 + 1024
"""Bytes of the largest request there can be: JSON writes a control character in six."""
_DECODE: Final = msgspec.json.Decoder(Look)
log = logging.getLogger("guiju.guard")


class _RefusedError(Exception):
    """A request that is not looked at.

    Args:
        status: of HTTP.
        code: why.
    """

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class GuardApp:
    """The ASGI application.

    Args:
        heads: what scores texts.
        at: their thresholds.
        key: what must come as `Authorization: Bearer …`; "" for nothing.
    """

    def __init__(self, heads: Heads, at: Thresholds, key: str = "") -> None:
        self._heads = heads
        self._judges = {side: Judge(side, heads, at) for side in SIDES}
        self._version = at.version
        self._key = f"Bearer {key}".encode() if key else b""
        self._thread = ThreadPoolExecutor(1, "guard")
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http", "the server takes nothing else"
        route = (scope["method"], scope["path"])
        try:
            if route == ("GET", "/healthz"):
                await _reply(send, 200, {"status": "ok", "version": self._version})
            elif route == ("POST", PATH):
                await self._asked(scope, receive, send)
            else:
                await _reply(send, 404, {"error": "not_found"})
        except _RefusedError as error:
            await _reply(send, error.status, {"error": error.code})

    async def _asked(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = dict(scope["headers"])
        if self._key and not hmac.compare_digest(head.get(b"authorization", b""), self._key):
            raise _RefusedError(401, "invalid_api_key")
        if self._waiting >= WAITING:
            raise _RefusedError(503, "overloaded")
        self._waiting += 1
        try:
            work = asyncio.create_task(self._looked(await _look(receive)))
            left = asyncio.create_task(_left(receive))
            try:
                await asyncio.wait((work, left), return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    await _reply(send, 200, work.result())
            finally:
                work.cancel()
                left.cancel()
        finally:
            self._waiting -= 1

    async def _looked(self, look: Look) -> Looked:
        """What is found in each text; whoever else asks meanwhile has a text looked at in between."""
        loop = asyncio.get_running_loop()
        found = []
        for text in look.texts:
            try:
                found.append(await loop.run_in_executor(self._thread, self._found, look, text))
            except Exception as error:  # whatever breaks the model breaks this request alone
                log.error("guard_look_failed", extra={"kind": type(error).__name__})
                raise _RefusedError(500, "internal") from None
        return Looked(self._version, tuple(found))

    def _found(self, look: Look, text: str) -> tuple[Seen, ...]:
        if not text:
            return ()
        told = self._judges[look.side].told(text, self._heads.scores(text))
        return tuple(
            Seen(one.category, "block" if one.severity == "block" else "signal", one.start, one.end) for one in told
        )


async def _look(receive: Receive) -> Look:
    """The request, whole."""
    body = bytearray()
    try:
        async with asyncio.timeout(READ_S):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _RefusedError(408, "timeout")  # nobody reads it
                body += message.get("body", b"")
                if len(body) > _BODY:
                    raise _RefusedError(413, "request_too_large")
                more = message.get("more_body", False)
    except TimeoutError:
        raise _RefusedError(408, "timeout") from None
    try:
        return _DECODE.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _RefusedError(400, "invalid_request") from None


async def _left(receive: Receive) -> None:
    """Ends when whoever asked has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reply(send: Send, status: int, document: object) -> None:
    body = msgspec.json.encode(document)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if status in (408, 413):
        headers.append((b"connection", b"close"))  # what is left of the request is not read
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def server(app: GuardApp) -> uvicorn.Server:
    """A uvicorn server for the application; the caller binds the socket and runs it."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=4 * WAITING,
            timeout_keep_alive=60,  # longer than a gateway keeps a connection, so that it never asks on one that ends
            timeout_graceful_shutdown=10,
        )
    )

# SPDX-License-Identifier: Apache-2.0
"""Model services that speak OpenAI's protocol, asked with deadlines, caps and a circuit breaker (Article 14).

The client never chooses the host: redirects are off, the environment's proxies are ignored. A failure before the
first byte counts against the circuit; what breaks later is an error of that one exchange (robustness §5).
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final

import aiohttp
from yarl import URL

from guiju.adapters.deadlines import Deadlines, Wait
from guiju.config import Limits
from guiju.config import Upstream as UpstreamSettings
from guiju.errors import CallerError, OutsideError

CHAT: Final = "/chat/completions"
_BROKEN = (aiohttp.ClientError, ConnectionError, ssl.SSLError, ValueError)


class Circuit:
    """Opens after so many failures in a window, lets one probe through after a while, closes when it succeeds."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._failures: deque[float] = deque(maxlen=limits.circuit_failures)
        self._opened = 0.0
        self._probing = False

    def enter(self, now: float) -> None:
        """Ask to go through.

        Raises:
            OutsideError: `upstream_failed`, the circuit is open.
        """
        if not self._opened:
            return
        if now - self._opened < self._limits.circuit_open_s or self._probing:
            raise OutsideError("upstream_failed", what="circuit open")
        self._probing = True

    def failed(self, now: float) -> None:
        """Count a failure before the first byte."""
        self._failures.append(now)
        full = len(self._failures) == self._limits.circuit_failures
        if self._probing or (full and now - self._failures[0] <= self._limits.circuit_window_s):
            self._opened = now
        self._probing = False

    def left(self) -> None:
        """The caller went away before anything was known; the next one may probe."""
        self._probing = False

    def worked(self) -> None:
        """A first byte came."""
        if self._opened or self._failures:
            self._failures.clear()
            self._opened, self._probing = 0.0, False


class Reply:
    """An upstream's answer whose head has arrived.

    Attributes:
        streamed: whether it is an event stream.
    """

    def __init__(self, response: aiohttp.ClientResponse, limits: Limits, wait: Wait) -> None:
        self._response = response
        self._limits = limits
        self._wait = wait
        self.streamed = response.content_type == "text/event-stream"

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, to its very end.

        Raises:
            OutsideError: it broke, stood still, or is larger than allowed.
        """
        total, content = 0, self._response.content
        wait, between, most = self._wait.within, self._limits.upstream_between_s, self._limits.upstream_body_bytes
        try:
            while chunk := await wait(between, content.readany(), "between chunks"):
                total += len(chunk)
                if total > most:
                    raise OutsideError("upstream_failed", what="body too large")
                yield chunk
        except _BROKEN:
            raise OutsideError("upstream_failed", what="connection broke") from None

    async def body(self) -> bytes:
        """The whole body."""
        return b"".join([chunk async for chunk in self.chunks()])

    def close(self) -> None:
        """Let go: what has not been read is cancelled, and the connection with it."""
        self._wait.end()
        self._response.close()


class Upstream:
    """One model service.

    Args:
        settings: its name, address, key and models.
        limits: deadlines and caps.
    """

    def __init__(self, settings: UpstreamSettings, limits: Limits) -> None:
        self.name = settings.name
        self._models = settings.models
        self._limits = limits
        self._base = settings.url.rstrip("/")
        self._urls: dict[str, URL] = {}
        self._circuit = Circuit(limits)
        self._session: aiohttp.ClientSession | None = None
        self._deadlines: Deadlines | None = None
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if key := os.environ.get(settings.key_env) if settings.key_env else None:
            self._headers["Authorization"] = f"Bearer {key}"

    def serves(self, model: str) -> str:
        """The upstream's own name for a public model name; `""` when it does not serve it."""
        if model in self._models:
            own = self._models[model]
            return model if own == "*" else own
        own = self._models.get("*", "")
        return model if own == "*" else own

    @property
    def models(self) -> tuple[str, ...]:
        """The public names that it serves, without the wildcard."""
        return tuple(name for name in self._models if name != "*")

    async def open(self) -> None:
        """Make the connection pool; call it inside the event loop."""
        self._deadlines = Deadlines()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30, ttl_dns_cache=30),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._limits.upstream_connect_s),
            trust_env=False,
            auto_decompress=False,
            read_bufsize=2**18,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent",),
        )

    async def close(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    async def idle(self) -> None:
        """Wait until no exchange uses it any more."""
        while self._deadlines is not None and self._deadlines.busy:  # noqa: ASYNC110 # exchanges end without an event
            await asyncio.sleep(1)

    async def ask(self, body: bytes, path: str = CHAT) -> Reply:
        """Send a canonical request and wait for the head of the answer; at most one retry, before any byte came.

        Raises:
            OutsideError: it failed, timed out, or refused.
        """
        loop = asyncio.get_running_loop()
        assert self._deadlines is not None, "open() comes first"
        self._circuit.enter(loop.time())
        wait = self._deadlines.wait(self._limits.upstream_whole_s)
        try:
            response = await wait.within(self._limits.upstream_first_byte_s, self._post(body, path), "first byte")
            self._judge(response)
        except OutsideError as error:
            wait.end()
            if error.code in ("upstream_failed", "upstream_timeout"):
                self._circuit.failed(loop.time())
            raise
        except BaseException:  # the caller left; nothing is known about the service
            wait.end()
            self._circuit.left()
            raise
        return Reply(response, self._limits, wait)

    def _judge(self, response: aiohttp.ClientResponse) -> None:
        """Look at the head of an answer.

        Raises:
            OutsideError: it is not one.
        """
        status = response.status
        if status == 200 and "Content-Encoding" not in response.headers:
            self._circuit.worked()
            return
        response.close()
        if status >= 500 or status == 200:
            raise OutsideError("upstream_failed", what=f"status {status}" if status != 200 else "compressed")
        self._circuit.worked()
        if status == 429:
            raise OutsideError("overloaded")
        raise OutsideError("upstream_refused", status=status)

    async def _post(self, body: bytes, path: str) -> aiohttp.ClientResponse:
        assert self._session is not None, "open() comes first"
        url = self._urls.get(path) or self._urls.setdefault(path, URL(self._base + path))
        for attempt in (1, 2):
            try:
                return await self._session.post(url, data=body, headers=self._headers, allow_redirects=False)
            except TimeoutError:
                raise OutsideError("upstream_timeout", what="connection") from None
            except aiohttp.ClientConnectorError:
                raise OutsideError("upstream_failed", what="no connection") from None
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError):
                if attempt == 2:  # the first may have met a kept connection that the service was just closing
                    raise OutsideError("upstream_failed", what="connection broke") from None
            except _BROKEN:
                raise OutsideError("upstream_failed", what="no valid answer") from None
        raise AssertionError("the loop returns or raises")


class Upstreams:
    """All model services, by model name; the first that serves a name gets it."""

    def __init__(self, services: Sequence[Upstream]) -> None:
        self._all = tuple(services)

    def find(self, model: str) -> tuple[Upstream, str]:
        """The service for a model and its own name there.

        Raises:
            CallerError: `model_not_found`.
        """
        for upstream in self._all:
            if own := upstream.serves(model):
                return upstream, own
        raise CallerError("model_not_found", model=model if model.isascii() else "…")

    def names(self) -> list[str]:
        """Public model names, each once."""
        return list(dict.fromkeys(name for one in self._all for name in one.models))

    async def open(self) -> None:
        """Open every pool."""
        for one in self._all:
            await one.open()

    async def retire(self) -> None:
        """Close every pool once the exchanges under way have ended; at once when cancelled."""
        try:
            for one in self._all:
                await one.idle()
        finally:
            await self.close()

    async def close(self) -> None:
        """Close every pool."""
        for one in self._all:
            await one.close()

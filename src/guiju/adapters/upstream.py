# SPDX-License-Identifier: Apache-2.0
"""Model services of OpenAI's protocol or Anthropic's, asked with deadlines, caps and a circuit breaker (Article 14).

The client never chooses the host: redirects are off, the environment's proxies are ignored. A failure before the
first byte counts against the circuit; what breaks later is an error of that one exchange (robustness §5).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping
from time import perf_counter
from typing import Final, Literal, NamedTuple

import aiohttp
import msgspec
from yarl import URL

from guiju.adapters import credentials, refusals
from guiju.adapters.deadlines import Deadlines, Wait
from guiju.adapters.party import outside
from guiju.config import Limits, UpstreamKind
from guiju.config import Upstream as UpstreamSettings
from guiju.environment import variable
from guiju.errors import OutsideError

Spoken = UpstreamKind | Literal["completions"]
"""What may be spoken to a service: the protocol of its kind, or the older one, in which a prompt is continued."""
CONTINUED: Final = "/completions"
"""Where below the base address a prompt is continued as it is, by services whose settings say so."""
ASKED_AT: Final[Mapping[Spoken, str]] = {
    "openai": "/chat/completions",
    "anthropic": "/messages",
    "completions": CONTINUED,
}
"""What is spoken → where below the base address text is asked for."""
ANTHROPIC_VERSION: Final = "2023-06-01"
"""The version of Anthropic's protocol that is spoken."""
REFUSAL_BYTES: Final = 65_536
"""Bytes of a refusal that are read at most."""
Method = Literal["POST", "GET", "DELETE"]
_BROKEN = (aiohttp.ClientError, ConnectionError, ssl.SSLError, ValueError)


class Address(NamedTuple):
    """What a request depends on beside what was asked: whom it goes to.

    Attributes:
        model: the service's own name for the model.
        kind: the protocol that is spoken to it.
        max_tokens: what an answer may have where the caller sets no limit and the protocol must be told one.
    """

    model: str
    kind: Spoken
    max_tokens: int


class UnansweredError(OutsideError):
    """The service failed before a byte of its answer came, so that another may be asked.

    Attributes:
        dropped: the connection was dropped; it may have been a kept one that the service was just closing.
    """

    dropped = False


class ContentRefusedError(OutsideError):
    """The service refused for content: a control hears it, and until then it is an error like any other.

    Args:
        refusal: what it said.
        status: in which HTTP status.
    """

    def __init__(self, refusal: refusals.Refusal, status: int) -> None:
        super().__init__("upstream_refused", status=status)
        self.refusal = refusal


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
            UnansweredError: `upstream_failed`, the circuit is open.
        """
        if not self._opened:
            return
        if self.shut(now):
            raise UnansweredError("upstream_failed", what="circuit open")
        self._probing = True

    def shut(self, now: float) -> bool:
        """Whether nobody may go through now."""
        return bool(self._opened) and (now - self._opened < self._limits.circuit_open_s or self._probing)

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
        kind: the protocol that it is in.
        service: the name of the service that answers, as the settings have it.
        waited: seconds in which its body was waited for.
        ended: when the last of it came, in seconds of `perf_counter`; 0 before.
    """

    kind: Spoken = "openai"
    service = ""
    waited = 0.0
    ended = 0.0

    def __init__(self, response: aiohttp.ClientResponse, limits: Limits, wait: Wait, kind: Spoken = "openai") -> None:
        self.kind = kind
        self._response = response
        self._limits = limits
        self._wait = wait
        self.streamed = response.content_type == "text/event-stream"

    async def chunks(self, most: int = 0) -> AsyncIterator[bytes]:
        """The body as it arrives, to its very end.

        Args:
            most: bytes, at most; 0 for those of the settings.

        Raises:
            OutsideError: it broke, stood still, or is larger than allowed.
        """
        total, content = 0, self._response.content
        wait, between, most = (
            self._wait.within,
            self._limits.upstream_between_s,
            most or self._limits.upstream_body_bytes,
        )
        try:
            while True:
                began = perf_counter()
                chunk = await wait(between, content.readany(), "between chunks")
                self.ended = perf_counter()
                self.waited += self.ended - began
                if not chunk:
                    break
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
        key: its key, where the settings name no variable that holds it.
        own: whether the address is this process's own, whose certificate names another host.

    Attributes:
        weight: its share among those that serve the same name.
        kind: the protocol that it speaks.
        outside: whether it is somebody else's (Article 11).
        extra: headers that go along with each request.
    """

    def __init__(self, settings: UpstreamSettings, limits: Limits, key: str = "", *, own: bool = False) -> None:
        self.name = settings.name
        self.weight = settings.weight
        self.kind = settings.kind
        self.outside = outside(settings.url, settings.party)
        self._most = settings.max_tokens
        self._continues = settings.completions == "native"
        self._models = settings.models
        self._limits = limits
        self._base = settings.url.rstrip("/")
        self._urls: dict[str, URL] = {}
        self._circuit = Circuit(limits)
        self._session: aiohttp.ClientSession | None = None
        self._own = own
        self.extra: dict[str, str] = {}
        self._deadlines: Deadlines | None = None
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if self.kind == "anthropic":
            self._headers["anthropic-version"] = ANTHROPIC_VERSION
        self._key = credentials.File(settings.key_file) if settings.key_file else None
        self._keyed(variable(settings.key_env) if settings.key_env else key)

    def _keyed(self, key: str) -> None:
        """Ask with a key from now on; `""` without one."""
        name, value = ("x-api-key", key) if self.kind == "anthropic" else ("Authorization", f"Bearer {key}")
        if key:
            self._headers = {**self._headers, name: value}

    def serves(self, model: str) -> str:
        """The upstream's own name for a public model name; `""` when it does not serve it."""
        if model in self._models:
            own = self._models[model]
            return model if own == "*" else own
        own = self._models.get("*", "")
        return model if own == "*" else own

    def speaks(self, path: str = "") -> Spoken:
        """What is spoken to it at a path below its base address."""
        return "completions" if path == CONTINUED and self._continues else self.kind

    def address(self, model: str, path: str = "") -> Address:
        """Whom a request for a public model name goes to, by the path at which it is asked for."""
        return Address(self.serves(model), self.speaks(path), self._most)

    @property
    def listed(self) -> frozenset[str]:
        """The names that its settings list, without the wildcard."""
        return frozenset(name for name, own in self._models.items() if own and name != "*")

    @property
    def models(self) -> tuple[str, ...]:
        """The public names that it serves, without the wildcard."""
        return tuple(name for name in self._models if name != "*")

    @property
    def every(self) -> bool:
        """Whether it serves names that it does not list."""
        return bool(self._models.get("*"))

    @property
    def shut(self) -> bool:
        """Whether its circuit is open."""
        return self._circuit.shut(asyncio.get_running_loop().time())

    @property
    def busy(self) -> bool:
        """Whether an exchange uses it."""
        return self._deadlines is not None and self._deadlines.busy

    async def open(self) -> None:
        """Make the connection pool; call it inside the event loop."""
        self._deadlines = Deadlines()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=not self._own, limit=0, keepalive_timeout=30, ttl_dns_cache=30),
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

    async def ask(
        self, body: bytes, path: str = "", form: str = "", *, method: Method = "POST", again: bool = True
    ) -> Reply:
        """Send a canonical request and wait for the head of the answer.

        Args:
            body: the request.
            path: below the base address; by default where text is asked for, which a service is, too, that continues
                no prompt as it is.
            form: its `Content-Type` where it is not JSON.
            method: of HTTP; only with `POST` there is a body.
            again: send it once more when the connection is dropped before any byte came.

        Raises:
            ContentRefusedError: the service refused for content.
            UnansweredError: it failed before a byte of an answer came.
            OutsideError: it failed otherwise, timed out, or refused.
        """
        loop = asyncio.get_running_loop()
        assert self._deadlines is not None, "open() comes first"
        self._circuit.enter(loop.time())
        wait = self._deadlines.wait(self._limits.upstream_whole_s)
        spoken = self.speaks(path)
        at = ASKED_AT[spoken] if path in ("", CONTINUED) else path
        try:
            response = await wait.within(
                self._limits.upstream_first_byte_s,
                self._send(method, body, at, form, again),
                "first byte",
            )
            if response.status == 400:
                await self._hear_out(response, wait)
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
        reply = Reply(response, self._limits, wait, spoken)
        reply.service = self.name
        return reply

    async def _hear_out(self, response: aiohttp.ClientResponse, wait: Wait) -> None:
        """Read why a request was refused: a refusal for content is not a fault of the service's.

        Raises:
            ContentRefusedError: it was for content.
        """
        said = b""
        try:
            while chunk := await wait.within(
                self._limits.upstream_between_s, response.content.readany(), "between chunks"
            ):
                said += chunk
                if len(said) > REFUSAL_BYTES:
                    return
            refusal = refusals.read(msgspec.json.decode(said), "input")
        except (*_BROKEN, OutsideError, RecursionError):  # it stays what its status says
            return
        if refusal:
            response.close()
            self._circuit.worked()
            raise ContentRefusedError(refusal, response.status)

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
        if status == 200:
            raise OutsideError("upstream_failed", what="compressed")
        if status >= 500:
            raise UnansweredError("upstream_failed", what=f"status {status}")
        self._circuit.worked()
        if status == 429:
            raise UnansweredError("overloaded")
        raise OutsideError("upstream_refused", status=status)

    async def _send(self, method: Method, body: bytes, path: str, form: str, again: bool) -> aiohttp.ClientResponse:
        assert self._session is not None, "open() comes first"
        url = self._urls.get(path) or self._urls.setdefault(path, URL(self._base + path))
        if self._key and (fresh := self._key.fresh()):
            self._keyed(fresh)
        headers = self._headers | self.extra if self.extra else self._headers
        headers = {**headers, "Content-Type": form} if form else headers
        while True:
            try:
                data = body if method == "POST" else None
                return await self._session.request(method, url, data=data, headers=headers, allow_redirects=False)
            except TimeoutError:
                raise UnansweredError("upstream_timeout", what="connection") from None
            except aiohttp.ClientConnectorError:
                raise UnansweredError("upstream_failed", what="no connection") from None
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError):
                if not again:
                    error = UnansweredError("upstream_failed", what="connection broke")
                    error.dropped = True
                    raise error from None
                again = False  # the first may have met a kept connection that the service was just closing
            except _BROKEN:
                raise OutsideError("upstream_failed", what="no valid answer") from None

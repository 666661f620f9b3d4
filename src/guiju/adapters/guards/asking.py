# SPDX-License-Identifier: Apache-2.0
"""One guard model: asked in batches, within its own time, with a circuit breaker (robustness §6; Articles 4, 11, 15).

Nobody but the settings chooses the host: redirects are off, the environment's proxies are ignored. An answer that is
not one is a failure; nothing that went unanswered counts as looked at.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import aiohttp
from yarl import URL

from guiju.adapters.guards.labels import Said, Side, meant
from guiju.adapters.guards.portions import portions
from guiju.adapters.guards.speech import Ask, ShapeError, Speaks
from guiju.adapters.upstream import Circuit, UnansweredError
from guiju.config import Guard as Settings
from guiju.config import Limits
from guiju.errors import OutsideError
from guiju.terms import Finding

State = Literal["up", "degraded", "closed"]
CLOSES_AFTER_S: Final = 300.0
"""Seconds without an answer after which a guard that may fail closes nevertheless (robustness §6)."""
PING: Final = "今天天气很好，适合出去走走。"
"""What a guard is asked to see whether it answers: harmless, and nobody's."""
_OVERLAP: Final = 200
_AT_ONCE: Final = 8
_ANSWER_BYTES: Final = 1024 * 1024
_BROKEN: Final = (aiohttp.ClientError, ConnectionError, ValueError)

Why = Literal["timeout", "connection", "status", "shape", "circuit", "length"]


class UnaskedError(OutsideError):
    """A guard gave no answer about texts; they count as not looked at.

    Args:
        why: what failed.
        detail: a number that says more, such as the HTTP status.
    """

    def __init__(self, why: Why, detail: int = 0) -> None:
        super().__init__("guard_unavailable", what=f"{why} {detail}" if detail else why)
        self.why = why
        self.detail = detail


class Guard:
    """Asks one guard model.

    Args:
        settings: its address, side, reach, times.
        speaks: its protocol.
        limits: of the circuit breaker, and the time to connect.
        headers: sent with each request.
        clock: Unix seconds, for signatures.

    Attributes:
        failing_since: Unix seconds, by the caller's clock, since which it has given no answer; 0 while it answers.
    """

    def __init__(
        self,
        settings: Settings,
        speaks: Speaks,
        limits: Limits,
        headers: Mapping[str, str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.id = settings.id
        self.settings = settings
        self.failing_since = 0.0
        self._speaks = speaks
        self._limits = limits
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", **headers}
        self._clock = clock
        self._base = settings.url.rstrip("/")
        self._circuit = Circuit(limits)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    # ------------------------------------------------------------------ how it is
    def state(self, now: float) -> State:
        """Whether it answers; and if it does not, whether the service goes on without it.

        Args:
            now: Unix seconds.
        """
        if not self.failing_since:
            return "up"
        if self.settings.on_failure == "closed" or now - self.failing_since >= CLOSES_AFTER_S:
            return "closed"
        return "degraded"

    async def open(self) -> None:
        """Make the connection pool; call it inside the event loop."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=4 * _AT_ONCE, keepalive_timeout=30, ttl_dns_cache=30),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._limits.upstream_connect_s),
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent",),
        )

    async def close(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    # ------------------------------------------------------------------ asking
    async def ask(self, texts: Sequence[str], side: Side, prompt: str, now: float) -> list[list[Finding]]:
        """What it finds in each text.

        Args:
            texts: what is looked at, in one go.
            side: whether they were asked or answered.
            prompt: what a reply answers; guards that judge a conversation are shown it.
            now: Unix seconds, by which a failure is remembered.

        Raises:
            UnaskedError: it did not answer about all of them in time.
        """
        if sum(map(len, texts)) > self.settings.characters:
            raise UnaskedError("length")  # says nothing about the guard
        try:
            made = await self._within(texts, side, prompt)
        except UnaskedError:
            self.failing_since = self.failing_since or now
            raise
        self.failing_since = 0.0
        return made

    async def ping(self, now: float) -> None:
        """Ask about a harmless sentence.

        Raises:
            UnaskedError: it did not answer.
        """
        side: Side = "reply" if self.settings.side == "reply" else "request"
        await self.ask((PING,), side, PING, now)

    async def _within(self, texts: Sequence[str], side: Side, prompt: str) -> list[list[Finding]]:
        """Ask within the guard's time, through its circuit."""
        loop = asyncio.get_running_loop()
        try:
            self._circuit.enter(loop.time())
        except UnansweredError:
            raise UnaskedError("circuit") from None
        try:
            async with asyncio.timeout(self.settings.timeout_ms / 1000):
                made = await self._all(texts, side, prompt)
        except TimeoutError:
            self._circuit.failed(loop.time())
            raise UnaskedError("timeout") from None
        except UnaskedError as error:
            if error.why == "shape":
                self._circuit.worked()
            else:
                self._circuit.failed(loop.time())
            raise
        except BaseException:  # the caller left; nothing is known about the guard
            self._circuit.left()
            raise
        self._circuit.worked()
        return made

    async def _all(self, texts: Sequence[str], side: Side, prompt: str) -> list[list[Finding]]:
        """Cut texts into portions, ask about them several at a time, and put together what was found."""
        speaks = self._speaks
        cut = [
            (number, start, portion)
            for number, text in enumerate(texts)
            for start, portion in portions(_encodable(text), speaks.most[side], _OVERLAP)
        ]
        batches = [cut[at : at + speaks.batch] for at in range(0, len(cut), speaks.batch)]
        prompt = _encodable(prompt)[-speaks.most[side] :]
        work = [asyncio.ensure_future(self._batch([one[2] for one in batch], side, prompt)) for batch in batches]
        try:
            answers = await asyncio.gather(*work)
        except BaseException:  # one failed, or the caller left: nobody waits for the others
            for one in work:
                one.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            raise
        made: list[list[Finding]] = [[] for _ in texts]
        for batch, answer in zip(batches, answers, strict=True):
            for (number, start, portion), said in zip(batch, answer, strict=True):
                made[number] += self._findings(said, side, start, start + len(portion))
        return made

    async def _batch(self, texts: Sequence[str], side: Side, prompt: str) -> list[list[Said]]:
        async with self._slots:
            body = await self._post(lambda: self._speaks.ask(texts, side, prompt, self._clock()))
        try:
            answer = self._speaks.read(body, side, len(texts))
        except ShapeError:
            raise UnaskedError("shape") from None
        for text, said in zip(texts, answer, strict=True):
            if any(one.place and one.place[1] > len(text) for one in said):
                raise UnaskedError("shape")
        return answer

    async def _post(self, made: Callable[[], Ask]) -> bytes:
        """Send a request, and another one, signed anew, where nothing or a server error came back."""
        assert self._session is not None, "open() comes first"
        again = True
        while True:
            ask = made()
            url, headers = URL(self._base + ask.path), {**self._headers, **ask.headers}
            try:
                async with self._session.post(url, data=ask.body, headers=headers, allow_redirects=False) as response:
                    body = await _read(response)
                    status = response.status
            except (TimeoutError, *_BROKEN):
                if not again:
                    raise UnaskedError("connection") from None
            else:
                if status == 200 and "Content-Encoding" not in response.headers:
                    return body
                if status < 500 or not again:
                    raise UnaskedError("status", status)
            again = False

    def _findings(self, said: Sequence[Said], side: Side, start: int, end: int) -> list[Finding]:
        """What a guard said of a portion, in our words; its own label is the rule."""
        made = []
        kind = self.settings.kind
        for one in said:
            if found := meant(kind, one, side, self.settings.severity):
                category, severity = found
                label = one.label if one.label.isascii() else "…"
                rule = f"{kind}:{label[:64]}"
                begin, after = one.place or (0, end - start)
                made.append(
                    Finding(f"guard.{self.id}", category, severity, rule, "", start + begin, start + after, "raw")
                )
        return made


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """A whole answer, of at most a mebibyte.

    Raises:
        UnaskedError: it is larger.
    """
    parts, size = [], 0
    while chunk := await response.content.readany():
        parts.append(chunk)
        size += len(chunk)
        if size > _ANSWER_BYTES:
            raise UnaskedError("shape")
    return b"".join(parts)


def _encodable(text: str) -> str:
    """A text without halves of characters, which no protocol can carry."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if not text.isascii() else text

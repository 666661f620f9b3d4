# SPDX-License-Identifier: Apache-2.0
"""Whom a question goes to: a gateway, a raw model service behind it, or any address that speaks one of the protocols.

Each is asked by the client that the gateway itself asks model services with: no proxy of the environment, no redirect,
deadlines for everything. A target's key is never written down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final, Literal

import msgspec

from guiju.adapters.sights import Looked, Sights, installed
from guiju.adapters.upstream import ContentRefusedError, Upstream
from guiju.config import Limits, UpstreamKind
from guiju.config import Upstream as Service
from guiju.errors import OutsideError
from guiju.probe import pictures, wording
from guiju.records.runs import Answer, Manner, Question

TargetKind = Literal["gateway", "raw", "url"]
_NEVER: Final = 1_000_000
_AGAIN: Final = frozenset({"upstream_failed", "upstream_timeout", "overloaded", "not_readable"})
"""What may be otherwise a little later."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a question goes to.

    Attributes:
        kind: `gateway`: with everything that Guiju puts before a model; `raw`: the model service alone; `url`: an
            address that somebody named.
        name: of the service, where there are several.
        url: base address up to and with `/v1`.
        model: the model's name there.
        public: the name by which callers know that model; by default the same.
        speaks: the protocol.
        key: its key; `key_env`, `key_file`: the variable, or the file, that holds it.
        own: whether the address is this process's own, whose certificate names another host.
        headers: makes what goes along with each question, such as an assertion that holds for some minutes.
        draws: whether it is asked for pictures.
    """

    kind: TargetKind
    name: str = ""
    url: str
    model: str
    public: str = ""
    speaks: UpstreamKind = "openai"
    key: str = ""
    key_env: str = ""
    key_file: str = ""
    own: bool = False
    headers: Callable[[], dict[str, str]] | None = None
    draws: bool = False

    @property
    def route(self) -> str:
        """What a run calls it: `gateway`, `raw:NAME`, `url:ADDRESS`."""
        return f"{self.kind}:{self.name}" if self.name else self.kind

    def __repr__(self) -> str:
        return f"Target({self.route}, {self.model})"


def raw(service: Service, public: str) -> Target | None:
    """A model service of the settings, asked for a model by its public name; none when it does not serve that."""
    own = service.models.get(public) or service.models.get("*", "")
    if not own:
        return None
    return Target(
        kind="raw",
        name=service.name,
        url=service.url,
        model=public if own == "*" else own,
        public=public,
        speaks=service.kind,
        key_env=service.key_env,
        key_file=service.key_file,
    )


def painters(services: Sequence[Service], models: Sequence[str]) -> list[Target]:
    """The model services that are asked for banned pictures, each for each model that makes them; none where nothing
    is installed that reads pictures.

    Args:
        services: those of the settings.
        models: public names of models that make pictures.
    """
    found = [raw(one, model) for model in models for one in services if one.kind == "openai" and installed()]
    return [msgspec.structs.replace(one, draws=True) for one in found if one is not None]


class Asker:
    """Asks one target. Nothing that goes wrong there is an exception: it is an answer that says so.

    Args:
        target: whom.
        limits: deadlines and caps. There is no circuit: whoever asks paces itself.
    """

    def __init__(self, target: Target, limits: Limits) -> None:
        self.target = target
        service = Service(
            name=target.name or target.kind,
            url=target.url,
            kind=target.speaks,
            key_env=target.key_env,
            key_file=target.key_file,
        )
        self._upstream = Upstream(
            service, msgspec.structs.replace(limits, circuit_failures=_NEVER), target.key, own=target.own
        )
        self._sights: Sights = Looked()
        self._told = False

    async def open(self) -> None:
        """Make the connections."""
        await self._upstream.open()

    async def close(self) -> None:
        """Let go of them."""
        await self._upstream.close()

    async def ask(self, question: Question, manner: Manner) -> Answer:
        """Ask once."""
        began = perf_counter()
        if self.target.headers:
            self._upstream.extra = self.target.headers()
        answer = await (self._drawn(question) if self.target.draws else self._said(question, manner))
        return msgspec.structs.replace(answer, milliseconds=round(1000 * (perf_counter() - began)))

    async def _said(self, question: Question, manner: Manner) -> Answer:
        """Ask for text."""
        body = await self._body(wording.written(question, self.target.model, self.target.speaks, manner))
        return body if isinstance(body, Answer) else wording.read(body, self.target.speaks)

    async def _drawn(self, question: Question) -> Answer:
        """Ask for a picture. Some services send it only when they are told to, and others refuse to be told."""
        answer = wording.NOT_READABLE
        for told in (self._told, not self._told):
            body = await self._body(pictures.written(question, self.target.model, told), pictures.PATH)
            answer = body if isinstance(body, Answer) else await pictures.seen(body, self._sights)
            if answer.error not in pictures.OTHERWISE:
                self._told = told
                break
        return answer

    async def _body(self, request: bytes, path: str = "") -> bytes | Answer:
        """What comes back; an answer already where nothing can be read."""
        try:
            reply = await self._upstream.ask(request, path)
            try:
                return await reply.body()
            finally:
                reply.close()
        except ContentRefusedError as refused:
            return Answer("refused", error=refused.refusal.rule)
        except OutsideError as error:
            return Answer("failed", error=error.code)


def again(answer: Answer) -> bool:
    """Whether a failure may be none a little later."""
    return answer.result == "failed" and answer.error in _AGAIN

# SPDX-License-Identifier: Apache-2.0
"""Which model service gets an exchange: by weight among those that serve its model's name (Article 14).

Another one is asked once, and only before a byte of an answer came: nobody's answer is put together from two
(robustness §5).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from guiju.adapters.upstream import Address, Method, Reply, UnansweredError, Upstream
from guiju.errors import CallerError, OutsideError


class Service(Protocol):
    """Whoever is asked."""

    async def ask(self, body: bytes, path: str = "", form: str = "", *, method: Method = "POST") -> Reply:
        """Send a canonical request and wait for the head of the answer; see `Upstream.ask`."""
        ...

    @property
    def name(self) -> str:
        """Its name in the settings; of several, who was asked last."""
        ...

    @property
    def outside(self) -> bool:
        """Whether what is asked may go to somebody else (Article 11)."""
        ...


class Peers:
    """Services of one name, each in turn as often as its weight says (smooth weighted round robin, as in nginx).

    Args:
        services: two or more. One of weight 0 is asked only when no other can be.
    """

    def __init__(self, services: Sequence[Upstream]) -> None:
        self._all = tuple(services)
        self._credit = dict.fromkeys(self._all, 0)

    def pick(self, but: Upstream | None = None) -> Upstream | None:
        """The next one whose circuit is not open; none where there is none.

        Args:
            but: one that is left out.
        """
        able = [one for one in self._all if one is not but and not one.shut]
        if not able:
            return None
        weighty = [one for one in able if one.weight] or able[:1]
        for one in weighty:
            self._credit[one] += one.weight
        best = max(weighty, key=self._credit.__getitem__)
        self._credit[best] -= sum([one.weight for one in weighty])
        return best

    def first(self) -> Upstream:
        """The one to begin with; the first of all where every circuit is open, and it will say so."""
        return self.pick() or self._all[0]

    @property
    def outside(self) -> bool:
        """Whether one of them is somebody else's."""
        return any(one.outside for one in self._all)


class Several:
    """One exchange's way to a service, and to another one should the first not answer: two attempts in all.

    Args:
        peers: those that serve the model.
        model: its public name.
        path: at which it is asked for; see `Upstream.address`.

    Attributes:
        to: whom the first request goes to.
        encode: writes the request for a service; set once it is known who asks.
        outside: whether one of them is somebody else's.
        name: who was asked last.
    """

    encode: Callable[[Address], bytes]

    def __init__(self, peers: Peers, model: str, path: str = "") -> None:
        self._peers = peers
        self._model = model
        self._path = path
        self.outside = peers.outside
        self._first = peers.first()
        self.name = self._first.name
        self.to = self._first.address(model, path)

    async def ask(self, body: bytes, path: str = "", form: str = "", *, method: Method = "POST") -> Reply:
        """Ask the first, and another one if it failed before a byte of its answer came.

        Raises:
            ContentRefusedError: a service refused for content; nobody else is asked the same.
            OutsideError: no answer; the last one's error.
        """
        try:
            return await self._first.ask(body, path, form, method=method, again=False)
        except OutsideError as error:
            if not isinstance(error, UnansweredError) and error.code != "upstream_timeout":
                raise
            second = self._peers.pick(but=self._first)
            if second is None and isinstance(error, UnansweredError) and error.dropped:
                second = self._first  # nobody else can be asked; a kept connection may just have been closed
            if second is None:
                raise
            to = second.address(self._model, self._path)
            try:
                other = body if to == self.to else self.encode(to)
            except CallerError:  # it can't be said in the other one's protocol
                raise error from None
        self.name = second.name
        return await second.ask(other, path, form, method=method, again=False)


class _Table:
    """Model name → who is asked; who takes every name, for those that nobody lists."""

    def __init__(self, services: Sequence[Upstream]) -> None:
        names = dict.fromkeys(name for one in services for name in one.listed)
        self._named = {name: _group([one for one in services if name in one.listed]) for name in names}
        rest = [one for one in services if one.every]
        self._rest = _group(rest) if rest else None

    def find(self, model: str) -> Upstream | Peers | None:
        return self._named.get(model) or self._rest

    def lists(self, model: str) -> bool:
        return model in self._named


class Upstreams:
    """All model services, by model name. Those that list a name get it; who takes every name gets the others."""

    def __init__(self, services: Sequence[Upstream]) -> None:
        self._all = tuple(services)
        self._texts = _Table(self._all)
        self._others = _Table([one for one in self._all if one.kind == "openai"])

    def find(self, model: str, *, text: bool = True, path: str = "") -> tuple[Upstream | Several, Address]:
        """Who is asked for a model, and whom the request goes to.

        Args:
            model: its public name.
            text: whether text is asked for; all else, only services of OpenAI's protocol answer.
            path: at which it is asked for; see `Upstream.address`.

        Raises:
            CallerError: `model_not_found`, or `text_only` where it is there and answers nothing else.
        """
        table = self._texts
        if not text and (self._others.lists(model) or not table.lists(model)):
            table = self._others  # who lists a name outranks who takes every name, here too
        found = table.find(model)
        if found is None or (not text and table is self._texts):
            shown = model if model.isascii() else "…"
            raise CallerError("text_only" if self._texts.find(model) else "model_not_found", model=shown)
        if isinstance(found, Upstream):
            return found, found.address(model, path)
        several = Several(found, model, path)
        return several, several.to

    def named(self, name: str) -> Upstream:
        """One service, by the name that its settings give it.

        Raises:
            OutsideError: `upstream_failed`: it is not there any more.
        """
        for one in self._all:
            if one.name == name:
                return one
        raise OutsideError("upstream_failed", what="the service is not there any more")

    def names(self) -> list[str]:
        """Public model names, each once."""
        return list(dict.fromkeys(name for one in self._all for name in one.models))

    def shut(self) -> dict[str, bool]:
        """Name of each service → whether its circuit is open; the canary's own is not among them."""
        return {one.name: one.shut for one in self._all if one.models or one.every}

    def up(self) -> bool:
        """Whether some service can be asked, as far as is known; the canary's own does not count."""
        listed = [one for one in self._all if one.models]
        return not listed or any(not one.shut for one in listed)

    async def open(self) -> None:
        """Open every pool."""
        for one in self._all:
            await one.open()

    async def retire(self) -> None:
        """Close every pool once no exchange uses any of them; at once when cancelled."""
        try:
            while any(one.busy for one in self._all):  # noqa: ASYNC110 # exchanges end without an event
                await asyncio.sleep(1)
        finally:
            await self.close()

    async def close(self) -> None:
        """Close every pool."""
        for one in self._all:
            await one.close()


def _group(services: Sequence[Upstream]) -> Upstream | Peers:
    return services[0] if len(services) == 1 else Peers(services)

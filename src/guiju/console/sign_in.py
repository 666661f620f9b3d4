# SPDX-License-Identifier: Apache-2.0
"""Sign-in and sign-out: by a passkey, or by the provider's identity provider; and the link by which a member begins.

Nothing is told of who is a member: a passkey that is unknown and one that does not hold are answered alike.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from guiju.adapters.oidc import Half, Provider
from guiju.brought import brought
from guiju.config_console import OidcSettings
from guiju.console.frame import HOME, LOCAL, SIGN_IN, Console, Visit, body, cookie, form, inner, keep
from guiju.console.host import recorded
from guiju.errors import CallerError
from guiju.records import acts, members, sessions
from guiju.records.members import Member
from guiju.records.sessions import Half as HalfKind
from guiju.records.sessions import Method
from guiju.web.turns import Turns

BEGIN: Final = "/console/begin"
BACK: Final = "/console/sign-in/back"
_STEP: Final = "guiju_step"
_A_MINUTE: Final = 30.0
"""Sign-ins that one address may begin in a minute."""


class _Begun(msgspec.Struct, frozen=True):
    """What is remembered while a passkey is made."""

    link: str
    name: str
    state: str


class _Asked(msgspec.Struct, frozen=True):
    """What a browser sends before a passkey is made."""

    link: str
    name: str = ""


class SignIn:
    """The pages before a sign-in.

    Args:
        console: the console.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.inside = console.inside
        self._turns = Turns()
        self._provider: Provider | None = None

    def routes(self) -> list[Route]:
        """Its rows in the table of routes."""
        console = self.console
        return [
            console.open_route(SIGN_IN, {"GET": self.page}),
            console.open_route("/console/sign-in/asked", {"POST": self.asked}),
            console.open_route("/console/sign-in/passkey", {"POST": self.passkey}),
            console.open_route("/console/sign-in/oidc", {"POST": self.oidc}),
            console.open_route(BACK, {"GET": self.back}),
            console.open_route(BEGIN, {"GET": self.begin}),
            console.open_route("/console/begin/asked", {"POST": self.begin_asked}),
            console.open_route("/console/begin/passkey", {"POST": self.begun}),
            console.route("/console/sign-out", {"POST": self.out}),
        ]

    async def page(self, request: Request, origin: str) -> Response:
        """The page on which one signs in; who is signed in goes on."""
        then = inner(request.query_params.get("next", HOME))
        token = request.cookies.get(cookie(origin), "")
        known = await self.console.aside(sessions.found, self.inside.store, token, self.inside.now()) if token else None
        if known is not None:
            return RedirectResponse(then, 303)
        someone = await self.console.aside(members.anybody, self.inside.store)
        oidc = self.inside.settings().console.oidc
        return self.console.page(
            request,
            "sign-in.html",
            None,
            then=then,
            oidc=oidc.issuer and (oidc.name or urlsplit(oidc.issuer).hostname),
            nobody=not someone,
            plain=origin.startswith("http:") and urlsplit(origin).hostname != "localhost",
        )

    async def _library(self) -> Any:
        """What knows passkeys; the first who signs in brings it in, in a thread."""
        return await self.console.aside(brought, "guiju.adapters.passkeys")

    async def asked(self, request: Request, origin: str) -> Response:
        """What a browser is asked in order to sign in by a passkey."""
        self._turn(request)
        await body(request, origin)
        options, state = (await self._library()).Passkeys(origin).asking()
        return await self._half(request, origin, "passkey", state, options)

    async def passkey(self, request: Request, origin: str) -> Response:
        """Sign in by a passkey."""
        self._turn(request)
        answer = _credential(await body(request, origin))
        state = await self._recalled(request, "passkey")
        store, now, passkeys = self.inside.store, self.inside.now(), await self._library()
        key = await self.console.aside(members.passkey_of, store, passkeys.named(answer))
        if key is None:
            raise CallerError("sign_in_failed")
        uses = passkeys.Passkeys(origin).answered(state, key.credential, answer)
        if not await self.console.aside(members.used, store, key, uses, now):
            raise CallerError("sign_in_failed")
        who = await self.console.aside(members.found, store, key.member_id)
        if who is None:
            raise CallerError("sign_in_failed")
        return await self._in(who, "passkey", origin, _json({"next": inner(request.query_params.get("next", HOME))}))

    async def oidc(self, request: Request, origin: str) -> Response:
        """Send the browser to the identity provider."""
        self._turn(request)
        said = dict(await form(request, origin, None))
        link, name = said.get("link", "")[:100], said.get("name", "")[:100]
        url, half = await self.provider().asking(origin + BACK, link, name, inner(said.get("next", HOME)))
        kept = msgspec.json.encode(half).decode()
        secret = await self.console.aside(sessions.remember, self.inside.store, "oidc", kept, self.inside.now())
        response = RedirectResponse(url, 303)
        # Lax: the browser comes back from elsewhere, and this cookie must come along; it is worth nothing by itself.
        _step(response, origin, secret, "lax")
        return response

    async def back(self, request: Request, origin: str) -> Response:
        """The browser comes back from the identity provider."""
        self._turn(request)
        kept = await self._recalled(request, "oidc")
        half = msgspec.json.decode(kept, type=Half)
        login = await self.provider().answered(half, origin + BACK, dict(request.query_params))
        store, now = self.inside.store, self.inside.now()
        if half.link:
            who: Member | None = await self.console.aside(
                members.join_login, store, half.link, login, half.name or login[:64], now
            )
        else:
            who = await self.console.aside(members.by_login, store, login)
        if who is None:
            raise CallerError("sign_in_failed")
        onward = self.console.page(request, "onward.html", None, onward=inner(half.then))
        return await self._in(who, "oidc", origin, onward)

    async def begin(self, request: Request, origin: str) -> Response:
        """The page of a link: its holder makes a passkey."""
        link = request.query_params.get("link", "")[:100]
        whose = await self.console.aside(members.invited, self.inside.store, link, self.inside.now())
        if whose is None:
            raise CallerError("link_spent")
        who = await self.console.aside(members.found, self.inside.store, whose) if whose else None
        oidc = self.inside.settings().console.oidc
        return self.console.page(
            request,
            "begin.html",
            None,
            link=link,
            whose=who,
            oidc=oidc.issuer and (oidc.name or urlsplit(oidc.issuer).hostname),
            plain=origin.startswith("http:") and urlsplit(origin).hostname != "localhost",
        )

    async def begin_asked(self, request: Request, origin: str) -> Response:
        """What a browser is asked in order to make a passkey."""
        self._turn(request)
        try:
            asked = msgspec.json.decode(await body(request, origin), type=_Asked)
        except msgspec.DecodeError as error:
            raise CallerError("sign_in_failed") from error
        whose = await self.console.aside(members.invited, self.inside.store, asked.link[:100], self.inside.now())
        if whose is None:
            raise CallerError("link_spent")
        who = await self.console.aside(members.found, self.inside.store, whose) if whose else None
        name = who.name if who else asked.name.strip()
        if not 0 < len(name) <= 64:
            raise CallerError("name_missing")
        # An authenticator keeps one passkey a person and address: the id is the member's, once there is one.
        options, state = (await self._library()).Passkeys(origin).making(whose or "first", name)
        begun = msgspec.json.encode(_Begun(asked.link, name, state)).decode()
        return await self._half(request, origin, "join", begun, options)

    async def begun(self, request: Request, origin: str) -> Response:
        """A passkey was made: its holder is signed in."""
        self._turn(request)
        answer = _credential(await body(request, origin))
        begun = msgspec.json.decode(await self._recalled(request, "join"), type=_Begun)
        made = (await self._library()).Passkeys(origin).made(begun.state, answer)
        work = (self.inside.store, begun.link, made.credential, made.id, begun.name, self.inside.now())
        who = await self.console.aside(members.join, *work)
        return await self._in(who, "passkey", origin, _json({"next": HOME}))

    def out(self, visit: Visit) -> Response:
        """Sign out: the session ends in the store, not only in the browser."""
        origin = self.console.origin(visit.request)
        sessions.end(self.inside.store, visit.request.cookies.get(cookie(origin), ""))
        response = visit.go(SIGN_IN)
        keep(response, origin, "")
        response.headers["clear-site-data"] = '"cache"'
        return response

    def provider(self) -> Provider:
        """The identity provider of the settings in force.

        Raises:
            CallerError: `page_missing`: there is none.
        """
        wanted: OidcSettings = self.inside.settings().console.oidc
        if not wanted.issuer:
            raise CallerError("page_missing")
        if self._provider is None or self._provider.settings != wanted:
            self._provider = Provider(wanted)
        return self._provider

    async def _in(self, who: Member, method: Method, origin: str, response: Response) -> Response:
        """Record a sign-in, begin the session, give the browser its token."""
        act = acts.made((who.id, who.role), "sign_in", "POST /console/sign-in", method, "", time.time_ns() // 1_000_000)
        act = await recorded(self.inside, act)
        store, now = self.inside.store, self.inside.now()
        await self.console.aside(lambda: acts.keep(store, act, wait=True))
        keep(response, origin, await self.console.aside(sessions.begin, store, who.id, method, now))
        return response

    async def _half(
        self, request: Request, origin: str, kind: HalfKind, state: str, options: Mapping[str, Any]
    ) -> Response:
        """Ask the browser, and remember what was asked."""
        secret = await self.console.aside(sessions.remember, self.inside.store, kind, state, self.inside.now())
        response = _json(options)
        _step(response, origin, secret, "strict")
        return response

    async def _recalled(self, request: Request, kind: HalfKind) -> str:
        """What was remembered of the first half, once.

        Raises:
            CallerError: `sign_in_failed`.
        """
        secret = request.cookies.get(_STEP, "")
        state = await self.console.aside(sessions.recall, self.inside.store, kind, secret, self.inside.now())
        if state is None:
            raise CallerError("sign_in_failed")
        return state

    def _turn(self, request: Request) -> None:
        """Hold back an address that tries too often; behind a proxy, one address for everybody, that is the proxy's.

        Raises:
            CallerError: `too_many_tries`.
        """
        settings = self.inside.settings()
        address = request.client.host if request.client else ""
        if settings.serve.behind_proxy or (settings.mode == "development" and address in LOCAL):
            return
        try:
            self._turns.take(address, _A_MINUTE, time.monotonic())
        except CallerError as error:
            raise CallerError("too_many_tries", **error.facts) from error


def _step(response: Response, origin: str, secret: str, samesite: Any) -> None:
    response.set_cookie(
        _STEP,
        secret,
        max_age=sessions.HALF_S,
        path="/console",
        secure=origin.startswith("https:"),
        httponly=True,
        samesite=samesite,
    )


def _credential(raw: bytes) -> dict[str, Any]:
    """What a browser says of a passkey.

    Raises:
        CallerError: `sign_in_failed`.
    """
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise CallerError("sign_in_failed") from error


def _json(said: Mapping[str, Any]) -> Response:
    """An answer for our script; fido2's objects are mappings of their own kind."""
    return Response(msgspec.json.encode(_plain(said)), media_type="application/json")


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, bool | int | float | None.__class__) else str(value)

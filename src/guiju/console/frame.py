# SPDX-License-Identifier: Apache-2.0
"""Every page of the console goes through here: who asks, whether they may, is the form theirs, what is recorded.

A page is a function of a visit, which runs in a thread of the console's own: what it does or breaks, the gateway's
streams go on.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from guiju.console.host import Inside, recorded
from guiju.console.permissions import NAVIGATION, ROWS, Row
from guiju.errors import CallerError, GuijuError, Language
from guiju.records import acts, sessions
from guiju.records.acts import Kind
from guiju.records.sessions import Session
from guiju.web.locale import WORDS, say
from guiju.web.pages import Pages, asks_json, pages_of

T = TypeVar("T")
HOME: Final = "/console"
SIGN_IN: Final = "/console/sign-in"
SCHEME: Final = "guiju_scheme"
"""Keeps whether a reader chose light or dark; nothing else."""
SCHEMES: Final[Mapping[str, str]] = {"light": "light", "dark": "dark"}
FORM_BYTES: Final = 1 << 18
_STATES: Final[Mapping[str, int]] = {
    "not_found": 404,
    "another_person": 403,
    **dict.fromkeys(("case_leased", "case_state", "exists_already", "last_admin"), 409),
    **dict.fromkeys(("purpose_needed", "ban_unfounded", "ban_reaches_too_far"), 400),
}
"""Errors of the settings' family that a person at a page meets → their status."""
LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass
class Visit:
    """One request of a member for one page.

    Attributes:
        console: the console.
        request: as it came.
        session: whose, and since when.
        form: the fields of a form; the last of each name.
        fields: all of them, in order.
    """

    console: Console
    request: Request
    session: Session
    form: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def inside(self) -> Inside:
        """The inside of the process."""
        return self.console.inside

    @property
    def by(self) -> str:
        """Who acts, as books name them."""
        return self.session.member.name

    @property
    def language(self) -> Language:
        """What they read."""
        return pages_of(self.request).language(self.request)

    def asked(self, name: str) -> list[str]:
        """All values of a name in the address."""
        return [one for one in self.request.query_params.getlist(name) if one]

    def page(self, template: str, status: int = 200, **facts: Any) -> Response:
        """A page in the frame of the console."""
        return self.console.page(self.request, template, self.session, status, **facts)

    def go(self, path: str) -> Response:
        """To another page, after an act."""
        return RedirectResponse(path, 303)


Page = Callable[[Visit], Response]
"""Makes one page; it may wait, since it runs in a thread."""
Open = Callable[[Request, str], Awaitable[Response]]
"""Answers one request before a sign-in; it is given the origin and does not wait."""


class Console:
    """The console.

    Args:
        inside: the inside of the process.
        broken: whether the evidence is known to be broken; every page then says so.
    """

    def __init__(self, inside: Inside, broken: Callable[[], bool] = lambda: False) -> None:
        self.inside = inside
        self._broken = broken
        self._threads = ThreadPoolExecutor(8, "guiju-console")

    def close(self) -> None:
        """Wait for pages that are being made."""
        self._threads.shutdown()

    def route(self, path: str, made: Mapping[str, Page]) -> Route:
        """A row of the table of routes; each of its methods must have a row of permissions.

        Args:
            path: with braces for what varies.
            made: method → what makes the page.
        """
        rows = {method: ROWS[method, path] for method in made}

        async def serve(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            return await self._serve(request, rows[method], made[method])

        return Route(path, serve, methods=list(made))

    def open_route(self, path: str, made: Mapping[str, Open]) -> Route:
        """The same for what needs no sign-in; what is posted must come from a page of ours."""
        rows = {method: ROWS[method, path] for method in made}
        if not all(row.open for row in rows.values()):
            raise ValueError(path)

        async def serve(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            try:
                return await made[method](request, self.origin(request))
            except GuijuError as error:
                return self.failed(request, error, None)

        return Route(path, serve, methods=list(made))

    async def aside(self, work: Callable[..., T], *given: Any) -> T:
        """Run something that waits in a thread of the console's own."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)

    async def _serve(self, request: Request, row: Row, made: Page) -> Response:
        """Steps: (1) the address, (2) who, (3) may they, (4) is the form theirs, (5) the record, (6) the page."""
        session = None
        try:
            origin = self.origin(request)  # (1)
            token = request.cookies.get(cookie(origin), "")
            session = await self.aside(sessions.found, self.inside.store, token, self.inside.now()) if token else None
            if session is None:  # (2)
                return self._stranger(request, token)
            if not row.may(session.member.role):  # (3)
                await self.note(request, row, session, "refused")
                raise CallerError("not_permitted")
            fields = await form(request, origin, session) if row.method == "POST" else ()  # (4)
            await self.note(request, row, session, "act" if row.method == "POST" else "read", dict(fields))  # (5)
            if self.inside.now() - session.seen_at >= sessions.NOTED_S:
                sessions.note(self.inside.store, token, self.inside.now())
            return await self.aside(made, Visit(self, request, session, dict(fields), fields))  # (6)
        except GuijuError as error:
            return self.failed(request, error, session)

    async def note(
        self,
        request: Request,
        row: Row,
        session: Session,
        kind: Kind,
        said: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what is about to happen, as its row asks.

        Raises:
            OutsideError: it can't be kept, and then it must not happen.
        """
        if row.kept == "no":
            return
        subject = next(iter(request.path_params.values()), "")
        who = session.member
        purpose = (said or {}).get("purpose", "")
        at = time.time_ns() // 1_000_000
        act = acts.made((who.id, who.role), kind, row.place, str(subject), purpose, at)
        if row.kept == "ledger":
            act = await recorded(self.inside, act)
        await self.aside(_keep, self.inside, act, row.kept == "ledger")

    def page(
        self, request: Request, template: str, session: Session | None, status: int = 200, **facts: Any
    ) -> Response:
        """A page in the frame of the console."""
        role = session.member.role if session else None
        path = request.url.path
        return pages_of(request).page(
            request,
            f"console/{template}",
            status,
            session=session,
            csrf=session.csrf if session else "",
            navigation=[row.path for row in NAVIGATION if role and row.may(role)],
            current=_current(path),
            may=lambda method, where: role is not None and ROWS[method, where].may(role),
            address=request.url.path,
            query=request.query_params,
            narrowed=lambda **change: _narrowed(request, change),
            moment=moment,
            broken=self._broken(),
            scheme=SCHEMES.get(request.cookies.get(SCHEME, ""), ""),
            **facts,
        )

    def failed(self, request: Request, error: GuijuError, session: Session | None) -> Response:
        """An error in the frame of the console, or as JSON for a script."""
        pages = pages_of(request)
        if asks_json(request):
            return pages.failed(request, error)
        language = pages.language(request)
        said = {"sentence": error.sentence(language), "advice": error.advice(language)}
        response = self.page(request, "error.html", session, status_of(error, request.method), **said)
        Pages.told(request, response, error)
        return response

    def origin(self, request: Request) -> str:
        """Scheme, host and port at which the console is reached.

        Raises:
            CallerError: `console_address`; it serves this machine alone until its address is set.
        """
        settings = self.inside.settings()
        if not settings.console.page:
            raise CallerError("page_missing")
        if settings.console.url:
            parts = urlsplit(settings.console.url)
            return f"{parts.scheme}://{parts.netloc}"
        address = request.client.host if request.client else ""
        near = address in LOCAL and (request.url.hostname or "") in LOCAL
        if settings.serve.behind_proxy or not near or "x-forwarded-for" in request.headers:
            raise CallerError("console_address")
        return f"{request.url.scheme}://{request.url.netloc}"

    def _stranger(self, request: Request, token: str) -> Response:
        """Nobody is signed in: to the sign-in, and back afterwards; a form or a script is told."""
        if request.method == "POST" or asks_json(request):
            raise CallerError("sign_in_needed")
        if not token and request.headers.get("sec-fetch-site") == "cross-site":
            # A strict cookie does not come with a click on a link elsewhere; it comes when our own page goes on.
            return self.page(request, "onward.html", None, onward=_path(request))
        after = "" if _path(request) == HOME else "?" + urlencode({"next": _path(request)})
        return RedirectResponse(SIGN_IN + after, 303)


def status_of(error: GuijuError, method: str = "POST") -> int:
    """The status of an error: what a colleague did meanwhile, or the state of a thing, is no fault of the service; nor
    is a value that does not fit, where a form sent it."""
    sent = method == "POST" and error.code in ("config_invalid", "policy_invalid")
    return 400 if sent else _STATES.get(error.code, error.row.status)


async def form(request: Request, origin: str, session: Session | None) -> tuple[tuple[str, str], ...]:
    """The fields of a form that comes from a page of ours, and of this session.

    Args:
        request: whose body is read.
        origin: where our pages are.
        session: whose token the form must carry; none before a sign-in.

    Raises:
        CallerError: `form_foreign`, `request_too_large`.
    """
    raw = await body(request, origin)
    try:
        fields = tuple(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=1000))
    except ValueError as error:
        raise CallerError("form_foreign") from error
    if session is not None and not hmac.compare_digest(dict(fields).get("csrf", "").encode(), session.csrf.encode()):
        raise CallerError("form_foreign")
    return fields


async def body(request: Request, origin: str) -> bytes:
    """The body of what one of our pages sends.

    Raises:
        CallerError: `form_foreign`: it comes from elsewhere; `request_too_large`.
    """
    if request.headers.get("origin", "") != origin:
        raise CallerError("form_foreign")
    made = bytearray()
    async for piece in request.stream():
        made += piece
        if len(made) > FORM_BYTES:
            raise CallerError("request_too_large", what=f"{FORM_BYTES >> 10} KiB")
    return bytes(made)


def cookie(origin: str) -> str:
    """The name of the session's cookie; over TLS one that no other host can set (RFC 6265bis, 4.1.3.2)."""
    return "__Host-guiju_session" if origin.startswith("https:") else "guiju_session"


def keep(response: Response, origin: str, token: str) -> None:
    """Give the browser a session's token; an empty one takes it away."""
    response.set_cookie(
        cookie(origin),
        token,
        max_age=sessions.LONGEST_S if token else 0,
        path="/",
        secure=origin.startswith("https:"),
        httponly=True,
        samesite="strict",
    )


def did(place: str, language: Language) -> str:
    """What is done at a page, in words (words/places.toml); a page that is no more stands as it was called."""
    return say(f"places.{place}", language) if f"places.{place}" in WORDS else place


def inner(path: str) -> str:
    """A page of the console to go on to; its first page for anything else."""
    fits = path.startswith(HOME) and path[len(HOME) : len(HOME) + 1] in ("", "/", "?") and "\\" not in path
    return path if fits and path.isprintable() else HOME


def moment(at: float) -> str:
    """A time as pages show it, where the law is kept (UTC+8)."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at + 8 * 3600)) + " (UTC+8)" if at else "–"


def _keep(inside: Inside, act: acts.Act, wait: bool) -> None:
    acts.keep(inside.store, act, wait=wait)


def _path(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return inner(quote(request.url.path, safe="/%:") + query)


def _current(path: str) -> str:
    """The entry of the navigation under which a page stands."""
    if path.startswith(HOME + "/duties/"):
        return HOME
    known = [row.path for row in NAVIGATION if path == row.path or path.startswith(row.path + "/")]
    return max((one for one in known if one != HOME or path == HOME), key=len, default="")


def _narrowed(request: Request, change: Mapping[str, str]) -> str:
    """This page's address with one choice put on or taken off; a page of a list begins anew."""
    params = [(name, value) for name, value in request.query_params.multi_items() if name not in ("lang", "before")]
    for name, value in change.items():
        if (name, value) in params:
            params.remove((name, value))
        elif value:
            params.append((name, value))
        else:
            params = [one for one in params if one[0] != name]
    return request.url.path + ("?" + urlencode(params) if params else "")

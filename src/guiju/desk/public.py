# SPDX-License-Identifier: Apache-2.0
"""The desk's pages for everybody, without signing in (Articles 13, 15, 18): a table of routes. `public_forms` has the
forms, `public_status` what becomes of them, `public_intake` the limits."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import Final, TypeVar
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from guiju.desk.cases import Desk
from guiju.desk.public_forms import Forms
from guiju.desk.public_intake import Intake
from guiju.desk.public_status import Status
from guiju.desk.spool import Spool
from guiju.errors import CallerError
from guiju.law.book import Read, Said
from guiju.web.pages import Host, Pages
from guiju.web.tokens import Tokens

T = TypeVar("T")


class Front(msgspec.Struct, frozen=True):
    """What the pages need of the desk.

    Attributes:
        desk: where complaints are entered.
        spool: where they wait while the store is away.
        made_at: when a decision or an answer was made, by its number; 0 for a number that is not of this service.
        key: a secret of the provider.
    """

    desk: Desk
    spool: Spool
    made_at: Callable[[str], float]
    key: bytes


class Authority(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where anybody may report; a row of authorities.toml.

    Attributes:
        source: where it was read.
        read: how well.
        checked: when it was noted.
    """

    name: Said
    about: Said
    url: str
    telephone: str
    source: str
    read: Read
    checked: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    authority: tuple[Authority, ...]


AUTHORITIES: Final = msgspec.convert(
    tomllib.loads(files("guiju.desk").joinpath("authorities.toml").read_text("utf-8")), _File
).authority
"""Where anybody may report (Article 18), in the order in which it is shown."""


class Public:
    """The pages.

    Args:
        host: what serves them.
        front: the desk; none where it is not served, and then the pages are not there.
    """

    def __init__(self, host: Host, front: Front | None) -> None:
        self.host = host
        self._front = front
        self._writer = ThreadPoolExecutor(2, "guiju-complaint")
        self._intake: Intake | None = None
        self._forms: Forms | None = None
        self._status: Status | None = None
        if front is not None:
            made = self._intake = Intake(
                front.desk,
                front.spool,
                lambda: host.settings().complain,
                front.made_at,
                front.key,
                host.workers,
            )
            tokens = Tokens(front.key)
            self._forms = Forms(host, made, tokens, self._writer)
            self._status = Status(host, made, tokens, self._writer)

    def routes(self) -> list[Route]:
        """Their rows in the table of routes."""
        both = ["GET", "POST"]
        return [
            Route("/complain", self._choose, methods=["GET"]),
            Route("/complain/{choice}", self._form, methods=both),
            Route("/appeal/{decision}", self._appeal, methods=["GET"]),
            Route("/report", self._report, methods=["GET"]),
            Route("/c", self._find, methods=both),
            Route("/c/{number}", self._case, methods=both),
            Route("/c/{number}/files/{file}", self._file, methods=["GET"]),
        ]

    def close(self) -> None:
        """End the threads."""
        self._writer.shutdown()
        if self._intake is not None:
            self._intake.close()

    async def _choose(self, request: Request) -> Response:
        return await self._served(self._forms).choose(request)

    async def _form(self, request: Request) -> Response:
        return await self._served(self._forms).form(request)

    async def _find(self, request: Request) -> Response:
        return await self._served(self._status).find(request)

    async def _case(self, request: Request) -> Response:
        return await self._served(self._status).case(request)

    async def _file(self, request: Request) -> Response:
        return await self._served(self._status).file(request)

    async def _appeal(self, request: Request) -> Response:
        """Where a refusal sends whoever contests it: the form, with the decision filled in."""
        self._served(self._forms)
        kept = {key: request.query_params[key] for key in ("lang",) if key in request.query_params}
        return RedirectResponse(f"/complain/blocked?{urlencode({'d': request.path_params['decision'], **kept})}", 303)

    async def _report(self, request: Request) -> Response:
        """Where anybody may report."""
        self._served(self._forms)
        pages: Pages = request.app
        language = pages.language(request)
        rows = [(one, one.name.of(language), one.about.of(language)) for one in AUTHORITIES]
        return pages.page(request, "desk/authorities.html", rows=rows)

    def _served(self, one: T | None) -> T:
        """One of the pages' parts, where they are served.

        Raises:
            CallerError: `page_missing`.
        """
        if one is None or not self.host.settings().complain.page:
            raise CallerError("page_missing")
        return one

# SPDX-License-Identifier: Apache-2.0
"""The pages that tell the public of the service, without signing in (Articles 10, 17, 18): a table of routes.

What they say is put together at most once in a quarter of a minute, however many ask, so nobody wears out the store.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar, cast

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from guiju.controls.guidance import Notice
from guiju.dossier import transparency
from guiju.dossier.figure_words import FEW
from guiju.dossier.given import LISTS, Known
from guiju.dossier.telling import PAGES, Page, Told, day, told
from guiju.errors import CallerError, Language
from guiju.records.crowd import LEAST
from guiju.records.months import PREFIX
from guiju.records.snapshots import Snapshot
from guiju.terms import Figure
from guiju.web.pages import Host, Pages, asks_json

T = TypeVar("T")
KEPT_S: Final = 15.0
_MONTH: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
_YEAR_S: Final = 365 * 86_400
WELL_KNOWN: Final = "/.well-known/"


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """What the pages need of the process that serves them. All but the probes may block, and is asked off the loop.

    Attributes:
        known: facts and settings.
        figures: the newest of each number whose name begins so.
        own: texts of the provider's own for a page.
        past: what a page in a language said before.
        badge: the picture of the duty board.
        probes: what is alive, by name, as this process last saw it.
    """

    known: Callable[[], Known]
    figures: Callable[[str], Sequence[Figure]]
    own: Callable[[Page], Sequence[Notice]]
    past: Callable[[Page, Language], Sequence[Snapshot]]
    badge: Callable[[Language], str]
    probes: Callable[[], Awaitable[Mapping[str, bool]]]


class _Kept(msgspec.Struct):
    at: float
    value: Any


class PublicPages:
    """The pages.

    Args:
        host: what serves them.
        telling: where what they say comes from; none where they are not served, and then they are not there.
    """

    def __init__(self, host: Host, telling: Telling | None) -> None:
        self.host = host
        self._telling = telling
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        self._threads = ThreadPoolExecutor(2, "guiju-public")

    def routes(self) -> list[Route]:
        """Their rows in the table of routes."""
        made = [Route(f"/{page}", self._page, methods=["GET"], name=page) for page in PAGES]
        return [
            *made,
            Route("/transparency", self._newest, methods=["GET"]),
            Route("/transparency/{report}", self._report, methods=["GET"]),
            Route("/status", self._status, methods=["GET"]),
            Route("/badge.svg", self._badge, methods=["GET"]),
            Route(WELL_KNOWN + "security.txt", self._security, methods=["GET"]),
            Route(WELL_KNOWN + "guiju.json", self._document, methods=["GET"]),
        ]

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    async def _page(self, request: Request) -> Response:
        """GET of a page that says what the service is."""
        page = cast("Page", request.url.path.removeprefix("/"))
        telling = self._asked(page)
        pages: Pages = request.app
        language = pages.language(request)
        said, past = await self._once("page", f"{page} {language}", lambda: _said(telling, page, language))
        if asks_json(request):
            return _json({"page": page, "language": language, **msgspec.to_builtins(said)})
        notices, service = self.host.notices(), self.host.settings().provider
        texts = [
            (one.title.within(language), [_words(point, language) for point in one.point], notices.versions[one.id])
            for one in notices.texts
        ]
        return pages.page(
            request,
            "told.html",
            page=page,
            parts=said.parts,
            hash=said.hash,
            past=[(one.number, day(one.at), one.hash[:16]) for one in past],
            texts=texts if page == "about" else (),
            authority_url=service.authority_url,
            linked=await self._linked(telling) if page == "about" else None,
            others=[one for one in PAGES if one != page] if self.host.settings().public.page else [],
        )

    async def _linked(self, telling: Telling) -> dict[str, Any]:
        """The page for machines (schema.org)."""
        known = await self._once("known", "", telling.known)
        said: dict[str, Any] = {
            "@context": "https://schema.org",
            "@type": "WebApplication",
            "name": str(known.values.get("service.name", "")) or known.settings.provider.name,
            "provider": {
                "@type": "Organization",
                "name": str(known.values.get("org.name", known.settings.provider.name)),
            },
            "identifier": [
                {"@type": "PropertyValue", "name": name.zh, "value": value.zh}
                for name, value in LISTS["filings"](known)
            ],
        }
        for name, fact in (("description", "service.description"), ("datePublished", "service.launched")):
            if fact in known.values:
                said[name] = str(known.values[fact])
        return said

    async def _newest(self, request: Request) -> Response:
        """GET /transparency: the newest month, or that there is none yet."""
        telling = self._asked("transparency")
        figures = await self._once("figures", PREFIX, lambda: telling.figures(PREFIX))
        months = transparency.months(figures)
        if months:
            language = request.query_params.get("lang", "")
            return RedirectResponse(
                f"/transparency/{months[0]}" + (f"?lang={language}" if language in ("zh", "en") else "")
            )
        return self._shown(request, None, months)

    async def _report(self, request: Request) -> Response:
        """GET of a month as a page, `.csv` or `.json`."""
        telling = self._asked("transparency")
        month, _, ending = request.path_params["report"].partition(".")
        if not _MONTH.fullmatch(month) or ending not in ("", "csv", "json"):
            raise CallerError("page_missing")
        figures = await self._once("figures", PREFIX, lambda: telling.figures(PREFIX))
        made = transparency.report(month, figures)
        if not made.sections:
            raise CallerError("page_missing")
        if ending == "csv":
            name = f'attachment; filename="transparency-{month}.csv"'
            return Response(transparency.as_csv(made), media_type="text/csv", headers={"content-disposition": name})
        if ending == "json" or asks_json(request):
            return _json(transparency.as_json(made, self.host.settings().provider.name))
        return self._shown(request, made, transparency.months(figures))

    def _shown(self, request: Request, made: transparency.Report | None, months: Sequence[str]) -> Response:
        pages: Pages = request.app
        rows = transparency.rows(made, pages.language(request)) if made else []
        return pages.page(
            request,
            "transparency.html",
            month=made.month if made else "",
            rows=rows,
            months=months,
            few=FEW,
            least=LEAST,
        )

    async def _status(self, request: Request) -> Response:
        """GET /status: what is alive, as the probes of this process last saw it."""
        telling, now = self._asked("status"), int(time.time())
        probes = await self._probed(telling)
        if asks_json(request):
            return _json({"at": now, "probes": probes, "whole": all(probes.values())})
        pages: Pages = request.app
        return pages.page(request, "status.html", probes=list(probes.items()), whole=all(probes.values()), at=now)

    async def _badge(self, request: Request) -> Response:
        """GET /badge.svg, where the provider shows it."""
        telling = self._asked("badge")
        if not self.host.settings().public.badge:
            raise CallerError("page_missing")
        pages: Pages = request.app
        language = pages.language(request)
        made = await self._once("badge", language, lambda: telling.badge(language))
        headers = {"cross-origin-resource-policy": "cross-origin", "cache-control": "public, max-age=60"}
        return Response(made.encode(), media_type="image/svg+xml", headers=headers)

    async def _security(self, request: Request) -> Response:
        """GET /.well-known/security.txt (RFC 9116)."""
        self._asked("security")
        contact = self.host.settings().public.security
        if not contact.startswith(("mailto:", "https://")) or not contact.isprintable():
            raise CallerError("page_missing")
        until = time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(time.time() + _YEAR_S - 86_400))
        lines = f"Contact: {contact}\nExpires: {until}\nPreferred-Languages: zh, en\n"
        return Response(lines, media_type="text/plain; charset=utf-8")

    async def _document(self, request: Request) -> Response:
        """GET /.well-known/guiju.json: where everything is, for programs."""
        telling = self._asked("document")
        known = await self._once("known", "", telling.known)
        settings = self.host.settings()
        base = settings.serve.base_path
        made = {
            "schema": "guiju/1",
            "profile": settings.profile,
            "provider": settings.provider.name,
            "service": str(known.values.get("service.name", "")),
            "filings": [{"kind": name.zh, "number": value.zh} for name, value in LISTS["filings"](known)],
            "pages": {page: f"{base}/{page}" for page in (*PAGES, "transparency", "status")},
            "complain": f"{base}/complain" if self.host.complains and settings.complain.page else None,
            "report": settings.provider.authority_url,
            "verify": f"{base}/verify" if settings.verify.page else None,
        }
        return _json(made)

    async def _probed(self, telling: Telling) -> Mapping[str, bool]:
        key = "probes", ""
        async with self._locks.setdefault(key, asyncio.Lock()):
            now, kept = asyncio.get_running_loop().time(), self._kept.get(key)
            if kept is None or now - kept.at >= KEPT_S:
                kept = self._kept[key] = _Kept(now, await telling.probes())
        probes: Mapping[str, bool] = kept.value
        return probes

    def _asked(self, what: str) -> Telling:
        """Where a page comes from.

        Raises:
            CallerError: `page_missing`: it is not there.
        """
        if self._telling is None or not (self.host.settings().public.page or what == "about"):
            raise CallerError("page_missing")
        return self._telling

    async def _once(self, what: str, which: str, made: Callable[[], T]) -> T:
        """What is made at most once in a while, by one thread, however many wait for it."""
        key = what, which
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            loop = asyncio.get_running_loop()
            kept = self._kept.get(key)
            if kept is None or loop.time() - kept.at >= KEPT_S:
                value = await loop.run_in_executor(self._threads, made)
                kept = self._kept[key] = _Kept(loop.time(), value)
            result: T = kept.value
            return result


def _said(telling: Telling, page: Page, language: Language) -> tuple[Told, Sequence[Snapshot]]:
    figures = telling.figures("") if page == "about" else ()
    return told(page, telling.known(), figures, language, telling.own(page)), telling.past(page, language)


def _words(point: Any, language: Language) -> str:
    return str(point.zh if language == "zh" else point.en)


def _json(document: object) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")

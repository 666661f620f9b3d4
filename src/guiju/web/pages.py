# SPDX-License-Identifier: Apache-2.0
"""The pages: one table of routes, one way to render, one way to fail. What is not in the table is not a page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, BinaryIO, Final
from urllib.parse import urlencode

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from guiju.adapters.signatures import Signatures
from guiju.config import Settings
from guiju.controls.guidance import Notices, shipped
from guiju.errors import CallerError, GuijuError, Language, OutsideError
from guiju.records.trace import Trace
from guiju.web import static
from guiju.web.guard import guarded
from guiju.web.locale import COOKIE, TAGS, language_of, say
from guiju.web.shown import lines, visible

log = logging.getLogger("guiju.web")
_YEAR: Final = 31_536_000


class Host(msgspec.Struct, frozen=True):
    """What pages need of the process that serves them.

    Attributes:
        settings: those in force now.
        counted: counts an answer, by page and outcome.
        exempt: addresses without a limit of their own; none for all, as behind a proxy.
        workers: how many processes share a limit.
        signatures: whose signatures are believed now.
        traced: what the evidence of this installation says of a file with a number; none where the number is another's.
        complains: whether the pages are there at which people complain.
        notices: what people are told before the first use.
    """

    settings: Callable[[], Settings]
    counted: Callable[[str, str], None]
    exempt: frozenset[str] | None = frozenset()
    workers: int = 1
    signatures: Callable[[], Signatures] = Signatures
    traced: Callable[[str, BinaryIO], Trace | None] = lambda number, file: None
    complains: bool = False
    notices: Callable[[], Notices] = shipped


@cache
def _templates() -> Environment:
    """The templates, each of which is compiled once."""
    made = Environment(
        loader=PackageLoader("guiju.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["visible"] = visible
    made.filters["lines"] = lines
    made.globals["asset"] = static.address
    return made


class Pages:
    """The pages as an ASGI application.

    Args:
        host: what serves them.
        routes: the pages; static files are added.
        ends: what is closed with them.
    """

    def __init__(self, host: Host, routes: Sequence[Route], ends: Sequence[Callable[[], None]] = ()) -> None:
        self.host = host
        self._ends = ends
        self.paths = frozenset(route.path for route in routes)
        open_ = [route for route in routes if "{" in route.path]
        self._below = tuple(route.path.partition("{")[0] for route in open_)
        self._open = tuple(route.path_regex for route in open_)
        held = Route(static.PREFIX + "{name:path}", static.static)
        self._router = Router([*routes, held], redirect_slashes=False)
        self._templates = _templates()

    def has(self, path: str) -> bool:
        """Whether a path is a page's."""
        if path in self.paths or path.startswith(static.PREFIX):
            return True
        return path.startswith(self._below) and any(one.match(path) for one in self._open)

    def close(self) -> None:
        """Close what pages hold; it may wait for what is under way."""
        for end in self._ends:
            end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        send = guarded(send)
        request = Request(scope)
        try:
            await self._router({**scope, "app": self}, receive, send)
        except ClientDisconnect:
            return
        except HTTPException as error:
            family = CallerError("method_not_allowed" if error.status_code == 405 else "page_missing")
            await self.failed(request, family, error.headers)(scope, receive, send)
        except GuijuError as error:
            await self.failed(request, error)(scope, receive, send)
        except Exception as error:  # a page that fails inside tells a person, never a traceback
            log.error("page_failed", extra={"kind": type(error).__name__})
            await self.failed(request, OutsideError("page_failed"))(scope, receive, send)

    def language(self, request: Request) -> Language:
        """What the reader of a request reads."""
        return language_of(request, self.host.settings().language)

    def page(self, request: Request, template: str, status: int = 200, **facts: Any) -> Response:
        """A page in the reader's language.

        Args:
            request: which is answered.
            template: of `templates/`.
            status: of HTTP.
            facts: what it shows.
        """
        language = self.language(request)
        other: Language = "en" if language == "zh" else "zh"

        def said(key: str, **more: object) -> str:
            return say(key, language, **more)

        html = self._templates.get_template(template).render(
            say=said,
            language=language,
            other=other,
            tag=TAGS[language],
            other_tag=TAGS[other],
            switched=switched(request, other),
            here_path=request.url.path,
            provider=self.host.settings().provider.name,
            complains=self.host.complains and self.host.settings().complain.page,
            verifies=self.host.settings().verify.page,
            **facts,
        )
        response = Response(html, status, media_type="text/html; charset=utf-8")
        response.headers["vary"] = "accept, accept-language, cookie"
        if request.query_params.get("lang") == language:
            secure = request.url.scheme == "https"
            response.set_cookie(COOKIE, language, max_age=_YEAR, secure=secure, httponly=True, samesite="lax")
        return response

    def failed(self, request: Request, error: GuijuError, headers: Mapping[str, str] | None = None) -> Response:
        """An error as a page, or as JSON for a program."""
        language = self.language(request)
        status = error.row.status
        if asks_json(request):
            said = {"message": error.told(language), "code": error.code, "retry": error.row.retry}
            response = Response(msgspec.json.encode({"error": said}), status, media_type="application/json")
        else:
            response = self.page(
                request, "error.html", status, sentence=error.sentence(language), advice=error.advice(language)
            )
        response.headers.update(headers or {})
        self.told(request, response, error)
        return response

    @staticmethod
    def told(request: Request, response: Response, error: GuijuError) -> None:
        """Add the headers of an error: when to try again, and that no more of a body is read."""
        if after := error.facts.get("after_s"):
            response.headers["retry-after"] = str(after)
        if request.method == "POST":
            response.headers["connection"] = "close"


def switched(request: Request, language: Language) -> str:
    """The address of the same page in a language; what else stands in the address stays."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return f"{request.url.path}?{urlencode([*kept, ('lang', language)])}"


def asks_json(request: Request) -> bool:
    """Whether a program asks, which reads JSON, and no browser."""
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted


def pages_of(request: Request) -> Pages:
    """The pages among which the one that was asked for is."""
    made: Pages = request.app
    return made

# SPDX-License-Identifier: Apache-2.0
"""The page that says in public what the service is for, how to use it well, and where to complain (Articles 10, 18)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guiju.web.pages import Host, Pages

PATH = "/about"


class About:
    """The page.

    Args:
        host: what serves it.
    """

    def __init__(self, host: Host) -> None:
        self.host = host

    def route(self) -> Route:
        """Its row in the table of routes."""
        return Route(PATH, self.serve, methods=["GET"])

    async def serve(self, request: Request) -> Response:
        """GET."""
        pages: Pages = request.app
        language, notices = pages.language(request), self.host.notices()
        service = notices.service
        rows = {"people": service.people, "occasions": service.occasions, "uses": service.uses} if service else {}
        texts = [
            (
                one.title.within(language),
                [point.zh if language == "zh" else point.en for point in one.point],
                notices.versions[one.id],
            )
            for one in notices.texts
        ]
        return pages.page(
            request,
            "about.html",
            service={name: said.within(language) for name, said in rows.items()},
            texts=texts,
            authority_url=self.host.settings().provider.authority_url,
        )

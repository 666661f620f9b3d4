# SPDX-License-Identifier: Apache-2.0
"""Style, script and pictures of the pages, shipped in the package. An address names what a file holds, so that browsers
may keep it for good. The widget is the one file that pages of others load, so it has a plain name beside that."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

PREFIX: Final = "/static/"
_KINDS: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


class File(NamedTuple):
    """A static file."""

    address: str
    kind: str
    data: bytes


def _files() -> dict[str, File]:
    made = {}
    for one in files("guiju.web").joinpath("static").iterdir():
        stem, _, ending = one.name.rpartition(".")
        if ending in _KINDS:
            data = one.read_bytes()
            address = f"{PREFIX}{stem}.{hashlib.sha256(data).hexdigest()[:12]}.{ending}"
            made[one.name] = File(address, _KINDS[ending], data)
    return made


FILES: Final[Mapping[str, File]] = _files()
_AT: Final[Mapping[str, File]] = {file.address: file for file in FILES.values()}
WIDGET: Final = PREFIX + "widget.js"
_OPEN: Final = {
    "cache-control": "public, max-age=3600",
    "cross-origin-resource-policy": "cross-origin",
    "access-control-allow-origin": "*",
}
"""What lets pages of others load the widget, and check that it is the one that they know (`integrity`)."""


def address(name: str) -> str:
    """Where a file of `static/` is found.

    Raises:
        KeyError: there is none of that name.
    """
    return FILES[name].address


async def static(request: Request) -> Response:
    """GET of a static file.

    Raises:
        HTTPException: there is none at that address.
    """
    if request.url.path == WIDGET:
        return Response(FILES["widget.js"].data, headers=_OPEN, media_type=FILES["widget.js"].kind)
    file = _AT.get(request.url.path)
    if file is None:
        raise HTTPException(404)
    return Response(file.data, headers={"cache-control": "public, max-age=31536000, immutable"}, media_type=file.kind)

# SPDX-License-Identifier: Apache-2.0
"""The page at which anybody learns whether a text is the one that was generated here under a number (Article 16).

What is pasted is compared by its keyed digest with the evidence, and is gone when the answer has been made.
"""

from __future__ import annotations

import asyncio
import io
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guiju.errors import CallerError, GuijuError
from guiju.marking.text import after, before, unmarked
from guiju.web.pages import Host, Pages, asks_json
from guiju.web.posted import Most, posted
from guiju.web.turns import Turns

PATH: Final = "/verify/text"
_NUMBER: Final = re.compile(r"[0-9A-Z]{26}(?:-[0-9]{1,4})?")
Said = Literal["same", "other", "open", "gone", "unknown", "none"]
_RESULTS: Final[dict[str, Said]] = {
    "found": "same",
    "altered": "other",
    "interrupted": "open",
    "pruned": "gone",
    "unrecorded": "unknown",
}


class VerifyText:
    """The page.

    Args:
        host: what serves it.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self._turns = Turns()
        self._threads = ThreadPoolExecutor(2, "guiju-text")

    def route(self) -> Route:
        """Its row in the table of routes."""
        return Route(PATH, self.serve, methods=["GET", "POST"])

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    async def serve(self, request: Request) -> Response:
        """GET for the form, POST for the answer.

        Raises:
            CallerError: `page_missing`, `too_many_files`, or the form can't be read.
        """
        settings = self.host.settings().verify
        if not settings.page:
            raise CallerError("page_missing")
        if request.method == "GET":
            return self._page(request, "", "", "")
        address = request.client.host if request.client else ""
        if self.host.exempt is not None and address not in self.host.exempt:
            rate = settings.files_per_minute / self.host.workers
            self._turns.take(address, rate, asyncio.get_running_loop().time())
        async with posted(request, Most(), self._threads) as came:
            text, number = came.fields.get("text", ""), came.fields.get("number", "").strip()
        found = _NUMBER.search(number) or _NUMBER.search(text)
        said: Said = "none"
        if found:
            loop = asyncio.get_running_loop()
            said = await loop.run_in_executor(self._threads, self._compared, found[0], text)
        self.host.counted("verify_text", said)
        if asks_json(request):
            made = {"result": said, "number": found[0] if found else "", "marked": _marked(text)}
            return Response(msgspec.json.encode(made), media_type="application/json")
        return self._page(request, said, found[0] if found else number, text)

    def _compared(self, number: str, text: str) -> Said:
        """What the evidence says; a form makes its own line ends, and a mark may have been left out."""
        plain = text.replace("\r\n", "\n").strip("\n")
        bare = unmarked(plain)
        result: Said = "unknown"
        for one in dict.fromkeys((plain, bare, *(before(at) + bare + after(at) for at in ("start", "end", "both")))):
            try:
                traced = self.host.traced(number, io.BytesIO(one.encode("utf-8", "replace")))
            except GuijuError:  # what can't be asked says nothing
                return "unknown"
            if traced is None:
                return "unknown"
            result = _RESULTS.get(traced.result, "unknown")
            if result != "other":
                return result
        return result

    def _page(self, request: Request, said: str, number: str, text: str) -> Response:
        pages: Pages = request.app
        return pages.page(request, "verify_text.html", said=said, number=number, text=text, marked=_marked(text))


def _marked(text: str) -> bool:
    """Whether it begins or ends with the words that label text."""
    plain = text.replace("\r\n", "\n").strip("\n")
    return unmarked(plain) != plain

# SPDX-License-Identifier: Apache-2.0
"""The page at which anybody learns whether a file is labelled, by whom, and whether it was changed (Article 16).

A file of a stranger comes, is read by a child with limits, and is gone when the answer has been made. Only its metadata
is read; nothing of it is shown to others, kept, or written to a log.
"""

from __future__ import annotations

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guiju.adapters.reader_request import Request as ReaderRequest
from guiju.config import Settings
from guiju.errors import CallerError, GuijuError, Language, OutsideError
from guiju.marking.explained import VERDICTS, report, sentences
from guiju.marking.families import FAMILIES
from guiju.marking.verify import Verified, with_check
from guiju.records.trace import evidence_of
from guiju.web.locale import say
from guiju.web.pages import Host, Pages, asks_json, pages_of
from guiju.web.readers import Readers
from guiju.web.turns import Turns
from guiju.web.uploads import Upload, deadline, drained, received

log = logging.getLogger("guiju.web")
PATH = "/verify"
_GRACE_S = 5.0
"""Seconds that the connection outlives the deadline, so that the answer to it can be sent."""
_DRAIN_S = 15.0
"""Seconds for which the rest of a refused body is thrown away, so that its sender reads why."""
_REASONS = ("unsupported", "unreadable", "too_large", "label")


class VerifyPage:
    """The page.

    Args:
        host: what serves it.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self._turns = Turns()
        self._open = 0
        self._readers = Readers(host.settings().verify.readers)
        self._writer = ThreadPoolExecutor(2, "guiju-upload")

    def route(self) -> Route:
        """Its row in the table of routes."""
        return Route(PATH, self.serve, methods=["GET", "POST"])

    def close(self) -> None:
        """End the children."""
        self._readers.close()
        self._writer.shutdown()

    async def serve(self, request: Request) -> Response:
        """GET for the form, POST for the answer."""
        if not self.host.settings().verify.page:
            raise CallerError("page_missing")
        if request.method == "POST":
            return await self._answered(request)
        return self._form(request)

    def _form(self, request: Request, error: GuijuError | None = None) -> Response:
        language = pages_of(request).language(request)
        accepted = sorted({f".{ending}" for family in FAMILIES for ending in family.endings})
        return pages_of(request).page(
            request,
            "verify.html",
            error.row.status if error else 200,
            problem=error.told(language) if error else "",
            here=f"{_scheme(request, self.host.settings())}://{request.url.netloc}{PATH}",
            most=self.host.settings().verify.file_bytes,
            accepted=",".join(accepted),
            verdicts={name: words.within(language) for name, words in VERDICTS.items()},
        )

    async def _answered(self, request: Request) -> Response:
        try:
            found, upload = await self._verified(request)
        except GuijuError as error:
            self.host.counted("verify", error.code)
            if error.code != "timeout":
                await drained(request, _DRAIN_S)
            if asks_json(request) or error.row.status >= 500:
                raise
            response = self._form(request, error)
            Pages.told(request, response, error)
            return response
        self.host.counted("verify", found.verdict)
        if asks_json(request):
            return Response(msgspec.json.encode(report(found)), media_type="application/json")
        return self._told(request, found, upload)

    async def _verified(self, request: Request) -> tuple[Verified, Upload]:
        """Take the file and have it read.

        Raises:
            CallerError: too many came, it is too large, late, or no file.
            OutsideError: `overloaded`.
        """
        settings, trusted = self.host.settings().verify, self.host.signatures()
        address = request.client.host if request.client else ""
        if self.host.exempt is not None and address not in self.host.exempt:
            now = asyncio.get_running_loop().time()
            self._turns.take(address, settings.files_per_minute / self.host.workers, now)
        if self._open >= settings.uploads:
            raise OutsideError("overloaded")
        self._open += 1
        try:
            deadline(request, settings.upload_s + _GRACE_S)
            async with asyncio.timeout(settings.upload_s) as until:
                async with received(request, settings.file_bytes, self._writer) as upload:
                    until.reschedule(None)  # it is here; reading it has a deadline of its own
                    path = f"/proc/{os.getpid()}/fd/{upload.file.fileno()}"
                    ending = PurePosixPath(upload.name).suffix.removeprefix(".")
                    asked = ReaderRequest(path, ending, trusted.known, trusted.anchors)
                    found = await self._readers.verified(asked)
                    return await self._evidenced(found, upload), upload
        except TimeoutError:
            raise CallerError("timeout") from None
        finally:
            self._open -= 1

    async def _evidenced(self, found: Verified, upload: Upload) -> Verified:
        """What was found, and what the evidence of this installation says of it; what can't be asked says nothing."""
        number = (found.label or {}).get("ProduceID", "")
        if found.verdict == "unreadable" or not number:
            return found
        loop = asyncio.get_running_loop()
        try:
            traced = await loop.run_in_executor(self._writer, self.host.traced, number, upload.file)
        except GuijuError as error:
            log.error("evidence_not_asked", extra={"code": error.code})
            return found
        check = evidence_of(found, traced) if traced else None
        return with_check(found, check) if check else found

    def _told(self, request: Request, found: Verified, upload: Upload) -> Response:
        """The answer as a page."""
        language = pages_of(request).language(request)
        other: Language = "en" if language == "zh" else "zh"
        reason = found.reason.partition(":")[0]
        return pages_of(request).page(
            request,
            "verified.html",
            found=found,
            name=upload.name,
            facts=_facts(found, upload, language),
            title=VERDICTS[found.verdict].within(language),
            sentences=sentences(found, language),
            other_title=VERDICTS[found.verdict].within(other),
            other_sentences=sentences(found, other),
            reason=reason if reason in _REASONS else "limits",
            faults=[*found.faults, *_producer(found)],
        )


def _scheme(request: Request, settings: Settings) -> str:
    """How this page is reached; a proxy in front speaks TLS."""
    return "https" if settings.serve.behind_proxy else request.url.scheme


def _facts(found: Verified, upload: Upload, language: Language) -> str:
    """A file's type and size."""
    size = upload.size
    for unit, bytes_ in (("mib", 1 << 20), ("kib", 1 << 10)):
        if size >= bytes_:
            told = say(f"verify.size.{unit}", language, n=f"{size / bytes_:.1f}")
            break
    else:
        told = say("verify.size.b", language, n=size)
    return say("verify.format", language, family=found.family.upper(), size=told) if found.family else told


def _producer(found: Verified) -> list[str]:
    """What is wrong with who is named as the producer."""
    if not found.producer_fault or found.label is None:
        return []
    return ["code" if found.label["ContentProducer"].strip() else "nobody"]

# SPDX-License-Identifier: Apache-2.0
"""The run of an exchange in which sound is asked and text is answered: the text takes the road of every answer."""

from __future__ import annotations

from typing import Any

from guiju.adapters.upstream import Reply as UpstreamReply
from guiju.adapters.upstreams import Service
from guiju.gateway import http
from guiju.gateway.http import Send
from guiju.gateway.pipeline import TextRun
from guiju.gateway.run import RefusedError, Run
from guiju.gateway.wire import form
from guiju.gateway.wire.protocol import TextQuestions
from guiju.gateway.wire.services import Answer
from guiju.gateway.wire.transcripts import Transcripts
from guiju.terms import Hearing


class UploadRun(Run):
    """An exchange whose request is a form with files."""

    uploads = True

    def parsed(self, body: bytes) -> Any:
        """See `Run`."""
        limits = self.live.settings.limits
        read = form.read(body, self.head.kind, limits)
        self.form = form.kind(read.border)
        return self.wire.parse(read, self.live.settings.gateway.fields, limits)


class TranscriptRun(UploadRun, TextRun):
    """An exchange in which sound is asked and text is answered."""

    wire: Transcripts

    async def ask(self, upstream: Service, canonical: bytes) -> UpstreamReply:
        """See `TextRun`."""
        return await self._model(upstream, canonical, self.wire.path, self.form)

    def reads(self, source: UpstreamReply, asked: Any) -> Answer:
        """See `TextRun`."""
        return self.wire.reader(asked)

    def as_error(self, hearing: Hearing) -> bool:
        """Always: there is no place for a refusal in a transcript."""
        return True

    def kind_of(self, asked: Any) -> http.Header:
        """See `TextRun`."""
        return http.JSON if asked.frame.form in ("json", "verbose_json") else http.PLAIN

    async def refused(self, asked: TextQuestions, hearing: Hearing, send: Send) -> None:
        """Tell that what was asked is refused.

        Raises:
            RefusedError: always; see `as_error`.
        """
        raise RefusedError(hearing)

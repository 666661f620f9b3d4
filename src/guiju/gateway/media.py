# SPDX-License-Identifier: Apache-2.0
"""The run of an exchange whose answer is a file: it goes out with its label in it, or not at all (Article 16)."""

from __future__ import annotations

import asyncio
import io
import logging
from typing import Any

import msgspec

from guiju.adapters.signatures import Signatures
from guiju.adapters.upstream import ContentRefusedError
from guiju.adapters.upstreams import Service
from guiju.controls.hearing import hear
from guiju.errors import ConfigError, Language, OutsideError
from guiju.gateway import http
from guiju.gateway.http import Send
from guiju.gateway.run import RefusedError, Run
from guiju.gateway.wire.media import Asked, Made, MediaWire
from guiju.gateway.wire.speech import Spoken
from guiju.marking.families import family_of
from guiju.marking.family import Family, MarkingError, head_of
from guiju.marking.label import Aigc, generated
from guiju.marking.words import WORDS
from guiju.records.sources import optional
from guiju.terms import Label

log = logging.getLogger("guiju.gateway")


class MediaRun(Run):
    """An exchange whose answer is a file, or several."""

    wire: MediaWire

    async def serve(self, asked: Asked, upstream: Service, canonical: bytes, send: Send) -> None:
        """Ask the model, label what it made, and pass that on."""
        made = await self._made(asked, upstream, canonical)
        self.tokens = made.tokens
        self.dropped.update(made.dropped)
        files = await self._labelled(made.files, asked)
        assert self.exchange is not None
        assert self.exchange.label is not None
        for number, file in enumerate(files):
            self.out.file(number, file)
        aigc = generated(self.exchange.label).fields()
        body, kind = self.wire.write(files, asked, int(self.live.clock()), aigc)
        await self._close("passed", "finished")
        headers = [
            (b"content-type", kind),
            http.NO_CACHE,
            (b"x-guiju-decision-id", self.id.encode()),
            (b"x-guiju-aigc", msgspec.json.encode(aigc)),
        ]
        if asked.dropped:
            headers.append((b"x-guiju-dropped", ",".join(asked.dropped).encode()))
        await http.answer(send, 200, body, headers + self.used_headers())

    async def _made(self, asked: Asked, upstream: Service, canonical: bytes) -> Made:
        try:
            source = await self._model(upstream, canonical, self.wire.path, self.form)
        except ContentRefusedError as refused:
            await self._refused(refused)
            raise
        try:
            if source.streamed:
                raise OutsideError("upstream_failed", what="a stream that was not asked for")
            return self.wire.read(await source.body(), asked)
        finally:
            source.close()

    async def _labelled(self, files: list[bytes], asked: Asked) -> list[bytes]:
        """The files, each with a label and a number of its own; the first has the exchange's.

        Raises:
            RefusedError: one can't carry it, so that the control of labels refuses.
        """
        assert self.exchange is not None
        label = self.exchange.label
        assert label is not None
        seen = (self.key.label or self.live.settings.gateway.label) != "envelope"
        try:
            language = self.head.language if seen else None
            return await asyncio.to_thread(_labelled, files, label, asked.ending, language, self.live.signatures)
        except MarkingError:
            bare = msgspec.structs.replace(self.exchange, label=None)
            hearing = hear(self.policy.controls.release, bare, (), "output")
            self.heard.append(hearing)
            if not hearing.stops:
                return files
            await self._close("stopped", "stopped")
            raise RefusedError(hearing) from None


class SpeechRun(MediaRun):
    """An exchange in which words are spoken."""

    async def seen(self, asked: Any) -> Any:
        """A voice that is made of a person's needs a consent (Article 4.5)."""
        if isinstance(asked, Spoken) and asked.voiced:
            self.likenesses = ("voice",)
        return asked


def numbered(label: Label, number: int) -> Label:
    """The label of one of several files of an exchange: its number is the exchange's, and which one it is."""
    return msgspec.structs.replace(label, produce_id=f"{label.produce_id}-{number}") if number else label


def _labelled(
    files: list[bytes], label: Label, ending: str, language: Language | None, signatures: Signatures
) -> list[bytes]:
    """The files with their labels; pictures with words that people see, in a language, unless the app shows them."""
    made = []
    for number, file in enumerate(files):
        source, target = io.BytesIO(file), io.BytesIO()
        family = family_of(head_of(source), ending)
        if language and family and family.kind == "image":
            source = _inscribed(source, WORDS[label.kind][language])
        if family is None:
            raise MarkingError("unsupported", ending)
        _signed(signatures, family, source, target, generated(numbered(label, number)), ending)
        made.append(target.getvalue())
    return made


def _signed(
    signatures: Signatures, family: Family, source: io.BytesIO, target: io.BytesIO, aigc: Aigc, ending: str
) -> None:
    """A file with its label, signed where it can be. The label is a duty, content credentials are not: where they can't
    be signed, that is logged, and the file goes out with its label.

    Raises:
        MarkingError: it can't carry its label.
    """
    if signatures.credentials is not None:
        if signatures.credentials.type_of(family):
            try:
                signatures.written(family, source, target, aigc, ending)
            except MarkingError as error:
                if error.reason not in ("unsigned", "not_kept"):
                    raise
                log.error("credentials_not_signed", extra={"kind": family.name})
                target.seek(0)
                target.truncate()
            else:
                return
        signatures = msgspec.structs.replace(signatures, credentials=None)
    signatures.written(family, source, target, aigc, ending)


def _inscribed(source: io.BytesIO, words: str) -> io.BytesIO:
    """A picture with words on it.

    Raises:
        MarkingError: it can't have them; what draws is not installed, too.
    """
    try:
        inscribe = optional("guiju.marking.inscribe", "pillow", "media")
        lettering = optional("guiju.marking.lettering", "pillow", "media")
    except ConfigError as error:
        raise MarkingError("unsupported", "words on pictures without guiju[media]") from error
    target = io.BytesIO()
    inscribe.inscribed(source, target, lettering.Lettering(words))
    return target

# SPDX-License-Identifier: Apache-2.0
"""The run of an exchange whose answer is a file: it goes out with its label in it, or not at all (Article 16)."""

from __future__ import annotations

import asyncio
import io
import logging
import tempfile
from typing import Any, BinaryIO, cast

import msgspec

from guiju.adapters import heard
from guiju.adapters.signatures import Signatures
from guiju.adapters.upstream import ContentRefusedError
from guiju.adapters.upstreams import Service
from guiju.config import Gateway
from guiju.controls.hearing import hear
from guiju.errors import ConfigError, Language, OutsideError
from guiju.gateway import alike, http
from guiju.gateway.http import Send
from guiju.gateway.run import RefusedError, Run
from guiju.gateway.wire.media import Asked, Made, MediaWire
from guiju.gateway.wire.speech import Spoken
from guiju.marking.families import family_of
from guiju.marking.family import HEAD, Family, MarkingError, head_of
from guiju.marking.label import Aigc, generated
from guiju.marking.watermark_number import payload
from guiju.marking.wav_sound import Place
from guiju.marking.words import WORDS
from guiju.records.sources import optional
from guiju.terms import Label, Text

log = logging.getLogger("guiju.gateway")


class MediaRun(Run):
    """An exchange whose answer is a file, or several."""

    wire: MediaWire

    async def serve(self, asked: Asked, upstream: Service, canonical: bytes, send: Send) -> None:
        """Ask the model, label what it made, and pass that on."""
        made = await self._made(asked, upstream, canonical)
        self.tokens = made.tokens
        self.leave(made.dropped)
        await no_banned(self, [one for one in made.files if _picture(one)])
        files = await self._labelled(made.files, asked)
        assert self.exchange is not None
        assert self.exchange.label is not None
        for number, file in enumerate(files):
            self.out.file(number, file)
        aigc = generated(self.exchange.label).fields()
        body, kind = self.wire.write(files, asked, int(self.live.clock()), aigc)
        await self.delivered()
        await self._close("passed", "finished")
        headers = [
            (b"content-type", kind),
            http.NO_CACHE,
            (b"x-guiju-decision-id", self.id.encode()),
            (b"x-guiju-aigc", msgspec.json.encode(aigc)),
        ]
        if asked.dropped:
            headers.append((b"x-guiju-dropped", ",".join(asked.dropped).encode()))
        await http.answer(send, 200, body, headers + self.asker.headers())

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
        live, head = self.live, self.head
        settings = live.settings.gateway
        explicit = _explicit(settings, self.key.label, head.language, live.recording, head.label)
        explicit = msgspec.structs.replace(explicit, watermark=settings.watermark)
        try:
            return await asyncio.to_thread(_labelled, files, label, asked.ending, explicit, self.live.signatures)
        except MarkingError as error:
            await bare(self, error)
            return files


def _picture(file: bytes) -> bool:
    """Whether a file is a picture."""
    family = family_of(file[:HEAD])
    return family is not None and family.kind == "image"


async def no_banned(run: Run, pictures: list[bytes]) -> None:
    """Let the controls hear of banned pictures among those that were made.

    Raises:
        RefusedError: they may not go out.
        OutsideError: one can't be read, or there is nobody to look.
    """
    found = await alike.made(run.live, run.policy, pictures)
    if not found:
        return
    hearing = hear(run.policy.controls.output, Text("data", ""), run.rulings.graded(found, "output"), "output")
    run.heard.append(hearing)
    if hearing.stops:
        await run.live.books.durable(run.close("stopped", "stopped"))
        raise RefusedError(hearing)


async def bare(run: Run, error: MarkingError) -> None:
    """Let the controls hear of an exchange whose file has no label. Returns when it may go out so.

    Raises:
        RefusedError: it may not.
    """
    assert run.exchange is not None
    kind = error.reason
    log.error("label_not_written", extra={"x": run.id, "kind": kind})
    hearing = hear(run.policy.controls.release, msgspec.structs.replace(run.exchange, label=None), (), "output")
    run.heard.append(hearing)
    if hearing.stops:
        await run.live.books.durable(run.close("stopped", "stopped"))
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


class Explicit(msgspec.Struct, frozen=True):
    """What people see and hear, unless the app shows it.

    Attributes:
        language: of the words on pictures; none for no words.
        place: of the label in speech; none for none.
        recording: that is heard there; `b""` for the rhythm.
        watermark: whether pictures get one besides.
    """

    language: Language | None = None
    place: Place | None = None
    recording: bytes = b""
    watermark: bool = False


def _explicit(settings: Gateway, key: str, language: Language, recording: bytes, wanted: str = "") -> Explicit:
    """Where explicit labels go: as the key says, else the settings; speech and pictures may have a rule of their own.

    Args:
        settings: of the gateway.
        key: where the key says that text labels go; `""` where it does not say.
        language: of the reader.
        recording: see `Explicit`.
        wanted: where the request wants them in any case; `none` for nowhere, which a control has allowed.
    """
    if wanted == "none":
        return Explicit()
    if wanted:
        return Explicit(language, cast(Place, wanted), recording)
    place = key or settings.label
    sound = place if settings.label_sound == "as_text" else settings.label_sound
    heard_at = None if sound == "envelope" else cast(Place, sound)
    words = settings.label_picture == "words" or place != "envelope"
    return Explicit(language if words else None, heard_at, recording)


def _labelled(files: list[bytes], label: Label, ending: str, explicit: Explicit, signatures: Signatures) -> list[bytes]:
    """The files with their labels; pictures with words that people see and speech with a label that they hear, unless
    the app shows them."""
    made = []
    for number, file in enumerate(files):
        source, target = io.BytesIO(file), io.BytesIO()
        family = family_of(head_of(source), ending)
        if family is None:
            raise MarkingError("unsupported", ending)
        if family.kind == "image":
            words = WORDS[label.kind][explicit.language] if explicit.language else ""
            source = _drawn(source, words, payload(label.produce_id) if explicit.watermark else b"")
        elif explicit.place and family.kind == "audio":
            source = _heard(family.name, file, explicit.place, explicit.recording)
        signed(signatures, family, source, target, generated(numbered(label, number)), ending)
        made.append(target.getvalue())
    return made


def _heard(family: str, file: bytes, place: Place, recording: bytes) -> io.BytesIO:
    """A sound with a label that is heard.

    Raises:
        MarkingError: it can't have one; what encodes it is not installed, too.
    """
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(file)
        source.flush()
        source.seek(0)
        heard.put(family, cast(BinaryIO, source), cast(BinaryIO, target), place, recording)
        target.seek(0)
        return io.BytesIO(target.read())


def signed(
    signatures: Signatures, family: Family, source: BinaryIO, target: BinaryIO, aigc: Aigc, ending: str = ""
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


def _drawn(source: io.BytesIO, words: str, mark: bytes) -> io.BytesIO:
    """A picture with its words and its watermark. The words are a duty, the watermark is not: a picture that can't have
    one goes out without it, and that is logged.

    Raises:
        MarkingError: it can't have the words.
    """
    if mark:
        try:
            return inscribed(source, words, mark)
        except MarkingError as error:
            if error.reason != "no_watermark":
                raise
            log.warning("watermark_not_written")
            source.seek(0)
    return inscribed(source, words) if words else source


def inscribed(source: BinaryIO, words: str, mark: bytes = b"") -> io.BytesIO:
    """A picture with words on it, a watermark in it, or both.

    Raises:
        MarkingError: it can't have them; what draws is not installed, too.
    """
    try:
        inscribe = optional("guiju.marking.inscribe", "pillow", "media")
    except ConfigError as error:
        raise MarkingError("unsupported", "words on pictures without guiju[media]") from error
    target, lettering = io.BytesIO(), letters()
    inscribe.inscribed(source, target, lettering.Lettering(words) if words else None, mark)
    return target


def letters() -> Any:
    """What sets words.

    Raises:
        MarkingError: it is not installed.
    """
    try:
        return optional("guiju.marking.lettering", "pillow", "media")
    except ConfigError as error:
        raise MarkingError("unsupported", "words on pictures without guiju[media]") from error

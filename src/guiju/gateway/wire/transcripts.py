# SPDX-License-Identifier: Apache-2.0
"""The protocol of /v1/audio/transcriptions: sound in, text out, which is looked at like any other answer (Article 4).

The service is asked for JSON whatever the caller wants, so that every word of it is seen; subtitles are written here.
Who speaks is not told: fields by which voices are told apart by persons are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from guiju.adapters.upstream import Address
from guiju.config import Limits
from guiju.detect.personal.masking import Masker
from guiju.errors import CallerError, GuijuError, Language
from guiju.gateway.wire import canonical, form, media, openai_errors
from guiju.gateway.wire.canonical import Shape, Treatment
from guiju.gateway.wire.form import File, Form
from guiju.gateway.wire.masked import masked_extra
from guiju.gateway.wire.transcript_reply import Frame, TranscriptAnswer, TranscriptWriter
from guiju.marking.families import family_of
from guiju.marking.family import HEAD
from guiju.terms import Text

DROPPED: Final = frozenset({"user"})
"""Known fields that do not go upstream; they are listed."""
_ENDINGS: Final[Mapping[str, str]] = {
    "mp3": "mp3",
    "wav": "wav",
    "flac": "flac",
    "ogg": "ogg",
    "m4a": "m4a",
    "mp4": "mp4",
    "webm": "webm",
}
"""Family of a file → the ending under which it goes upstream."""
_SAID: Final = ("prompt", "language")


class TranscriptRequest(Shape):
    model: str
    language: str | None = None
    prompt: str | None = None
    response_format: Literal["json", "text", "verbose_json", "srt", "vtt"] | None = None
    temperature: float | None = None
    timestamp_granularities: list[Literal["word", "segment"]] | None = None
    stream: bool | None = None
    chunking_strategy: Literal["auto"] | None = None


_KNOWN: Final = frozenset(TranscriptRequest.__struct_fields__)


class Asked(msgspec.Struct):
    """A parsed request; see `TextQuestions`.

    Attributes:
        request: as it was read.
        file: the sound.
        ending: under which it goes upstream.
        extra: fields that the operator's table forwards beside it.
        frame: what stands around the text of the answer.
        border: of the form that goes upstream.
    """

    request: TranscriptRequest
    file: File
    ending: str
    extra: dict[str, Any]
    dropped: tuple[str, ...]
    frame: Frame
    border: str
    choices: int = 1
    structured: bool = True

    @property
    def model(self) -> str:
        """The public name of the model."""
        return self.request.model

    @property
    def name(self) -> Text:
        """The model's name."""
        return Text("model", self.request.model)

    @property
    def stream(self) -> bool:
        """Whether a stream is asked for."""
        return bool(self.request.stream)

    @property
    def texts(self) -> tuple[Text, ...]:
        """Every string of the request but the model's name."""
        said = ((field, getattr(self.request, field)) for field in _SAID)
        return (*(Text(field, text) for field, text in said if text), *canonical.strings(self.extra, ""))

    @property
    def timed(self) -> bool:
        """Whether the answer needs times."""
        return self.request.response_format in ("verbose_json", "srt", "vtt")


class Transcripts:
    """The protocol; see `UploadWire`."""

    name = "transcriptions"
    path = "/audio/transcriptions"
    labelled = True
    text = False
    fields = frozenset({"content", "segments", "words"})

    def parse(self, body: Form, table: Mapping[str, Treatment], limits: Limits) -> Asked:
        """Read a request."""
        extra, dropped = canonical.sift(body.fields, _KNOWN, DROPPED, table)
        request = canonical.convert(body.fields, TranscriptRequest, lax=True)
        media.within(request, _SAID, limits)
        if request.stream and request.response_format not in (None, "json", "text"):
            raise CallerError("invalid_request", what="stream: json or text", param="stream")
        if request.timestamp_granularities and request.response_format != "verbose_json":
            raise CallerError("invalid_request", what="verbose_json", param="timestamp_granularities")
        if [one.field for one in body.files] != ["file"]:
            raise CallerError("invalid_request", what="one file, named file", param="file")
        family = family_of(body.files[0].data[:HEAD])
        if family is None or family.name not in _ENDINGS:
            raise CallerError("not_checkable", what="file: " + ", ".join(_ENDINGS), param="file")
        frame = Frame(request.response_format or "json")
        return Asked(request, body.files[0], _ENDINGS[family.name], extra, tuple(dropped), frame, body.border)

    def encode(self, asked: Asked, to: Address, person: str) -> bytes:
        """The form as it goes upstream; nobody's id goes with it."""
        request = asked.request
        fields = [("model", to.model), ("response_format", "verbose_json" if asked.timed else "json")]
        fields += [(name, text) for name in ("language", "prompt") if (text := getattr(request, name))]
        if request.temperature is not None:
            fields.append(("temperature", str(request.temperature)))
        fields += [("timestamp_granularities[]", one) for one in request.timestamp_granularities or ()]
        if request.stream:
            fields.append(("stream", "true"))
        if request.chunking_strategy:
            fields.append(("chunking_strategy", request.chunking_strategy))
        fields += form.flat(asked.extra)
        media_type = f"{'video' if asked.ending in ('mp4', 'webm') else 'audio'}/{asked.ending}"
        return form.write(asked.border, fields, [("file", f"audio.{asked.ending}", media_type, asked.file.data)])

    def masked(self, asked: Asked, by: Masker) -> Asked:
        """The request as somebody else may see it."""
        said = {field: by.text(text) for field in _SAID if (text := getattr(asked.request, field))}
        request = msgspec.structs.replace(asked.request, **said)
        return msgspec.structs.replace(asked, request=request, extra=masked_extra(asked.extra, by))

    def reader(self, asked: Asked) -> TranscriptAnswer:
        """What reads a model service's answer to it."""
        return TranscriptAnswer(asked.frame)

    def writer(self, asked: Asked, exchange: str, created: int, aigc: dict[str, str]) -> TranscriptWriter:
        """What writes the answer to it."""
        return TranscriptWriter(asked.frame, aigc)

    def error(self, error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
        """The error object of OpenAI's API."""
        return openai_errors.body(error, language, guiju)

# SPDX-License-Identifier: Apache-2.0
"""The protocol of /v1/audio/speech: words in, labelled sound out (Articles 4 and 16).

What is spoken is what was asked, and that is looked at before. Formats without a place for a label are refused, and so
is a voice that is made of a person's needs that person's consent (deep synthesis provisions, 14).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from guiju.adapters.upstream import Address
from guiju.config import Limits
from guiju.detect.personal.masking import Masker
from guiju.errors import GuijuError, Language, OutsideError
from guiju.gateway.wire import canonical, media, openai_errors, strict
from guiju.gateway.wire.canonical import Shape, Treatment
from guiju.gateway.wire.media import Asked, Made

DROPPED: Final = frozenset({"user"})
"""Known fields that do not go upstream; they are listed."""
_SAID: Final = ("input", "instructions", "voice")
_LONG: Final = 2048
"""Characters of a forwarded field from which on it may hold a sample of a voice."""
_TYPES: Final[Mapping[str, bytes]] = {
    "mp3": b"audio/mpeg",
    "opus": b"audio/ogg",
    "flac": b"audio/flac",
    "wav": b"audio/wav",
}


class CustomVoice(Shape):
    id: str


class SpeechRequest(Shape, omit_defaults=False):
    model: str
    input: str
    voice: str | CustomVoice
    instructions: str | None = None
    response_format: Literal["mp3", "opus", "flac", "wav"] = "mp3"
    speed: float | None = None


_KNOWN: Final = frozenset(SpeechRequest.__struct_fields__)


class Spoken(Asked):
    """A parsed request.

    Attributes:
        custom: whether the voice is one of the provider's making, named by its id.
        voiced: whether it is a person's, by its id or by a sample of it.
    """

    custom: bool = False
    voiced: bool = False


def _sample(text: str) -> bool:
    """Whether a forwarded text may hold or name a sample of a voice."""
    return len(text) > _LONG or text.startswith(("data:", "http:", "https:"))


class Speech:
    """The protocol; see `MediaWire`."""

    name = "speech"
    path = "/audio/speech"
    labelled = True
    text = False

    def parse(self, body: bytes, table: Mapping[str, Treatment], limits: Limits) -> Asked:
        """Read a request."""
        raw = strict.decode(body, limits)
        extra, dropped = canonical.sift(raw, _KNOWN, DROPPED, table)
        request = canonical.convert(raw, SpeechRequest)
        custom = isinstance(request.voice, CustomVoice)
        if isinstance(request.voice, CustomVoice):
            request.voice = request.voice.id
        media.within(request, _SAID, limits)
        asked = Spoken(request, extra, _SAID, tuple(dropped), request.response_format, custom=custom)
        asked.voiced = custom or any(_sample(text.text) for text in canonical.strings(extra, ""))
        return asked

    def encode(self, asked: Asked, to: Address, person: str) -> bytes:
        """The request as it goes upstream."""
        fields = {name: value for name, value in msgspec.structs.asdict(asked.request).items() if value is not None}
        if isinstance(asked, Spoken) and asked.custom:
            fields["voice"] = {"id": asked.request.voice}
        return msgspec.json.encode({**fields, **asked.extra, "model": to.model})

    def masked(self, asked: Asked, by: Masker) -> Asked:
        """See `media.masked`."""
        return media.masked(asked, by)

    def read(self, body: bytes, asked: Asked) -> Made:
        """See `MediaWire`. Text in UTF-16 begins like sound of a kind that no service makes (layer I of MPEG-1)."""
        if not body or body.startswith(b"\xff\xfe"):
            raise OutsideError("upstream_failed", what="no sound")
        return Made([body])

    def write(self, files: list[bytes], asked: Asked, created: int, aigc: Mapping[str, str]) -> tuple[bytes, bytes]:
        """See `MediaWire`."""
        return files[0], _TYPES[asked.ending]

    def error(self, error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
        """The error object of OpenAI's API."""
        return openai_errors.body(error, language, guiju)

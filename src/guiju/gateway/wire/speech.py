# SPDX-License-Identifier: Apache-2.0
"""The protocol of /v1/audio/speech: words in, labelled sound out (Articles 4 and 16).

What is spoken is what was asked, and that is looked at before. Formats without a place for a label are refused, and so
is a voice that is more than the name of one: that of a person needs a consent (deep synthesis provisions, 14).
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
_TYPES: Final[Mapping[str, bytes]] = {
    "mp3": b"audio/mpeg",
    "opus": b"audio/ogg",
    "flac": b"audio/flac",
    "wav": b"audio/wav",
}


class SpeechRequest(Shape, omit_defaults=False):
    model: str
    input: str
    voice: str
    instructions: str | None = None
    response_format: Literal["mp3", "opus", "flac", "wav"] = "mp3"
    speed: float | None = None


_KNOWN: Final = frozenset(SpeechRequest.__struct_fields__)


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
        media.within(request, _SAID, limits)
        return Asked(request, extra, _SAID, tuple(dropped), request.response_format)

    def encode(self, asked: Asked, to: Address, person: str) -> bytes:
        """The request as it goes upstream."""
        fields = {name: value for name, value in msgspec.structs.asdict(asked.request).items() if value is not None}
        return msgspec.json.encode({**fields, **asked.extra, "model": to.model})

    def masked(self, asked: Asked, by: Masker) -> Asked:
        """See `media.masked`."""
        return media.masked(asked, by)

    def read(self, body: bytes, asked: Asked) -> Made:
        """See `MediaWire`."""
        if not body:
            raise OutsideError("upstream_failed", what="no sound")
        return Made([body])

    def write(self, files: list[bytes], asked: Asked, created: int, aigc: Mapping[str, str]) -> tuple[bytes, bytes]:
        """See `MediaWire`."""
        return files[0], _TYPES[asked.ending]

    def error(self, error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
        """The error object of OpenAI's API."""
        return openai_errors.body(error, language, guiju)

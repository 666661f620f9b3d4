# SPDX-License-Identifier: Apache-2.0
"""The protocol of /v1/images/generations: words in, labelled pictures out (Articles 4 and 16).

Pictures come in the answer itself: an address would be of a file that nobody labelled, so a model service that sends
one is refused, and a caller that asks for addresses gets data URIs.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from guiju.adapters.upstream import Address
from guiju.config import Limits
from guiju.detect.personal.masking import Masker
from guiju.errors import CallerError, GuijuError, Language, OutsideError
from guiju.gateway.wire import canonical, media, openai_errors, strict
from guiju.gateway.wire.canonical import Shape, Treatment
from guiju.gateway.wire.media import Asked, Made

DROPPED: Final = frozenset({"user"})
"""Known fields that do not go upstream; they are listed."""
MOST: Final = 8
"""Pictures of one request, at most."""
_SAID: Final = ("prompt", "size", "style", "quality")
_TYPES: Final[Mapping[bytes, str]] = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


class ImagesRequest(Shape):
    model: str
    prompt: str
    n: int | None = None
    size: str | None = None
    quality: str | None = None
    style: str | None = None
    background: Literal["transparent", "opaque", "auto"] | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    output_compression: int | None = None
    moderation: Literal["auto", "low"] | None = None
    response_format: Literal["url", "b64_json"] | None = None


_KNOWN: Final = frozenset(ImagesRequest.__struct_fields__)


class _Picture(msgspec.Struct):
    b64_json: str | None = None
    url: str | None = None


_ABOUT: Final = ("background", "output_format", "quality", "size")
"""What a service repeats of the request."""


class _Usage(msgspec.Struct):
    total_tokens: int = 0


class _Answer(msgspec.Struct):
    data: list[_Picture]
    usage: _Usage | None = None


_PLAIN: Final = frozenset({*_Answer.__struct_fields__, "created", *_ABOUT})
_PICTURE: Final = frozenset({"b64_json", "url"})
"""Fields of an answer, and of a picture, that lose nothing."""


class Images:
    """The protocol; see `MediaWire`."""

    name = "images"
    path = "/images/generations"
    labelled = True
    text = False

    def parse(self, body: bytes, table: Mapping[str, Treatment], limits: Limits) -> Asked:
        """Read a request."""
        raw = strict.decode(body, limits)
        extra, dropped = canonical.sift(raw, _KNOWN, DROPPED, table)
        request = canonical.convert(raw, ImagesRequest)
        media.within(request, _SAID, limits)
        if request.n is not None and not 1 <= request.n <= MOST:
            raise CallerError("invalid_request", what=f"n: 1 to {MOST}", param="n")
        return Asked(request, extra, _SAID, tuple(dropped), request.output_format or "")

    def encode(self, asked: Asked, to: Address, person: str) -> bytes:
        """The request as it goes upstream. A service that is told how to answer is told to send the pictures."""
        form = "b64_json" if asked.request.response_format else None
        request = msgspec.structs.replace(asked.request, model=to.model, response_format=form)
        return canonical.joined(request, asked.extra)

    def masked(self, asked: Asked, by: Masker) -> Asked:
        """See `media.masked`."""
        return media.masked(asked, by)

    def read(self, body: bytes, asked: Asked) -> Made:
        """See `MediaWire`. A prompt that the service wrote anew is left behind: nobody has looked at it."""
        try:
            made = msgspec.json.decode(body, type=_Answer)
            named = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
            each = msgspec.json.decode(named["data"], type=list[dict[str, msgspec.Raw]])
            files = [base64.b64decode(one.b64_json or "", validate=True) for one in made.data]
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, binascii.Error, ValueError):
            raise OutsideError("upstream_failed", what="what it sent is no list of pictures") from None
        if any(one.url for one in made.data):
            raise OutsideError("upstream_failed", what="an address in place of a picture")
        if len(files) != (asked.request.n or 1) or not all(files):
            raise OutsideError("upstream_failed", what="not as many pictures as were asked for")
        dropped = strict.left_behind(named, _PLAIN) | strict.left_behind(each, _PICTURE)
        return Made(files, made.usage.total_tokens if made.usage else 0, tuple(dropped))

    def write(self, files: list[bytes], asked: Asked, created: int, aigc: Mapping[str, str]) -> tuple[bytes, bytes]:
        """See `MediaWire`."""
        data: list[dict[str, str]] = []
        for file in files:
            text = base64.b64encode(file).decode()
            if asked.request.response_format == "url":
                kind = next((kind for head, kind in _TYPES.items() if file.startswith(head)), "image/png")
                data.append({"url": f"data:{kind};base64,{text}"})
            else:
                data.append({"b64_json": text})
        made: dict[str, Any] = {"created": created, "data": data, "aigc": aigc}
        return msgspec.json.encode(made), b"application/json"

    def error(self, error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
        """The error object of OpenAI's API."""
        return openai_errors.body(error, language, guiju)

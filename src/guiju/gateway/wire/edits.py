# SPDX-License-Identifier: Apache-2.0
"""The protocol of /v1/images/edits: words and pictures in, labelled pictures out (Articles 4, 11 and 16).

A form comes in and a form goes out, written anew: of each picture what is seen of it, without names, places and texts
that its file may hold besides.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from guiju.adapters.upstream import Address
from guiju.config import Limits
from guiju.errors import CallerError
from guiju.gateway.wire import canonical, form, media
from guiju.gateway.wire.canonical import Shape, Treatment
from guiju.gateway.wire.form import File, Form
from guiju.gateway.wire.images import MOST, Images
from guiju.marking.bare import Bare, bare
from guiju.marking.families import family_of
from guiju.marking.family import HEAD, MarkingError
from guiju.marking.label import Aigc, parse

DROPPED: Final = frozenset({"user"})
"""Known fields that do not go upstream; they are listed."""
PICTURES: Final = 16
"""Pictures that are asked about at once, at most."""
_SAID: Final = ("prompt", "size", "quality")
_FAMILIES: Final = ("png", "jpeg", "webp")


class EditRequest(Shape):
    model: str
    prompt: str
    n: int | None = None
    size: str | None = None
    quality: str | None = None
    background: Literal["transparent", "opaque", "auto"] | None = None
    input_fidelity: Literal["high", "low"] | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    output_compression: int | None = None
    response_format: Literal["url", "b64_json"] | None = None


_KNOWN: Final = frozenset(EditRequest.__struct_fields__)


class Asked(media.Asked):
    """A parsed request.

    Attributes:
        files: as they came, `image` and `mask`.
        pictures: what is left of them, in the same order; see `stripped`.
        found: labels that say that they are generated, of pictures that carry one.
        border: of the form that goes upstream.
    """

    files: tuple[File, ...] = ()
    pictures: tuple[Bare, ...] = ()
    found: tuple[Aigc, ...] = ()
    border: str = ""


class Edits(Images):
    """The protocol; see `MediaWire`."""

    name = "edits"
    path = "/images/edits"

    def parse(self, body: Form, table: Mapping[str, Treatment], limits: Limits) -> Asked:  # type: ignore[override] # a form
        """Read a request."""
        extra, dropped = canonical.sift(body.fields, _KNOWN, DROPPED, table)
        request = canonical.convert(body.fields, EditRequest, lax=True)
        media.within(request, _SAID, limits)
        if request.n is not None and not 1 <= request.n <= MOST:
            raise CallerError("invalid_request", what=f"n: 1 to {MOST}", param="n")
        files = sorted(body.files, key=lambda one: one.field)  # the mask last
        named = [one.field for one in files]
        if not 1 <= named.count("image") <= PICTURES or named.count("mask") != len(named) - named.count("image") <= 1:
            raise CallerError("invalid_request", what=f"image: 1 to {PICTURES}, mask: 1", param="image")
        for one in files:
            family = family_of(one.data[:HEAD])
            if family is None or family.name not in _FAMILIES:
                raise CallerError("not_checkable", what=f"{one.field}: " + ", ".join(_FAMILIES), param=one.field)
        ending = request.output_format or ""
        return Asked(request, extra, _SAID, tuple(dropped), ending, files=tuple(files), border=body.border)

    def encode(self, asked: media.Asked, to: Address, person: str) -> bytes:
        """The form as it goes upstream; nobody's id goes with it."""
        assert isinstance(asked, Asked)
        request = msgspec.structs.asdict(asked.request)
        if asked.request.response_format:
            request["response_format"] = "b64_json"
        said = {name: str(value) for name, value in request.items() if value is not None}
        many = sum(one.field == "image" for one in asked.files) > 1
        files = [
            (
                "image[]" if many and one.field == "image" else one.field,
                f"{one.field}{number}.{picture.family}",
                f"image/{picture.family}",
                picture.data,
            )
            for number, (one, picture) in enumerate(zip(asked.files, asked.pictures, strict=True))
        ]
        return form.write(asked.border, [*{**said, "model": to.model}.items(), *form.flat(asked.extra)], files)


def stripped(files: tuple[File, ...]) -> tuple[tuple[Bare, ...], tuple[Aigc, ...]]:
    """What is left of pictures, and the labels that they carry. It takes a while for large ones.

    Raises:
        CallerError: `not_checkable`: one can't be read, or is too large.
    """
    pictures: list[Bare] = []
    found: list[Aigc] = []
    for one in files:
        try:
            pictures.append(bare(one.data))
            source = io.BytesIO(one.data)
            family = family_of(one.data[:HEAD])
            labels = family.read(source) if family else []
        except MarkingError as error:
            raise CallerError("not_checkable", what=f"{one.field}: {error.reason}", param=one.field) from None
        found += [read.aigc for label in labels if (read := parse(label.text)) is not None]
    return tuple(pictures), tuple(found)

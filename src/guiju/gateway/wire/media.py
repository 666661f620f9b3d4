# SPDX-License-Identifier: Apache-2.0
"""What the protocols of pictures and sound share: words in, a file out that carries its label (Article 16)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from guiju.config import Limits
from guiju.detect.personal.masking import Masker
from guiju.errors import CallerError
from guiju.gateway.wire import canonical
from guiju.gateway.wire.canonical import Shape
from guiju.gateway.wire.masked import masked_extra
from guiju.gateway.wire.protocol import Speaks
from guiju.terms import Text


class Made(msgspec.Struct):
    """What a model service made.

    Attributes:
        files: each file's bytes.
        tokens: what it says that it used; 0 where it does not say.
        dropped: fields of its answer that are left behind.
    """

    files: list[bytes]
    tokens: int = 0
    dropped: tuple[str, ...] = ()


class Asked(msgspec.Struct):
    """A parsed request; see `Questions`.

    Attributes:
        request: as it was read.
        extra: fields that the operator's table forwards beside it.
        said: fields of the request whose words are looked at.
        dropped: fields that do not go upstream.
        ending: of the files that are asked for; `""` leaves it to the model.
    """

    request: Any
    extra: dict[str, Any]
    said: tuple[str, ...]
    dropped: tuple[str, ...]
    ending: str = ""
    stream: bool = False

    @property
    def model(self) -> str:
        """The public name of the model."""
        return str(self.request.model)

    @property
    def name(self) -> Text:
        """The model's name."""
        return Text("model", self.model)

    @property
    def texts(self) -> tuple[Text, ...]:
        """Every string of the request but the model's name."""
        said = ((field, getattr(self.request, field)) for field in self.said)
        return (*(Text(field, text) for field, text in said if text), *canonical.strings(self.extra, ""))


class MediaWire(Speaks, Protocol):
    """A protocol in which files are answered."""

    def read(self, body: bytes, asked: Asked) -> Made:
        """A model service's answer.

        Raises:
            OutsideError: `upstream_failed`: it is none.
        """
        ...

    def write(self, files: list[bytes], asked: Asked, created: int, aigc: Mapping[str, str]) -> tuple[bytes, bytes]:
        """The answer and its media type."""
        ...


def masked(asked: Asked, by: Masker) -> Asked:
    """The request as somebody else may see it: what is drawn or spoken then are the placeholders."""
    said = {field: by.text(text) for field in asked.said if (text := getattr(asked.request, field))}
    request = msgspec.structs.replace(asked.request, **said)
    return msgspec.structs.replace(asked, request=request, extra=masked_extra(asked.extra, by))


def within(request: Shape, said: tuple[str, ...], limits: Limits) -> None:
    """Check what types alone can't say.

    Raises:
        CallerError: with the code that says which bound it breaks.
    """
    canonical.check_name(str(getattr(request, "model", "")))
    if sum(len(getattr(request, field) or "") for field in said) > limits.characters:
        raise CallerError("request_too_large", what=f"characters > {limits.characters}")

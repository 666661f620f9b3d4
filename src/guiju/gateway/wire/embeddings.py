# SPDX-License-Identifier: Apache-2.0
"""The protocol of /v1/embeddings: texts in, vectors out. What is asked is looked at; a vector is no content that
anybody reads, so it carries no label."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from guiju.adapters.upstream import Address
from guiju.config import Limits
from guiju.detect.personal.masking import Masker
from guiju.errors import CallerError, GuijuError, Language, OutsideError
from guiju.gateway.wire import canonical, openai_errors, strict
from guiju.gateway.wire.canonical import Shape, Treatment
from guiju.gateway.wire.masked import masked_extra
from guiju.terms import Text

DROPPED: Final = frozenset({"user"})
"""Known fields that do not go upstream; they are listed."""
_LARGEST: Final = 1e6
"""No coordinate of a vector is as large."""


def _size(vector: str | list[float]) -> int:
    """How many numbers a vector has; as base64 it is numbers of four bytes, lest it carry something else.

    Raises:
        OutsideError: `upstream_failed`: it is none.
    """
    if not isinstance(vector, str):
        return len(vector)
    try:
        numbers = array("f", base64.b64decode(vector, validate=True))
    except ValueError:
        raise OutsideError("upstream_failed", what="a vector is not base64 of numbers") from None
    if not all(abs(number) <= _LARGEST for number in numbers):  # of text some are huge; NaN is not ≤ either
        raise OutsideError("upstream_failed", what="a vector is not base64 of numbers")
    return len(numbers)


class EmbeddingRequest(Shape):
    model: str
    input: str | list[str | int | list[int]]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None


_KNOWN: Final = frozenset(EmbeddingRequest.__struct_fields__)


class Asked(msgspec.Struct):
    """A parsed request; see `Questions`."""

    request: EmbeddingRequest
    extra: dict[str, Any]
    texts: tuple[Text, ...]
    dropped: tuple[str, ...]
    stream: bool = False

    @property
    def model(self) -> str:
        """The public name of the model."""
        return self.request.model

    @property
    def name(self) -> Text:
        """The model's name."""
        return Text("model", self.request.model)

    @property
    def count(self) -> int:
        """How many vectors are asked for."""
        return 1 if isinstance(self.request.input, str) else len(self.request.input)


class Vector(msgspec.Struct):
    """One vector as it is passed on."""

    index: int
    embedding: list[float] | str
    object: Literal["embedding"] = "embedding"


class Usage(msgspec.Struct):
    """Token counts."""

    prompt_tokens: int
    total_tokens: int


class Vectors(msgspec.Struct, omit_defaults=True):
    """A model service's answer; fields that are not named here are left behind."""

    data: list[Vector]
    usage: Usage | None = None


_PLAIN: Final = frozenset({*Vectors.__struct_fields__, "object", "model", "id", "created"})
_VECTOR: Final = frozenset(Vector.__struct_fields__)
"""Fields of an answer, and of a vector, that lose nothing."""


class Embeddings:
    """The protocol; see `Speaks`."""

    name = "embeddings"
    path = "/embeddings"
    labelled = False
    text = False

    def parse(self, body: bytes, table: Mapping[str, Treatment], limits: Limits) -> Asked:
        """Read a request."""
        raw = strict.decode(body, limits)
        extra, dropped = canonical.sift(raw, _KNOWN, DROPPED, table)
        request = canonical.convert(raw, EmbeddingRequest)
        canonical.check_name(request.model)
        inputs = [request.input] if isinstance(request.input, str) else request.input
        if not inputs or len(inputs) > limits.messages:
            raise CallerError("request_too_large", what=f"input: 1 to {limits.messages}", param="input")
        texts = []
        for i, one in enumerate(inputs):
            if not isinstance(one, str):
                raise CallerError("not_checkable", what="tokens", param="input")
            texts.append(Text(f"input[{i}]", one))
        if sum(len(text.text) for text in texts) > limits.characters:
            raise CallerError("request_too_large", what=f"characters > {limits.characters}")
        return Asked(request, extra, (*texts, *canonical.strings(extra, "")), tuple(dropped))

    def encode(self, asked: Asked, to: Address, person: str) -> bytes:
        """The request as it goes upstream; nobody's id goes with it."""
        return canonical.joined(msgspec.structs.replace(asked.request, model=to.model), asked.extra)

    def masked(self, asked: Asked, by: Masker) -> Asked:
        """The request as somebody else may see it: the vectors are then those of the placeholders."""
        given = asked.request.input
        inputs = by.text(given) if isinstance(given, str) else [by.text(str(one)) for one in given]
        request = msgspec.structs.replace(asked.request, input=inputs)
        return msgspec.structs.replace(asked, request=request, extra=masked_extra(asked.extra, by))

    def read(self, body: bytes, asked: Asked) -> tuple[Vectors, set[str]]:
        """A model service's answer, and the names of what is left behind of it.

        Raises:
            OutsideError: `upstream_failed`: it is none.
        """
        try:
            made = msgspec.json.decode(body, type=Vectors)
            named = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
            each = msgspec.json.decode(named["data"], type=list[dict[str, msgspec.Raw]])
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise OutsideError("upstream_failed", what="what it sent is no list of vectors") from None
        if sorted(one.index for one in made.data) != list(range(asked.count)):
            raise OutsideError("upstream_failed", what="not as many vectors as were asked for")
        sizes = {_size(one.embedding) for one in made.data}
        if len(sizes) > 1 or 0 in sizes:
            raise OutsideError("upstream_failed", what="the vectors are empty, or not equally long")
        return made, strict.left_behind(named, _PLAIN) | strict.left_behind(each, _VECTOR)

    def write(self, vectors: Vectors, asked: Asked) -> bytes:
        """The answer."""
        made: dict[str, Any] = {"object": "list", "data": vectors.data, "model": asked.model}
        if vectors.usage:
            made["usage"] = vectors.usage
        return msgspec.json.encode(made)

    def error(self, error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
        """The error object of OpenAI's API."""
        return openai_errors.body(error, language, guiju)

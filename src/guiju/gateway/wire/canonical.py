# SPDX-License-Identifier: Apache-2.0
"""The canonical request: what every protocol's requests are read into, and what alone goes upstream, encoded anew.

Its shapes are those of OpenAI's published API description of chat completions. A field that is not named here is
refused unless the operator's table says otherwise (ADR 0004). Every string leaf is a text to look at.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeVar

import msgspec

from guiju.config import Limits
from guiju.errors import CallerError
from guiju.gateway.wire import strict
from guiju.marking.text import unmarked
from guiju.terms import Text

Treatment = Literal["forward", "drop", "refuse"]

_NAME = re.compile(r"[\w.:/@+-]{1,128}", re.ASCII)
PERSONAL = frozenset({"user", "metadata", "safety_identifier", "prompt_cache_key"})
"""Fields in which callers name people: at no door do they go on, whatever the operator's table says (Article 11)."""


class Shape(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A shape knows its fields: an unknown one is refused."""


class TextPart(Shape, tag="text", tag_field="type"):
    text: str


class RefusalPart(Shape, tag="refusal", tag_field="type"):
    refusal: str


class PictureAddress(Shape):
    url: str
    detail: Literal["auto", "low", "high"] | None = None


class PicturePart(Shape, tag="image_url", tag_field="type"):
    image_url: PictureAddress


class CalledFunction(Shape):
    name: str
    arguments: str


class ToolCall(Shape, omit_defaults=False):
    id: str
    function: CalledFunction
    type: Literal["function"] = "function"


class Message(Shape):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart | RefusalPart | PicturePart] | None = None
    name: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None


class FunctionDefinition(Shape):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Shape, omit_defaults=False):
    function: FunctionDefinition
    type: Literal["function"] = "function"


class ChosenFunction(Shape):
    name: str


class ToolChoice(Shape, omit_defaults=False):
    function: ChosenFunction
    type: Literal["function"] = "function"


class JsonSchema(Shape):
    name: str
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class ResponseFormat(Shape):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(Shape):
    include_usage: bool = False
    include_obfuscation: bool = False


class ChatRequest(Shape):
    """The canonical request. Its order of fields is the order in which it is encoded."""

    model: str
    messages: list[Message]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    logit_bias: dict[str, float] | None = None
    response_format: ResponseFormat | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    safety_identifier: str | None = None


class Picture(msgspec.Struct):
    """A picture of a request.

    Attributes:
        field: path of the part that holds it.
        data: the file, as it came.
        at: where its address stands in the canonical request; what was seen takes its place.
    """

    field: str
    data: bytes
    at: PictureAddress


class Asked(msgspec.Struct):
    """A parsed request.

    Attributes:
        request: the canonical request, marks of ours taken out of its history.
        extra: fields that the operator's table forwards beside it.
        texts: every string leaf but the model's name, which stands beside no other text.
        dropped: names of fields that did not go on.
        own: what the protocol's writer needs to know of the request.
        pictures: what it holds that is no text and must be looked at before it goes on.
    """

    request: ChatRequest
    extra: dict[str, Any]
    texts: tuple[Text, ...]
    dropped: tuple[str, ...]
    own: Any = None
    pictures: tuple[Picture, ...] = ()

    @property
    def model(self) -> str:
        """The public name of the model."""
        return self.request.model

    @property
    def stream(self) -> bool:
        """Whether a stream is asked for."""
        return bool(self.request.stream)

    @property
    def name(self) -> Text:
        """The model's name: it goes upstream, so it is looked at too."""
        return Text("model", self.request.model)

    @property
    def choices(self) -> int:
        """How many answers are asked for."""
        return self.request.n or 1

    @property
    def structured(self) -> bool:
        """Whether the answer is for a machine: its text must not carry a visible mark."""
        form = self.request.response_format
        return bool(self.request.tools) or (form is not None and form.type != "text")


def settle(
    request: ChatRequest, extra: dict[str, Any], dropped: Iterable[str], limits: Limits, own: Any = None
) -> Asked:
    """Check a canonical request against what types alone can't say, and list its texts.

    Args:
        request: the canonical request; our own marks are taken out of its history.
        extra: fields that are forwarded beside it.
        dropped: names of fields that do not go on.
        limits: of robustness §5.
        own: what the protocol's writer needs to know of the request.

    Raises:
        CallerError: with the code that says which rule it breaks.
    """
    _within(request, limits)
    texts = tuple(leaves(request, extra))
    if sum(len(text.text) for text in texts) > limits.characters:
        raise CallerError("request_too_large", what=f"characters > {limits.characters}")
    return Asked(request, extra, texts, tuple(dropped), own, tuple(_pictures(request, limits)))


T = TypeVar("T")


def convert(raw: Any, shape: type[T], *, lax: bool = False) -> T:
    """Turn decoded JSON into a shape.

    Args:
        raw: what was decoded.
        shape: what it is to become.
        lax: numbers and booleans are texts, as the fields of a form are.

    Raises:
        CallerError: `unknown_field`, `not_checkable` or `invalid_request`.
    """
    try:
        return msgspec.convert(raw, shape, strict=not lax)
    except msgspec.ValidationError as error:
        raise _fault(str(error)) from None
    except UnicodeEncodeError:
        raise _not_text() from None


def sift(
    raw: dict[str, Any], known: frozenset[str], dropped: frozenset[str], table: Mapping[str, Treatment]
) -> tuple[dict[str, Any], list[str]]:
    """Take out of a request what its shape does not name (ADR 0004).

    Args:
        raw: the decoded body; what is taken out is gone from it.
        known: fields of the shape.
        dropped: fields that never go on.
        table: the operator's table; it outranks the built-in one, but what names a person never goes on.

    Returns:
        What is forwarded beside the canonical request, and the names of what is dropped.

    Raises:
        CallerError: `unknown_field`.
    """
    extra: dict[str, Any] = {}
    gone = []
    for name in [name for name in raw if name not in known or name in table]:
        treatment = table.get(name, "drop" if name in dropped else "refuse")
        if treatment == "refuse":
            raise CallerError("unknown_field", param=strict.shown(name))
        if treatment == "forward" and name in known:
            continue
        value = raw.pop(name)
        if treatment == "forward" and name not in dropped and name not in PERSONAL:
            extra[name] = value
        else:
            gone.append(name)
    return extra, gone


def check_name(model: str) -> None:
    """Whether a model's name is one.

    Raises:
        CallerError: it is not.
    """
    if not _NAME.fullmatch(model):
        raise CallerError("invalid_request", what="model is not a name", param="model")


def _within(request: ChatRequest, limits: Limits) -> None:
    """Check what types alone can't say, and take our own marks out of the history."""
    check_name(request.model)
    if not request.messages:
        raise CallerError("invalid_request", what="messages is empty", param="messages")
    parts = sum(len(m.content) if isinstance(m.content, list) else 1 for m in request.messages)
    if parts > limits.messages:
        raise CallerError("request_too_large", what=f"messages > {limits.messages}")
    if request.n is not None and not 1 <= request.n <= limits.choices:
        raise CallerError("invalid_request", what=f"n is not 1 to {limits.choices}", param="n")
    for message in request.messages:
        if message.role == "assistant":
            if isinstance(message.content, str):
                message.content = unmarked(message.content)
            elif message.content:
                for part in message.content:
                    if isinstance(part, TextPart):
                        part.text = unmarked(part.text)


_DATA = re.compile(r"data:image/(?:png|jpe?g|webp|gif);base64,", re.ASCII | re.IGNORECASE)


def _pictures(request: ChatRequest, limits: Limits) -> Iterator[Picture]:
    """The pictures of a request; only those that stand in it, since nobody here fetches what an address names."""
    number = 0
    for i, message in enumerate(request.messages):
        for j, part in enumerate(message.content if isinstance(message.content, list) else ()):
            if not isinstance(part, PicturePart):
                continue
            at = f"messages[{i}].content[{j}]"
            number += 1
            if number > limits.pictures:
                raise CallerError("request_too_large", what=f"pictures > {limits.pictures}")
            head = _DATA.match(part.image_url.url)
            if message.role != "user" or not head:
                raise CallerError("not_checkable", what="image_url", param=at)
            try:
                data = binascii.a2b_base64(part.image_url.url[head.end() :], strict_mode=True)
            except ValueError:
                raise CallerError("not_checkable", what="image_url", param=at) from None
            yield Picture(at, data, part.image_url)


_AT = re.compile(r" - at `\$\.?(?P<at>[^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]*)`")
_KIND = re.compile(r"Invalid value '(?P<kind>[^']*)' - at `[^`]*type`$")


def _fault(said: str) -> CallerError:
    """Turn the decoder's complaint into one of our codes; values of the request are not repeated."""
    at = match["at"] if (match := _AT.search(said)) else ""
    if match := _UNKNOWN.search(said):
        return CallerError("unknown_field", param=f"{at}.{strict.shown(match['name'])}".lstrip("."))
    if match := _KIND.search(said):
        return CallerError("not_checkable", what=strict.shown(match["kind"]), param=at)
    return CallerError("invalid_request", what=f"{at or 'the body'} has the wrong form", param=at or "body")


def _not_text() -> CallerError:
    """The error for a lone surrogate, wherever it stands."""
    return CallerError("invalid_request", what="a string is not Unicode text", param="body")


def leaves(request: ChatRequest, extra: Mapping[str, Any]) -> Iterator[Text]:
    """Every string leaf of the canonical request, in the order in which a reader meets it."""
    for i, message in enumerate(request.messages):
        at = f"messages[{i}]"
        if isinstance(message.content, str):
            yield Text(at + ".content", message.content)
        elif message.content:
            for j, part in enumerate(message.content):
                if isinstance(part, TextPart):
                    yield Text(f"{at}.content[{j}].text", part.text, joins=j > 0)
                elif isinstance(part, RefusalPart):
                    yield Text(f"{at}.content[{j}].refusal", part.refusal, joins=j > 0)
        if message.reasoning_content:
            yield Text(at + ".reasoning_content", message.reasoning_content, aside=True)
        if message.refusal:
            yield Text(at + ".refusal", message.refusal, aside=True)
        if message.name:
            yield Text(at + ".name", message.name, aside=True)
        for j, call in enumerate(message.tool_calls or ()):
            place = f"{at}.tool_calls[{j}]"
            for leaf in (*strings(call, place), *escaped(call.function.arguments, place)):
                yield Text(leaf.field, leaf.text, aside=True)
        if message.tool_call_id:
            yield Text(at + ".tool_call_id", message.tool_call_id, aside=True)
    if request.tools:
        yield from strings(request.tools, "tools")
    if isinstance(request.tool_choice, ToolChoice):
        yield Text("tool_choice.function.name", request.tool_choice.function.name)
    if request.response_format and request.response_format.json_schema:
        yield from strings(request.response_format.json_schema, "response_format.json_schema")
    if request.stop:
        yield from strings(request.stop, "stop")
    if request.logit_bias:
        yield from strings(request.logit_bias, "logit_bias")
    if extra:
        yield from strings(extra, "")


def escaped(arguments: str, at: str) -> Iterator[Text]:
    """Arguments that are written with escapes, as what they stand for: many a client writes so what is not ASCII."""
    if "\\" in arguments:
        yield Text(f"{at}.arguments", strict.unescaped(arguments), aside=True)


def strings(value: Any, at: str) -> Iterator[Text]:
    """Every string of a value, keys of mappings too."""
    if isinstance(value, str):
        yield Text(at, value)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from strings(getattr(value, name), f"{at}.{name}")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield Text(at, key)
            yield from strings(inner, f"{at}.*")
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from strings(inner, f"{at}[{i}]")


def encode(asked: Asked, model: str, person: str) -> bytes:
    """The request as it goes upstream, encoded anew.

    Args:
        asked: the parsed request.
        model: the upstream's own name for the model.
        person: keyed hash of the person, or `""`; it goes as `safety_identifier` (Article 11).

    Raises:
        CallerError: a string that is not Unicode text (a lone surrogate).
    """
    request = msgspec.structs.replace(asked.request, model=model, safety_identifier=person or None)
    if request.stream:
        request.stream_options = StreamOptions(include_usage=True)
    else:
        request.stream_options = None
    return joined(request, asked.extra)


def joined(request: Shape, extra: Mapping[str, Any]) -> bytes:
    """A request, and the fields that are forwarded beside it, as JSON.

    Raises:
        CallerError: a string that is not Unicode text (a lone surrogate); or a field beside the request that says again
            what stands in it, as where one door reads `input` and another one's `messages` are to be forwarded.
    """
    for name in extra:
        if getattr(request, name, None) is not None:
            raise CallerError("unknown_field", param=strict.shown(name))
    try:
        body = msgspec.json.encode(request)
        return body[:-1] + b"," + msgspec.json.encode(extra)[1:] if extra else body
    except UnicodeEncodeError:
        raise _not_text() from None

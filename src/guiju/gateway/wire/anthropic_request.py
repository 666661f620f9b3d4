# SPDX-License-Identifier: Apache-2.0
"""The canonical request as Anthropic's Messages API takes it, for model services that speak nothing else.

The shapes are those of Anthropic's published SDK. What has no place there is refused with the field's name: a request
never means less than its caller wrote. Every string of it stands in the canonical request, where it was looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NoReturn

import msgspec

from guiju.errors import CallerError
from guiju.gateway.wire import canonical
from guiju.gateway.wire.canonical import (
    Asked,
    ChatRequest,
    Message,
    PicturePart,
    RefusalPart,
    ResponseFormat,
    Shape,
    TextPart,
    ToolCall,
)
from guiju.gateway.wire.canonical import Tool as FunctionTool
from guiju.gateway.wire.canonical import ToolChoice as FunctionChoice

NO_PLACE: Final = (
    "presence_penalty", "frequency_penalty", "seed", "logit_bias", "reasoning_effort", "verbosity",
)  # fmt: skip
"""Fields of the canonical request that the Messages API does not know."""


class TextBlock(Shape, tag="text", tag_field="type"):
    text: str


class Source(Shape, tag="base64", tag_field="type"):
    media_type: str
    data: str


class PictureBlock(Shape, tag="image", tag_field="type"):
    source: Source


class ToolUse(Shape, tag="tool_use", tag_field="type"):
    id: str
    name: str
    input: dict[str, Any]


class ToolResult(Shape, tag="tool_result", tag_field="type"):
    tool_use_id: str
    content: list[TextBlock]


Said = TextBlock | PictureBlock
Block = Said | ToolUse | ToolResult


class Turn(Shape):
    role: Literal["user", "assistant"]
    content: list[Block]


class Tool(Shape):
    name: str
    input_schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class ToolChoice(Shape):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class OutputFormat(Shape, tag="json_schema", tag_field="type"):
    schema: dict[str, Any]


class OutputConfig(Shape):
    format: OutputFormat


class Metadata(Shape):
    user_id: str


class MessagesRequest(Shape):
    """The request. Its order of fields is the order in which it is encoded."""

    model: str
    max_tokens: int
    messages: list[Turn]
    system: list[TextBlock] | None = None
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    output_config: OutputConfig | None = None
    metadata: Metadata | None = None


_FIELDS: Final = frozenset(MessagesRequest.__struct_fields__)
_EMPTY: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}
_CHOICES: Final[Mapping[str, Literal["auto", "any", "none"]]] = {"auto": "auto", "required": "any", "none": "none"}


def encode(asked: Asked, model: str, person: str, most: int) -> bytes:
    """The request as it goes upstream.

    Args:
        asked: the parsed request.
        model: the service's own name for the model.
        person: keyed hash of the person, or `""`; it goes as `metadata.user_id` (Article 11).
        most: `max_tokens` where the caller sets none.

    Raises:
        CallerError: something in it has no place in the Messages API, or is no Unicode text.
    """
    request = asked.request
    for name in NO_PLACE:
        if getattr(request, name) is not None:
            _no_place(name)
    if request.n not in (None, 1):
        _no_place("n")
    if twice := _FIELDS & asked.extra.keys():
        raise CallerError("unknown_field", param=min(twice))
    system, turns = _turns(request.messages)
    made = MessagesRequest(
        model=model,
        max_tokens=_first(request.max_completion_tokens, request.max_tokens, most),
        messages=turns,
        system=system or None,
        stream=request.stream or None,
        stop_sequences=[request.stop] if isinstance(request.stop, str) else request.stop,
        temperature=request.temperature,
        top_p=request.top_p,
        tools=None if request.tools is None else [_tool(one) for one in request.tools],
        tool_choice=_choice(request),
        output_config=_format(request.response_format) if request.response_format else None,
        metadata=Metadata(person) if person else None,
    )
    return canonical.joined(made, asked.extra)


def _first(wanted: int | None, older: int | None, most: int) -> int:
    if wanted is not None:
        return wanted
    return most if older is None else older


def _turns(messages: list[Message]) -> tuple[list[TextBlock], list[Turn]]:
    """What the system says, wherever it stands, and the turns; results of tools that follow one another are one."""
    system: list[TextBlock] = []
    turns: list[Turn] = []
    results: list[Block] | None = None
    for i, message in enumerate(messages):
        at = f"messages[{i}]"
        _check(message, at)
        if message.role in ("system", "developer"):
            system += _texts(message)
            continue
        if message.role == "tool":
            if not message.tool_call_id:
                raise CallerError("invalid_request", what=f"{at} has no tool_call_id", param=f"{at}.tool_call_id")
            if results is None:
                results = []
                turns.append(Turn("user", results))
            results.append(ToolResult(message.tool_call_id, _texts(message)))
            continue
        results = None
        calls = [_use(call, f"{at}.tool_calls[{j}]") for j, call in enumerate(message.tool_calls or ())]
        said = _said(message)
        if not said and not calls:
            raise CallerError("invalid_request", what=f"{at} is empty", param=f"{at}.content")
        turns.append(Turn("assistant" if message.role == "assistant" else "user", [*said, *calls]))
    if not turns:
        raise CallerError("invalid_request", what="messages holds nobody's turn", param="messages")
    return system, turns


def _check(message: Message, at: str) -> None:
    """Whether all of a message has a place: thinking may come back only with the service's signature, which we lack."""
    if message.name:
        _no_place(f"{at}.name")
    if message.reasoning_content:
        _no_place(f"{at}.reasoning_content")
    if message.tool_calls and message.role != "assistant":
        _no_place(f"{at}.tool_calls")
    if message.tool_call_id and message.role != "tool":
        _no_place(f"{at}.tool_call_id")
    parts = message.content if isinstance(message.content, list) else ()
    if message.role != "assistant" and (message.refusal or any(isinstance(part, RefusalPart) for part in parts)):
        _no_place(f"{at}.refusal")


def _said(message: Message) -> list[Said]:
    """What a message says, without empty texts: they are an error there. A refusal is what the model said."""
    parts = message.content if isinstance(message.content, list) else [TextPart(message.content or "")]
    made: list[Said] = []
    for part in parts:
        if isinstance(part, PicturePart):
            made.append(_picture(part.image_url.url))
        elif text := part.refusal if isinstance(part, RefusalPart) else part.text:
            made.append(TextBlock(text))
    if message.refusal and TextBlock(message.refusal) not in made:
        made.append(TextBlock(message.refusal))
    return made


def _texts(message: Message) -> list[TextBlock]:
    """The same for those who may not send pictures: `settle` has seen to it that they don't."""
    return [block for block in _said(message) if isinstance(block, TextBlock)]


def _picture(url: str) -> PictureBlock:
    """A picture that stands in the request, under its own head: `data:TYPE;base64,…`."""
    head, _, data = url.partition(",")
    return PictureBlock(Source(head.removeprefix("data:").removesuffix(";base64").lower(), data))


def _use(call: ToolCall, at: str) -> ToolUse:
    try:
        given = msgspec.json.decode(call.function.arguments or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        field = f"{at}.function.arguments"
        raise CallerError("invalid_request", what=f"{field} is not a JSON object", param=field) from None
    return ToolUse(call.id, call.function.name, given)


def _tool(tool: FunctionTool) -> Tool:
    one = tool.function
    return Tool(one.name, dict(_EMPTY) if one.parameters is None else one.parameters, one.description, one.strict)


def _choice(request: ChatRequest) -> ToolChoice | None:
    """Which tool is to be called, and whether only one may be; the latter says nothing where there is no tool."""
    chosen = request.tool_choice
    if isinstance(chosen, FunctionChoice):
        made = ToolChoice("tool", chosen.function.name)
    elif chosen is not None:
        made = ToolChoice(_CHOICES[chosen])
    elif request.parallel_tool_calls is False and request.tools:
        made = ToolChoice("auto")
    else:
        return None
    if request.parallel_tool_calls is False and made.type != "none":
        made.disable_parallel_tool_use = True
    return made


def _format(form: ResponseFormat) -> OutputConfig | None:
    """The form of the answer. A schema's name is only a name, and the form is kept to whether `strict` or not."""
    if form.type == "text":
        return None
    if form.type == "json_object":
        _no_place("response_format.type")
    one = form.json_schema
    if one is None or one.schema is None:
        raise CallerError("invalid_request", what="response_format has no schema", param="response_format.json_schema")
    if one.description is not None:
        _no_place("response_format.json_schema.description")
    return OutputConfig(OutputFormat(one.schema))


def _no_place(field: str) -> NoReturn:
    """Refuse what can't be said to the model service."""
    raise CallerError("invalid_request", what=f"{field} has no place in the protocol of this model", param=field)

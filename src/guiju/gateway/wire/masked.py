# SPDX-License-Identifier: Apache-2.0
"""A request with placeholders instead of personal data (Article 11): every string leaf that goes upstream, each in the
form that its place allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from guiju.detect.personal.masking import Masker
from guiju.gateway.wire.canonical import (
    Asked,
    FunctionDefinition,
    JsonSchema,
    Message,
    PicturePart,
    RefusalPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)

_copy = msgspec.structs.replace


def masked(asked: Asked, by: Masker) -> Asked:
    """A parsed request as somebody else may see it; the one that came stays as it is.

    Args:
        asked: the parsed request.
        by: what masks its texts.
    """
    request = asked.request
    made = _copy(
        request,
        messages=[_message(one, by) for one in request.messages],
        tools=None if request.tools is None else [_tool(one, by) for one in request.tools],
        stop=_deep(request.stop, by),
    )
    if isinstance(request.tool_choice, ToolChoice):
        chosen = request.tool_choice.function
        made.tool_choice = _copy(request.tool_choice, function=_copy(chosen, name=by.text(chosen.name, bare=True)))
    if request.response_format and request.response_format.json_schema:
        made.response_format = _format(request.response_format, request.response_format.json_schema, by)
    return _copy(asked, request=made, extra=masked_extra(asked.extra, by))


def masked_extra(extra: Mapping[str, Any], by: Masker) -> dict[str, Any]:
    """Fields that are forwarded beside the request: their own names stay."""
    return {name: _deep(value, by) for name, value in extra.items()}


def _message(one: Message, by: Masker) -> Message:
    content = one.content
    made: str | list[TextPart | RefusalPart | PicturePart] | None
    if isinstance(content, list):
        words = [part for part in content if not isinstance(part, PicturePart)]
        said = iter(by.parts([part.refusal if isinstance(part, RefusalPart) else part.text for part in words]))
        # A picture whose words would have to be masked is refused before.
        made = [part if isinstance(part, PicturePart) else type(part)(next(said)) for part in content]
    else:
        made = content and by.text(content)
    return _copy(
        one,
        content=made,
        name=one.name and by.text(one.name, bare=True),
        refusal=one.refusal and by.text(one.refusal),
        reasoning_content=one.reasoning_content and by.text(one.reasoning_content),
        tool_calls=None if one.tool_calls is None else [_call(call, by) for call in one.tool_calls],
        tool_call_id=one.tool_call_id and by.text(one.tool_call_id, bare=True),
    )


def _call(call: ToolCall, by: Masker) -> ToolCall:
    called = call.function
    function = _copy(called, name=by.text(called.name, bare=True), arguments=by.arguments(called.arguments))
    return _copy(call, id=by.text(call.id, bare=True), function=function)


def _tool(tool: Tool, by: Masker) -> Tool:
    one = tool.function
    function: FunctionDefinition = _copy(
        one,
        name=by.text(one.name, bare=True),
        description=one.description and by.text(one.description),
        parameters=_deep(one.parameters, by),
    )
    return _copy(tool, function=function)


def _format(form: ResponseFormat, schema: JsonSchema, by: Masker) -> ResponseFormat:
    made = _copy(
        schema,
        name=by.text(schema.name, bare=True),
        description=schema.description and by.text(schema.description),
        schema=_deep(schema.schema, by),
    )
    return _copy(form, json_schema=made)


def _deep(value: Any, by: Masker) -> Any:
    """Every string of a value; keys are names."""
    if isinstance(value, str):
        return by.text(value)
    if isinstance(value, dict):
        return {by.text(key, bare=True): _deep(inner, by) for key, inner in value.items()}
    if isinstance(value, list):
        return [_deep(inner, by) for inner in value]
    return value

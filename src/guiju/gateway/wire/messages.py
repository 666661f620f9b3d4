# SPDX-License-Identifier: Apache-2.0
"""The protocol of /v1/messages, Anthropic's: its requests are read into the canonical one.

Documents and thinking that is encrypted can't be looked at, and are refused; the service's own tools too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from guiju.config import Limits
from guiju.errors import CallerError, GuijuError, Language
from guiju.gateway.wire import canonical, openai_errors, strict
from guiju.gateway.wire.canonical import (
    Asked,
    CalledFunction,
    ChatRequest,
    ChosenFunction,
    FunctionDefinition,
    Message,
    PictureAddress,
    PicturePart,
    RefusalPart,
    Shape,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    Treatment,
)
from guiju.gateway.wire.chat_reply import FIELDS
from guiju.gateway.wire.messages_writer import MessagesWriter
from guiju.gateway.wire.protocol import Canonical

DROPPED: Final = frozenset({"metadata", "service_tier", "top_k", "thinking", "container", "inference_geo"})
"""Known fields that do not go upstream; they are listed."""


class TextBlock(Shape, tag="text", tag_field="type"):
    text: str
    cache_control: dict[str, Any] | None = None
    citations: None = None


class PictureSource(Shape):
    type: str = ""
    media_type: str = ""
    data: str = ""
    url: str = ""
    file_id: str = ""


class PictureBlock(Shape, tag="image", tag_field="type"):
    source: PictureSource
    cache_control: dict[str, Any] | None = None


class ToolUse(Shape, tag="tool_use", tag_field="type"):
    id: str
    name: str
    input: dict[str, Any]
    cache_control: dict[str, Any] | None = None


class ToolResult(Shape, tag="tool_result", tag_field="type"):
    tool_use_id: str
    content: str | list[TextBlock] | None = None
    is_error: bool | None = None
    cache_control: dict[str, Any] | None = None


class Thinking(Shape, tag="thinking", tag_field="type"):
    thinking: str
    signature: str = ""


class Turn(Shape):
    role: Literal["user", "assistant"]
    content: str | list[TextBlock | PictureBlock | ToolUse | ToolResult | Thinking]


class CustomTool(Shape):
    name: str
    input_schema: dict[str, Any] | None = None
    description: str | None = None
    type: str = "custom"
    cache_control: dict[str, Any] | None = None
    strict: bool | None = None


class Choice(Shape):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class MessagesRequest(Shape):
    model: str
    messages: list[Turn]
    max_tokens: int
    system: str | list[TextBlock] | None = None
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    tools: list[CustomTool] | None = None
    tool_choice: Choice | None = None


_KNOWN: Final = frozenset(MessagesRequest.__struct_fields__)
_KINDS: Final = {"server_error": "api_error", "permission_error": "permission_error"}


class Messages(Canonical):
    """The protocol; see `Wire`."""

    name = "messages"
    fields = FIELDS

    def parse(self, body: bytes, table: Mapping[str, Treatment], limits: Limits) -> Asked:
        """Read a request."""
        raw = strict.decode(body, limits)
        extra, dropped = canonical.sift(raw, _KNOWN, DROPPED, table)
        asked = canonical.convert(raw, MessagesRequest)
        return canonical.settle(_canonical(asked), extra, dropped, limits)

    def writer(self, asked: Asked, exchange: str, created: int, aigc: dict[str, str]) -> MessagesWriter:
        """What writes the answer to it."""
        return MessagesWriter(asked.request.model, exchange, aigc)

    def error(self, error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
        """The error object of Anthropic's API, with our code and facts beside its kind and sentence."""
        kind = openai_errors.kind(error.row.status)
        said: dict[str, Any] = {
            "type": _KINDS.get(kind, kind),
            "message": error.told(language),
            "param": error.facts.get("param"),
            "code": error.code,
        }
        if guiju is not None:
            said["guiju"] = guiju
        return msgspec.json.encode({"type": "error", "error": said})


def _canonical(asked: MessagesRequest) -> ChatRequest:
    """The same, as the canonical request."""
    messages = [Message("system", _texts(asked.system))] if asked.system else []
    for turn in asked.messages:
        if isinstance(turn.content, str):
            messages.append(Message(turn.role, turn.content))
        else:
            _turn(turn, turn.content, messages)
    choice = asked.tool_choice
    return ChatRequest(
        model=asked.model,
        messages=messages,
        stream=asked.stream,
        max_tokens=asked.max_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        stop=asked.stop_sequences,
        tools=None if asked.tools is None else [_tool(one) for one in asked.tools],
        tool_choice=None if choice is None else _choice(choice),
        parallel_tool_calls=False if choice and choice.disable_parallel_tool_use else None,
    )


def _turn(
    turn: Turn, blocks: list[TextBlock | PictureBlock | ToolUse | ToolResult | Thinking], messages: list[Message]
) -> None:
    """Add one turn: results of tools are messages of their own and come first, as a chat expects them."""
    made = Message(turn.role)
    said: list[TextPart | RefusalPart | PicturePart] = []
    for block in blocks:
        if isinstance(block, ToolResult):
            messages.append(Message("tool", _texts(block.content or ""), tool_call_id=block.tool_use_id))
        elif isinstance(block, ToolUse):
            arguments = msgspec.json.encode(block.input).decode()
            made.tool_calls = [*(made.tool_calls or ()), ToolCall(block.id, CalledFunction(block.name, arguments))]
        elif isinstance(block, Thinking):
            made.reasoning_content = (made.reasoning_content or "") + block.thinking
        elif isinstance(block, PictureBlock):
            said.append(_picture(block.source))
        else:
            said.append(TextPart(block.text))
    if said:
        made.content = said
    if said or made.tool_calls or made.reasoning_content:
        messages.append(made)


def _picture(source: PictureSource) -> PicturePart:
    """A picture, by its address: one that stands elsewhere is refused by its address."""
    held = source.type == "base64"
    return PicturePart(PictureAddress(f"data:{source.media_type};base64,{source.data}" if held else source.url))


def _texts(content: str | list[TextBlock]) -> Any:
    return content if isinstance(content, str) else [TextPart(block.text) for block in content]


def _tool(tool: CustomTool) -> Tool:
    if tool.type != "custom":
        raise CallerError("not_checkable", what=strict.shown(tool.type), param="tools")
    if tool.input_schema is None:
        raise CallerError("invalid_request", what="a tool without input_schema", param="tools")
    return Tool(FunctionDefinition(tool.name, tool.description, tool.input_schema, tool.strict))


def _choice(choice: Choice) -> Any:
    if choice.type == "tool":
        return ToolChoice(ChosenFunction(choice.name or ""))
    return {"auto": "auto", "any": "required", "none": "none"}[choice.type]

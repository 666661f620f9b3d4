# SPDX-License-Identifier: Apache-2.0
"""The protocol of /v1/responses: its requests are read into the canonical one. State is not kept here, so what refers
to it (`previous_response_id`, `conversation`, `background`, `item_reference`) is refused, and so are the service's own
tools, whose work nobody could look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from guiju.config import Limits
from guiju.errors import CallerError, GuijuError, Language
from guiju.gateway.wire import canonical, openai_errors, strict
from guiju.gateway.wire.canonical import (
    Asked,
    CalledFunction,
    ChatRequest,
    ChosenFunction,
    FunctionDefinition,
    JsonSchema,
    Message,
    PictureAddress,
    PicturePart,
    RefusalPart,
    ResponseFormat,
    Shape,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    Treatment,
)
from guiju.gateway.wire.chat_reply import FIELDS
from guiju.gateway.wire.moderations import Wanted
from guiju.gateway.wire.protocol import Canonical
from guiju.gateway.wire.responses_writer import ResponsesWriter

DROPPED: Final = frozenset({
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
    "top_logprobs", "truncation", "stream_options", "include", "max_tool_calls",
})  # fmt: skip
"""Known fields that do not go upstream; they are listed."""
_STATE: Final = ("previous_response_id", "conversation", "background", "prompt")


class InputText(Shape, tag="input_text", tag_field="type"):
    text: str


class InputPicture(Shape, tag="input_image", tag_field="type"):
    image_url: str
    detail: Literal["auto", "low", "high"] | None = None


class OutputText(Shape, tag="output_text", tag_field="type"):
    text: str
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None


class InputRefusal(Shape, tag="refusal", tag_field="type"):
    refusal: str


Part = InputText | InputPicture | OutputText | InputRefusal


class InputMessage(Shape, tag="message", tag_field="type"):
    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[Part]
    id: str | None = None
    status: str | None = None
    phase: str | None = None


class FunctionCall(Shape, tag="function_call", tag_field="type"):
    call_id: str
    name: str
    arguments: str
    id: str | None = None
    status: str | None = None


class FunctionCallOutput(Shape, tag="function_call_output", tag_field="type"):
    call_id: str
    output: str | list[InputText]
    id: str | None = None
    status: str | None = None


class ReasoningText(Shape, tag_field="type", tag="reasoning_text"):
    text: str


class SummaryText(Shape, tag_field="type", tag="summary_text"):
    text: str


class Reasoning(Shape, tag="reasoning", tag_field="type"):
    summary: list[SummaryText] | None = None
    content: list[ReasoningText] | None = None
    id: str | None = None
    status: str | None = None
    encrypted_content: str | None = None


Item = InputMessage | FunctionCall | FunctionCallOutput | Reasoning


class FunctionTool(Shape, tag="function", tag_field="type"):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ChosenTool(Shape, tag="function", tag_field="type"):
    name: str


class PlainFormat(Shape, tag="text", tag_field="type"):
    pass


class ObjectFormat(Shape, tag="json_object", tag_field="type"):
    pass


class SchemaFormat(Shape, tag="json_schema", tag_field="type"):
    name: str
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class TextSettings(Shape):
    format: PlainFormat | ObjectFormat | SchemaFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class ReasoningSettings(Shape):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    summary: str | None = None
    generate_summary: str | None = None


class ResponsesRequest(Shape):
    model: str
    input: str | list[Item]
    instructions: str | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ChosenTool | None = None
    parallel_tool_calls: bool | None = None
    text: TextSettings | None = None
    reasoning: ReasoningSettings | None = None


_KNOWN: Final = frozenset(ResponsesRequest.__struct_fields__)


class Responses(Canonical):
    """The protocol; see `Wire`."""

    name = "responses"
    fields = FIELDS

    def parse(self, body: bytes, table: Mapping[str, Treatment], limits: Limits) -> Asked:
        """Read a request."""
        raw = strict.decode(body, limits)
        for name in _STATE:
            if raw.pop(name, None):
                raise CallerError("not_checkable", what=name, param=name)
        wanted = raw.pop("moderation", None)  # answered here; it never goes on
        extra, dropped = canonical.sift(raw, _KNOWN, DROPPED, table)
        if isinstance(items := raw.get("input"), list):
            for item in items:
                if isinstance(item, dict) and "role" in item:
                    item.setdefault("type", "message")
        asked = canonical.convert(raw, ResponsesRequest)
        own = {"echo": _echo(raw), "moderation": canonical.convert(wanted, Wanted) if wanted is not None else None}
        return canonical.settle(_canonical(asked), extra, dropped, limits, own)

    def writer(self, asked: Asked, exchange: str, created: int, aigc: dict[str, str]) -> ResponsesWriter:
        """What writes the answer to it."""
        return ResponsesWriter(asked, exchange, created, aigc)

    def error(self, error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
        """The error object of OpenAI's API."""
        return openai_errors.body(error, language, guiju)


def _echo(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that the answer repeats: numbers and choices, no text."""
    names = ("temperature", "top_p", "max_output_tokens", "parallel_tool_calls")
    made = {name: raw.get(name) for name in names}
    return {**made, "parallel_tool_calls": made["parallel_tool_calls"] is not False}


def _canonical(asked: ResponsesRequest) -> ChatRequest:
    """The same, as the canonical request."""
    messages: list[Message] = []
    if asked.instructions:
        messages.append(Message("system", asked.instructions))
    if isinstance(asked.input, str):
        messages.append(Message("user", asked.input))
    else:
        for item in asked.input:
            _item(item, messages)
    return ChatRequest(
        model=asked.model,
        messages=messages,
        stream=asked.stream,
        max_completion_tokens=asked.max_output_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        response_format=_format(asked.text),
        tools=_tools(asked.tools),
        tool_choice=_choice(asked.tool_choice),
        parallel_tool_calls=asked.parallel_tool_calls,
        reasoning_effort=asked.reasoning.effort if asked.reasoning else None,
        verbosity=asked.text.verbosity if asked.text else None,
    )


def _item(item: Item, messages: list[Message]) -> None:
    """Add one item of the input. Reasoning and calls belong to the assistant's message that they stand before."""
    if isinstance(item, InputMessage):
        content = item.content if isinstance(item.content, str) else [_part(part) for part in item.content]
        last = messages[-1] if messages else None
        if item.role == "assistant" and last and last.role == "assistant" and last.content is None:
            last.content = content
        else:
            messages.append(Message(item.role, content))
    elif isinstance(item, FunctionCallOutput):
        output = item.output if isinstance(item.output, str) else [TextPart(part.text) for part in item.output]
        messages.append(Message("tool", output, tool_call_id=item.call_id))  # type: ignore[arg-type] # lists are invariant
    elif isinstance(item, FunctionCall):
        if not messages or messages[-1].role != "assistant":
            messages.append(Message("assistant"))
        call = ToolCall(item.call_id, CalledFunction(item.name, item.arguments))
        messages[-1].tool_calls = [*(messages[-1].tool_calls or ()), call]
    else:
        if item.encrypted_content:
            raise CallerError("not_checkable", what="encrypted_content", param="input")
        text = "".join(part.text for part in (*(item.summary or ()), *(item.content or ())))
        if text:
            messages.append(Message("assistant", reasoning_content=text))


def _part(part: Part) -> TextPart | RefusalPart | PicturePart:
    if isinstance(part, InputPicture):
        return PicturePart(PictureAddress(part.image_url, part.detail))
    return RefusalPart(part.refusal) if isinstance(part, InputRefusal) else TextPart(part.text)


def _format(text: TextSettings | None) -> ResponseFormat | None:
    if text is None or text.format is None or isinstance(text.format, PlainFormat):
        return None
    if isinstance(text.format, ObjectFormat):
        return ResponseFormat("json_object")
    form = text.format
    return ResponseFormat("json_schema", JsonSchema(form.name, form.description, form.schema, form.strict))


def _tools(tools: list[FunctionTool] | None) -> list[Tool] | None:
    if tools is None:
        return None
    return [Tool(FunctionDefinition(one.name, one.description, one.parameters, one.strict)) for one in tools]


def _choice(choice: str | ChosenTool | None) -> Any:
    return ToolChoice(ChosenFunction(choice.name)) if isinstance(choice, ChosenTool) else choice

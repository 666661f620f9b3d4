# SPDX-License-Identifier: Apache-2.0
"""Protocols by which other gateways and applications ask a guard: LiteLLM's generic guardrail API, Dify's moderation
extension, and the `text/contents` detector API of the Foundation Model Stack. All that they send and could pass on is
looked at; what can't be looked at, such as an image, does not pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from guiju.errors import CallerError, GuijuError, Language
from guiju.gateway.wire import canonical, openai_errors
from guiju.gateway.wire.canonical import Shape, escaped, strings
from guiju.gateway.wire.protocol import Checked, Question
from guiju.terms import Text


class _Guard:
    """What the three have in common."""

    def error(self, error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
        """The error object of OpenAI's API."""
        return openai_errors.body(error, language, guiju)


class LiteLLM(_Guard):
    """LiteLLM's generic guardrail API; other fields than these name the call and are not passed on."""

    name = "guard.litellm"

    def read(self, raw: dict[str, Any]) -> Question:
        """The texts are one group; the messages, which say the same again, are another one with the tools."""
        stage: Literal["input", "output"] = "output" if raw.get("input_type") == "response" else "input"
        if not raw.keys() & {"texts", "structured_messages", "tools", "tool_calls", "images"}:
            raise CallerError("invalid_request", what="texts is missing", param="texts")
        messages = raw.get("structured_messages") or []
        said = [text for i, one in enumerate(_list(messages)) for text in _message(one, f"structured_messages[{i}]")]
        for name in ("tools", "tool_calls"):
            said += strings(raw.get(name) or [], name)
        for leaf in tuple(said):
            said += escaped(leaf.text, leaf.field)
        groups = [group for group in (tuple(strings(raw.get("texts") or [], "texts")), tuple(said)) if group]
        # a 400 would reach LiteLLM's user as a failure without a reason
        unseen = "images" if raw.get("images") else _unseen(messages)
        return Question(groups or [()], stage, unseen=unseen)

    def write(self, checked: Checked, told: Sequence[str]) -> Any:
        """NONE or BLOCKED."""
        for hearing, said in zip(checked.hearings, told, strict=True):
            if hearing.stops:
                return {"action": "BLOCKED", "blocked_reason": said}
        return {"action": "NONE"}


_SEEN: Final = frozenset({
    "text", "input_text", "output_text", "refusal", "thinking", "reasoning_text", "summary_text", "tool_use",
    "tool_result",
})  # fmt: skip
"""Kinds of parts whose strings are all that they say."""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _message(message: Any, at: str) -> Iterator[Text]:
    """What one message says, its parts joined to one text; then every other string of it, which stands beside that."""
    beside: list[Any] = [message]
    if isinstance(message, dict):
        beside = [{name: one for name, one in message.items() if name != "content"}]
        joins = False
        for part in _list(message.get("content")):
            text = part if isinstance(part, str) else None
            if isinstance(part, dict):
                name = next((name for name in ("text", "refusal") if isinstance(part.get(name), str)), "")
                text = part.get(name)
                beside.append({key: one for key, one in part.items() if key != name})
            elif text is None:
                beside.append(part)
            if text is not None:
                yield Text(f"{at}.content", text, joins=joins)
                joins = True
    for leaf in strings(beside, at):
        yield Text(leaf.field, leaf.text, aside=True)


def _unseen(value: Any) -> str:
    """The field that holds a part which is not text, such as an image; none where there is no such part."""
    for one in _list(value):
        if isinstance(one, dict):
            if "type" in one and one["type"] not in _SEEN:
                return "structured_messages"
            if found := _unseen(one.get("content")):
                return found
    return ""


class DifyRequest(Shape):
    point: Literal["ping", "app.moderation.input", "app.moderation.output"]
    params: dict[str, Any] | None = None


class Dify(_Guard):
    """Dify's API-based extension for moderation."""

    name = "guard.dify"

    def read(self, raw: dict[str, Any]) -> Question:
        """A ping, or what was asked or answered."""
        asked = canonical.convert(raw, DifyRequest)
        if asked.point == "ping":
            return Question([])
        if not asked.params:
            raise CallerError("invalid_request", what="params is missing", param="params")
        params = {name: one for name, one in asked.params.items() if name != "app_id"}
        return Question([tuple(_values(params, "params"))], "output" if asked.point.endswith("output") else "input")

    def write(self, checked: Checked, told: Sequence[str]) -> Any:
        """Whether it is flagged, and what to say instead."""
        if not checked.hearings:
            return {"result": "pong"}
        said = told[0]
        return {"flagged": bool(said), "action": "direct_output", "preset_response": said}


def _values(value: Any, at: str) -> Iterator[Text]:
    """Every string of a value; keys stand beside what is said, which an application may put together to one text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield Text(at, key, aside=True)
            yield from _values(inner, f"{at}.*")
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _values(inner, f"{at}[{i}]")
    else:
        yield from strings(value, at)


class DetectorRequest(Shape):
    contents: list[str]
    detector_params: dict[str, Any] | None = None


class Detector(_Guard):
    """The Foundation Model Stack's detector API: spans in each content."""

    name = "guard.contents"

    def read(self, raw: dict[str, Any]) -> Question:
        """Each content is a group."""
        asked = canonical.convert(raw, DetectorRequest)
        return Question([(Text(f"contents[{i}]", one),) for i, one in enumerate(asked.contents)])

    def write(self, checked: Checked, told: Sequence[str]) -> Any:
        """Where each content holds what may not pass."""
        return [list(self._spans(checked, i)) for i in range(len(checked.hearings))]

    def _spans(self, checked: Checked, at: int) -> Iterator[dict[str, Any]]:
        hearing, text = checked.hearings[at], checked.question.groups[at][0].text
        if not hearing.stops:
            return
        reason = hearing.decisive.reason
        code = reason.code if reason else ""
        found = [(one.start, one.end, one.category) for one in checked.findings[at] if one.severity == "block"]
        for start, end, category in found or [(0, len(text), code)]:
            yield {
                "start": start,
                "end": end,
                "text": text[start:end],
                "detection": category,
                "detection_type": code,
                "score": 1.0,
            }

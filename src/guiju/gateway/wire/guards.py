# SPDX-License-Identifier: Apache-2.0
"""Protocols by which other gateways and applications ask a guard: LiteLLM's generic guardrail API, Dify's moderation
extension, and the `text/contents` detector API of the Foundation Model Stack. All that they send and could pass on is
looked at; what can't be looked at, such as an image, does not pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from guiju.errors import CallerError, GuijuError, Language
from guiju.gateway.wire import canonical, openai_errors
from guiju.gateway.wire.canonical import Shape, strings
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
        """Everything is one group: texts, then what else holds text."""
        stage: Literal["input", "output"] = "output" if raw.get("input_type") == "response" else "input"
        texts: list[Text] = []
        for name in ("texts", "structured_messages", "tools", "tool_calls"):
            texts += strings(raw.get(name) or [], name)
        if not texts and not raw.keys() & {"texts", "structured_messages", "tools", "tool_calls", "images"}:
            raise CallerError("invalid_request", what="texts is missing", param="texts")
        unseen = "images" if raw.get("images") else ""  # a 400 would reach LiteLLM's user as a failure without a reason
        return Question([tuple(texts)], stage, unseen=unseen)

    def write(self, checked: Checked, told: Sequence[str]) -> Any:
        """NONE or BLOCKED."""
        if checked.hearings[0].stops:
            return {"action": "BLOCKED", "blocked_reason": told[0]}
        return {"action": "NONE"}


class DifyRequest(Shape):
    point: Literal["ping", "app.moderation.input", "app.moderation.output"]
    params: dict[str, Any] | None = None


class Dify(_Guard):
    """Dify's API-based extension for moderation."""

    name = "guard.dify"

    def read(self, raw: dict[str, Any]) -> Question:
        """A ping, or what was asked or answered."""
        asked = canonical.convert(raw, DifyRequest)
        params = asked.params or {}
        if asked.point == "ping":
            return Question([])
        if asked.point == "app.moderation.input":
            texts = [Text("params.query", str(params.get("query") or ""))]
            return Question([(*texts, *strings(params.get("inputs") or {}, "params.inputs"))])
        return Question([(Text("params.text", str(params.get("text") or "")),)], "output")

    def write(self, checked: Checked, told: Sequence[str]) -> Any:
        """Whether it is flagged, and what to say instead."""
        if not checked.hearings:
            return {"result": "pong"}
        said = told[0]
        return {"flagged": bool(said), "action": "direct_output", "preset_response": said}


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

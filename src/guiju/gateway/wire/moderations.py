# SPDX-License-Identifier: Apache-2.0
"""The protocol of /v1/moderations: OpenAI's thirteen categories, filled where one of ours means the same, and ours
beside them as `cn/…`. `flagged` is what would not pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

from guiju.controls.guards import UNANSWERED
from guiju.errors import CallerError, GuijuError, Language
from guiju.gateway.wire import canonical, openai_errors
from guiju.gateway.wire.canonical import Shape, TextPart
from guiju.gateway.wire.protocol import Checked, Question
from guiju.terms import Finding, Hearing, Text

CATEGORIES: Final = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
SAME: Final = {"A.1d": "illicit/violent", "A.1e": "hate", "A.2": "hate"}
"""Our category, or its beginning → the one of theirs that it is part of; the others have no twin there."""


class ModerationRequest(Shape):
    input: str | list[str | TextPart]
    model: str = ""


class Policy(Shape):
    """What the caller wants done with what is found. Nothing is let off by it: what is forbidden is stopped."""

    input: dict[Literal["mode"], Literal["score", "block"]] | None = None
    output: dict[Literal["mode"], Literal["score", "block"]] | None = None


class Wanted(Shape):
    """The field `moderation` of a request: verdicts on what is asked and answered, beside the answer."""

    model: str
    policy: Policy | None = None


def result(flagged: bool, findings: Iterable[Finding]) -> dict[str, Any]:
    """One result, in their categories and ours."""
    found = [one for one in findings if one.category != UNANSWERED]  # that a guard model was silent is no category
    blocked = {one.category for one in found if one.severity == "block"}
    theirs = {twin for one in blocked if (twin := SAME.get(one) or SAME.get(one[:3]))}
    categories = {name: name in theirs for name in CATEGORIES}
    categories |= {f"cn/{name}": name in blocked for name in sorted({one.category for one in found})}
    return {
        "flagged": flagged,
        "categories": categories,
        "category_scores": {name: float(hit) for name, hit in categories.items()},
        "category_applied_input_types": {name: ["text"] if hit else [] for name, hit in categories.items()},
    }


def beside(model: str, asked: Sequence[Hearing], answered: Sequence[Hearing]) -> dict[str, dict[str, Any]]:
    """What stands beside an answer whose caller wanted it: a result for each side."""

    def told(hearings: Sequence[Hearing]) -> dict[str, Any]:
        found = {one for hearing in hearings for _, verdict in hearing.verdicts for one in verdict.findings}
        made = result(any(hearing.stops for hearing in hearings), found)
        return {"type": "moderation_result", "model": model, **made}

    return {"input": told(asked), "output": told(answered)}


class Moderations:
    """The protocol; see `GuardWire`."""

    name = "moderations"

    def read(self, raw: dict[str, Any]) -> Question:
        """Each string is a group; parts are one group together."""
        asked = canonical.convert(raw, ModerationRequest)
        if isinstance(asked.input, str):
            return Question([(Text("input", asked.input),)], model=asked.model)
        parts = [one for one in asked.input if isinstance(one, TextPart)]
        if parts and len(parts) < len(asked.input):
            raise CallerError("invalid_request", what="input has the wrong form", param="input")
        if parts:
            group = tuple(Text(f"input[{i}].text", part.text, joins=i > 0) for i, part in enumerate(parts))
            return Question([group], model=asked.model)
        groups: list[tuple[Text, ...]] = [
            (Text(f"input[{i}]", one),) for i, one in enumerate(asked.input) if isinstance(one, str)
        ]
        return Question(groups, model=asked.model)

    def write(self, checked: Checked, told: Sequence[str]) -> Any:
        """One result a group."""
        results = [
            result(hearing.stops, findings)
            for hearing, findings in zip(checked.hearings, checked.findings, strict=True)
        ]
        model = checked.question.model or "guiju"
        return {"id": f"modr-{checked.id}", "model": model, "results": results}

    def error(self, error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
        """The error object of OpenAI's API."""
        return openai_errors.body(error, language, guiju)

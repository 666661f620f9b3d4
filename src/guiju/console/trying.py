# SPDX-License-Identifier: Apache-2.0
"""What would be decided about a text: the form of `guiju try`, over the policy that is in force. Nothing is kept."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from guiju.console.frame import Visit
from guiju.errors import CallerError
from guiju.gateway.decided import decide
from guiju.terms import Stage

LONGEST: Final = 20_000
_STAGES: Final[tuple[Stage, ...]] = ("input", "output")


def ask(visit: Visit) -> Response:
    """GET /console/try."""
    return visit.page("try.html", text="", rows=[], lexicon=visit.inside.policy().lexicon)


def answer(visit: Visit) -> Response:
    """POST /console/try: the text comes with the form, never with the address."""
    text = visit.form.get("text", "")
    if len(text) > LONGEST:
        raise CallerError("request_too_large", what=f"{LONGEST} characters")
    rows = [_row(visit, stage, text) for stage in _STAGES] if text else []
    return visit.page("try.html", text=text, rows=rows, lexicon=visit.inside.policy().lexicon)


def _row(visit: Visit, stage: Stage, text: str) -> dict[str, Any]:
    policy = visit.inside.policy()
    decided = decide(policy, stage, text)
    verdict = decided.hearing.decisive
    reason = verdict.reason
    return {
        "stage": stage,
        "action": verdict.action,
        "stops": decided.hearing.stops,
        "control": decided.hearing.control if verdict.action != "pass" else "",
        "article": reason.article if reason else "",
        "category": policy.named(reason.category, visit.language) if reason else "",
        "findings": [
            {"rule": one.rule, "view": one.view, "start": one.start, "end": one.end, "severity": one.severity}
            for one in decided.findings[:20]
        ],
        "more": max(0, len(decided.findings) - 20),
        "ms": f"{decided.ms:.1f}",
    }

# SPDX-License-Identifier: Apache-2.0
"""The decision on scope in the console: twelve questions, what follows, and who signs (Article 2).

Where a duty falls away that stood until now, a second member signs: the first gets an address to hand on, which holds
the answers under a seal of this installation. Nothing is kept until both have signed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

from guiju.console.filings import HOME
from guiju.console.frame import Visit
from guiju.dossier import scope
from guiju.dossier.scope import ROUTES, Result
from guiju.errors import CallerError, ConfigError
from guiju.records import scoping

PATH: Final = f"{HOME}/scope"
_PURPOSE: Final = b"guiju scope\0"
_HOLDS_S: Final = 7 * 86_400


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one member signed, and waits for another: the answers, who, and when (Unix seconds)."""

    answers: dict[str, str | list[str]]
    by: str
    at: int


def ask(visit: Visit) -> Response:
    """GET /console/filings/scope: the questions, answered as in the decision in force, or what waits for a second."""
    if sealed := "".join(visit.asked("proposal")[:1]):
        waiting = _opened(visit, sealed)
        result = scope.decide(scope.checked(waiting.answers))
        return _page(visit, waiting.answers, result, waiting=waiting, sealed=sealed)
    decision = scoping.latest(visit.inside.store)
    return _page(visit, json.loads(decision.answers) if decision else {}, None)


def answer(visit: Visit) -> Response:
    """POST /console/filings/scope: see what follows, or sign it."""
    said = {
        one.id: [value for field, value in visit.fields if field == one.id] if one.many else visit.form.get(one.id, "")
        for one in scope.questions()
    }
    try:
        answers = scope.checked(said)
    except ConfigError as error:
        return _page(visit, said, None, problem=error.sentence(visit.language), status=400)
    result = scope.decide(answers)
    if visit.form.get("do") != "sign" or visit.form.get("seen") != _seen(answers):  # nobody signs what they did not see
        return _page(visit, answers, result)
    if scoping.weakens(visit.inside.store, msgspec.to_builtins(result)):
        sealed = _sealed(visit, Proposal(answers, visit.by, visit.inside.now()))
        link = f"{visit.console.origin(visit.request)}{PATH}?proposal={sealed}"
        return _page(visit, answers, result, link=link)
    return _sign(visit, answers, result, (visit.by, ""))


def second(visit: Visit) -> Response:
    """POST /console/filings/scope/second: sign what another member has signed."""
    waiting = _opened(visit, visit.form.get("proposal", ""))
    if waiting.by == visit.by:
        raise ConfigError("another_person", what="guiju scope")
    answers = scope.checked(waiting.answers)
    return _sign(visit, answers, scope.decide(answers), (waiting.by, visit.by))


def _sign(visit: Visit, answers: dict[str, Any], result: Result, by: tuple[str, str]) -> Response:
    scoping.sign(visit.inside.store, answers, msgspec.to_builtins(result), by, visit.inside.now())
    return visit.go(HOME)


def _page(visit: Visit, said: Mapping[str, Any], result: Result | None, status: int = 200, **more: Any) -> Response:
    tongue = visit.language
    questions = [
        {
            "id": one.id,
            "asked": one.of(tongue),
            "many": one.many,
            "answers": [(choice.id, choice.of(tongue)) for choice in one.answers],
            "said": said.get(one.id, ""),
        }
        for one in scope.questions()
    ]
    facts = {"problem": "", "link": "", "waiting": None, "sealed": "", **more}
    seen = _seen(said) if result else ""
    return visit.page("scope.html", status, questions=questions, result=_told(visit, result), seen=seen, **facts)


def _seen(answers: Mapping[str, Any]) -> str:
    """By what a page knows again the answers whose outcome it showed."""
    return hashlib.sha256(msgspec.json.encode(answers, order="sorted")).hexdigest()


def _told(visit: Visit, result: Result | None) -> dict[str, Any] | None:
    """What follows, in the reader's language."""
    if result is None:
        return None
    tongue = visit.language
    reasons: dict[str, list[str]] = {}
    for id, why in result.away.items():
        reasons.setdefault(why.zh if tongue == "zh" else why.en, []).append(id)
    return {
        "applies": result.in_scope,
        "route": ROUTES[result.route].of(tongue),
        "algorithm": result.algorithm,
        "security": result.security,
        "profiles": result.profiles,
        "why": [one.of(tongue) for one in result.why],
        "notes": [one.of(tongue) for one in result.notes],
        "away": reasons,
        "count": len(result.away),
        "two": scoping.weakens(visit.inside.store, msgspec.to_builtins(result)),
    }


def _mac(visit: Visit, payload: bytes) -> str:
    return hmac.digest(visit.inside.secrets.digest, _PURPOSE + payload, "sha256").hex()


def _sealed(visit: Visit, waiting: Proposal) -> str:
    payload = base64.urlsafe_b64encode(msgspec.json.encode(waiting)).rstrip(b"=")
    return f"{payload.decode()}.{_mac(visit, payload)}"


def _opened(visit: Visit, sealed: str) -> Proposal:
    """What waits for a second person.

    Raises:
        CallerError: `page_missing`: it was not sealed here, or has waited for more than a week.
    """
    payload, _, mac = sealed.partition(".")
    if not hmac.compare_digest(_mac(visit, payload.encode()).encode(), mac.encode()):
        raise CallerError("page_missing")
    raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    waiting = msgspec.json.decode(raw, type=Proposal)
    if waiting.at + _HOLDS_S < visit.inside.now():
        raise CallerError("page_missing")
    return waiting

# SPDX-License-Identifier: Apache-2.0
"""The policy in the console: what is in force, what another would change, figures of a trial, applying and going back
(Articles 4, 10, 15; DESIGN §10).

What stops more acts at once. What stops less waits, or, where two persons must agree, goes to the page of approvals.
Texts that are tried are kept nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from starlette.responses import Response

from guiju.console.frame import Visit, status_of
from guiju.controls.policy import Difference, Document, completed, differences, parse, shipped, written
from guiju.errors import CallerError, ConfigError, GuijuError
from guiju.gateway.decided import decide
from guiju.records import policies
from guiju.records.changes import Terms, delay_s
from guiju.terms import Stage

PATH: Final = "/console/policy"
LONGEST: Final = 100_000
"""Characters of a policy, at most."""
TEXTS: Final = 20
"""Texts that are tried at once, at most."""
SHADOWS: Final = {"": 0, "24h": 86_400, "7d": 7 * 86_400}
_SIDES: Final[tuple[Stage, ...]] = ("input", "output")
_MOST: Final = 200


class Named(NamedTuple):
    """A policy, by the name of its version."""

    version: str
    documents: tuple[Document, ...]


def look(visit: Visit) -> Response:
    """GET /console/policy: versions, and what one changes against another; `?old=` and `?new=` name them."""
    try:
        old, new = (_named(visit, name) for name in ("old", "new"))
        before = old.documents if old else visit.inside.documents()
        found = differences(before, new.documents) if new else None
    except ConfigError as error:
        raise CallerError("page_missing") from error
    return _page(visit, found=found, old=old, new=new)


def act(visit: Visit) -> Response:
    """POST /console/policy: try a policy, apply it, let it run beside the one in force, or go back to a version."""
    try:
        document = _wanted(visit)
        found = differences(visit.inside.documents(), (completed(document),))
        if visit.form.get("do") == "look":
            return _page(visit, found=found, tried=_tried(visit, document))
        _apply(visit, document, any(one.weakens for one in found))
    except GuijuError as error:
        return _page(visit, problem=error.told(visit.language), status=status_of(error))
    return visit.go(PATH)


def _apply(visit: Visit, document: Document, weakens: bool) -> None:
    """Put a policy into force, or propose it.

    Raises:
        CallerError: `name_missing`: no reason, or no way to do it.
    """
    inside, why = visit.inside, visit.form.get("why", "").strip()
    shadow = visit.form.get("shadow", "")
    if not 0 < len(why) <= policies.WHY or shadow not in SHADOWS or visit.form.get("do") not in ("apply", "back"):
        raise CallerError("name_missing")
    settings = inside.settings()
    text = msgspec.json.encode(document, order="sorted").decode()
    terms = Terms(weakens, visit.by, inside.now(), delay_s(settings), SHADOWS[shadow])
    if weakens and settings.people.mode == "two":
        policies.propose(inside.store, text, terms, why)
    else:
        policies.apply(inside.store, text, terms, why)


def _wanted(visit: Visit) -> Document:
    """The policy that a form is about: what was typed, or an older version.

    Raises:
        CallerError: `request_too_large`.
        ConfigError: `policy_invalid`; `not_found`.
    """
    if visit.form.get("do") == "back":
        number = visit.form.get("number", "")
        return _document(visit, int(number) if number.isdecimal() and len(number) < 9 else 0)
    text = visit.form.get("document", "")
    if len(text) > LONGEST:
        raise CallerError("request_too_large", what=f"{LONGEST} characters")
    return parse(text, "policy.toml", development=visit.inside.settings().mode == "development")


def _document(visit: Visit, number: int) -> Document:
    return msgspec.json.decode(policies.version(visit.inside.store, number).document, type=Document)


def _named(visit: Visit, name: str) -> Named | None:
    """The policy that the address names; none where it names none.

    Raises:
        ConfigError: `not_found`.
    """
    said = "".join(visit.asked(name)[:1])
    if not said:
        return None
    if said == "shipped":
        return Named(said, (shipped(),))
    number = int(said) if said.isdecimal() and len(said) < 9 else 0
    return Named(f"policy@{number}", (completed(_document(visit, number)),))


def _tried(visit: Visit, document: Document) -> list[dict[str, Any]]:
    """What would be decided about texts, as it is and as it would be; nothing of them is kept."""
    now = visit.inside.policy()
    then = msgspec.structs.replace(now, documents=(completed(document),), tried=None, rulings="", _held={})
    texts = [line.strip() for line in visit.form.get("texts", "").splitlines() if line.strip()][:TEXTS]
    return [
        {"text": text, "side": side, "now": _decided(now, side, text), "then": _decided(then, side, text)}
        for text in texts
        for side in _SIDES
    ]


def _decided(policy: Any, side: Stage, text: str) -> str:
    return decide(policy, side, text).hearing.decisive.action


def _page(
    visit: Visit,
    *,
    found: Sequence[Difference] | None = None,
    old: Named | None = None,
    new: Named | None = None,
    tried: list[dict[str, Any]] | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    store = visit.inside.store
    versions = policies.history(store)
    current = next((one for one in versions if one.state == "current"), None)
    inside = written(msgspec.json.decode(current.document, type=Document) if current else shipped())
    trials = [(one.number, sorted(policies.trial(store, one.number).items())) for one in versions[:20]]
    return visit.page(
        "policy.html",
        status,
        versions=versions,
        trials=[one for one in trials if one[1]],
        found=[_row(visit, one) for one in found[:_MOST]] if found is not None else None,
        more=max(0, len(found or ()) - _MOST),
        weakens=any(one.weakens for one in found or ()),
        names=(old.version if old else "", new.version if new else ""),
        tried=tried,
        document=visit.form.get("document", inside),
        texts=visit.form.get("texts", ""),
        why=visit.form.get("why", ""),
        shadows=[one for one in SHADOWS if one],
        two=visit.inside.settings().people.mode == "two",
        delay=round(visit.inside.settings().people.delay_h),
        problem=problem,
    )


def _row(visit: Visit, one: Difference) -> dict[str, Any]:
    named = (
        one.category
        if "*" in one.category or not one.category
        else visit.inside.policy().named(one.category, visit.language)
    )
    return {**msgspec.structs.asdict(one), "named": named, "weakens": one.weakens}

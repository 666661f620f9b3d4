# SPDX-License-Identifier: Apache-2.0
"""Filings in the console: what is due, the register, the decision on scope, the facts group by group (Articles 2, 6).

A fact shows which documents use it and whether a route still waits for it. What is typed is checked whole: of a group
either everything is kept or nothing, and what was typed stays in the form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

from guiju.console.frame import Visit
from guiju.dossier import facts, following
from guiju.dossier.facts import PERSON, Fact, Route, Value
from guiju.dossier.scope import ROUTES as SCOPE_ROUTES
from guiju.dossier.scope import Result
from guiju.dossier.telling import PAGES
from guiju.dossier.watch import Due
from guiju.errors import CallerError, ConfigError
from guiju.law import calendar
from guiju.records import disclosures, filings, scoping, snapshots

HOME: Final = "/console/filings"
_LINES: Final = ("long", "list", "rows")
"""Forms that are typed on several lines."""


def overview(visit: Visit) -> Response:
    """GET /console/filings: what is due, the register, the decision on scope."""
    inside, now = visit.inside, visit.inside.now()
    due = following.due(inside.settings(), inside.store, inside.data, now)
    decision = scoping.latest(inside.store)
    result = msgspec.convert(json.loads(decision.result), Result) if decision else None
    return visit.page(
        "filings.html",
        due=[_due(visit, one, now) for one in due],
        register=filings.every(inside.store),
        kinds={kind: _of(visit, names) for kind, names in filings.KINDS.items()},
        decision=decision,
        signers=" + ".join(filter(None, (decision.signed_by, decision.second))) if decision else "",
        route=SCOPE_ROUTES[result.route].of(visit.language) if result else "",
        away=len(result.away) if result else 0,
        differing=[one.within(visit.language) for one in following.differing(inside.settings(), _values(visit))],
        lacking={_of(visit, names): len(facts.missing(_values(visit), id)) for id, names in facts.ROUTES.items()},
    )


def settle(visit: Visit) -> Response:
    """POST /console/filings/due/{about}: an inquiry was answered today, or changes were filed, and how."""
    inside, about, how = visit.inside, visit.request.path_params["about"], visit.form.get("how", "").strip()
    now = inside.now()
    try:
        if visit.form.get("what") == "inquiry":
            filings.answer(inside.store, about, calendar.day_of(now).isoformat(), visit.by)
        else:
            filings.settle(inside.store, about, how, visit.by, now)
    except ConfigError as error:
        if error.code == "not_found":
            raise CallerError("page_missing") from error
        raise CallerError("name_missing") from error
    return visit.go(HOME)


def told(visit: Visit) -> Response:
    """GET /console/filings/told: what authorities and the public were told."""
    store = visit.inside.store
    pages = [one for page in PAGES for one in snapshots.history(store, page)]
    return visit.page(
        "filings-told.html",
        rows=disclosures.every(store),
        whats={id: _of(visit, names) for id, names in disclosures.WHATS.items()},
        scopes={id: _of(visit, names) for id, names in disclosures.SCOPES.items()},
        pages=sorted(pages, key=lambda one: (-one.at, one.page)),
    )


def listed(visit: Visit) -> Response:
    """GET /console/filings/facts: all facts by group; narrowed to what a route still lacks where one is chosen."""
    values, wanted = _values(visit), _route(visit)
    lacking = {one.id for one in facts.missing(values, wanted)}
    groups = []
    for group in facts.groups():
        every = [one for one in facts.facts() if one.group == group.id]
        shown = [one for one in every if wanted is None or one.id in lacking]
        if shown:
            rows = [_shown(visit, one, values, lacking) for one in shown]
            groups.append({"id": group.id, "name": group.of(visit.language), "rows": rows})
    return visit.page(
        "facts.html",
        groups=groups,
        routes=[(id, _of(visit, names), len(facts.missing(values, id))) for id, names in facts.ROUTES.items()],
        wanted=wanted or "",
        said=len(values),
        all=len(facts.facts()),
    )


def group(visit: Visit) -> Response:
    """GET /console/filings/facts/{group}: one group, to be filled in."""
    return _group(visit, {one.id: _fields(one, _values(visit).get(one.id)) for one in _facts_of(visit)}, {})


def save(visit: Visit) -> Response:
    """POST /console/filings/facts/{group}: keep a group, whole or not at all."""
    typed: dict[str, dict[str, list[str]]] = {}
    faults: dict[str, str] = {}
    path = facts.place(visit.inside.data)
    values = facts.read(path)
    for one in _facts_of(visit):
        typed[one.id] = _typed(visit, one)
        text = _text(one, typed[one.id])
        values.pop(one.id, None)
        if not text.strip():
            continue
        try:
            values[one.id] = facts.parsed(one, text)
        except ConfigError as error:
            faults[one.id] = error.sentence(visit.language)
    if faults:
        return _group(visit, typed, faults)
    facts.put(path, facts.written(values))
    inside = visit.inside
    following.due(inside.settings(), inside.store, inside.data, inside.now())  # a filed fact has changed from now on
    names = [one.id for one in facts.groups()]
    at = names.index(visit.request.path_params["group"]) + 1
    return visit.go(f"{HOME}/facts/{names[at]}?kept=1" if at < len(names) else f"{HOME}/facts?kept=1")


def _group(visit: Visit, typed: Mapping[str, dict[str, list[str]]], faults: Mapping[str, str]) -> Response:
    values, names = _values(visit), facts.groups()
    lacking = {one.id for one in facts.missing(values)}
    at = next(place for place, one in enumerate(names) if one.id == visit.request.path_params["group"])
    rows = [
        {
            **_shown(visit, one, values, lacking),
            "form": one.form,
            "lines": one.form in _LINES,
            "hint": one.hint.within(visit.language) if one.hint else "",
            "choices": [(choice.id, choice.of(visit.language)) for choice in one.choices],
            "columns": [column.of(visit.language) for column in one.columns],
            "person": [(name, _of(visit, words)) for name, words in PERSON.items()],
            "typed": typed[one.id],
            "fault": faults.get(one.id, ""),
            "described": _described(one, one.id in faults),
        }
        for one in _facts_of(visit)
    ]
    return visit.page(
        "facts-group.html",
        400 if faults else 200,
        group=names[at].of(visit.language),
        here=names[at].id,
        groups=[(one.id, one.of(visit.language)) for one in names],
        place=at + 1,
        last=at + 1 == len(names),
        rows=rows,
        faulty=[row for row in rows if row["fault"]],
    )


def _described(one: Fact, wrong: bool) -> str:
    """Ids of what describes a field: what is wrong with it, and how it is written."""
    hinted = one.hint is not None or one.form in ("rows", "list")
    return " ".join([f"{one.id}-fault"] * wrong + [f"{one.id}-hint"] * hinted)


def _facts_of(visit: Visit) -> list[Fact]:
    """The facts of the group that the address names."""
    wanted = visit.request.path_params["group"]
    found = [one for one in facts.facts() if one.group == wanted]
    if not found:
        raise CallerError("page_missing")
    return found


def _values(visit: Visit) -> dict[str, Value]:
    return facts.read(facts.place(visit.inside.data))


def _shown(visit: Visit, one: Fact, values: Mapping[str, Value], lacking: set[str]) -> dict[str, Any]:
    """A fact as pages show it."""
    return {
        "id": one.id,
        "name": one.of(visit.language),
        "said": facts.said(one, values[one.id], visit.language) if one.id in values else "",
        "lacking": one.id in lacking,
        "watched": one.watched,
        "used": facts.used(one.documents, visit.language),
        "count": len(one.documents),
    }


def _fields(one: Fact, value: Value | None) -> dict[str, list[str]]:
    """What is said, as the fields of a form hold it: one list for each input."""
    if one.form == "person":
        said = value if isinstance(value, dict) else {}
        return {name: [said.get(name, "")] for name in PERSON}
    if one.form == "choices":
        return {"": [str(part) for part in value] if isinstance(value, list) else []}
    return {"": [facts.typed(one, value) if value is not None else ""]}


def _typed(visit: Visit, one: Fact) -> dict[str, list[str]]:
    """What stands in the fields of a form."""
    names = [f"{one.id}.{name}" for name in PERSON] if one.form == "person" else [one.id]
    return {
        name.removeprefix(one.id).lstrip("."): [
            value.replace("\r\n", "\n") for field, value in visit.fields if field == name
        ]
        for name in names
    }


def _text(one: Fact, typed: Mapping[str, list[str]]) -> str:
    """The same as one would type it in a terminal."""
    if one.form == "person":
        return "\n".join(f"{name}={said[0].strip()}" for name, said in typed.items() if said and said[0].strip())
    return "\n".join(typed[""])


def _route(visit: Visit) -> Route | None:
    asked = "".join(visit.asked("route")[:1])
    return next((one for one in facts.ROUTES if one == asked), None)


def _due(visit: Visit, one: Due, now: int) -> dict[str, Any]:
    return {
        "what": one.what,
        "about": filings.USERS if one.what == "assess" else one.about,
        "said": one.zh if visit.language == "zh" else one.en,
        "last": calendar.day_of(one.due_at - 1).isoformat() if one.due_at else "",
        "late": one.overdue(now),
        "source": one.source.within(visit.language),
        "unread": one.read == "memory",
    }


def _of(visit: Visit, names: tuple[str, str]) -> str:
    """One of a pair of names, Chinese first."""
    return names[0] if visit.language == "zh" else names[1]

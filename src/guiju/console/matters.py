# SPDX-License-Identifier: Apache-2.0
"""Matters of staff in the console: orders, inquiries, incidents, holds, reports to an authority (Articles 13 to 20).

They are entered here, go their course on the page of the case, and have a text that a person sends. What an authority
is given, a hold and its lifting wait for a second person on the page of approvals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import Response

from guiju.console.frame import Visit, status_of
from guiju.desk import kinds, matters
from guiju.desk.matters import CHOSEN, DAYS, LINES, MOMENTS, SEVERAL
from guiju.desk.reports import shown
from guiju.errors import CallerError, ConfigError, GuijuError
from guiju.records import acts, cases
from guiju.records.approvals import Approval
from guiju.records.cases import LEASE_S, Case
from guiju.web.locale import LANGUAGES, say

AMEND: Final = "amend"
READ: Final = "POST /console/cases/{no}/read"
HANDLERS: Final = frozenset({"lead", "compliance"})
"""Roles that handle matters of staff."""


def form(visit: Visit) -> Response:
    """GET /console/matters/{kind}."""
    return _form(visit)


def enter(visit: Visit) -> Response:
    """POST /console/matters/{kind}: open one."""
    kind = _kind(visit)
    try:
        made = visit.inside.handling.open(kind, _given(visit), visit.by)
    except GuijuError as error:
        return _form(visit, error.told(visit.language), status_of(error))
    visit.inside.desk.lease(made.id, visit.by)
    return visit.go(f"/console/cases/{made.id}")


def step(visit: Visit) -> Response:
    """POST …/step: go a step, or say more."""
    number, to = _case(visit).id, visit.form.get("to", "")
    staff = visit.inside.handling
    if to == AMEND:
        staff.amend(number, _given(visit), visit.by)
    else:
        staff.step(number, to, _given(visit), visit.by)
    return visit.go(f"/console/cases/{number}")


def document(visit: Visit) -> Response:
    """GET …/document: the text, for whoever said why they read the case."""
    case = _case(visit)
    if case.kind not in matters.matters() or not purpose(visit, case):
        raise CallerError("page_missing")
    language = LANGUAGES.get("".join(visit.asked("of")[:1]), "zh")
    text = visit.inside.handling.document(case.id, language)
    response = Response(text.encode(), media_type="text/plain; charset=utf-8")
    response.headers["content-disposition"] = f'attachment; filename="{case.id}-{language}.txt"'
    return response


def may(visit: Visit, kind: str) -> bool:
    """Whether a member takes up cases of a kind: matters of staff are the lead's and the compliance officer's."""
    return kind not in matters.matters() or visit.session.member.role in HANDLERS


def panel(visit: Visit, case: Case, *, read: bool) -> dict[str, Any] | None:
    """What the page of a case shows of a matter; none where it is a complaint.

    Args:
        visit: whose.
        case: the case.
        read: whether they said why they read it, so that what was entered may be shown.
    """
    shape = matters.matters().get(case.kind)
    if shape is None:
        return None
    known = visit.inside.handling.values(case.id) if read else {}
    open_ = [one for one in shape.step if case.state in kinds.step(case.kind, one.to).before]
    return {
        "read": read,
        "amend": fields(visit, shape.amend, (), known) if not case.closed_at else [],
        "steps": [
            {
                "to": one.to,
                "word": say(f"matters.step.{case.kind}.{one.to}", visit.language),
                "two": one.act is not None,
                "fields": fields(visit, one.fields, one.required, {}),
            }
            for one in open_
        ],
    }


def fields(
    visit: Visit, names: Sequence[str], required: Sequence[str], known: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Fields as a form shows them."""
    return [
        {
            "name": name,
            "label": say(f"matters.field.{name}", visit.language),
            "needed": name in required,
            "long": name in LINES,
            "moment": name in MOMENTS,
            "day": name in DAYS,
            "several": name in SEVERAL,
            "options": [(one, say(f"matters.option.{one}", visit.language)) for one in CHOSEN.get(name, ())],
            "value": known.get(name, ""),
            "most": matters.LONG if name in LINES else matters.SHORT,
        }
        for name in names
    ]


def proposed(visit: Visit, one: Approval) -> list[tuple[str, str]]:
    """What a second person is asked to agree to: each field, as it was entered."""
    try:
        _, what = visit.inside.handling.proposed(one.id)
    except ConfigError:  # its papers are gone: then it can't be agreed to either
        return []
    known = {**visit.inside.handling.values(one.case_id), **what.values}
    shape = matters.matter(cases.get(visit.inside.store, one.case_id).kind)
    names = [name for name in dict.fromkeys((*shape.paper, *what.values)) if known.get(name)]
    return [(say(f"matters.field.{name}", visit.language), shown(name, known, visit.language)) for name in names]


def purpose(visit: Visit, case: Case) -> str:
    """Why this member reads what was written, as they said since they leased it; "" where they did not."""
    now = visit.inside.now()
    if case.leased(now) != visit.by:
        return ""
    said = acts.latest(visit.inside.store, member_id=visit.session.member.id, kind="act", subject=case.id, most=50)
    since = (now - LEASE_S) * 1000
    return next((one.purpose for one in said if one.place == READ and one.at >= since and one.purpose), "")


def _form(visit: Visit, problem: str = "", status: int = 200) -> Response:
    kind = _kind(visit)
    shape = matters.matter(kind)
    made = fields(visit, shape.fields, shape.required, _given(visit))
    return visit.page(
        "matter-open.html", status, kind=kind, fields=made, problem=problem, kinds=list(matters.matters())
    )


def _given(visit: Visit) -> dict[str, str]:
    """What was entered; of what is ticked all of it."""
    ticked = {name: " ".join(value for key, value in visit.fields if key == name) for name in SEVERAL}
    return {**visit.form, **ticked}


def _kind(visit: Visit) -> str:
    kind = str(visit.request.path_params["kind"])
    if kind not in matters.matters():
        raise CallerError("page_missing")
    return kind


def _case(visit: Visit) -> Case:
    try:
        return cases.get(visit.inside.store, str(visit.request.path_params["no"])[:16])
    except ConfigError as error:
        raise CallerError("page_missing") from error

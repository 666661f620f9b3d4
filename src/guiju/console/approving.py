# SPDX-License-Identifier: Apache-2.0
"""What waits for a second person, and the sanctions in force (Articles 13, 19; bounds: how blocking stays just)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from guiju.console import matters
from guiju.console.frame import Visit
from guiju.errors import CallerError, ConfigError
from guiju.records import approvals, standing
from guiju.records.approvals import APPROVERS, STAFF


def queue(visit: Visit) -> Response:
    """GET /console/approvals."""
    now = visit.inside.now()
    rows = [
        {
            "id": one.id,
            "case": one.case_id,
            "act": one.act,
            "share": f"{one.share:.3%}" if one.share else "",
            "by": one.proposed_by,
            "at": one.proposed_at,
            "until": one.expires_at,
            "alone": one.acts_at,
            "mine": one.proposed_by == visit.by,
            "what": matters.proposed(visit, one) if one.act in STAFF else [],
        }
        for one in approvals.waiting(visit.inside.store)
        if one.expires_at > now
    ]
    return visit.page("approvals.html", rows=rows, approver=visit.session.member.role in APPROVERS)


def answer(visit: Visit) -> Response:
    """POST /console/approvals/{id}: agree, refuse, or take back what one proposed oneself."""
    id, said = visit.request.path_params["id"], visit.form.get("answer", "")
    deciding, staff = visit.inside.decisions, visit.inside.handling
    try:
        mine = approvals.get(visit.inside.store, id).act in STAFF
        approve = staff.approve if mine else deciding.approve
        acts = {"approve": approve, "reject": deciding.reject, "revoke": deciding.revoke}
        if said not in acts:
            raise CallerError("name_missing")
        acts[said](id, visit.by)
    except ConfigError as error:
        if error.code == "not_found":
            raise CallerError("page_missing") from error
        raise
    return visit.go("/console/approvals")


def sanctions(visit: Visit) -> Response:
    """GET /console/sanctions: steps that are in force; a person is shown by the beginning of their handle."""
    now = visit.inside.now()
    wanted = visit.asked("rung")
    rows = [_step(one, now) for one in standing.in_force(visit.inside.store, now) if not wanted or one.rung in wanted]
    return visit.page("sanctions.html", rows=rows, rungs=("warn", "limit", "suspend", "end"), wanted=wanted)


def lift(visit: Visit) -> Response:
    """POST /console/sanctions/{id}: end a step before its time."""
    try:
        standing.lift(visit.inside.store, visit.request.path_params["id"], visit.by, visit.inside.now())
    except ConfigError as error:
        raise CallerError("page_missing") from error
    return visit.go("/console/sanctions")


def _step(one: standing.Step, now: int) -> dict[str, Any]:
    return {
        "id": one.id,
        "person": one.person[:8],
        "rung": one.rung,
        "kind": one.kind,
        "since": one.since,
        "until": one.until,
        "days": max(0, one.until - now) // 86_400 if one.until else -1,
        "automatic": one.automatic,
        "by": one.decided_by,
    }

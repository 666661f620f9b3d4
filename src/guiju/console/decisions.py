# SPDX-License-Identifier: Apache-2.0
"""The trace of one decision: what was heard and what was released, as the ledger has it; no text (Articles 11, 16)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from guiju.console.frame import Visit
from guiju.records.scribe import Entry
from guiju.records.sources import place_of
from guiju.records.trace import trace


def look(visit: Visit) -> Response:
    """GET /console/d: asks for an id."""
    if asked := "".join(visit.asked("id")).strip():
        return visit.go("/console/d/" + quote(asked[:100], safe=""))
    return visit.page("decision.html", id="", found=None, entries=[])


def decision(visit: Visit) -> Response:
    """GET /console/d/{id}."""
    wanted = visit.request.path_params["id"][:100]
    inside = visit.inside
    found = trace(place_of(inside.settings(), inside.data), inside.ids, wanted)
    return visit.page(
        "decision.html",
        200 if found.entries else 404,
        id=wanted,
        found=found,
        entries=[_entry(visit, one) for one in found.entries],
    )


def _entry(visit: Visit, one: Entry) -> dict[str, Any]:
    """An entry as the page shows it: identifiers, actions and counts."""
    body = one.body
    reason = body.get("reason")
    policy = visit.inside.policy()
    return {
        "seq": one.seq,
        "kind": one.kind,
        "at": one.t / 1000,
        "door": body.get("door", ""),
        "model": body.get("model", ""),
        "service": body.get("service", ""),
        "key": body.get("key", ""),
        "account": body.get("account", ""),
        "state": body.get("state", ""),
        "end": body.get("end", ""),
        "label": body.get("label", ""),
        "controls": [(name, action) for name, action in body.get("controls", ())],
        "reason": reason,
        "category": policy.named(reason["category"], visit.language) if reason else "",
        "counts": [(name, body[name]) for name in ("chars_in", "chars_seen", "chars_released") if name in body],
        "masked": sorted(body.get("masked", {}).items()),
        "degraded": body.get("degraded", ()),
        "dropped": body.get("dropped", ()),
        "versions": sorted(body.get("versions", {}).items()),
    }

# SPDX-License-Identifier: Apache-2.0
"""What must not be generated again: how each item stands, its deadline and its curve (Article 15; screens 3.1).

Prompts are sealed and not shown here: an item is known by its case and its class.
"""

from __future__ import annotations

from typing import Any, Final

from markupsafe import Markup
from starlette.responses import Response

from guiju.console.deadlines import span
from guiju.console.frame import Visit
from guiju.desk import curve
from guiju.desk.regeneration import Standing
from guiju.errors import CallerError, ConfigError
from guiju.records import regeneration
from guiju.records.regeneration import Item

STATES: Final = ("red", "yellow", "green")


def items(visit: Visit) -> Response:
    """GET /console/regen: all items, the nearest deadline first."""
    wanted = visit.asked("state")
    every = [_row(visit, item, standing) for item, standing in visit.inside.registry().standings()]
    counts = {state: sum(one["state"] == state for one in every) for state in STATES}
    rows = [one for one in every if not wanted or one["state"] in wanted]
    return visit.page("regen.html", rows=rows, counts=counts, wanted=wanted)


def item(visit: Visit) -> Response:
    """GET /console/regen/{id}: one item with its replays, as a picture and as a table."""
    registry = visit.inside.registry()
    try:
        found = regeneration.of(visit.inside.store, visit.request.path_params["id"])
    except ConfigError as error:
        raise CallerError("page_missing") from error
    points = registry.curve(found)
    head, rows = curve.table(points, visit.language)
    return visit.page(
        "regen-item.html",
        row=_row(visit, found, registry.standing(found)),
        size=found.size,
        # The picture escapes what it says; it has attributes alone, which the policy of pages lets through.
        picture=Markup(curve.svg(points, found.due_at, visit.language)),  # noqa: S704 # made and escaped by curve.svg
        head=head,
        lines=rows,
    )


def _row(visit: Visit, one: Item, standing: Standing) -> dict[str, Any]:
    now = visit.inside.now()
    left = one.due_at - now
    return {
        "id": one.id,
        "case": one.case_id,
        "category": visit.inside.policy().named(one.category, visit.language),
        "state": standing.state,
        "why": standing.why,
        "clean": standing.clean,
        "replayed": standing.replayed_at,
        "found": one.found_at,
        "due": one.due_at,
        "over": left < 0,
        "left": span(abs(left), visit.language),
        "closed": one.closed_at,
    }

# SPDX-License-Identifier: Apache-2.0
"""What was banned and must not come again: all items, one item with its curve, and its certificate (Article 15).

No prompt and no answer is shown: the pages hold counts.
"""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from guiju.console.deadlines import Chip, Urgency, span
from guiju.console.frame import Visit, moment
from guiju.desk import curve
from guiju.desk.certificate import body
from guiju.desk.looking import keys
from guiju.desk.regeneration import Registry, Standing
from guiju.errors import CallerError, ConfigError
from guiju.probe.targets import painters
from guiju.records import bans, certificates, regeneration
from guiju.records.daykeys import DayKeys
from guiju.records.regeneration import Item
from guiju.records.sealed import Boxes
from guiju.records.sources import place_of
from guiju.web.locale import say

_DAY = 86_400
STATES = ("red", "yellow", "green")
TONES = {"red": "bad", "yellow": "warn", "green": "good"}


def listed(visit: Visit) -> Response:
    """GET /console/regen: all items, the one whose deadline is nearest first; those that ended are asked for."""
    wanted, ended = visit.asked("state"), visit.asked("ended") == ["1"]
    found = _registry(visit).standings()
    rows = [
        _row(visit, item, standing)
        for item, standing in found
        if bool(item.closed_at) == ended and (not wanted or standing.state in wanted)
    ]
    counted = [
        (state, sum(standing.state == state and not item.closed_at for item, standing in found)) for state in STATES
    ]
    return visit.page("regen.html", rows=rows, counted=counted, wanted=wanted, tones=TONES)


def one(visit: Visit) -> Response:
    """GET /console/regen/{id}: how one item stands, with its curve and the same as a table."""
    registry, item = _registry(visit), _item(visit)
    points = registry.curve(item)
    head, rows = curve.table(points, visit.language)
    return visit.page(
        "regen-item.html",
        item=item,
        row=_row(visit, item, registry.standing(item)),
        drawn=Markup(curve.svg(points, item.due_at, visit.language)),  # noqa: S704 # all words in it are escaped there
        head=head,
        rows=rows,
        tones=TONES,
        needed=visit.inside.settings().regeneration.clean_runs,
    )


def certificate(visit: Visit) -> Response:
    """POST /console/regen/{id}/certificate: a certificate for the complainant, as a file."""
    inside, item, now = visit.inside, _item(visit), visit.inside.now()
    rounds = regeneration.rounds(inside.store, item.id).get(item.id, [])
    since = next((ban.decided_at for ban in bans.history(inside.store) if ban.id == item.ban_id), item.opened_at)
    settings = inside.settings()
    said = body(item, _registry(visit).standing(item), rounds, since, settings.provider, now)
    place = place_of(settings, inside.data)
    made = certificates.issue(said, place, inside.secrets.signing, lambda: int(inside.clock() * 1000))
    name = f'attachment; filename="{said.id}.json"'
    return Response(certificates.written(made), media_type="application/json", headers={"content-disposition": name})


def _registry(visit: Visit) -> Registry:
    inside = visit.inside
    boxes = Boxes(inside.store, DayKeys(inside.data / "keys"), inside.secrets)
    settings = inside.settings()
    painted = bool(painters(settings.upstream, settings.regeneration.picture_models))
    made = keys(inside.secrets)
    return Registry(inside.store, boxes, made, inside.policy().controls.replayed, inside.clock, painted=painted)


def _item(visit: Visit) -> Item:
    try:
        return regeneration.of(visit.inside.store, visit.request.path_params["id"])
    except ConfigError as error:
        raise CallerError("page_missing") from error


def _row(visit: Visit, item: Item, standing: Standing) -> dict[str, Any]:
    """One line of the list."""
    return {
        "id": item.id,
        "case": item.case_id,
        "category": visit.inside.policy().named(item.category, visit.language),
        "size": item.size,
        "chip": _chip(visit, item),
        "state": standing.state,
        "why": standing.why,
        "clean": standing.clean,
        "replayed": standing.replayed_at,
    }


def _chip(visit: Visit, item: Item) -> Chip:
    """How long the raw model has."""
    left, language = item.due_at - visit.inside.now(), visit.language
    if item.closed_at:
        return Chip("none", say("regen.why.ended", language), "", moment(item.closed_at))
    state: Urgency = "over" if left <= 0 else "hours" if left < 7 * _DAY else "day" if left < 30 * _DAY else "calm"
    said = say("cases.over" if left <= 0 else "cases.left", language, time=span(abs(left), language))
    basis = say("regen.deadline_basis", language)
    return Chip(state, said, "", f"{moment(item.due_at)} · {basis}")

# SPDX-License-Identifier: Apache-2.0
"""One case: what is known on the left, what can be done on the right, always in the same place (screens 3.4).

What people wrote is hidden until its reader has leased the case and said why; that is in the ledger before it is seen
(Article 11). A decision shows what it would do before it does it, and can be taken back for half a minute.
"""

from __future__ import annotations

import time
from typing import Any, Final

import msgspec
from starlette.responses import Response

from guiju.console import matters, measures
from guiju.console.cases import PATH, category_of, kind_of
from guiju.console.deadlines import chip
from guiju.console.frame import Visit, did, status_of
from guiju.desk import statements
from guiju.desk.decisions import UNDO_S, Decision, Grounds
from guiju.desk.deeds import measure
from guiju.desk.matters import matters as shapes
from guiju.desk.remedies import ATTRIBUTES, Prepared
from guiju.desk.reports import shown
from guiju.errors import CallerError, ConfigError, GuijuError
from guiju.records import acts, approvals, cases, members, reviews
from guiju.records.cases import LEASE_S, Case
from guiju.records.papers import Paper
from guiju.web.locale import WORDS, say

_SHOWN: Final = ("image/png", "image/jpeg", "image/webp")


def page(visit: Visit) -> Response:
    """GET /console/cases/{no}."""
    return _page(visit, _case(visit))


def take(visit: Visit) -> Response:
    """POST …/take: lease it, or go on with it."""
    if not matters.may(visit, _case(visit).kind):
        raise CallerError("not_permitted")
    visit.inside.desk.lease(_number(visit), visit.by)
    return _back(visit)


def give(visit: Visit) -> Response:
    """POST …/give: leave it to somebody else."""
    _looked(visit)
    visit.inside.desk.release(_number(visit), visit.by)
    return visit.go(PATH)


def read(visit: Visit) -> Response:
    """POST …/read: what people wrote, for a purpose."""
    if visit.form.get("purpose", "") not in acts.PURPOSES:
        raise CallerError("name_missing")
    visit.inside.desk.read(_number(visit), visit.by, visit.form["purpose"])
    return _back(visit, "#papers")


def file(visit: Visit) -> Response:
    """GET …/papers/{paper}: a file that was handed in, for whoever said why they read it."""
    case = _case(visit)
    wanted = visit.request.path_params["paper"]
    papers = _papers(visit, case)
    found = next((one for one in papers if one.id == wanted and one.file and one.what == "evidence"), None)
    if found is None:
        raise CallerError("page_missing")
    shown = found.media in _SHOWN
    response = Response(found.file, media_type=found.media if shown else "application/octet-stream")
    if not shown:
        response.headers["content-disposition"] = "attachment"
    return response


def tell(visit: Visit) -> Response:
    """POST …/tell: a message to whoever complained; `ask` lets the clock stand while their answer is awaited."""
    number, text = _number(visit), visit.form.get("text", "").strip()
    if not 0 < len(text) <= 5000 or _case(visit).leased(visit.inside.now()) != visit.by:
        raise CallerError("name_missing")
    visit.inside.desk.say(number, text, visit.by)
    if visit.form.get("ask") == "1":
        visit.inside.desk.move(number, "waiting", visit.by)
    return _back(visit)


def preview(visit: Visit) -> Response:
    """POST …/preview: what a decision would do; nothing is done."""
    case = _case(visit)
    try:
        made = _decision(visit, case)
        looked = visit.inside.decisions.preview(case.id, made.remedies, visit.by)
    except GuijuError as error:
        return _page(visit, case, problem=error.told(visit.language), status=status_of(error))
    return _page(visit, case, looked=looked, letter=_letter(visit, case, made, looked))


def decide(visit: Visit) -> Response:
    """POST …/decide."""
    case = _case(visit)
    _looked(visit)
    try:
        visit.inside.decisions.decide(case.id, _decision(visit, case), visit.by)
    except GuijuError as error:
        return _page(visit, case, problem=error.told(visit.language), status=status_of(error))
    return _back(visit, "#decided")


def undo(visit: Visit) -> Response:
    """POST …/undo: take a decision back, within half a minute."""
    visit.inside.decisions.undo(_number(visit), visit.by)
    return _back(visit)


def _page(
    visit: Visit,
    case: Case,
    *,
    problem: str = "",
    looked: list[Prepared] | None = None,
    letter: tuple[str, str] | None = None,
    status: int = 200,
) -> Response:
    inside, now = visit.inside, visit.inside.now()
    mine = case.leased(now) == visit.by
    alike = cases.listed(inside.store, cases.Found(group=case.group_key, open=False, limit=20))
    names = {one.id: one.name for one in members.everybody(inside.store)}
    purpose = matters.purpose(visit, case)
    return visit.page(
        "case.html",
        status,
        case=case,
        kind=kind_of(visit, case.kind),
        category=category_of(visit, case.category),
        categories=_categories(visit),
        chip=chip(case, now, visit.language),
        mine=mine,
        leased=case.leased(now),
        until=case.lease_until,
        open=case.state in ("received", "open", "waiting") or (case.kind in shapes() and not case.closed_at),
        papers=_shown(visit, case) if purpose else [],
        matter=matters.panel(visit, case, read=bool(purpose)),
        purpose=purpose,
        purposes=acts.PURPOSES,
        alike=[one for one in alike if one.id != case.id],
        done=[_act(visit, one, names) for one in acts.latest(inside.store, subject=case.id, most=20)],
        proposals=approvals.of(inside.store, case.id),
        grounds=[_said(one, visit) for _, one in inside.decisions.grounds(case.id)],
        undo=case.state == "decided" and case.decided_by == visit.by and now < case.decided_at + UNDO_S,
        undo_until=case.decided_at + UNDO_S,
        form=visit.form,
        ticked=measures.chosen(visit.fields),
        measures=measures.MEASURES,
        reasons=measures.REASONS,
        outcomes=measures.outcomes(case),
        attributes=ATTRIBUTES,
        forms=measures.FORMS,
        misuses=measures.MISUSES,
        problem=problem,
        looked=_effects(looked),
        letter=letter,
    )


def _case(visit: Visit) -> Case:
    try:
        return cases.get(visit.inside.store, _number(visit))
    except ConfigError as error:
        raise CallerError("page_missing") from error


def _number(visit: Visit) -> str:
    return str(visit.request.path_params["no"])[:16]


def _back(visit: Visit, at: str = "") -> Response:
    return visit.go(f"{PATH}/{_number(visit)}{at}")


def _papers(visit: Visit, case: Case) -> list[Paper]:
    return visit.inside.desk.papers.all(case.id, visit.inside.now()) if matters.purpose(visit, case) else []


def _shown(visit: Visit, case: Case) -> list[dict[str, Any]]:
    """Papers as the page shows them: closed, until each is opened."""
    return [
        {
            "what": one.what,
            "by": one.by,
            "at": one.at,
            "id": one.id,
            "fields": [_field(visit, case, one, name) for name in one.fields if name not in ("json", "en", "zh")],
            "image": one.media in _SHOWN,
            "name": one.fields.get("name", ""),
        }
        for one in _papers(visit, case)
        if one.what in ("form", "message", "evidence", "step")
    ]


def _field(visit: Visit, case: Case, paper: Paper, name: str) -> tuple[str, str]:
    """The name of a field and what stands there: in words where it is one of a matter of staff."""
    known = case.kind in shapes() and f"matters.field.{name}" in WORDS
    if not known:
        return name, paper.fields[name]
    return say(f"matters.field.{name}", visit.language), shown(name, paper.fields, visit.language)


def _decision(visit: Visit, case: Case) -> Decision:
    def text() -> str:
        found = visit.inside.desk.papers.all(case.id, visit.inside.now(), ("form",))
        return next((one.fields["text"] for one in found if one.fields.get("text")), "")

    return measures.decision(case, visit.form, measures.chosen(visit.fields), text)


def _letter(visit: Visit, case: Case, made: Decision, looked: list[Prepared]) -> tuple[str, str]:
    """The letter that whoever complained would get, in both languages."""
    now, provider = visit.inside.now(), visit.inside.decisions.provider
    done = [measure(one.deed) for one in looked if not one.act]
    said = statements.state(case, made.found, (1, "complainant"), done, provider, now)
    return statements.letter(said, provider, "zh"), statements.letter(said, provider, "en")


def _effects(looked: list[Prepared] | None) -> list[dict[str, Any]] | None:
    """What each measure would do."""
    if looked is None:
        return None
    return [
        {
            "measure": measure(one.deed)[0],
            "act": one.act,
            "waits": one.waits,
            "share": f"{one.reach.share:.3%}" if one.reach else "",
            "why": one.reach.why if one.reach else "",
            "lines": one.reach.lines if one.reach else 0,
            "replies": one.reach.replies if one.reach else 0,
        }
        for one in looked
    ]


def _said(one: Grounds, visit: Visit) -> dict[str, Any]:
    """A decision as the page tells it."""
    provider = visit.inside.decisions.provider
    return {
        "outcome": one.found.outcome,
        "article": one.found.ground.article,
        "measures": [measure(deed)[0] for deed in (*one.done, *one.waits)],
        "waits": len(one.proposed),
        "letters": [
            (made.party, statements.letter(made, provider, visit.language), msgspec.json.encode(made).decode())
            for made in one.statements
        ],
    }


def _act(visit: Visit, one: acts.Act, names: dict[str, str]) -> dict[str, Any]:
    return {
        "at": one.at / 1000,
        "who": names.get(one.member_id, ""),
        "kind": one.kind,
        "place": one.place,
        "did": did(one.place, visit.language),
        "why": one.purpose,
    }


def _categories(visit: Visit) -> list[tuple[str, str]]:
    """Classes of risk to choose from."""
    known = visit.inside.policy().categories
    return [(id, said[visit.language]) for id, said in sorted(known.items()) if id.startswith("A.")]


def _looked(visit: Visit) -> None:
    """Count for how long this member looked at what people wrote in this case."""
    case, now = _case(visit), visit.inside.now()
    said = acts.latest(visit.inside.store, member_id=visit.session.member.id, kind="act", subject=case.id, most=50)
    since = next((one.at for one in said if one.place == matters.READ), 0)
    seconds = round(time.time() - since / 1000)
    if since and 0 < seconds <= LEASE_S:
        reviews.looked(visit.inside.store, visit.session.member.id, now, seconds, 1)

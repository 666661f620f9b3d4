# SPDX-License-Identifier: Apache-2.0
"""The queue of cases: what waits, how long it may, and the next one for me (Articles 13, 15; screens 3.3).

Cases about the same content stand as one group. What people wrote is not shown here at all.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.responses import Response

from guiju.console import matters, measures
from guiju.console.deadlines import chip
from guiju.console.frame import Visit
from guiju.desk import kinds
from guiju.desk.decisions import Decision
from guiju.desk.matters import matters as shapes
from guiju.errors import CallerError, ConfigError
from guiju.records import approvals, cases, reviews
from guiju.records.cases import Case
from guiju.records.cases import Found as Wanted
from guiju.review.queue import DAY_S

MOST: Final = 50
BULK: Final = 20
"""Cases that one person closes with one reason, at most."""
PATH: Final = "/console/cases"


def queue(visit: Visit) -> Response:
    """GET /console/cases: groups, or the cases of one."""
    store, now = visit.inside.store, visit.inside.now()
    wanted = _wanted(visit, now)
    if wanted.group or visit.asked("view") == ["cases"]:
        rows = [_row(visit, one, 1, now) for one in cases.listed(store, wanted)]
    else:
        rows = [_row(visit, one, many, now) for one, many in cases.groups(store, wanted)]
    counted = cases.counts(store)
    tabs = [(id, kind_of(visit, id), sum(n for (k, _), n in counted.items() if k == id)) for id in kinds.kinds()]
    return visit.page(
        "cases.html",
        rows=rows,
        tabs=[one for one in tabs if one[2] or one[0] in wanted.kinds],
        kinds=wanted.kinds,
        states=wanted.states,
        grouped=not wanted.group and visit.asked("view") != ["cases"],
        group=wanted.group,
        waiting=len(approvals.waiting(store)),
        reasons=measures.REASONS,
        outcomes=measures.OUTCOMES,
        bulk=BULK,
        matters=list(shapes()),
        older=wanted.after + MOST if len(rows) == MOST else 0,
        newer=wanted.after,
    )


def start(visit: Visit) -> Response:
    """POST /console/cases/next: lease the next free case and open it.

    Raises:
        CallerError: `enough_seen`: their day of looking is over.
    """
    inside, by = visit.inside, visit.by
    now = inside.now()
    if reviews.exposed(inside.store, visit.session.member.id, now)[0] >= DAY_S:
        raise CallerError("enough_seen")
    asked = [one for one in visit.form.get("kinds", "").split() if one in kinds.kinds()]
    chosen = tuple(one for one in asked or kinds.kinds() if matters.may(visit, one))
    skipped = visit.form.get("skip", "")
    if skipped:
        inside.desk.release(skipped, by)
    for one in cases.listed(inside.store, Wanted(kinds=chosen, states=("received", "open"), free=now, limit=MOST)):
        if one.id == skipped:
            continue
        try:
            inside.desk.lease(one.id, by)
        except ConfigError:  # somebody was faster, or it appeals against their own decision
            continue
        return visit.go(f"{PATH}/{one.id}")
    return visit.go(f"{PATH}?{urlencode({'none': '1'})}")


def together(visit: Visit) -> Response:
    """POST /console/cases: close several with one reason; each is taken, decided and told on its own."""
    numbers = list(dict.fromkeys(value for name, value in visit.fields if name == "case"))
    reason = measures.REASONS.get(visit.form.get("reason", ""))
    outcome, facts = visit.form.get("outcome", ""), visit.form.get("facts", "").strip()
    if not 0 < len(numbers) <= BULK or reason is None or outcome not in measures.OUTCOMES or not 0 < len(facts) <= 2000:
        raise CallerError("name_missing")
    made = Decision(found=measures.found(reason, outcome, facts))
    done, left = [], []
    for number in numbers:
        try:
            visit.inside.desk.lease(number, visit.by)
            visit.inside.decisions.decide(number, made, visit.by)
            done.append(number)
        except ConfigError:  # it is somebody else's, or no longer open
            left.append(number)
    return visit.page("closed.html", done=done, left=left)


def _wanted(visit: Visit, now: int) -> Wanted:
    """What the address asks for."""
    after = "".join(visit.asked("after")[:1])
    return Wanted(
        kinds=[one for one in visit.asked("kind") if one in kinds.kinds()],
        states=[one for one in visit.asked("state") if one.isalpha()],
        open=visit.asked("closed") != ["1"],
        free=now if visit.asked("free") == ["1"] else 0,
        due_before=now + 86_400 if visit.asked("soon") == ["1"] else 0,
        group="".join(visit.asked("group")[:1])[:64],
        limit=MOST,
        after=int(after) if after.isdecimal() and len(after) < 7 else 0,
    )


def _row(visit: Visit, one: Case, many: int, now: int) -> dict[str, Any]:
    """One line of the queue."""
    return {
        "id": one.id,
        "kind": kind_of(visit, one.kind),
        "category": category_of(visit, one.category),
        "state": one.state,
        "chip": chip(one, now, visit.language),
        "leased": one.leased(now),
        "mine": one.leased(now) == visit.by,
        "compared": one.compared,
        "received": one.received_at,
        "news": one.news_at > max(one.received_at, one.seen_at),
        "many": many,
        "group": f"{PATH}?group={quote(one.group_key)}",
        "appeals": one.parent_id,
    }


def kind_of(visit: Visit, id: str) -> str:
    """The name of a kind."""
    kind = kinds.kind(id)
    return (kind.zh if visit.language == "zh" else kind.en).partition("（" if visit.language == "zh" else " (")[0]


def category_of(visit: Visit, category: str) -> str:
    """The name of a class of risk; a word of the form stands as it is."""
    return visit.inside.policy().named(category, visit.language)

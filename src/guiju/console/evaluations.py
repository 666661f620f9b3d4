# SPDX-License-Identifier: Apache-2.0
"""Evaluations in the console: what each came to, with charts, and where raters judge answers (Articles 4, 6, 12, 15).

The figures show no question and no answer. A rater sees one answer at a time, covered until they open it, and not what
somebody else said of it.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from guiju.console.frame import Visit
from guiju.errors import CallerError
from guiju.evaluation import gap_plot, papers, raters, report
from guiju.evaluation.assessing import Room, kept
from guiju.records import assessments, reviews, runs
from guiju.records.assessments import Evaluation
from guiju.records.daykeys import DayKeys
from guiju.records.sealed import Boxes

SIGNS: Final = {"unjudged": "none", "passed": "met", "failed": "bad", "open": "partly"}
"""Result → its sign."""
STATES: Final = {"met": "met", "short": "partly", "open": "partly", "missed": "bad", "measured": "note"}


def listed(visit: Visit) -> Response:
    """GET /console/evaluations: all, newest first."""
    room = _room(visit)
    rows = [_row(room, made) for made in assessments.history(room.store)]
    return visit.page("evaluations.html", rows=rows, signs=SIGNS)


def one(visit: Visit) -> Response:
    """GET /console/evaluations/{id}: the verdicts, and a chart of the classes for each."""
    room, made = _room(visit), _made(visit)
    live = runs.progress(room.store, made.run_id).drawn > 0
    found = room.outcome(made) if live else kept(made)
    queue = raters.queue(room.store, made.run_id)
    told = report.document(made, room.run(made), found, queue.agreed(), made.evidence)
    return visit.page(
        "evaluation.html",
        d=told,
        row=_row(room, made),
        charts=papers.charts(told),
        plots=gap_plot.plots(told),
        needed=[papers.needed(code)[0 if visit.language == "zh" else 1] for code in found.missing],
        counts=reviews.counts(room.store, queue.kind.name),
        signs=SIGNS,
        states=STATES,
        state_words=papers.STATES,
        zh=visit.language == "zh",
    )


def rate(visit: Visit) -> Response:
    """POST /console/evaluations/{id}/rate: enter what somebody says of an answer, and show the next one."""
    room, made = _room(visit), _made(visit)
    queue, member, now = raters.queue(room.store, made.run_id), visit.session.member.id, visit.inside.now()
    settling = visit.form.get("settle") == "1"
    if item := visit.form.get("item"):
        label = visit.form.get("label", "")
        if label == "leave":
            queue.give_back(item, member)
            return visit.go(f"/console/evaluations/{made.run_id}")
        queue.rate(item, member, label, now)
    next_ = queue.next(member, now, settling=settling)
    asked = room.words(made).get(int(next_.subject)) if next_ else None
    if next_ is not None and (asked is None or asked.answer is None):
        raise CallerError("page_missing")
    return visit.page(
        "evaluation-rate.html",
        row=_row(room, made),
        item=next_,
        name=_class(room, made, next_.subject, zh=visit.language == "zh") if next_ else "",
        question=asked.question.turns[-1].text if asked else "",
        answer=asked.answer.text if asked and asked.answer else "",
        settling=settling,
        counts=reviews.counts(room.store, queue.kind.name),
        own=queue.exposure(member, now),
    )


def _room(visit: Visit) -> Room:
    inside = visit.inside
    return Room(inside.store, Boxes(inside.store, DayKeys(inside.data / "keys"), inside.secrets), inside.clock)


def _made(visit: Visit) -> Evaluation:
    made = assessments.of(visit.inside.store, visit.request.path_params["id"])
    if made.run_id != visit.request.path_params["id"]:
        raise CallerError("page_missing")
    return made


def _row(room: Room, made: Evaluation) -> dict[str, Any]:
    """One line of the list."""
    run, progress = room.run(made), runs.progress(room.store, made.run_id)
    return {
        "id": made.run_id,
        "route": run.route,
        "model": run.model,
        "banks": [one.id for one in made.banks],
        "begun": run.begun_at,
        "by": run.begun_by,
        "drawn": run.drawn,
        "left": progress.open,
        "result": made.result or "unjudged",
        "judged": made.judged_at,
    }


def _class(room: Room, made: Evaluation, subject: str, *, zh: bool) -> str:
    row = next(row for row in assessments.rows(room.store, made.run_id) if row.position == int(subject))
    name = report.class_name(row.kind, row.category)
    kind = report.KINDS[row.kind]  # type: ignore[index] # a kind, as drawn
    return f"{kind[0]} · {name.zh}" if zh else f"{kind[1]} · {name.en}"

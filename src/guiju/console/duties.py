# SPDX-License-Identifier: Apache-2.0
"""The duty board: which duty is kept by what, how old its proof is, and which is a gap (DESIGN §2; all articles)."""

from __future__ import annotations

import datetime
from collections import Counter
from typing import Final

from starlette.responses import Response

from guiju.console.frame import HOME, Visit
from guiju.errors import CallerError
from guiju.law import page as words
from guiju.law.book import Duty
from guiju.law.proof import BOARD_STATES, DutyState
from guiju.records import duty_days, members

_BY: Final = ("software", "person")
_DAYS: Final = 90
"""Days of a duty's past that its page shows."""


def board(visit: Visit) -> Response:
    """GET /console: all duties, narrowed by what stands in the address."""
    text, states = visit.inside.board()
    duties = {duty.id: duty for duty in text.duties}
    wanted, by, article = visit.asked("state"), visit.asked("by"), visit.asked("article")
    shown = [
        one
        for one in states
        if (not wanted or one.state in wanted or ("red" in wanted and one.red))
        and (not by or one.by in by)
        and (not article or duties[one.id].article in article)
    ]
    groups = [
        (number, [_row(visit, duties[one.id], one) for one in group]) for number, group in words.by_article(text, shown)
    ]
    tally, owners = Counter(one.state for one in states), duty_days.owners(visit.inside.store)
    for _, rows in groups:
        for row in rows:
            row["owner"] = owners[str(row["id"])].owner if row["id"] in owners else ""
    return visit.page(
        "board.html",
        text=text.title.of(visit.language),
        standing=text.status.of(visit.language),
        groups=groups,
        shown=len(shown),
        all=len(states),
        red=sum(one.red for one in states),
        states=[(state, _state(visit, state), tally[state]) for state in BOARD_STATES],
        wanted=wanted,
        by=by,
        people=_BY,
        articles=article,
        mode=visit.inside.settings().mode,
    )


def duty(visit: Visit) -> Response:
    """GET /console/duties/{id}: one duty with its control, test, proof and note."""
    text, states = visit.inside.board()
    wanted = visit.request.path_params["id"]
    found = next((one for one in states if one.id == wanted), None)
    if found is None:
        raise CallerError("page_missing")
    one = next(row for row in text.duties if row.id == wanted)
    store = visit.inside.store
    past = duty_days.history(store, text.id, visit.inside.now(), _DAYS, wanted)
    zh = visit.language == "zh"
    return visit.page(
        "duty.html",
        past=[(_date(day.day), day.state, _state(visit, day.state), day.red, day.zh if zh else day.en) for day in past],
        answers=duty_days.owners(store).get(wanted),
        members=[member.name for member in members.everybody(store) if not member.left_at],
        title=text.title.of(visit.language),
        duty=one,
        row=_row(visit, one, found),
        note=visit.inside.notes().get(one.id),
        proof=words.PROOF_WORDS[one.evidence].of(visit.language),
        differs=one.differs.of(visit.language) if one.differs else "",
        deadlines=[(_counts(line), line.start.of(visit.language), line.source) for line in one.deadlines],
        numbers=one.numbers,
    )


def assign(visit: Visit) -> Response:
    """POST /console/duties/{id}/owner: let a member answer for a duty; an empty name takes it from them."""
    text, _ = visit.inside.board()
    wanted, owner = visit.request.path_params["id"], visit.form.get("owner", "").strip()
    store = visit.inside.store
    if wanted not in {duty.id for duty in text.duties}:
        raise CallerError("page_missing")
    if owner and owner not in {member.name for member in members.everybody(store) if not member.left_at}:
        raise CallerError("name_missing")
    duty_days.assign(store, duty_days.Owner(wanted, owner, visit.by, visit.inside.now()))
    return visit.go(f"{HOME}/duties/{wanted}")


def _date(day: int) -> str:
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()


def _row(visit: Visit, duty: Duty, state: DutyState) -> dict[str, object]:
    """One line of the board."""
    return {
        "id": duty.id,
        "article": duty.article,
        "said": duty.said(visit.language),
        "state": state.state,
        "word": _state(visit, state.state),
        "control": state.control,
        "test": state.test,
        "age": state.evidence_age_s,
        "limit": duty.limit_s,
        "why": state.why.of(visit.language),
        "by": duty.by,
        "unread": duty.read == "memory",
        "blocks": state.blocks,
        "red": state.red,
    }


def _state(visit: Visit, state: str) -> str:
    return words.STATE_WORDS[state].of(visit.language)  # type: ignore[index] # a state of the board


def _counts(line: object) -> tuple[int, str]:
    """The count of a deadline and its unit."""
    for unit in ("months", "working_days", "days", "hours"):
        if number := getattr(line, unit):
            return int(number), unit
    return 0, "before"

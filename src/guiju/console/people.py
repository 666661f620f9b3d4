# SPDX-License-Identifier: Apache-2.0
"""Members, what they did, and oneself: who is here as what, the list of acts, one's passkeys (robustness, A1, 40).

What an administrator did is looked at by somebody else: the page of acts is the auditor's and the compliance officer's.
"""

from __future__ import annotations

from typing import Any, Final, get_args
from urllib.parse import urlencode

from starlette.responses import Response

from guiju.console.frame import SCHEME, SCHEMES, Visit, did
from guiju.console.sign_in import BEGIN
from guiju.errors import CallerError
from guiju.records import acts, members
from guiju.records.members import ROLES

_MOST: Final = 100


def people(visit: Visit) -> Response:
    """GET /console/people."""
    return _people(visit)


def add(visit: Visit) -> Response:
    """POST /console/people: enter a member; the page shows the link by which they begin, once."""
    role = visit.form.get("role", "")
    if role not in ROLES:
        raise CallerError("name_missing")
    name, login = visit.form.get("name", "").strip(), visit.form.get("login", "").strip()
    store, now = visit.inside.store, visit.inside.now()
    if not 0 < len(name) <= 64 or not name.isprintable() or len(login) > 256 or not login.isprintable():
        raise CallerError("name_missing")
    if members.found(store, name) or (login and members.by_login(store, login)):
        raise CallerError("name_taken")
    made = members.add(store, name, role, visit.by, now, login)
    return _people(visit, made.name, _link(visit, made.id))


def link(visit: Visit) -> Response:
    """POST /console/people/{id}/link: another link, for one more passkey or in place of one that was lost."""
    found = members.found(visit.inside.store, visit.request.path_params["id"])
    if found is None or found.left_at:
        raise CallerError("page_missing")
    return _people(visit, found.name, _link(visit, found.id))


def remove(visit: Visit) -> Response:
    """POST /console/people/{id}/remove."""
    members.remove(visit.inside.store, visit.request.path_params["id"], visit.by, visit.inside.now())
    return visit.go("/console/people")


def audit(visit: Visit) -> Response:
    """GET /console/audit-log: what members did and read, newest first."""
    store = visit.inside.store
    names = {one.id: one.name for one in members.everybody(store)}
    who, kind = "".join(visit.asked("who")[:1]), "".join(visit.asked("kind")[:1])
    before = "".join(visit.asked("before")[:1])
    found = acts.latest(
        store,
        member_id=who,
        kind=kind,
        subject="".join(visit.asked("about")[:1]),
        before=int(before) if before.isdecimal() and len(before) < 16 else 0,
        most=_MOST,
    )
    return visit.page(
        "audit-log.html",
        rows=[_act(visit, one, names) for one in found],
        people=sorted(names.items(), key=lambda one: one[1]),
        kinds=get_args(acts.Kind),
        older=found[-1].at if len(found) == _MOST else 0,
    )


def me(visit: Visit) -> Response:
    """GET /console/me: one's own passkeys, and what one did last."""
    store, session = visit.inside.store, visit.session
    mine = acts.latest(store, member_id=session.member.id, most=20)
    return visit.page(
        "me.html",
        keys=members.passkeys(store, session.member.id),
        rows=[_act(visit, one, {}) for one in mine],
    )


def looks(visit: Visit) -> Response:
    """POST /console/me: light, dark, or as the machine has it."""
    response = visit.go("/console/me")
    chosen = SCHEMES.get(visit.form.get("scheme", ""), "")
    secure = visit.request.url.scheme == "https"
    age = 31_536_000 if chosen else 0
    response.set_cookie(SCHEME, chosen, max_age=age, path="/console", secure=secure, httponly=True, samesite="lax")
    return response


def shortcuts(visit: Visit) -> Response:
    """GET /console/help/shortcuts."""
    return visit.page("shortcuts.html")


def _people(visit: Visit, name: str = "", address: str = "") -> Response:
    rows = members.everybody(visit.inside.store)
    return visit.page("people.html", rows=rows, roles=ROLES, invited=name, link=address)


def _link(visit: Visit, member_id: str) -> str:
    secret = members.invite(visit.inside.store, member_id, visit.by, visit.inside.now())
    return f"{visit.console.origin(visit.request)}{BEGIN}?{urlencode({'link': secret})}"


def _act(visit: Visit, one: acts.Act, names: dict[str, str]) -> dict[str, Any]:
    return {
        "at": one.at / 1000,
        "who": names.get(one.member_id, ""),
        "member": one.member_id,
        "role": one.role,
        "kind": one.kind,
        "place": one.place,
        "did": did(one.place, visit.language),
        "subject": one.subject,
        "purpose": one.purpose,
        "evidence": one.evidence,
    }

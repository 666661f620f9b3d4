# SPDX-License-Identifier: Apache-2.0
"""API keys in the console: make, list, revoke (Articles 9, 16). A key is shown once, on the page that made it."""

from __future__ import annotations

from typing import Any, Final, get_args

from starlette.responses import Response

from guiju.console.frame import Visit
from guiju.errors import CallerError
from guiju.records import accounts, usage
from guiju.records.accounts import KeyRecord
from guiju.records.use import day_of
from guiju.terms import LEVELS, Audience

_AUDIENCES: Final[tuple[Audience, ...]] = get_args(Audience)


def keys(visit: Visit) -> Response:
    """GET /console/keys."""
    return _page(visit)


def create(visit: Visit) -> Response:
    """POST /console/keys: make a key."""
    name, owner = visit.form.get("name", "").strip(), visit.form.get("account", "").strip() or "default"
    level, audience = visit.form.get("real_name", "none"), visit.form.get("audience", "all")
    if level not in LEVELS or audience not in _AUDIENCES or not 0 < len(name) <= 128 or len(owner) > 128:
        raise CallerError("name_missing")
    store, now = visit.inside.store, visit.inside.now()
    account = accounts.find_account(store, owner) or accounts.create_account(store, owner, now)
    wanted = KeyRecord(
        id="",
        account=account.id,
        prefix="",
        name=name,
        identity=level,
        audience=audience,
        created_at=now,
    )
    secret, _ = accounts.create_key(store, visit.inside.secrets, wanted, visit.by)
    return _page(visit, secret)


def revoke(visit: Visit) -> Response:
    """POST /console/keys/{id}/revoke."""
    wanted = visit.request.path_params["id"]
    store = visit.inside.store
    found = next((one for one in accounts.list_keys(store) if one.id == wanted), None)
    if found is None:
        raise CallerError("page_missing")
    accounts.revoke_key(store, found.account, found.id, visit.inside.now(), visit.by)
    return visit.go("/console/keys")


def _page(visit: Visit, secret: str = "") -> Response:
    store, now = visit.inside.store, visit.inside.now()
    names = {one.id: one.name for one in accounts.list_accounts(store)}
    with store.read() as connection:
        today = usage.of_day(connection, day_of(now))
    rows = [_row(one, names.get(one.account, ""), now, today) for one in accounts.list_keys(store)]
    if "active" in visit.asked("state"):
        rows = [one for one in rows if one["good"]]
    return visit.page("keys.html", rows=rows, secret=secret, levels=LEVELS, audiences=_AUDIENCES)


def _row(one: KeyRecord, account: str, now: int, today: dict[str, usage.Used]) -> dict[str, Any]:
    return {
        "id": one.id,
        "prefix": one.prefix,
        "name": one.name,
        "account": account,
        "identity": one.identity,
        "audience": one.audience,
        "created": one.created_at,
        "expires": one.expires_at,
        "revoked": one.revoked_at,
        "good": one.good(now),
        "tokens": today[one.id].tokens if one.id in today else 0,
    }

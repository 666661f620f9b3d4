# SPDX-License-Identifier: Apache-2.0
"""Every page of the console × {nobody, each role}: the exact status of each cell, generated from the table of permissions.
A route without a row fails, and so does a row without a route (robustness, S1, A1)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conftest import Running, Start
from console_kit import Browser, signed_in
from guiju.console.evidence import Explorer
from guiju.console.frame import did
from guiju.console.pages import table
from guiju.console.permissions import ROWS, Row
from guiju.records import acts
from guiju.records.members import ROLES, Role
from guiju.web.locale import LANGUAGES, WORDS

OPEN = {
    "GET /console/sign-in": 200,
    "POST /console/sign-in/asked": 200,
    "POST /console/sign-in/passkey": 401,
    "POST /console/sign-in/oidc": 404,
    "GET /console/sign-in/back": 401,
    "GET /console/begin": 410,
    "POST /console/begin/asked": 401,
    "POST /console/begin/passkey": 401,
}
"""Before a sign-in, without anything that holds."""
ALLOWED = {
    "GET /console/duties/{id}": ("/console/duties/15.b", {}, 200),
    "POST /console/duties/{id}/owner": ("/console/duties/15.b/owner", {"owner": "nobody of that name"}, 400),
    "GET /console/d/{id}": ("/console/d/none", {}, 404),
    "GET /console/batches/{id}": ("/console/batches/none", {}, 404),
    "GET /console/evaluations/{id}": ("/console/evaluations/none", {}, 404),
    "POST /console/evaluations/{id}/rate": ("/console/evaluations/none/rate", {}, 404),
    "GET /console/samples/{id}": ("/console/samples/none", {}, 404),
    "POST /console/samples/{id}/read": ("/console/samples/none/read", {"purpose": "quality"}, 404),
    "POST /console/evidence": ("/console/evidence", {}, 303),
    "POST /console/try": ("/console/try", {"text": "你好"}, 200),
    "POST /console/policy": ("/console/policy", {"do": "look", "document": ""}, 200),
    "POST /console/keys": ("/console/keys", {"name": "a key"}, 200),
    "POST /console/keys/{id}/revoke": ("/console/keys/none/revoke", {}, 404),
    "POST /console/people": ("/console/people", {"name": "somebody", "role": "none"}, 400),
    "POST /console/people/{id}/link": ("/console/people/none/link", {}, 404),
    "POST /console/people/{id}/remove": ("/console/people/none/remove", {}, 404),
    "POST /console/cases": ("/console/cases", {}, 400),
    "POST /console/cases/views": ("/console/cases/views", {}, 400),
    "POST /console/me/digest": ("/console/me/digest", {"mail": "nobody"}, 400),
    "POST /console/cases/next": ("/console/cases/next", {}, 303),
    "GET /console/cases/{no}": ("/console/cases/26-999999", {}, 404),
    "POST /console/cases/{no}/take": ("/console/cases/26-999999/take", {}, 404),
    "POST /console/cases/{no}/give": ("/console/cases/26-999999/give", {}, 404),
    "POST /console/cases/{no}/read": ("/console/cases/26-999999/read", {"purpose": "case"}, 404),
    "GET /console/cases/{no}/papers/{paper}": ("/console/cases/26-999999/papers/none", {}, 404),
    "POST /console/cases/{no}/tell": ("/console/cases/26-999999/tell", {"text": "你好"}, 404),
    "POST /console/cases/{no}/preview": ("/console/cases/26-999999/preview", {}, 404),
    "POST /console/cases/{no}/decide": ("/console/cases/26-999999/decide", {}, 404),
    "POST /console/cases/{no}/undo": ("/console/cases/26-999999/undo", {}, 404),
    "POST /console/cases/{no}/step": ("/console/cases/26-999999/step", {"to": "open"}, 404),
    "GET /console/cases/{no}/document": ("/console/cases/26-999999/document", {}, 404),
    "GET /console/matters/{kind}": ("/console/matters/inquiry", {}, 200),
    "POST /console/matters/{kind}": ("/console/matters/none", {}, 404),
    "POST /console/approvals/{id}": ("/console/approvals/none", {"answer": "revoke"}, 404),
    "POST /console/sanctions/{id}": ("/console/sanctions/none", {}, 404),
    "POST /console/filings/due/{about}": ("/console/filings/due/none", {"how": "x"}, 404),
    "POST /console/filings/scope": ("/console/filings/scope", {}, 400),
    "POST /console/filings/scope/second": ("/console/filings/scope/second", {}, 404),
    "GET /console/filings/facts/{group}": ("/console/filings/facts/org", {}, 200),
    "POST /console/filings/facts/{group}": ("/console/filings/facts/org", {"org.code": "1"}, 400),
    "GET /console/regen/{id}": ("/console/regen/rg-none", {}, 404),
    "POST /console/regen/{id}/certificate": ("/console/regen/rg-none/certificate", {}, 404),
    "POST /console/dossier/build": ("/console/dossier/build", {"kind": "none"}, 400),
    "GET /console/dossier/works/{id}": ("/console/dossier/works/none", {}, 404),
    "GET /console/dossier/works/{id}/progress": ("/console/dossier/works/none/progress", {}, 404),
    "GET /console/dossier/{digest}": ("/console/dossier/none", {}, 404),
    "GET /console/dossier/{digest}/files/{number}": ("/console/dossier/none/files/0", {}, 404),
    "POST /console/dossier/{digest}/sign": ("/console/dossier/none/sign", {}, 404),
    "POST /console/dossier/{digest}/submit": ("/console/dossier/none/submit", {}, 404),
    "POST /console/me": ("/console/me", {"scheme": "dark"}, 303),
}
"""Place → what is asked, and the status of who may; a page without braces that is not here is opened and shown."""


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Iterator[Running]:
    return start_once()


@pytest.fixture(scope="module")
def browsers(gateway: Running) -> dict[Role, Browser]:
    return {role: signed_in(gateway, role) for role in ROLES}


def ask(browser: Browser, row: Row) -> int:
    """Ask for a page of a row; the status."""
    path, fields, _ = ALLOWED.get(row.place, (row.path, {}, 200))
    return (browser.get(path) if row.method == "GET" else browser.post(path, fields)).status


def wanted(row: Row) -> int:
    return ALLOWED[row.place][2] if row.place in ALLOWED else 200


def test_every_route_has_a_row_and_every_row_a_route(gateway: Running) -> None:
    made = {(method, path) for path, methods in table(Explorer()).items() for method in methods}
    assert {row.place for row in ROWS.values() if row.open} == set(OPEN)
    assert made | {("POST", "/console/sign-out")} == {key for key, row in ROWS.items() if not row.open}


def test_each_route_is_said_in_words() -> None:
    for row in ROWS.values():
        assert all(did(row.place, language) != row.place for language in LANGUAGES.values()), row.place
    assert {one for one in WORDS if one.startswith("places.")} == {f"places.{row.place}" for row in ROWS.values()}
    assert did("GET /console/no-more", "en") == "GET /console/no-more", "what is no more stands as it was called"


def test_a_path_below_the_console_that_has_no_row_does_not_exist(browsers: dict[Role, Browser]) -> None:
    for path in ("/console/", "/console/none", "/console/keys/", "/console/d/a/b", "/console/%2e%2e/verify"):
        assert browsers["admin"].get(path).status == 404, path
    assert browsers["admin"].ask("DELETE", "/console/keys").status == 405
    assert browsers["admin"].post("/console/audit-log").status == 405


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in ROWS.values() if not row.open], ids=lambda row: row.place)
def test_each_cell(gateway: Running, browsers: dict[Role, Browser], row: Row) -> None:
    if row.path == "/console/sign-out":
        browsers = {role: signed_in(gateway, role) for role in ROLES}
    expected = 303 if row.path == "/console/sign-out" else wanted(row)
    found = {role: ask(browser, row) for role, browser in browsers.items()}
    assert found == {role: expected if row.may(role) else 403 for role in ROLES}
    assert ask(Browser(gateway.port), row) == (303 if row.method == "GET" else 401)


@pytest.mark.parametrize("place", OPEN)
def test_each_open_page(gateway: Running, place: str) -> None:
    method, path = place.split()
    row, browser = ROWS[method, path], Browser(gateway.port)
    assert row.open
    answer = browser.get(path) if method == "GET" else browser.post(path, accept="application/json")
    assert answer.status == OPEN[place]
    if method == "POST":
        assert browser.post(path, origin="http://elsewhere.example", accept="application/json").status == 403
        assert browser.post(path, origin="", accept="application/json").status == 403


@pytest.mark.slow
@pytest.mark.parametrize(
    "row", [row for row in ROWS.values() if row.method == "POST" and not row.open], ids=lambda row: row.place
)
def test_a_form_that_is_not_ours_does_nothing(browsers: dict[Role, Browser], row: Row) -> None:
    role = next(role for role in ROLES if row.may(role))
    browser, (path, fields, _) = browsers[role], ALLOWED.get(row.place, (row.path, {}, 0))
    for headers in ({"origin": "http://elsewhere.example"}, {"origin": "null"}, {"origin": ""}):
        assert browser.post(path, fields, **headers).status == 403
    assert browser.post(path, {**fields, "csrf": ""}).status == 403
    other = next(one for one in browsers.values() if one is not browser)
    assert browser.post(path, {**fields, "csrf": other.csrf}).status == 403
    assert browser.get("/console/me").status == 200


def test_what_is_done_is_in_the_list_of_acts_and_in_the_ledger(gateway: Running) -> None:
    browser = signed_in(gateway, "admin", "an admin to watch")
    reader = signed_in(gateway, "auditor")
    assert browser.post("/console/keys", {"name": "watched"}).status == 200
    assert browser.get("/console/audit-log").status == 403
    store = gateway.house.store
    found = [one for one in acts.latest(store, most=20) if one.role == "admin"][:2]
    assert [(one.kind, one.place) for one in found] == [
        ("refused", "GET /console/audit-log"),
        ("act", "POST /console/keys"),
    ]
    places = {f"{one['body'].get('id')}": one for one in gateway.entries() if one["kind"] == "acted"}
    for one in found:
        chain, segment, seq = one.evidence.split("/")
        entry = places[one.id]
        assert (entry["seq"], chain, len(segment)) == (int(seq), chain, len(segment))
        assert entry["body"]["member_id"] == one.member_id
    page = reader.get(f"/console/audit-log?who={found[0].member_id}&kind=refused")
    assert page.status == 200
    assert b"GET /console/audit-log" in page.body
    assert b"POST /console/keys" not in page.body

# SPDX-License-Identifier: Apache-2.0
"""The pages of the console in one table: path → method → what makes the page. Who may is in permissions.toml."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guiju.console import (
    approving,
    batches,
    case,
    cases,
    decisions,
    dossier,
    duties,
    evaluations,
    filings,
    keys,
    matters,
    people,
    regeneration,
    ruling,
    samples,
    scope,
    together,
    trying,
)
from guiju.console.evidence import Explorer
from guiju.console.frame import HOME, Console, Page
from guiju.console.host import Inside
from guiju.console.sign_in import SignIn


def table(explorer: Explorer) -> Mapping[str, Mapping[str, Page]]:
    """The pages behind the sign-in."""
    return {
        **_desk(),
        HOME: {"GET": duties.board},
        "/console/duties/{id}": {"GET": duties.duty},
        "/console/duties/{id}/owner": {"POST": duties.assign},
        "/console/batches": {"GET": batches.listed},
        "/console/batches/{id}": {"GET": batches.batch},
        "/console/filings": {"GET": filings.overview},
        "/console/filings/due/{about}": {"POST": filings.settle},
        "/console/filings/scope": {"GET": scope.ask, "POST": scope.answer},
        "/console/filings/scope/second": {"POST": scope.second},
        "/console/filings/facts": {"GET": filings.listed},
        "/console/filings/facts/{group}": {"GET": filings.group, "POST": filings.save},
        "/console/filings/told": {"GET": filings.told},
        "/console/dossier": {"GET": dossier.overview},
        "/console/dossier/build": {"POST": dossier.build},
        "/console/dossier/works/{id}": {"GET": dossier.work},
        "/console/dossier/works/{id}/progress": {"GET": dossier.progress},
        "/console/dossier/{digest}": {"GET": dossier.one},
        "/console/dossier/{digest}/files/{number}": {"GET": dossier.file},
        "/console/dossier/{digest}/sign": {"POST": dossier.sign},
        "/console/dossier/{digest}/submit": {"POST": dossier.submit},
        "/console/evaluations": {"GET": evaluations.listed},
        "/console/evaluations/{id}": {"GET": evaluations.one},
        "/console/evaluations/{id}/rate": {"POST": evaluations.rate},
        "/console/samples": {"GET": samples.listed},
        "/console/samples/{id}": {"GET": samples.one},
        "/console/samples/{id}/read": {"POST": samples.read},
        "/console/d": {"GET": decisions.look},
        "/console/d/{id}": {"GET": decisions.decision},
        "/console/evidence": {"GET": explorer.page, "POST": explorer.check},
        "/console/try": {"GET": trying.ask, "POST": trying.answer},
        "/console/policy": {"GET": ruling.look, "POST": ruling.act},
        "/console/keys": {"GET": keys.keys, "POST": keys.create},
        "/console/keys/{id}/revoke": {"POST": keys.revoke},
        "/console/people": {"GET": people.people, "POST": people.add},
        "/console/people/{id}/link": {"POST": people.link},
        "/console/people/{id}/remove": {"POST": people.remove},
        "/console/audit-log": {"GET": people.audit},
        "/console/me": {"GET": people.me, "POST": people.looks},
        "/console/me/digest": {"POST": people.digest},
        "/console/help/shortcuts": {"GET": people.shortcuts},
    }


def _desk() -> Mapping[str, Mapping[str, Page]]:
    """The pages of the desk: cases, matters of staff, what needs two persons, sanctions, what must not come again."""
    return {
        "/console/cases": {"GET": cases.queue, "POST": together.decide},
        "/console/cases/next": {"POST": cases.start},
        "/console/cases/views": {"POST": cases.view},
        "/console/cases/{no}": {"GET": case.page},
        "/console/cases/{no}/take": {"POST": case.take},
        "/console/cases/{no}/give": {"POST": case.give},
        "/console/cases/{no}/read": {"POST": case.read},
        "/console/cases/{no}/papers/{paper}": {"GET": case.file},
        "/console/cases/{no}/tell": {"POST": case.tell},
        "/console/cases/{no}/preview": {"POST": case.preview},
        "/console/cases/{no}/decide": {"POST": case.decide},
        "/console/cases/{no}/undo": {"POST": case.undo},
        "/console/cases/{no}/step": {"POST": matters.step},
        "/console/cases/{no}/document": {"GET": matters.document},
        "/console/matters/{kind}": {"GET": matters.form, "POST": matters.enter},
        "/console/approvals": {"GET": approving.queue},
        "/console/approvals/{id}": {"POST": approving.answer},
        "/console/sanctions": {"GET": approving.sanctions},
        "/console/sanctions/{id}": {"POST": approving.lift},
        "/console/regen": {"GET": regeneration.listed},
        "/console/regen/{id}": {"GET": regeneration.one},
        "/console/regen/{id}/certificate": {"POST": regeneration.certificate},
    }


class Rooms:
    """The console with its table of routes.

    Args:
        inside: the inside of the process.
    """

    def __init__(self, inside: Inside) -> None:
        explorer = Explorer()
        self.console = Console(inside, lambda: explorer.broken)
        made = [self.console.route(path, methods) for path, methods in table(explorer).items()]
        self.routes = [*made, *SignIn(self.console).routes(), Route(HOME + "/{rest:path}", _missing)]

    def close(self) -> None:
        """Wait for what is under way."""
        self.console.close()


async def _missing(request: Request) -> Response:
    raise HTTPException(404)

# SPDX-License-Identifier: Apache-2.0
"""How staff handle what no complaint begins (Articles 13 to 15, 17, 20): open, amend, go a step, agree, write the text.

What an authority is given, a hold and its lifting need two persons. Nothing here sends anything to anybody: a person
sends it, and says here how and when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection

from guiju.desk import disclosing, kinds, matters
from guiju.desk.cases import Desk, Form
from guiju.desk.disclosing import Given
from guiju.desk.matters import Proposed
from guiju.desk.reports import written
from guiju.errors import ConfigError, Language
from guiju.law import calendar
from guiju.records import approvals, cases, changes, disclosures, holds, persons
from guiju.records.approvals import Approval, Proposal
from guiju.records.cases import Case, Source
from guiju.records.changes import Subject, Terms
from guiju.records.disclosures import Disclosure
from guiju.records.holds import Hold
from guiju.records.ids import ExchangeIds
from guiju.records.papers import Paper
from guiju.records.use import Who

HANDLERS: Final = frozenset({"lead", "compliance"})
"""Roles that handle matters of staff."""
KIND: Final = "disclosure"
"""What the book of changes calls what an authority was given; the ledger has it from there."""


class Handling:
    """Handles matters of staff.

    Args:
        desk: the desk.
        ids: reads the numbers of exchanges.
        provider: who signs; `""` where nobody has said so.
        alone_after: seconds after which what needs two persons comes by itself; 0 for never. What an authority is given
            never does.
    """

    def __init__(self, desk: Desk, ids: ExchangeIds, provider: str, alone_after: int) -> None:
        self.desk = desk
        self._ids = ids
        self._provider = provider
        self._alone = alone_after

    def open(self, kind: str, given: Mapping[str, str], by: str) -> Case:
        """Open a matter. An incident's clock runs from when it was found, one hour where infrastructure is critical.

        Raises:
            ConfigError: `not_found`: no such matter; `config_invalid`: a field that is missing or wrong.
            OutsideError: `store_unavailable`.
        """
        shape, now = matters.matter(kind), self.desk.now()
        values = matters.entered(shape.fields, shape.required, given)
        since, until = now, matters.moment(values["until"]) if "until" in values else 0
        if kind == "incident":
            values.setdefault("found_at", matters.text(now))
            since = matters.moment(values["found_at"])
            if since > now:
                raise ConfigError("config_invalid", what="found_at", hint="guiju case open --help")
            until = since + 3600 if values.get("critical") == "yes" else 0
        parent = values.get("case", "") if values.get("target") == "case" else ""
        if kind == "hold":
            self._whose(values)
        source: Source = "own" if kind in ("incident", "authority") else "authority"
        form = Form(kind=kind, fields=values, source=source, until=until, parent=parent)
        return self.desk.open(form, by, since).case

    def amend(self, number: str, given: Mapping[str, str], by: str) -> Case:
        """Say more about a matter, or say it anew; what was said before stays among its papers.

        Raises:
            ConfigError: `case_leased`, `config_invalid`, `not_found`, `case_state`: it is over.
            OutsideError: `store_unavailable`.
        """
        before = self._leased(number, by)
        shape = matters.matter(before.kind)
        values = matters.entered(shape.amend, (), given)
        if not values:
            raise ConfigError("config_invalid", what=", ".join(shape.amend), hint="guiju case step --help")
        now = self.desk.now()
        enter = self.desk.papers.sealed(number, Paper(what="step", by=by, at=now, fields=values), now)

        def work(connection: Connection) -> Case:
            kept = cases.one(connection, number, lock=True)
            if kept.closed_at:
                raise ConfigError("case_state", what=number, state=kept.state, to=kept.state)
            enter(connection)
            return cases.change(connection, kept, by, now)

        return self.desk.store.do(work)

    def step(self, number: str, to: str, given: Mapping[str, str], by: str) -> Case | Approval:
        """Go a step: at once, or, where it needs two persons, propose it.

        Args:
            number: of the case; `by` must have leased it.
            to: the state.
            given: what is entered with it.
            by: who.

        Raises:
            ConfigError: `case_leased`, `case_state`, `config_invalid`, `not_found`.
            OutsideError: `store_unavailable`; nothing was done.
        """
        before = self._leased(number, by)
        step = matters.matter(before.kind).to(to)
        values = matters.entered(step.fields, step.required, given)
        if before.state not in kinds.step(before.kind, to).before:
            raise ConfigError("case_state", what=number, state=before.state, to=to)
        if step.act is not None:
            return self._propose(before, step, values, by)
        now = self.desk.now()
        enter = self.desk.papers.sealed(number, Paper(what="step", by=by, at=now, fields={**values, "state": to}), now)

        def work(connection: Connection) -> Case:
            made = self._moved(connection, before, to, by, now)
            enter(connection)
            return made

        return self.desk.store.do(work)

    def approve(self, id: str, by: str) -> Approval:
        """Agree to a step that somebody else proposed; it is done at once.

        Raises:
            ConfigError: `another_person`; `not_found`: it does not wait any more, or what it is about is gone.
            OutsideError: `store_unavailable`; nothing was done.
        """
        return self._agreed(*self.proposed(id), by)

    def proposed(self, id: str) -> tuple[Approval, Proposed]:
        """A proposal and what it is about; the papers must say what its hash says.

        Raises:
            ConfigError: `not_found`.
            OutsideError: `store_unavailable`.
        """
        one = approvals.get(self.desk.store, id)
        for paper in self.desk.papers.all(one.case_id, self.desk.now(), ("proposal",)):
            made = msgspec.msgpack.decode(paper.file, type=Proposed)
            if made.id == id and changes.fingerprint(made) == one.hash:
                return one, made
        raise ConfigError("not_found", what=id)

    def settle(self) -> int:
        """Let proposals come or end, and holds lapse; one process does it for all. Returns how much was done.

        Raises:
            OutsideError: `store_unavailable`; the rest is done the next time.
        """
        store, now, made = self.desk.store, self.desk.now(), 0
        for one in approvals.waiting(store):
            if one.act in approvals.STAFF and (one.expires_at <= now or 0 < one.acts_at <= now):
                made += self._come(one.id, now)
        for case in cases.listed(store, cases.Found(kinds=("hold",), states=("placed",), limit=1000)):
            if case.due_at and case.due_at <= now:
                made += self._lapse(case, now)
        return made

    def values(self, number: str) -> dict[str, str]:
        """What is known of a matter: what was entered last in each field."""
        made: dict[str, str] = {}
        for paper in self.desk.papers.all(number, self.desk.now(), ("form", "step")):
            made |= paper.fields
        return made

    def document(self, number: str, language: Language) -> str:
        """The text of a matter: what a person sends, or keeps.

        Raises:
            ConfigError: `not_found`.
            OutsideError: `store_unavailable`.
        """
        case, now = cases.get(self.desk.store, number), self.desk.now()
        answers = [
            msgspec.msgpack.decode(one.file, type=Given) for one in self.desk.papers.all(number, now, ("answer",))
        ]
        shape = matters.matter(case.kind)
        return written(case, shape.paper, self.values(number), answers, (self._provider, now), language)

    def _leased(self, number: str, by: str) -> Case:
        before = cases.get(self.desk.store, number)
        if before.leased(self.desk.now()) != by:
            raise ConfigError("case_leased", what=number)
        return before

    def _propose(self, case: Case, step: matters.Step, values: dict[str, str], by: str) -> Approval:
        assert step.act
        if step.act == "disclose":
            disclosing.asked(values["about"], values["ids"], values["wanted"])
        if any(one.act == step.act for one in approvals.waiting(self.desk.store, case.id)):
            raise ConfigError("case_state", what=case.id, state=case.state, to=step.to)
        now, id = self.desk.now(), approvals.new()
        what = Proposed(id, step.to, dict(sorted(values.items())))
        paper = Paper(what="proposal", by=by, at=now, file=msgspec.msgpack.encode(what))
        enter = self.desk.papers.sealed(case.id, paper, now)
        made = Proposal(id=id, case=case.id, act=step.act, hash=changes.fingerprint(what))
        alone = 0 if step.act == "disclose" else self._alone  # nobody gives an authority anything by themselves

        def work(connection: Connection) -> Approval:
            cases.freed(connection, case.id)
            enter(connection)
            return approvals.propose(connection, made, by, now, alone)

        return self.desk.store.do(work)

    def _come(self, id: str, now: int) -> bool:
        """Let a proposal come by itself, or end."""
        try:
            self._agreed(*self.proposed(id), "")
        except ConfigError:  # its papers are gone, or the case went on: then there is nothing left to agree to
            self.desk.store.do(lambda connection: approvals.lapse(connection, id, now))
        return True

    def _lapse(self, case: Case, now: int) -> bool:
        """Let a hold end whose time is over; its rows lapse by themselves."""

        def work(connection: Connection) -> bool:
            cases.freed(connection, case.id)
            self._moved(connection, case, "lapsed", case.opened_by, now)
            return True

        return self.desk.store.do(work)

    def _agreed(self, one: Approval, what: Proposed, by: str) -> Approval:
        """Do what was proposed: because a second person agrees, or, without `by`, because its time has come."""
        now, number = self.desk.now(), one.case_id
        case = cases.get(self.desk.store, number)
        who = f"{one.proposed_by} + {by}" if by else one.proposed_by
        values = {**self.values(number), **what.values}
        fields = {**what.values, "state": what.to}
        entered = self.desk.papers.sealed(number, Paper(what="step", by=who, at=now, fields=fields), now)
        given = self._given(values) if one.act == "disclose" else None
        answer = self._answer(number, given, who, now) if given else None
        target = self._whose(values) if one.act == "hold" else None

        def do(connection: Connection) -> None:
            cases.freed(connection, number)
            self._moved(connection, case, what.to, who, now)
            entered(connection)
            if given and answer:
                answer(connection)
                hash = changes.fingerprint(given)
                changes.enter(connection, Subject(KIND, number, len(given.rows)), ("", hash), Terms(False, who, now, 0))
                disclosures.row(connection, self._told(one, given, values, (by, hash, now)))
            elif target:
                until = matters.moment(values["until"])
                law, scope = f"{values['law']} · {values['number']}", values["scope"]
                made = Hold(id=number, law=law[:256], scope=scope[:256], placed_by=who, placed_at=now, until_at=until)
                holds.enter(connection, target, made)
            else:
                holds.end(connection, number, who, now)

        def work(connection: Connection) -> Approval:
            if by:
                return approvals.approve(connection, one.id, by, now, do)
            return approvals.settle(connection, one.id, now, do) or one

        return self.desk.store.do(work)

    def _given(self, values: Mapping[str, str]) -> Given:
        ids, fields = disclosing.asked(values["about"], values["ids"], values["wanted"])
        return disclosing.given(self.desk.store, self.desk.traced, values["about"], ids, fields)

    @staticmethod
    def _told(one: Approval, given: Given, values: Mapping[str, str], who: tuple[str, str, int]) -> Disclosure:
        """What the register says of it: which case has the ids, never the ids."""
        second, hash, now = who
        return Disclosure(
            id=one.id,
            what="request",
            to=values["authority"],
            basis=values["basis"],
            number=values["number"],
            day=calendar.day_of(now).isoformat(),
            scope=given.about,
            about=one.case_id,
            fields=" ".join(given.fields),
            by=one.proposed_by,
            second=second,
            hash=hash,
            at=now,
        )

    def _answer(self, number: str, given: Given, by: str, now: int) -> Callable[[Connection], None]:
        paper = Paper(what="answer", by=by, at=now, file=msgspec.msgpack.encode(given))
        return self.desk.papers.sealed(number, paper, now)

    def _moved(self, connection: Connection, case: Case, to: str, by: str, now: int) -> Case:
        """Go to a state, and let the clocks of that state begin."""
        made = cases.moved(connection, case.id, kinds.step(case.kind, to), by, now)
        begun = tuple(one for one in kinds.kind(case.kind).begun(to, now) if one.id not in {c.id for c in made.clocks})
        if begun:
            made = cases.change(connection, made, by, now, clocks=(*made.clocks, *begun))
        self.desk.papers.close(connection, case.id, made.closed_at)
        return made

    def _whose(self, values: Mapping[str, str]) -> Who:
        """Whose data a hold keeps: a person's, a case's papers, or the ledger's month with an exchange.

        Raises:
            ConfigError: `not_found`: there is nothing of the kind.
        """
        target = values["target"]
        if target == "case":
            return self.desk.papers.whose(cases.get(self.desk.store, values["case"]).id)
        if target == "exchange":
            parsed = self._ids.parse(values["exchange"].partition("-")[0])
            if parsed is None:
                raise ConfigError("not_found", what=values["exchange"][:64])
            return holds.month_of(parsed[0])
        if persons.verdict_of(self.desk.store, values["account"], values["person"]) is None:
            raise ConfigError("not_found", what="person")
        return values["account"], values["person"]

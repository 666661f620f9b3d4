# SPDX-License-Identifier: Apache-2.0
"""Decisions (Articles 13, 15, 19): what a reviewer decides about a case, and what follows from it.

What one person may do acts at once, in the transaction that decides. What needs two is proposed. What leaves the house
waits for half a minute, in which whoever decided may take all of it back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from secrets import randbelow
from typing import Final

import msgspec
from sqlalchemy import Connection

from guiju.desk import kinds, remedies
from guiju.desk.cases import Desk
from guiju.desk.deeds import Doing, measure, user_of
from guiju.desk.reach import Reach, Repeated
from guiju.desk.remedies import (
    AddCorrection,
    Deed,
    DropCorrection,
    DropStrike,
    LiftBan,
    LiftStep,
    Prepared,
    PutBan,
    PutStep,
    PutStrike,
    Remedy,
)
from guiju.desk.statements import Found, Party, Provider, Statement, letter, state
from guiju.errors import ConfigError, Page
from guiju.records import approvals, bans, cases, changes, outbox, policies
from guiju.records.approvals import Approval, Proposal
from guiju.records.cases import Case
from guiju.records.outbox import Channel, Post
from guiju.records.papers import Paper
from guiju.records.recalls import Received

UNDO_S: Final = outbox.WAIT_S
"""For how long a decision can be taken back by whoever made it."""
_PAGE: Final = Page("reference/desk.md")
_APPEALED: Final = ("confirmed", "overturned")
_CHANNELS: Final[dict[Party, Channel]] = {"complainant": "page", "user": "person", "account": "account"}
_PLACES: Final = outbox.DECIDED


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a reviewer decides.

    Attributes:
        found: the outcome, what was found, and on what it rests.
        remedies: what is done; several may be combined.
    """

    found: Found
    remedies: tuple[Remedy, ...] = ()


class Grounds(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a decision among the papers of its case; of banned texts only hashes.

    Attributes:
        number: by which the outbox knows it.
        done: what acted at once.
        waits: what acts half a minute later.
        proposed: what waits for a second person, by the id of the proposal.
        statements: to whom what was said.
    """

    number: int
    found: Found
    done: tuple[Deed, ...] = ()
    waits: tuple[Deed, ...] = ()
    proposed: dict[str, Deed] = {}  # msgspec copies an empty default
    statements: tuple[Statement, ...] = ()


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What came of deciding.

    Attributes:
        case: as it is now.
        bans: ids of those in force.
        proposals: what waits for a second person.
        statements: to each whom it affects.
        reaches: how far each ban would reach.
        undo_until: Unix seconds.
    """

    case: Case
    bans: tuple[str, ...]
    proposals: tuple[Approval, ...]
    statements: tuple[Statement, ...]
    reaches: tuple[Reach, ...]
    undo_until: int


class Decisions:
    """Decides about cases.

    Args:
        desk: the desk.
        doing: does what is decided.
        provider: who signs.
        repeated: asks the ledger how often a reply went out.
        alone_after: seconds after which what needs two persons comes by itself; 0 for never.
    """

    def __init__(self, desk: Desk, doing: Doing, provider: Provider, repeated: Repeated, alone_after: int) -> None:
        self.desk = desk
        self.provider = provider
        self._doing = doing
        self._repeated = repeated
        self._alone = alone_after

    def preview(self, number: str, wanted: Sequence[Remedy], by: str) -> list[Prepared]:
        """What remedies would do, before anything is done: how far bans reach, and what needs a second person.

        Raises:
            ConfigError: one of them has no grounds; it says which.
            OutsideError: `store_unavailable`.
        """
        on = remedies.Case(number, "preview", by, self.desk.now())
        return [remedies.prepare(one, on, self.desk.secrets, self._repeated) for one in wanted]

    def decide(self, number: str, decision: Decision, by: str) -> Decided:
        """Decide.

        Args:
            number: of the case; `by` must have leased it.
            decision: what.
            by: who; for an appeal not who made the decision that it is against.

        Raises:
            ConfigError: `case_leased`, `case_state`, `another_person`; `config_invalid`: the outcome does not fit;
                what `remedies.prepare` raises. Nothing was done.
            OutsideError: `store_unavailable`; nothing was done, or all of it.
        """
        now, before = self.desk.now(), cases.get(self.desk.store, number)
        if before.leased(now) != by:
            raise ConfigError("case_leased", what=number)
        _fits(before, decision)
        on = remedies.Case(number, decision.found.ground.article, by, now, _answer(before))
        wanted = [*decision.remedies, *self._overturning(before, decision.found)]
        made = [remedies.prepare(one, on, self.desk.secrets, self._repeated) for one in wanted]
        two = [(approvals.new(), one) for one in made if one.act]
        grounds = Grounds(
            number=randbelow(2_000_000) + 1,
            found=decision.found,
            done=tuple(one.deed for one in made if not one.act and not one.waits),
            waits=tuple(one.deed for one in made if not one.act and one.waits),
            proposed={id: one.deed for id, one in two},
        )
        grounds = msgspec.structs.replace(grounds, statements=self._statements(before, grounds, now))
        enter = self._sealed(number, grounds, by, now)
        step, mailed = kinds.step(before.kind, "decided"), bool(self.desk.address(number))

        def work(connection: Connection) -> tuple[Case, list[Approval]]:
            cases.different_person(connection, number, by)
            outcome = {"outcome": decision.found.outcome, "decided_by": by, "decided_at": now}
            case = cases.moved(connection, number, step, by, now, lease_by="", lease_until=0, **outcome)
            for deed in grounds.done:
                self._doing.do(connection, deed, number, by, now)
            proposals = [self._propose(connection, number, id, one, by, now) for id, one in two]
            _post(connection, number, grounds, now, mailed)
            enter(connection)
            return case, proposals

        case, proposals = self.desk.store.do(work)
        return Decided(
            case=case,
            bans=tuple(deed.made.ban.id for deed in grounds.done if isinstance(deed, PutBan)),
            proposals=tuple(proposals),
            statements=grounds.statements,
            reaches=tuple(one.reach for one in made if one.reach),
            undo_until=now + UNDO_S,
        )

    def undo(self, number: str, by: str) -> Case:
        """Take a decision back, within half a minute and by whoever made it; nothing has left the house yet.

        Raises:
            ConfigError: `case_state`: it is not decided, it is too late, or somebody agreed to a part of it already;
                `another_person`.
            OutsideError: `store_unavailable`; nothing was taken back, or all of it.
        """
        now, before = self.desk.now(), cases.get(self.desk.store, number)
        if before.state == "decided" and before.decided_by != by:
            raise ConfigError("another_person", what=number)
        found = [(paper, one) for paper, one in self.grounds(number) if paper.at == before.decided_at]
        waits = {one.id for one in approvals.waiting(self.desk.store, number)}
        late = now >= before.decided_at + UNDO_S
        if before.state != "decided" or late or len(found) != 1 or not waits >= set(found[0][1].proposed):
            raise ConfigError("case_state", what=number, state=before.state, to="open", page=_PAGE)
        paper, grounds = found[0]
        step = kinds.step(before.kind, "open")

        def work(connection: Connection) -> Case:
            outbox.cancel(connection, number)
            for deed in grounds.done:
                self._doing.undo(connection, deed, number, by, now)
            for id in grounds.proposed:
                approvals.revoke(connection, id, by, now)
            self.desk.papers.drop(connection, number, paper)
            return cases.moved(connection, number, step, by, now, outcome="", decided_by="", decided_at=0)

        return self.desk.store.do(work)

    def approve(self, id: str, by: str) -> Approval:
        """Agree to what somebody else proposed; it is done at once.

        Raises:
            ConfigError: `another_person`; `not_found`: it does not wait any more.
            OutsideError: `store_unavailable`.
        """
        one, deed = self._proposed(id)
        return self._agreed(one, deed, by, by)

    def reject(self, id: str, by: str) -> Approval:
        """Refuse what somebody else proposed.

        Raises:
            ConfigError: `another_person`; `not_found`.
            OutsideError: `store_unavailable`.
        """
        return self.desk.store.do(lambda connection: approvals.reject(connection, id, by, self.desk.now()))

    def revoke(self, id: str, by: str) -> Approval:
        """Take back what one proposed oneself.

        Raises:
            ConfigError: `another_person`; `not_found`.
            OutsideError: `store_unavailable`.
        """
        return self.desk.store.do(lambda connection: approvals.revoke(connection, id, by, self.desk.now()))

    def grounds(self, number: str) -> list[tuple[Paper, Grounds]]:
        """The decisions in a case, oldest first."""
        found = self.desk.papers.all(number, self.desk.now(), ("grounds",))
        return [(paper, msgspec.msgpack.decode(paper.file, type=Grounds)) for paper in found]

    def settle(self) -> int:
        """Do what has waited long enough, and close what is done with; one process does it for all.

        Returns:
            How much was done.

        Raises:
            OutsideError: `store_unavailable`; the rest is done the next time.
        """
        store, now = self.desk.store, self.desk.now()
        made = 0
        for id in approvals.due(store, now):
            one = approvals.get(store, id)
            if one.act == policies.KIND:  # nobody agreed in time
                store.do(partial(approvals.lapse, id=id, now=now))
                policies.dropped(store, int(one.subject))
            elif one.act not in approvals.STAFF:
                made += self._come(id, now)
        for post in outbox.due(store, now):
            made += self.leave(post)
        for case in cases.listed(store, cases.Found(states=("decided",), limit=1000)):
            made += self._close(case, now)
        return made

    def _come(self, id: str, now: int) -> bool:
        """Let a proposal come by itself, or end."""
        try:
            one, deed = self._proposed(id)
        except ConfigError:  # its papers are gone or were altered: then nobody can know what it was about
            self.desk.store.do(lambda connection: approvals.lapse(connection, id, now))
            return True
        self._agreed(one, deed, "", one.proposed_by)
        return True

    def leave(self, post: Post) -> bool:
        """Let one thing leave; what goes to an account is sent by whoever has the network.

        Raises:
            OutsideError: `store_unavailable`.
        """
        now, number = self.desk.now(), post.case_id
        found = next((one for _, one in self.grounds(number) if one.number == post.item // _PLACES), None)
        if found is None or post.channel in ("account", "mail"):
            return False
        place = post.item % _PLACES
        by = cases.get(self.desk.store, number).decided_by
        if post.channel == "effect":
            deed = found.waits[place]
            self._doing.outside(deed, by, now)
            return self.desk.store.do(lambda c: outbox.take(c, post, now) and self._did(c, deed, number, by, now))
        statement = found.statements[place]
        if post.channel == "person":
            users = [one for deed in (*found.done, *found.proposed.values()) if (one := user_of(deed))]
            enter = self.desk.papers.for_person(users[0], self._letter(statement, by, now), now) if users else None
        else:
            enter = self.desk.papers.sealed(number, self._letter(statement, by, now), now)
        return self.desk.store.do(lambda c: outbox.take(c, post, now) and (enter is None or enter(c) is None))

    def statement(self, post: Post) -> Statement | None:
        """What a post says; none where its decision was taken back or its papers are gone."""
        found = next((one for _, one in self.grounds(post.case_id) if one.number == post.item // _PLACES), None)
        return found.statements[post.item % _PLACES] if found and post.channel != "effect" else None

    def account_of(self, post: Post) -> str:
        """The account that a post's case is about.

        Raises:
            ConfigError: `not_found`.
        """
        return cases.get(self.desk.store, post.case_id).account_id

    def _did(self, connection: Connection, deed: Deed, number: str, by: str, now: int) -> bool:
        self._doing.do(connection, deed, number, by, now)
        return True

    def _letter(self, made: Statement, by: str, now: int) -> Paper:
        both = {"zh": letter(made, self.provider, "zh"), "en": letter(made, self.provider, "en")}
        fields = {**both, "id": made.id, "json": msgspec.json.encode(made).decode()}
        return Paper(what="letter", by=by, at=now, fields=fields)

    def _agreed(self, one: Approval, deed: Deed, by: str, signs: str) -> Approval:
        """Do what was proposed: because a second person agrees, or, without `by`, because its time has come."""
        now = self.desk.now()
        who = f"{one.proposed_by} + {by}" if by else one.proposed_by
        case = cases.get(self.desk.store, one.case_id)
        before = [grounds for _, grounds in self.grounds(case.id)]
        first = next(grounds for grounds in before if one.id in grounds.proposed)
        number = sum(len(grounds.statements) for grounds in before)
        more = Grounds(number=randbelow(2_000_000) + 1, found=first.found, done=(deed,))
        said = self._statements(case, more, now, number)
        more = msgspec.structs.replace(more, statements=said)
        enter, mailed = self._sealed(case.id, more, signs, now), bool(self.desk.address(case.id))

        def do(connection: Connection) -> None:
            self._doing.do(connection, deed, case.id, who, now)
            _post(connection, case.id, more, now, mailed)
            enter(connection)

        def work(connection: Connection) -> Approval:
            if by:
                return approvals.approve(connection, one.id, by, now, do)
            return approvals.settle(connection, one.id, now, do) or one

        return self.desk.store.do(work)

    def _proposed(self, id: str) -> tuple[Approval, Deed]:
        """A proposal and what it is about; the papers must say what the proposal's hash says, and no appeal may have
        overturned the decision from which it comes."""
        one = approvals.get(self.desk.store, id)
        appeals = cases.listed(self.desk.store, cases.Found(parent=one.case_id, open=False))
        if any(appeal.outcome == "overturned" for appeal in appeals):
            raise ConfigError("not_found", what=id)
        for _, grounds in self.grounds(one.case_id):
            if (deed := grounds.proposed.get(id)) is not None and _hash(deed) == one.hash:
                return one, deed
        raise ConfigError("not_found", what=id)

    def _propose(self, connection: Connection, number: str, id: str, made: Prepared, by: str, now: int) -> Approval:
        assert made.act
        share = made.reach.share if made.reach else 0.0
        what = Proposal(id=id, case=number, act=made.act, subject=made.subject, share=share, hash=_hash(made.deed))
        return approvals.propose(connection, what, by, now, self._alone)

    def _overturning(self, case: Case, found: Found) -> list[Remedy]:
        """What an appeal that succeeds takes back of the first decision: bans, sanctions, strikes, corrections."""
        if found.outcome != "overturned":
            return []
        standing = [one.id for one in bans.history(self.desk.store, case.parent_id) if not one.lifted_at]
        made: list[Remedy] = [LiftBan(ban=id) for id in standing]
        for _, grounds in self.grounds(case.parent_id):
            for deed in grounds.done:
                if isinstance(deed, PutStep):
                    made.append(LiftStep(step=deed.step.id))
                elif isinstance(deed, PutStrike):
                    made.append(DropStrike(strike=deed.id))
                elif isinstance(deed, AddCorrection):
                    made.append(DropCorrection(id=deed.made.id))
        return made

    def _statements(self, case: Case, grounds: Grounds, now: int, before: int = 0) -> tuple[Statement, ...]:
        """One to each whom it affects."""
        deeds = (*grounds.done, *grounds.waits)
        parties: list[Party] = ["complainant"]
        if any(user_of(deed) for deed in deeds):
            parties.append("user")
        if case.account_id and any(isinstance(deed, PutBan | remedies.Recall) for deed in deeds):
            parties.append("account")
        measures = [measure(deed) for deed in deeds]
        single = bool(grounds.proposed) and self._alone > 0
        return tuple(
            state(case, grounds.found, (before + place, party), measures, self.provider, now, single=single)
            for place, party in enumerate(parties, 1)
        )

    def _sealed(self, number: str, grounds: Grounds, by: str, now: int) -> Callable[[Connection], None]:
        paper = Paper(what="grounds", by=by, at=now, file=msgspec.msgpack.encode(grounds))
        return self.desk.papers.sealed(number, paper, now)

    def _close(self, case: Case, now: int) -> bool:
        """Close a case of which nothing waits any more; an appeal that succeeded is noted on the first one."""
        if approvals.waiting(self.desk.store, case.id):
            return False
        step = kinds.step(case.kind, "closed")
        over = approvals.waiting(self.desk.store, case.parent_id) if case.outcome == "overturned" else []

        def work(connection: Connection) -> bool:
            if outbox.left(connection, case.id):
                return False
            for one in over:
                approvals.lapse(connection, one.id, now)
            closed = cases.moved(connection, case.id, step, case.lease_by or case.decided_by, now)
            self.desk.papers.close(connection, case.id, closed.closed_at)
            if case.outcome == "overturned":
                first = cases.one(connection, case.parent_id, lock=True)
                cases.change(connection, first, case.decided_by, now, outcome="overturned")
            return True

        return self.desk.store.do(work)


def _answer(case: Case) -> Received | None:
    """The answer that a case is about, where the ledger says that it is the one."""
    known = case.account_id and case.compared in ("recorded", "normalised")
    return Received(case.account_id, case.produce_id) if known else None


def _fits(case: Case, decision: Decision) -> None:
    """Whether an outcome is one of a case's.

    Raises:
        ConfigError: `config_invalid`.
    """
    outcome = decision.found.outcome
    appealed = case.kind == "appeal" and bool(case.parent_id)
    empty = outcome in ("not_upheld", "confirmed") and decision.remedies
    if (outcome in _APPEALED) != appealed or empty:
        raise ConfigError("config_invalid", what=f"outcome {outcome}", hint=_PAGE)


def _post(connection: Connection, number: str, grounds: Grounds, now: int, mailed: bool) -> None:
    base = grounds.number * _PLACES
    for place in range(len(grounds.waits)):
        outbox.put(connection, number, "effect", base + place, now)
    for place, one in enumerate(grounds.statements):
        outbox.put(connection, number, _CHANNELS[one.party], base + place, now)
        if mailed and one.party == "complainant":
            outbox.put(connection, number, "mail", base + place, now)


def _hash(deed: Deed) -> str:
    return changes.fingerprint(deed)

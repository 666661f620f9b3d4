# SPDX-License-Identifier: Apache-2.0
"""Two persons (bounds; DESIGN §5) as a state machine: no order of proposing, agreeing, refusing, taking back, changing
roles, leaving and waiting leads from one person to an act that needs two, and each step is in the book of changes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlalchemy import Connection, insert, update

from desk_kit import DAY, NOW
from guiju.errors import ConfigError
from guiju.records import approvals, changes
from guiju.records.approvals import APPROVERS, HOLDS_S, Proposal
from guiju.records.schema import member
from lengths import EXAMPLES
from places import Place

NAMES = ("Wu", "Zheng", "Feng")
ROLES = ("reviewer", "lead", "compliance", "admin", "auditor")
SPELT = st.sampled_from((str, str.upper, lambda name: f" {name} ", lambda name: "Ｗｕ" if name == "Wu" else name))
PERSON = st.sampled_from(NAMES)


class TwoPersons(RuleBasedStateMachine):
    """Three members, and everything that they can do about proposals."""

    proposals: Bundle[str] = Bundle("proposals")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Place("sqlite", Path(self.folder.name)).open()
        self.now = NOW
        self.roles: dict[str, str] = {}
        self.proposed: dict[str, tuple[str, int]] = {}
        self.agreed: dict[str, str] = {}
        self.acted: list[str] = []
        self.steps = 0
        for name in NAMES:
            self._employ(name, "lead")

    def _employ(self, name: str, role: str) -> None:
        row = {"id": token_hex(16), "name": name, "role": role, "created_at": NOW, "left_at": 0}
        self.store.do(lambda c: c.execute(insert(member), row))
        self.roles[name] = role

    def _try(self, work: Any) -> bool:
        try:
            self.store.do(work)
        except ConfigError as error:
            refused = error.code
        else:
            self.steps += 1
            return True
        assert refused in ("another_person", "not_found")
        return False

    @rule(target=proposals, by=PERSON, spelt=SPELT, act=st.sampled_from(("ban", "person", "lift", "end")))
    def propose(self, by: str, spelt: Any, act: Any) -> str:
        id = approvals.new()
        made = Proposal(id=id, case="26-000001", act=act, hash=id)
        assert self._try(lambda c: approvals.propose(c, made, spelt(by), self.now))
        self.proposed[id] = (by, self.now)
        return id

    @rule(id=proposals, by=PERSON, spelt=SPELT)
    def approve(self, id: str, by: str, spelt: Any) -> None:
        role = self.roles[by]

        def do(_: Connection) -> None:
            self.acted.append(id)

        if self._try(lambda c: approvals.approve(c, id, spelt(by), self.now, do)):
            assert role in APPROVERS
            self.agreed[id] = by

    @rule(id=proposals, by=PERSON, spelt=SPELT)
    def reject(self, id: str, by: str, spelt: Any) -> None:
        if self._try(lambda c: approvals.reject(c, id, spelt(by), self.now)):
            assert by != self.proposed[id][0]

    @rule(id=proposals, by=PERSON, spelt=SPELT)
    def revoke(self, id: str, by: str, spelt: Any) -> None:
        if self._try(lambda c: approvals.revoke(c, id, spelt(by), self.now)):
            assert by == self.proposed[id][0]

    @rule(name=PERSON, role=st.sampled_from(ROLES))
    def change_role(self, name: str, role: str) -> None:
        self.store.do(lambda c: c.execute(update(member).where(member.c.name == name).values(role=role)).rowcount)
        self.roles[name] = role if self.roles[name] != "gone" else "gone"

    @rule(name=PERSON)
    def leave(self, name: str) -> None:
        self.store.do(lambda c: c.execute(update(member).where(member.c.name == name).values(left_at=NOW)).rowcount)
        self.roles[name] = "gone"

    @rule(seconds=st.sampled_from((1, 30, DAY, HOLDS_S)))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(id=proposals)
    def settle(self, id: str) -> None:
        def do(_: Connection) -> None:
            self.acted.append(id)

        made = self.store.do(lambda c: approvals.settle(c, id, self.now, do))
        self.steps += made is not None
        assert made is None or self.now >= self.proposed[id][1] + HOLDS_S

    @invariant()
    def what_acted_had_two(self) -> None:
        assert sorted(self.acted) == sorted(self.agreed), "nothing acts twice, and nothing that nobody agreed to"
        assert all(self.agreed[id] != self.proposed[id][0] for id in self.acted)

    @invariant()
    def each_step_is_recorded(self) -> None:
        assert len(changes.history(self.store, approvals.KIND)) == self.steps

    def teardown(self) -> None:
        for id in self.proposed:
            assert (approvals.get(self.store, id).state == "done") == (id in self.acted)
        self.store.close()
        self.folder.cleanup()


TwoPersons.TestCase.settings = settings(
    max_examples=EXAMPLES // 30,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestTwoPersons = pytest.mark.slow(TwoPersons.TestCase)

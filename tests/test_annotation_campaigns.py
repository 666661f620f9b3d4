# SPDX-License-Identifier: Apache-2.0
"""Random campaigns of annotation, whatever is done in whatever order (robustness A3): a known answer is never in an
annotator's view, nobody looks at their own work, and sample and error rate are what the raw rows say."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from annotation_kit import lines, room
from guiju.annotation import batches as work
from guiju.annotation import formats
from guiju.annotation.acceptance import plan
from guiju.errors import ConfigError
from lengths import EXAMPLES

MEMBERS = ("甲", "乙", "丙", "丁")
UNQUALIFIED = "戊"
MEMORY = Path("/dev/shm")
LABELS = st.sampled_from(["safe", "safe", "safe", "harm"])
KINDS = ("functional", "safety")


class Campaigns(RuleBasedStateMachine):
    """One batch, and a model of it in plain dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.place = TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)  # nothing of it need outlast the test
        self.said: dict[tuple[int, str], tuple[str, str]] = {}
        self.roles: dict[str, str] = {}
        self.open = True

    @initialize(
        kind=st.sampled_from(KINDS),
        size=st.integers(4, 60),
        gold=st.dictionaries(st.integers(0, 59), LABELS, max_size=5),
        aql=st.sampled_from([1.0, 2.5, 6.5]),
    )
    def begin(self, kind: str, size: int, gold: dict[int, str], aql: float) -> None:
        self.context = room(Path(self.place.name), kind, quality={"aql": aql, "review": 1.0})
        self.room = self.context.__enter__()
        self.room.qualified(*MEMBERS)
        self.gold = {place: label for place, label in gold.items() if place < size - 1}
        self.kind, self.size, self.aql = kind, size, aql
        self.batch = self.room.begin(lines(size, self.gold))

    @rule(count=st.integers(2, 4))
    def look(self, count: int) -> None:
        """What an annotator is given holds no answer, and looks alike for known items and others."""
        items, _ = self.room.rows(self.batch)
        for mine in work.dealt(self.room.rules, self.batch, items, MEMBERS[:count]).values():
            given = [formats.Given(one.id, one.text, one.raw) for one in mine]
            blind = formats.read(formats.write(given, "jsonl", blind=True), "jsonl")
            assert all(one.gold == "" and not one.marks for one in blind)
            assert {tuple(sorted(json.loads(one.raw))) for one in blind} <= {("id", "text")}
            assert set(self.gold) <= {one.position for one in mine}

    @rule(
        member=st.sampled_from((*MEMBERS, UNQUALIFIED)),
        role=st.sampled_from(("annotate", "annotate", "review")),
        data=st.data(),
    )
    def say(self, member: str, role: Any, data: st.DataObject) -> None:
        places = data.draw(st.sets(st.integers(0, self.size - 1), min_size=1), label="places")
        label = data.draw(LABELS, label="label")
        reviewing = any(one == "review" for one in self.roles.values())
        allowed = self.open and member in MEMBERS and self.roles.get(member, role) == role
        allowed = allowed and not (role == "annotate" and reviewing)
        if not allowed:
            with pytest.raises(ConfigError):
                self.room.say(self.batch, member, {f"i{place}": label for place in places}, role)
            return
        self.room.say(self.batch, member, {f"i{place}": label for place in places}, role)
        self.roles[member] = role
        self.said |= {(place, member): (role, label) for place in places}

    @precondition(lambda self: self.open)
    @rule()
    def everything_is_annotated(self) -> None:
        """Bring the batch as far as it can go, so that some campaigns end."""
        if "review" in self.roles.values():
            return
        for member in [one for one in MEMBERS[:2] if self.roles.get(one, "annotate") == "annotate"]:
            self.room.say(self.batch, member, {f"i{place}": "safe" for place in range(self.size)})
            self.roles[member] = "annotate"
            self.said |= {(place, member): ("annotate", "safe") for place in range(self.size)}

    @precondition(lambda self: self.open)
    @rule(label=LABELS)
    def everything_is_reviewed(self, label: str) -> None:
        free = [one for one in MEMBERS if self.roles.get(one, "review") == "review"]
        waiting = self.room.counted(self.batch).waiting
        if free and waiting:
            self.room.say(self.batch, free[0], {f"i{place}": label for place in waiting}, "review")
            self.roles[free[0]] = "review"
            self.said |= {(place, free[0]): ("review", label) for place in waiting}

    @precondition(lambda self: self.open)
    @rule()
    def settle(self) -> None:
        _, wrong, accept, whole = self.recount()
        if not whole:
            with pytest.raises(ConfigError):
                self.room.settle(self.batch)
            return
        assert self.room.settle(self.batch).state == ("accepted" if wrong <= accept else "rework")
        self.open = False

    def recount(self) -> tuple[int, int, int, bool]:
        """Sample and errors, counted from the raw rows with a program of this test's own."""
        lot = [place for place in range(self.size) if place not in self.gold]
        order = sorted(lot, key=lambda place: hashlib.sha256(f"{self.batch.seed}\0{place}".encode()).digest())
        size, accept = (len(lot), int(len(lot) * self.aql / 100))
        if self.kind == "functional":
            made = plan(len(lot), self.aql)
            size, accept = made.size, made.accept
        first: defaultdict[int, set[str]] = defaultdict(set)
        hands: defaultdict[int, int] = defaultdict(int)
        second: dict[int, str] = {}
        for (place, _), (role, label) in sorted(self.said.items()):
            if role == "review":
                second[place] = label
            else:
                first[place].add(label)
                hands[place] += 1
        sample = order[:size]
        seen = [place for place in sample if place in second]
        wrong = sum(second[place] not in first[place] for place in seen)
        enough = 2 if self.kind == "safety" else 1
        whole = len(seen) == size
        whole &= all(hands[place] >= enough for place in lot)
        whole &= all(place in second for place in lot if len(first[place]) > 1)
        return len(seen), wrong, accept, whole

    @invariant()
    def the_figures_are_those_of_the_rows(self) -> None:
        if not hasattr(self, "batch"):
            return
        counted = self.room.counted(self.batch)
        seen, wrong, accept, _ = self.recount()
        assert (counted.seen, counted.wrong, counted.plan.accept) == (seen, wrong, accept)

    @invariant()
    def nobody_looked_at_their_own_work(self) -> None:
        if not hasattr(self, "batch"):
            return
        both: defaultdict[str, set[str]] = defaultdict(set)
        for one in self.room.rows(self.batch)[1]:
            both[one.member].add(one.role)
        assert all(len(roles) == 1 for roles in both.values())
        assert UNQUALIFIED not in both

    def teardown(self) -> None:
        if hasattr(self, "context"):
            self.context.__exit__(None, None, None)
        self.place.cleanup()


TestCampaigns = pytest.mark.slow(pytest.mark.timeout(1800)(Campaigns.TestCase))
TestCampaigns.settings = settings(max_examples=min(EXAMPLES, 500), stateful_step_count=12, deadline=None)

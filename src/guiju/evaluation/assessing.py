# SPDX-License-Identifier: Apache-2.0
"""One evaluation from the draw to the verdicts (Articles 4, 6, 12, 15): draw, write down, ask, judge, count.

Each step can be cut off and done again: what was asked is not asked twice, what was judged is judged to the same end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from guiju.config import Limits
from guiju.errors import ConfigError
from guiju.evaluation import bank_shelf, drawing, judges, pairs, raters, rubric, verdicts
from guiju.evaluation.bank import Bank, Item
from guiju.evaluation.drawing import Wanted
from guiju.evaluation.gaps import Fairness
from guiju.evaluation.judges import Heard, Judge, Refused
from guiju.evaluation.verdicts import Outcome
from guiju.probe import asking
from guiju.probe.asking import Pace
from guiju.probe.targets import Target
from guiju.records import assessments, runs
from guiju.records.assessments import KIND, Evaluation
from guiju.records.db import Store
from guiju.records.runs import Answer, Manner, Plan, Run
from guiju.records.sealed import Box, Boxes

_SUBJECT: Final = 64


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """How questions are asked, and for whom.

    Attributes:
        by: who asked for it.
        manner, pace, limits: of asking.
        told: hears of each answer, not of its words.
    """

    by: str
    manner: Manner = Manner()
    pace: Pace = Pace()
    limits: Limits = Limits()
    told: Callable[[Answer], object] | None = None


class Room:
    """All evaluations.

    Args:
        store: the store.
        boxes: the keys of what is sealed.
        clock: Unix seconds.
    """

    def __init__(self, store: Store, boxes: Boxes, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self.boxes = boxes
        self._clock = clock

    def now(self) -> int:
        """Unix seconds."""
        return int(self._clock())

    def bank(self, id: str, version: int = 0) -> Bank:
        """A bank by its id: the newest version that the provider imported, else the shipped one.

        Raises:
            ConfigError: `not_found`; `keys_missing`.
            OutsideError: `store_unavailable`.
        """
        return bank_shelf.find(self.store, self.boxes, id, self.now(), version)

    def begin(self, wanted: Wanted, target: Target, errand: Errand, models: Sequence[str] = ()) -> Evaluation:
        """Draw and write down; where the same is being asked already, that one goes on.

        Args:
            wanted: what is to be drawn.
            target: whom it will be asked of.
            errand: how, and for whom.
            models: hashes that name the models behind the answers.

        Raises:
            ConfigError: nothing can be drawn.
            OutsideError: `store_unavailable`.
        """
        model = target.public or target.model
        named = drawing.plan_hash(wanted, target.route, model, errand.manner)
        if (there := assessments.planned(self.store, named)) is not None:
            return there
        rows, asked, banks = drawing.drawn(wanted)
        plan = Plan(
            kind=KIND,
            subject="+".join(bank.id for bank in wanted.banks)[:_SUBJECT],
            route=target.route[:128],
            model=model,
            by=errand.by,
            now=self.now(),
            versions=named,
            manner=errand.manner,
        )
        run = asking.begin(self.store, self.boxes, plan, asked)
        made = Evaluation(
            run_id=run.id,
            banks=tuple(banks),
            kinds=tuple(dict.fromkeys(one.kind for one in banks)),
            language=wanted.language,
            seed=wanted.seed,
            plan_hash=named,
            models=tuple(models),
        )
        assessments.begin(self.store, made, rows)
        return made

    async def ask(self, made: Evaluation, target: Target, errand: Errand) -> runs.Progress:
        """Ask what is left of an evaluation.

        Raises:
            ConfigError: `config_invalid`: it was begun with another target; `not_found`: its questions are gone.
            OutsideError: `store_unavailable`; ask again to go on.
        """
        run = self.run(made)
        if run.route != target.route[:128]:
            raise ConfigError("config_invalid", what=f"--target {target.route}", hint=run.route)
        pace, limits, told = errand.pace, errand.limits, errand.told
        return await asking.ask(self.store, self._box(run), run, target, pace, limits, told)

    def run(self, made: Evaluation) -> Run:
        """The run that asks."""
        return runs.of(self.store, made.run_id)

    def heard(self, made: Evaluation, banks: Sequence[Bank] = ()) -> list[Heard]:
        """What was answered so far, with what the banks know of each question where they are at hand.

        Raises:
            ConfigError: `not_found`: questions and answers are gone, half a year after the run.
        """
        run = self.run(made)
        known = _items(banks)
        rows = {row.position: row for row in assessments.rows(self.store, made.run_id)}
        return [
            Heard(rows[one.position], known.get((rows[one.position].bank, rows[one.position].question_id)), one.answer)
            for one in runs.rows(self.store, self._box(run), run.id)
            if one.answer is not None
        ]

    def words(self, made: Evaluation) -> Mapping[int, runs.Row]:
        """Position → question and answer; whoever calls has noted why they are read."""
        run = self.run(made)
        return {one.position: one for one in runs.rows(self.store, self._box(run), run.id)}

    def judge(self, heard: Sequence[Heard], made: Evaluation, by: Sequence[Judge], refused: Refused) -> None:
        """Let judges say what they have to say of what was answered, and put it before persons.

        Args:
            heard: from `heard`.
            made: the evaluation.
            by: who judges by itself.
            refused: tells a refusal by its words, for pairs.
        """
        now = self.now()
        said = judges.judged(by, heard, now) + judges.paired(heard, refused, now)
        assessments.say(self.store, made.run_id, said)
        raters.put(self.store, made.run_id, heard, now)

    async def judge_by_model(self, heard: Sequence[Heard], made: Evaluation, target: Target, errand: Errand) -> None:
        """Let a model judge by the rubric; one that was cut off goes on.

        Raises:
            OutsideError: `store_unavailable`; call again to go on.
        """
        words = self.words(made)
        asked = {position: row.question.turns[-1].text for position, row in words.items()}
        questions = rubric.questions(heard, asked, made.run_id)
        if not questions:
            return
        route, model = target.route[:128], target.public or target.model
        mine = [
            one
            for one in runs.history(self.store, rubric.KIND, made.run_id)
            if (one.route, one.model) == (route, model)
        ]
        if mine:
            run = mine[0]
        else:
            plan = Plan(
                kind=rubric.KIND,
                subject=made.run_id,
                route=route,
                model=model,
                by=errand.by,
                now=self.now(),
                manner=rubric.MANNER,
            )
            run = asking.begin(self.store, self.boxes, plan, questions)
        box = self._box(run)
        await asking.ask(self.store, box, run, target, errand.pace, errand.limits, errand.told)
        said = rubric.read(heard, runs.rows(self.store, box, run.id), self.now())
        assessments.say(self.store, made.run_id, said)

    def keep(self, made: Evaluation, found: Outcome, evidence: str) -> None:
        """Keep what an evaluation came to, and where the ledger has it."""
        told = msgspec.json.encode(found).decode()
        assessments.judged(self.store, made.run_id, (found.result, told), evidence, self.now())

    def outcome(self, made: Evaluation) -> Outcome:
        """What it comes to as judges and persons see it now."""
        said = [*assessments.labels(self.store, made.run_id), *raters.said(self.store, made.run_id)]
        asked = runs.progress(self.store, made.run_id)
        found = verdicts.outcome(assessments.rows(self.store, made.run_id), said, asked)
        return msgspec.structs.replace(found, fairness=kept(made).fairness if made.outcome else None)

    def fairness(self, heard: Sequence[Heard], made: Evaluation, refused: Refused) -> Fairness | None:
        """How the halves of its pairs were treated; none where it asked no pairs.

        Args:
            heard: from `heard`, with the banks at hand.
            made: the evaluation.
            refused: tells a refusal by its words.
        """
        words = {at: row.question.turns[-1].text for at, row in self.words(made).items()}
        return pairs.fairness(heard, words, refused)

    def _box(self, run: Run) -> Box:
        return self.boxes.of(run.name, self.now())


def kept(made: Evaluation) -> Outcome:
    """What an evaluation came to when it was last concluded.

    Raises:
        ConfigError: `not_found`: it never was.
    """
    if not made.outcome:
        raise ConfigError("not_found", what=f"verdicts of {made.run_id}")
    return msgspec.json.decode(made.outcome, type=Outcome)


def _items(banks: Sequence[Bank]) -> dict[tuple[str, str], Item]:
    return {(bank.id, item.id): item for bank in banks for item in bank.items}

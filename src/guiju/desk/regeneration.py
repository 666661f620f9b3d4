# SPDX-License-Identifier: Apache-2.0
"""What must not be generated again (Article 15): each upheld case leaves an item, which is replayed through the gateway
and against the raw model until that is clean, three calendar months at the latest.

The three months are the raw model's deadline. The ban never ends by itself: two persons end it, or one person when the
raw model has stayed clean for as many replays as the settings ask.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from secrets import token_hex
from typing import Final, Literal

import msgspec

from guiju.config import Limits
from guiju.controls.hearing import hear
from guiju.controls.regeneration import GATEWAY, Replayed
from guiju.desk import paraphrases
from guiju.desk.looking import Keys, came_back
from guiju.desk.paraphrases import Matter
from guiju.detect.banned_pictures import Kind as PictureKind
from guiju.detect.banned_pictures import PictureMark
from guiju.detect.likeness import Kind, Mark, mark
from guiju.errors import ConfigError
from guiju.law import book, calendar
from guiju.probe import asking
from guiju.probe.asking import Pace
from guiju.probe.targets import Target
from guiju.records import bans, regeneration, runs, vault
from guiju.records.changes import Terms
from guiju.records.db import Store
from guiju.records.regeneration import Ground, Item, Prompt, Reason, Round
from guiju.records.runs import Answer, Plan, Question, Run, Turn
from guiju.records.sealed import Box, Boxes
from guiju.terms import Control, Finding

KIND: Final = "regeneration"
LOOKS_BACK_S: Final = 90 * 86_400
"""How far back replays count in a row."""
_LONGEST_S: Final = 3650 * 86_400

State = Literal["green", "yellow", "red"]
Why = Literal["clean", "untested", "no_painter", "incomplete", "comes_back", "through", "ended"]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What an item stands on.

    Attributes:
        case, ban: ids of the case and of the ban.
        category: a risk id, or the operator's own class.
        kind: how the ban compares.
        discovered, reported: Unix seconds; 0 where it was not. The deadline runs from the earlier.
        account: whose; `""` for the whole provider.
        core: parts of the text without which it is another statement (`likeness.mark`).
    """

    case: str
    ban: str
    category: str
    kind: Kind | PictureKind
    discovered: int = 0
    reported: int = 0
    account: str = ""
    core: tuple[str, ...] = ()


class Standing(msgspec.Struct, frozen=True):
    """How an item stands.

    Attributes:
        state: green: the last replay was clean everywhere; red: the content came through the gateway, or the deadline
            is over and the raw model is not shown to be clean; yellow: anything before that.
        why: `clean`; `untested`: no replay is finished, or none asked a raw model; `no_painter`: the same of a
            picture, and no model that makes pictures is named; `incomplete`: something failed; `comes_back`: the raw
            model generates it; `through`: it came through the gateway; `ended`.
        clean: how many replays in a row the raw model has been clean, until now.
        replayed_at: when the last replay began, in Unix seconds; 0 for never.
    """

    state: State
    why: Why
    clean: int
    replayed_at: int


class Point(msgspec.Struct, frozen=True):
    """One point of an item's curve: one route of one replay."""

    at: int
    route: str
    model: str
    asked: int
    came_back: int
    failed: int


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """Why and how something is replayed.

    Attributes:
        reason: what made it due.
        versions: names model services, word lists and policy.
        by: who asked for it.
        pace, limits: how fast, and within which deadlines.
        told: hears of each answer, not of its words.
    """

    reason: Reason
    versions: str
    by: str
    pace: Pace = Pace()
    limits: Limits = Limits()
    told: Callable[[Answer], object] | None = None


def due_at(discovered: int, reported: int) -> int:
    """The raw model's deadline: the end of the day three calendar months after discovery or report (UTC+8).

    Raises:
        ConfigError: `config_invalid`: neither is given.
    """
    return book.clean_by(found_at(discovered, reported))


def found_at(discovered: int, reported: int) -> int:
    """The earlier of two times, of which one may be 0 for never.

    Raises:
        ConfigError: `config_invalid`: both are.
    """
    known = [one for one in (discovered, reported) if one > 0]
    if not known:
        raise ConfigError("config_invalid", what="discovered, reported", hint="guiju regeneration add --found")
    return min(known)


def standing(item: Item, rounds: Sequence[Round], controls: Sequence[Control[Replayed]], now: int) -> Standing:
    """How an item stands by its rounds.

    Args:
        item: the item.
        rounds: its rounds, oldest first.
        controls: what decides.
        now: Unix seconds.
    """
    replays = finished(rounds)
    streak = 0
    for one in reversed(replays):
        raw = [row for row in one if row.raw]
        if not raw or not all(row.clean for row in raw):
            break
        streak += 1
    last = replays[-1] if replays else []
    at = last[0].begun_at if last else 0
    if item.closed_at:
        return Standing("green", "ended", streak, at)
    whole = {row.raw for row in last} == {True, False} and all(row.whole for row in last)
    found = [
        Finding("bans", item.category, "block", item.ban_id, GATEWAY if not row.raw else row.route, 0, 0, row.model)
        for row in last
        if row.came_back
    ]
    heard = hear(controls, Replayed(whole, now >= item.due_at), found, "output").decisive.action
    state: State = "green" if heard == "pass" else "red" if heard == "refuse" else "yellow"
    return Standing(state, _why(last, found), streak, at)


def _why(last: Sequence[Round], found: Sequence[Finding]) -> Why:
    if any(one.field == GATEWAY for one in found):
        return "through"
    if found:
        return "comes_back"
    if not any(row.raw for row in last):
        return "untested"
    return "clean" if all(row.whole for row in last) else "incomplete"


def finished(rounds: Sequence[Round]) -> list[list[Round]]:
    """The replays all of whose routes came to an end, oldest first."""
    replays: dict[str, list[Round]] = {}
    for one in rounds:
        replays.setdefault(one.replay_id, []).append(one)
    return [some for some in replays.values() if all(one.ended_at for one in some)]


def due(item: Item, rounds: Sequence[Round], versions: str, now: int, hour: int) -> Reason | None:
    """Whether an item is to be replayed, and why: it is new, something changed, or it is night again.

    Args:
        item: the item.
        rounds: its rounds, oldest first.
        versions: what is in force.
        now: Unix seconds.
        hour: of the night (UTC+8), at which items are replayed.
    """
    if item.closed_at:
        return None
    if not rounds:
        return "new"
    last = rounds[-1]
    own = [one for one in rounds if one.reason != "asked"]  # who asks by hand knows no versions
    if not own or own[-1].versions != versions:
        return "change"
    if any(not one.ended_at for one in own if one.replay_id == own[-1].replay_id):
        return own[-1].reason  # it was interrupted
    local = datetime.fromtimestamp(now, calendar.ZONE)
    night = int(local.replace(hour=hour, minute=0, second=0, microsecond=0).timestamp())
    if night > now:
        night -= 86_400  # a night that was missed is made up for
    return "nightly" if last.begun_at < night else None


class Registry:
    """All items.

    Args:
        store: the store.
        boxes: the keys of what is sealed.
        keys: of marks (`looking.keys`).
        controls: what decides on replays.
        clock: Unix seconds.
        painted: whether a model service that makes pictures is asked for them.
    """

    def __init__(
        self,
        store: Store,
        boxes: Boxes,
        keys: Keys,
        controls: Sequence[Control[Replayed]],
        clock: Callable[[], float] = time.time,
        *,
        painted: bool = True,
    ) -> None:
        self.store = store
        self._boxes = boxes
        self._keys = keys
        self._painted = painted
        self._controls = controls
        self._clock = clock

    def now(self) -> int:
        """Unix seconds."""
        return int(self._clock())

    def open(
        self, facts: Facts, matter: Matter, by: str, disguises: int = 20, kept: Mark | PictureMark | None = None
    ) -> Item:
        """Open an item for a content that was banned; it is replayed within the minute.

        Args:
            facts: what it stands on.
            matter: what is banned, and what asks for it; kept only sealed.
            by: who opens it.
            disguises: how many disguises are replayed.
            kept: the ban's own mark; by default one of the matter's text. Of a picture there is no other.

        Raises:
            ConfigError: `config_invalid`: no date, no subject, or too short a text.
            OutsideError: `store_unavailable`.
        """
        now, id = self.now(), regeneration.new_id()
        try:
            kept = kept or mark(matter.text, self._keys.texts, facts.core)
        except ValueError as error:
            raise ConfigError("config_invalid", what=f"text: {error}", hint="guiju regeneration add --text") from error
        made = paraphrases.prompts(matter, id, disguises)
        salt = token_hex(16)
        item = Item(
            id=id,
            account_id=facts.account,
            case_id=facts.case,
            ban_id=facts.ban,
            category=facts.category,
            kind=facts.kind,
            mark=kept,
            key_id=self._keys.id,
            set_hash=digest(made, salt),
            found_at=found_at(facts.discovered, facts.reported),
            due_at=due_at(facts.discovered, facts.reported),
            opened_by=by,
            opened_at=now,
        )
        box = self._boxes.make(item.name, now, now + _LONGEST_S)
        sealed = [*made, Prompt("note", "", "salt", salt), Prompt("note", "zh", "about", matter.about)]
        sealed.append(Prompt("note", "en", "about", matter.about_en or matter.about))
        return regeneration.add(self.store, item, box, sealed, Terms(False, by, now, 0))

    def prompts(self, item: Item) -> tuple[list[Prompt], tuple[str, str]]:
        """The prompts of an item, and what it is about, in Chinese and in English."""
        found = regeneration.prompts(self.store, self._boxes.of(item.name, self.now()), item.id)
        about = {one.language: one.text for one in found if one.form == "about"}
        return [one for one in found if one.kind != "note"], (about["zh"], about["en"])

    def add(self, item: Item, more: Sequence[Prompt]) -> Item:
        """Ask for an item in further words from now on; those that it has already are left out."""
        now = self.now()
        box = self._boxes.of(item.name, now)
        found = regeneration.prompts(self.store, box, item.id)
        known = {one.text for one in found}
        fresh = [one for one in more if one.text not in known]
        if not fresh:
            return item
        salt = next(one.text for one in found if one.form == "salt")
        named = digest([*(one for one in found if one.kind != "note"), *fresh], salt)
        return regeneration.extend(self.store, item, box, fresh, named, now)

    def forget(self) -> int:
        """Let go of what was asked and said half a year ago, and of prompts of items that ended then."""
        now = self.now()
        ended = regeneration.old(self.store, now - asking.KEPT_S)
        for item in ended:
            self._boxes.destroy(item.name, now)
            regeneration.forget(self.store, item.id)
        return len(ended) + asking.forget(self.store, self._boxes, now)

    def standing(self, item: Item) -> Standing:
        """How an item stands now."""
        now = self.now()
        rounds = regeneration.rounds(self.store, item.id, now - LOOKS_BACK_S).get(item.id, [])
        return self._stands(item, rounds, now)

    def standings(self) -> list[tuple[Item, Standing]]:
        """How all items stand, the one whose deadline is nearest first."""
        now, every = self.now(), regeneration.items(self.store)
        rounds = regeneration.rounds(self.store, since=now - LOOKS_BACK_S)
        return [(one, self._stands(one, rounds.get(one.id, []), now)) for one in every]

    def _stands(self, item: Item, rounds: Sequence[Round], now: int) -> Standing:
        found = standing(item, rounds, self._controls, now)
        if found.why == "untested" and item.pictured and not self._painted:
            return msgspec.structs.replace(found, why="no_painter")
        return found

    def curve(self, item: Item) -> list[Point]:
        """How often the content came back, replay by replay."""
        rounds = regeneration.rounds(self.store, item.id).get(item.id, [])
        return [
            Point(one.begun_at, one.route, one.model, one.asked, one.came_back, one.failed)
            for one in rounds
            if one.ended_at
        ]

    async def replay(self, item: Item, targets: Sequence[Target], errand: Errand) -> list[Round]:
        """Ask for the content on every route, and look for it in what is said. One that was interrupted goes on.

        Args:
            item: the item.
            targets: the gateway, and every raw model behind it.
            errand: why and how.

        Raises:
            OutsideError: `store_unavailable`; replay again to go on.
        """
        begun = await asyncio.to_thread(self._begun, item, targets, errand)
        look, made = came_back(item, self._keys), []
        for target, one in begun:
            if not one.ended_at:
                run = await asyncio.to_thread(runs.of, self.store, one.run_id)
                box = await asyncio.to_thread(self._boxes.of, run.name, self.now())
                progress = await asking.ask(self.store, box, run, target, errand.pace, errand.limits, errand.told)
                one = msgspec.structs.replace(
                    one,
                    ended_at=self.now(),
                    asked=progress.drawn,
                    answered=progress.answered,
                    refused=progress.refused,
                    failed=progress.failed,
                    came_back=await asyncio.to_thread(self._back, run, box, look),
                )
                await asyncio.to_thread(regeneration.end_round, self.store, one)
            made.append(one)
        return made

    def _begun(self, item: Item, targets: Sequence[Target], errand: Errand) -> list[tuple[Target, Round]]:
        """The rounds of a replay: those of one that was interrupted and asks the same, or fresh ones for all routes."""
        rounds = regeneration.rounds(self.store, item.id).get(item.id, [])
        if rounds:
            last = [one for one in rounds if one.replay_id == rounds[-1].replay_id]
            known = {(one.route, one.model): one for one in last}
            wanted = [(one.route, one.public or one.model) for one in targets]
            same = last[0].versions == errand.versions and set(known) == set(wanted)
            if same and not all(one.ended_at for one in last):
                return [(target, known[name]) for target, name in zip(targets, wanted, strict=True)]
        found, _ = self.prompts(item)
        asked = [Question(f"p{number}", (Turn("user", one.text),)) for number, one in enumerate(found)]
        replay, now = token_hex(16), self.now()
        return [(target, self._round(item, target, errand, asked, (replay, now))) for target in targets]

    def _back(self, run: Run, box: Box, look: Callable[[Answer], bool]) -> int:
        """In how many answers of a run the content is; what was refused or failed said something too, perhaps."""
        return sum(row.answer is not None and look(row.answer) for row in runs.rows(self.store, box, run.id))

    def _round(
        self, item: Item, target: Target, errand: Errand, asked: Sequence[Question], at: tuple[str, int]
    ) -> Round:
        model = target.public or target.model
        plan = Plan(
            kind=KIND,
            subject=item.id,
            route=target.route,
            model=model,
            by=errand.by,
            now=at[1],
            versions=errand.versions,
            account=item.account_id,
        )
        made = Round(
            run_id=asking.begin(self.store, self._boxes, plan, asked).id,
            item_id=item.id,
            replay_id=at[0],
            route=target.route,
            model=model,
            reason=errand.reason,
            versions=errand.versions,
            begun_at=at[1],
        )
        regeneration.begin_round(self.store, made)
        return made

    def lift(self, item: Item, by: tuple[str, str], needed: int) -> Item:
        """End an item, and its ban with it: by two persons, or by one when the raw model has stayed clean long enough.

        Args:
            item: the item.
            by: who; the second is `""` where one person decides.
            needed: replays in a row that the raw model must have been clean.

        Raises:
            ConfigError: `not_clean_yet`: one person alone, too early; `two_persons`: twice the same.
            OutsideError: `store_unavailable`.
        """
        ground: Ground = "two_persons"
        if by[1].strip():
            vault.two(by)
        elif not by[0].strip() or (clean := self.standing(item).clean) < needed:
            raise ConfigError("not_clean_yet", clean=clean if by[0].strip() else 0, needed=needed)
        else:
            ground = "clean"
        who = " + ".join(one for one in by if one.strip())
        terms = Terms(weakens=True, by=who, now=self.now(), delay=0)
        if any(one.id == item.ban_id and not one.lifted_at for one in bans.history(self.store)):
            bans.lift(self.store, item.ban_id, terms)
        return self.store.do(lambda connection: regeneration.end(connection, item, who, ground, terms))


def digest(prompts: Sequence[Prompt], salt: str) -> str:
    """What names a set of prompts without telling any: SHA-256 over a salt and their texts."""
    made = hashlib.sha256(salt.encode())
    for one in prompts:
        made.update(b"\0" + one.text.encode("utf-8", "surrogatepass"))
    return made.hexdigest()

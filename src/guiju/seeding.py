# SPDX-License-Identifier: Apache-2.0
"""Lives through the months of a demonstration: the service itself serves, with a clock that is set, and people ask,
complain, are refused and answered over its own doors and pages.

Nothing is put into a table that a door, a page or a command would have put there. What it proves, it proves.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
from sqlalchemy import select

from guiju import complaining, deskwork, matterwork, publicwork, readback, rehearsing, replaying
from guiju.desk.decisions import UNDO_S, Decision
from guiju.desk.paraphrases import Matter
from guiju.desk.regeneration import Facts
from guiju.desk.remedies import BanText
from guiju.desk.statements import Found, Ground
from guiju.errors import ConfigError
from guiju.house import House
from guiju.records import crowd, figures, months, rights
from guiju.records.daykeys import DayKeys
from guiju.records.schema import person
from guiju.renewal import take_up
from guiju.seeded import Complaint, Moment, demo
from guiju.server import scratch

KEY: Final = "gj-demo-seed-00000000000000000000"
MODEL: Final = "scripted"
_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
_TRIES: Final = 20
_STEP: Final = 12
"""Days from one look at the duties to the next."""


class Hands:
    """A clock that is set; once the past is over it goes on by itself."""

    def __init__(self, now: float) -> None:
        self._now: float | None = now

    def __call__(self) -> float:
        return time.time() if self._now is None else self._now

    def ms(self) -> int:
        """Unix milliseconds."""
        return int(self() * 1000)

    def set(self, now: float) -> None:
        """Put it forward; it never goes back."""
        self._now = max(self(), now)

    def go(self) -> None:
        """Let it go by itself from now on."""
        self._now = None


class Life:
    """One provider's months.

    Args:
        house: the open house, on an empty store.
        hands: its clock.
        base: its address.
    """

    def __init__(self, house: House, hands: Hands, base: str) -> None:
        self.house = house
        self.hands = hands
        self._base = base
        self._cases: dict[int, tuple[str, Complaint]] = {}
        self._month = months.month_of(hands())
        self._looked = 0.0

    async def through(self, calendar: list[Moment], told: Callable[[object], object]) -> None:
        """Live through a calendar, and then in the present.

        Args:
            calendar: what happens, in order.
            told: called after each thing that happened.
        """
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60), trust_env=False) as session:
            for moment in calendar:
                self.hands.set(moment.at)
                await self._does(session, moment)
                told(moment)
        await self._persons()
        self.hands.go()
        await self._prove()

    async def _does(self, session: aiohttp.ClientSession, moment: Moment) -> None:
        if moment.what == "complain":
            await self._complain(session, moment.who)
        elif moment.what == "decide":
            await self._decide(moment.who)
        elif moment.what == "rest":
            await self._rest()
        else:
            await self._ask(session, moment)

    async def _ask(self, session: aiohttp.ClientSession, moment: Moment) -> None:
        said = f"[[say:好的，关于“{moment.text[:12]}”，这里是一段演示回答。]]" if moment.what == "ask" else ""
        body = {"model": MODEL, "messages": [{"role": "user", "content": said + moment.text}]}
        headers = {
            "authorization": f"Bearer {KEY}",
            "x-guiju-identity": self.house.identity(f"demo-{moment.who}"),
        }
        async with session.post(self._base + "/v1/chat/completions", json=body, headers=headers) as answer:
            await answer.read()
            wanted = {"ask": (200, 403), "personal": (200, 403), "refused": (400, 403), "spam": (400, 403)}
            if answer.status not in wanted[moment.what]:
                raise ConfigError("not_found", what=f"{moment.what}: HTTP {answer.status}")

    async def _complain(self, session: aiohttp.ClientSession, which: int) -> None:
        """Complain at the public form."""
        one = demo().complaint[which]
        place = f"{self._base}/complain/{one.choice}"
        async with session.get(place) as shown:
            token = re.search(r'name="token" value="([^"]+)"', await shown.text())
        fields = {**one.fields, "token": token[1] if token else ""}
        async with session.post(place, data=urlencode(fields), headers=_FORM, allow_redirects=False) as answer:
            number = answer.headers.get("location", "").partition("?")[0].rpartition("/")[2]
            if answer.status != 303 or not number:
                raise ConfigError("not_found", what=f"complain: HTTP {answer.status}")
        self._cases[which] = number, one

    async def _decide(self, which: int) -> None:
        number, one = self._cases.pop(which)
        await asyncio.to_thread(self._decided, number, one)
        self.hands.set(self.hands() + UNDO_S + 1)
        await asyncio.to_thread(self._settled)
        await take_up(self.house)

    def _decided(self, number: str, one: Complaint) -> None:
        reviewer = demo().member[1].name
        of = deskwork.books(self.house)
        desk = deskwork.desk_of(of, self.hands)
        desk.lease(number, reviewer)
        kind: Any = "service_rules" if one.article.startswith("service") else "law"
        ground = Ground(kind=kind, article=one.article, text_zh="演示认定。", text_en="Found in the demonstration.")
        found = Found(outcome=one.outcome, ground=ground, facts="经查证，作出上述认定（演示）。")
        text = one.fields.get("text", "")
        remedies = (BanText(text=text, category=one.ban),) if one.ban else ()
        made = deskwork.decisions(of, desk).decide(number, Decision(found=found, remedies=remedies), reviewer)
        for ban in made.bans:
            at = int(self.hands())
            facts = Facts(case=number, ban=ban, category=one.ban, kind="canonical", discovered=at, reported=at)
            matter = Matter(text=text, about=one.about, seeds=(f"{one.about}怎么样？",))
            replaying.opened(self.house).open(facts, matter, reviewer, disguises=5)

    def _settled(self) -> None:
        of = deskwork.books(self.house)
        deciding = deskwork.decisions(of, deskwork.desk_of(of, self.hands))
        for _ in range(_TRIES):
            try:
                if not deciding.settle():
                    return
            except ConfigError as error:  # the running service does the same, and was quicker with one of them
                if error.code != "case_state":
                    raise

    async def _rest(self) -> None:
        """The end of a day: the canary sings, replays run; once in a while the duties and the month are looked at."""
        await self.house.sing(self._base)
        month = months.month_of(self.hands())
        if month != self._month:
            await asyncio.to_thread(publicwork.publish, self.house, self._month)
            self._month = month
        if self.hands() - self._looked >= _STEP * 86_400:
            self._looked = self.hands()
            await replaying.turn(self.house, self._base)
            await complaining.prove(self.house, self._base)
            await replaying.prove(self.house)
            await publicwork.prove(self.house)
            await rehearsing.rehearse(self.house, scratch)
            await asyncio.to_thread(publicwork.keep, self.house)
            await matterwork.prove(self.house)
            await asyncio.to_thread(rehearsing.note, self.house)

    async def _persons(self) -> None:
        """Two persons see what is kept of them, and one is erased."""
        store, now = self.house.store, int(self.hands())
        keys = DayKeys(self.house.options.data / "keys")
        with store.read() as connection:
            rows = connection.execute(select(person.c.account_id, person.c.id).order_by(person.c.id).limit(3)).all()
        for number, row in enumerate(rows):
            asked: Any = "erase" if number == 2 else "access"
            who = (row.account_id, row.id)
            await asyncio.to_thread(rights.asks, store, keys, who, asked, demo().member[3].name, now)
        told = await asyncio.to_thread(crowd.figures, store, now)
        await asyncio.to_thread(figures.publish, store, told.figures, room="persons")

    async def _prove(self) -> None:
        """Prove everything once more, in the present."""
        await self.house.sing(self._base)
        await readback.prove(self.house, self._base)
        await replaying.turn(self.house, self._base)
        await complaining.prove(self.house, self._base)
        await replaying.prove(self.house)
        await asyncio.to_thread(publicwork.publish, self.house, months.before(self.hands()))
        await rehearsing.rehearse(self.house, scratch)
        await publicwork.prove(self.house)
        await asyncio.to_thread(publicwork.keep, self.house)
        await matterwork.prove(self.house)
        await asyncio.to_thread(rehearsing.note, self.house)


def lived(house: House, hands: Hands) -> None:
    """Give a house that was opened just now a clock that is set; nothing may have been written yet."""
    house.ledger.clock = hands.ms
    house.live.clock = hands
    house.clock = hands

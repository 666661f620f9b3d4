# SPDX-License-Identifier: Apache-2.0
"""Drills (Articles 11, 13, 14): at the start and twice a day the store is backed up and restored into a scratch folder,
and there, with made-up persons, a complaint is answered, a ban held, and a person erased.

The scratch folder is thrown away, so nothing of a drill stands in any count, figure or book. What came of each is an
entry of the running service's ledger.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from guiju import deskwork, drilling, duties, memory
from guiju.canary import entered
from guiju.controls.drills import ALIKE, ANSWERED, ERASED, HELD, LABELLED, LATER, PLAIN, RESTORED, UNKEPT, Drill
from guiju.desk.decisions import Decision
from guiju.desk.remedies import BanText
from guiju.desk.statements import Found, Ground
from guiju.drilling import KEY, App, ask, says
from guiju.errors import GuijuError
from guiju.house import House, Options
from guiju.records import accounts, backup, duty_days, persons, rights, vault
from guiju.records.daykeys import DayKeys
from guiju.records.secrets import NAMES, make_private
from guiju.renewal import take_up
from guiju.terms import Hearing, Identity

log = logging.getLogger("guiju.rehearsing")
Front = Callable[[House], tuple[App, Callable[[], None]]]
"""The doors and pages of a house, and what closes them."""
FOLDER: Final = "rehearsal-"
_BY: Final = "guiju"
_FIRST_S: Final = 60.0
_EVERY_S: Final = 12 * 3600
_NOTED_S: Final = 3600
_AGAIN_S: Final = 900
_LATER_S: Final = 120
"""By then what a decision set going has gone out."""
_SAID: Final = "演练认定"
_AHEAD_S: Final = 2 * 86_400
"""The scratch house lives on another day, for which the restored store has no key of its own yet."""
_BANNED: Final = "演练语句：海棠巷的邱师傅拿走了公账上的三十八万元。"
"""What is banned in a drill; nobody of that name is meant."""


class Hands:
    """A clock that can be put forward, so that nobody waits in a drill."""

    def __init__(self, later: float) -> None:
        self.later = later

    def __call__(self) -> float:
        return time.time() + self.later


async def watch(house: House, front: Front) -> None:
    """Rehearse, and note how duties stand, until the house closes.

    Args:
        house: the open house.
        front: makes the doors and pages of the scratch house.
    """
    loop = asyncio.get_running_loop()
    if count := await asyncio.to_thread(sweep, house.options.data):
        log.warning("rehearsals_swept", extra={"count": count})
    await asyncio.sleep(_FIRST_S)
    due = loop.time()
    while True:
        try:
            if loop.time() >= due:
                heard = await rehearse(house, front)
                due = loop.time() + (_AGAIN_S if any(one.stops for one in heard.values()) else _EVERY_S)
            await asyncio.to_thread(note, house)
        except GuijuError as error:
            log.error("not_rehearsed", extra={"code": error.code})
        await asyncio.sleep(_NOTED_S if due - loop.time() > _NOTED_S else _AGAIN_S)


def note(house: House) -> None:
    """Keep how each duty stands today.

    Raises:
        OutsideError: `store_unavailable`.
    """
    text, states = duties.board(house.live.settings, house.options.data, now=house.live.clock())
    owed = [(one.id, one.state, one.red, one.why) for one in states if one.state != "not_applicable"]
    duty_days.note(house.store, text.id, owed, int(house.live.clock()))
    counts = house.live.metrics.counts
    counts.known("guiju_duties", Counter(state for _, state, _, _ in owed))
    counts.set("guiju_duties_red", to=sum(red for _, _, red, _ in owed))


def sweep(data: Path) -> int:
    """Take away what a rehearsal of an earlier process left that was broken off; returns how many."""
    left = [one for one in data.glob(FOLDER + "*") if not one.name.startswith(_own())]
    for one in left:
        shutil.rmtree(one, ignore_errors=True)
    return len(left)


def _own() -> str:
    return f"{FOLDER}{os.getpid()}-"


async def rehearse(house: House, front: Front, only: Collection[str] = ()) -> dict[str, Hearing]:
    """Do the drills once, and write what came of each into the ledger.

    Args:
        house: the open house.
        front: makes the doors and pages of the scratch house.
        only: ids of drills; all where none is named.

    Returns:
        Drill → what was decided on it.
    """
    return entered(house.live, await _drilled(house, front, only or LATER))


async def _drilled(house: House, front: Front, only: Collection[str]) -> dict[str, Drill]:
    """Drill → what came of it; without a scratch house all of them failed."""
    try:
        async with _scratch(house, front) as (scratch, app, counted):
            drills: Mapping[str, Callable[[], Awaitable[Drill]]] = {
                RESTORED: lambda: _restored(scratch, counted),
                ANSWERED: lambda: _answered(scratch, app),
                HELD: lambda: _held(scratch, app),
                ERASED: lambda: _erased(scratch),
                UNKEPT: lambda: drilling.unkept(scratch, app),
                PLAIN: lambda: drilling.plain(scratch, app),
                ALIKE: lambda: drilling.alike(scratch, app),
                LABELLED: lambda: drilling.labelled(scratch, app),
            }
            return {name: await _tried(drills[name]) for name in drills if name in only}
    except Exception as error:  # whatever keeps the store from coming back, it did not come back
        return dict.fromkeys(only, Drill(False, getattr(error, "code", type(error).__name__)))


async def _tried(drill: Callable[[], Awaitable[Drill]]) -> Drill:
    """What came of a drill; one that breaks has failed."""
    try:
        return await drill()
    except Exception as error:  # whatever breaks in a drill, it was not done
        return Drill(False, getattr(error, "code", type(error).__name__))


@asynccontextmanager
async def _scratch(house: House, front: Front) -> AsyncIterator[tuple[House, App, Mapping[str, int]]]:
    """A house of the same settings on a restored copy of the store; gone afterwards."""
    data, now = house.options.data, int(time.time())
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=_own(), dir=data))
    try:
        made, held = folder / "backup.db", folder / "data"
        url = house.settings.store.url
        manifest = await asyncio.to_thread(backup.backup, url, data, made, now)
        await asyncio.to_thread(backup.restore, "sqlite", held, made, now)
        await asyncio.to_thread(made.unlink)
        await asyncio.to_thread(_keys, data / "keys", held / "keys")
        scratch = House.open(_options(house, held), house.every, checked=False)
        scratch.live.clock = Hands(_AHEAD_S)
        try:
            app, close = front(scratch)
            try:
                yield scratch, app, manifest.counts
            finally:
                await asyncio.to_thread(close)
        finally:
            await scratch.close()
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        await asyncio.to_thread(memory.give_back)  # a second house is the most that this process ever holds


def _keys(own: Path, copy: Path) -> None:
    """Copy the secrets by which bans and words are known again. Keys of persons are not among them, so that nobody who
    is erased meanwhile is kept by a copy, nor is the key that signs evidence."""
    make_private(copy)
    names = [f"{name}.key" for name in NAMES if name != "signing"]
    for name in [*names, *(one.name for one in own.glob("pepper-*.past"))]:
        shutil.copyfile(own / name, copy / name)
        (copy / name).chmod(0o600)


def _options(house: House, data: Path) -> Options:
    """The settings of a house, without anybody outside: no model, no guard, no witness."""
    bare: tuple[tuple[str, object], ...] = (
        ("store.url", "sqlite"),
        ("evidence.ledger", "file"),
        ("evidence.witness", ()),
        ("serve.workers", 1),
        ("mode", "development"),
        ("upstream", ()),
        ("guard", ()),
    )
    own = house.options
    return Options(data, own.config, own.lists, (KEY,), own.setting, (*own.overlay, *bare))


async def _restored(scratch: House, counted: Mapping[str, int]) -> Drill:
    """Whether each table of the copy has the rows that the backup counted."""
    file = scratch.options.data.parent / "again.db"
    again = await asyncio.to_thread(backup.backup, "sqlite", scratch.options.data, file, int(time.time()))
    more = {"change", "version", "account"}  # the restore itself is entered, and the key's account
    lost = [name for name, count in counted.items() if again.counts.get(name, -1) < count]
    lost += [name for name, count in counted.items() if name not in more and again.counts.get(name) != count]
    return Drill(not lost, ",".join(lost))


async def _answered(scratch: House, app: App) -> Drill:
    """Whether somebody who complains is answered on the page of their complaint."""
    place, number = await _complained(app)
    if not number:
        return Drill(False, "not_taken")
    await asyncio.to_thread(_decide, scratch, number, ())
    shown = await ask(app, "GET", place)
    said = _SAID in shown.text
    return Drill(shown.status == 200 and said, "" if said else "no_letter")


async def _held(scratch: House, app: App) -> Drill:
    """Whether a decision stops a text in the answers that follow."""
    if not await says(scratch, app, _BANNED):
        return Drill(False, "not_said_before")
    _, number = await _complained(app)
    if not number:
        return Drill(False, "not_taken")
    await asyncio.to_thread(_decide, scratch, number, (BanText(text=_BANNED, category="A.4c"),))
    await take_up(scratch)
    came = await says(scratch, app, _BANNED)
    return Drill(not came, "came_again" if came else "")


async def _erased(scratch: House) -> Drill:
    """Whether what was kept of somebody can be read before they are erased, and not afterwards."""
    return await asyncio.to_thread(_erase, scratch)


def _erase(scratch: House) -> Drill:
    store, now = scratch.store, int(scratch.live.clock())
    keys = DayKeys(scratch.options.data / "keys")
    account, person = accounts.create_account(store, "drill", now).id, "d" * 32
    identity = Identity(person, "phone", "drill", now, now + 3600, "")
    persons.remember(store, account, identity, now)
    id = vault.put(store, keys, (account, person), "drill", b"drill", (now, now + 3600))
    if vault.read(store, keys, (account, person), id, now) != b"drill":
        return Drill(False, "not_kept")
    rights.erase(store, keys, (account, person), now)
    try:
        vault.read(store, keys, (account, person), id, now)
    except GuijuError:
        return Drill(persons.verdict_of(store, account, person) is None, "")
    return Drill(False, "still_read")


def _decide(scratch: House, number: str, remedies: tuple[BanText, ...]) -> None:
    """Decide about a complaint, and let out what a decision sets going."""
    of = deskwork.books(scratch)
    desk = deskwork.desk_of(of, scratch.live.clock)
    desk.lease(number, _BY)
    ground = Ground(kind="law", article="GAI-2023 art.13", text_zh=_SAID, text_en="A drill.")
    found = Found(outcome="upheld", ground=ground, facts=_SAID)
    deciding = deskwork.decisions(of, desk)
    deciding.decide(number, Decision(found=found, remedies=remedies), _BY)
    assert isinstance(scratch.live.clock, Hands)
    scratch.live.clock.later += _LATER_S
    while deciding.settle():
        pass


async def _complained(app: App) -> tuple[str, str]:
    """Complain as somebody does: the address of the receipt and its number, both empty where it was not taken."""
    shown = await ask(app, "GET", "/complain/other")
    token = re.search(r'name="token" value="([^"]+)"', shown.text)
    fields = {"note": "演练：请答复。", "token": token[1] if token else ""}
    came = await ask(app, "POST", "/complain/other", urlencode(fields).encode(), _FORM)
    place = came.headers.get("location", "")
    number = urlsplit(place).path.rpartition("/")[2]
    return (place, number) if came.status == 303 and "key" in parse_qs(urlsplit(place).query) else ("", "")


_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}

# SPDX-License-Identifier: Apache-2.0
"""What changes while a process serves (DESIGN §10): keys and lists of the store, and guiju.toml on `guiju reload`.

New matchers are built in a thread and swapped; exchanges under way keep what they began with. Every change is
evidence; one that weakens waits in production until its delay is over (`people.mode = "single"`).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import Counter
from pathlib import Path

import msgspec

from guiju import composition
from guiju.config import Serve, Settings
from guiju.errors import ConfigError, GuijuError
from guiju.evaluating import admit, ungated, unknown
from guiju.gateway.metrics import Counts
from guiju.house import House, check_production
from guiju.house import recording as recorded
from guiju.likenesses import COUNTERS
from guiju.records import (
    bans,
    changes,
    choices,
    confidential,
    jobs,
    lexicons,
    policies,
    retention,
    rights,
    rumours,
    standing,
    works,
)
from guiju.records.daykeys import DayKeys
from guiju.records.steady import Steady
from guiju.records.usage import EVERY_S
from guiju.weakening import weakenings
from guiju.workers import Seat, outcome_file, put

log = logging.getLogger("guiju.renewal")
SETTINGS = "settings"
_POLL_S = 1.0
_CANARY_S = 60.0
_TEND_S = 10.0
_SWEEP_S = 3600.0


async def watch(house: House, base: str) -> None:
    """Let the canary sing at once and every minute, and take up what changed.

    Args:
        house: the open house.
        base: its own address.
    """
    loop = asyncio.get_running_loop()
    due = counted = tended = swept = 0.0
    steady = Steady()
    while True:
        doubted = steady.look(house.live.clock(), loop.time())
        if loop.time() >= due and not house.draining:  # who is told to stop does not ask at their own door any more
            due = loop.time() + (_CANARY_S if await house.sing(base) else _POLL_S)
        if loop.time() >= tended and house.live.guards.failing:
            tended = loop.time() + _TEND_S
            house.start(house.live.guards.tend(house.live.clock()))
        try:
            await take_up(house)
            house.live.metrics.counts.set("guiju_store_up", to=1)
            if loop.time() >= counted:
                counted = loop.time() + EVERY_S
                await house.live.tally.settle(house.store, time.time())
                await house.live.hits.settle(house.store, time.time())
                await house.live.uses.settle(house.live.clock())
                await _count_trial(house)
            if house.leads and loop.time() >= swept:
                swept = loop.time() + _SWEEP_S
                await sweep(house, doubted=doubted)
            if await asyncio.to_thread(_ripe, house):
                await reload(house, base)
        except GuijuError as error:
            if error.code == "store_unavailable":
                house.live.metrics.counts.set("guiju_store_up", to=0)
            log.error("store_not_read", extra={"code": error.code})
        await asyncio.sleep(_POLL_S)


async def sweep(house: House, *, doubted: bool) -> None:
    """Delete what is due; what went is written into the ledger.

    Args:
        house: the open house.
        doubted: whether the wall clock has jumped, so that nothing is deleted by it for now.
    """
    if doubted:
        log.error("clock_doubted")
        return
    now, keys = int(house.live.clock()), DayKeys(house.options.data / "keys")
    await asyncio.to_thread(keys.sweep, house.store)
    await asyncio.to_thread(jobs.sweep, house.store, now)
    if gone := await asyncio.to_thread(retention.sweep, house.store, keys, now):
        house.live.books.change({"kind": "retention", "deleted": gone, "at": now})


async def _count_trial(house: House) -> None:
    """Write down what a policy that is only tried would have done since the last time."""
    if house.live.policy.tried is None:
        return
    shadow = house.live.policy.tried[1]
    counts, shadow.counts = shadow.counts, {}
    try:
        await asyncio.to_thread(policies.count, house.store, shadow.number, counts)
    except GuijuError:
        for at, findings in counts.items():
            shadow.counts[at] = shadow.counts.get(at, 0) + findings
        raise


async def share(house: House, seat: Seat) -> None:
    """Write down each second what this worker counted, and let `/metrics` add what the others did."""
    metrics, data = house.live.metrics, house.options.data
    if (before := _counted(seat.counts(data))) is not None:  # of a worker that sat here before
        before.gauges.clear()
        metrics.counts.add(before)
    others = [seat.counts(data, number) for number in range(seat.of) if number != seat.number]
    metrics.others = lambda: [counts for path in others if (counts := _counted(path)) is not None]
    while True:
        metrics.look()
        put(seat.counts(data), msgspec.structs.replace(metrics.counts, at=time.time()))
        await asyncio.sleep(_POLL_S)


def _counted(path: Path) -> Counts | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Counts)
    except (OSError, msgspec.DecodeError):
        return None


async def take_up(house: House) -> None:
    """Read again what other processes changed in the store: keys within a second or two, lists once they are built;
    and lists on a new day, on which entries may have expired.

    Raises:
        OutsideError: `store_unavailable`; what is in force stays.
    """
    live, store = house.live, house.store
    # First of all, so that a store that is down is noticed here: a key made since is then 503, never 401.
    await asyncio.to_thread(live.keyring.refresh, store)
    house.ledger.sign_with(house.secrets.signing)  # the keyring took up what was rotated
    await asyncio.to_thread(live.consents.refresh, store)
    if house.leads:
        for kind in (lexicons, policies, bans, works, rumours, confidential):
            await asyncio.to_thread(kind.settle, store, int(time.time()))
    now = await asyncio.to_thread(store.versions)
    if _changed(house, now) or house.day != composition.today():
        policy = await asyncio.to_thread(house.policy, live.settings)
        if policy.versions != live.policy.versions:
            live.policy = policy
    await asyncio.to_thread(live.standings.take_up, now.get(standing.COUNTER, 0), live.clock())
    if now.get(rights.COUNTER) != house.seen.get(rights.COUNTER):
        house.known.clear()  # who comes back after an erasure is kept anew
        await live.uses.erased()
        live.choices.clear()
    elif now.get(choices.COUNTER) != house.seen.get(choices.COUNTER):
        live.choices.clear()
    house.seen = now
    for change in await asyncio.to_thread(changes.without_evidence, store) if house.leads else ():
        place = await live.books.durable(live.books.change(msgspec.structs.asdict(change)))
        await asyncio.to_thread(changes.note_evidence, store, change.id, place.where)


def _changed(house: House, now: dict[str, int]) -> bool:
    """Whether something that is looked for changed in the store, or a ban has ended by itself."""
    read = {policies.COUNTER, *COUNTERS} | (set() if house.options.lists else {lexicons.COUNTER})
    lapses = house.likenesses.lapses if house.likenesses else 0
    return any(now.get(name) != house.seen.get(name) for name in read) or 0 < lapses <= house.clock()


async def reload(house: House, base: str) -> None:
    """Read guiju.toml again; swap when it parses, may act by now, and the canary is stopped; else keep the old.

    What came of it is written to DATA/reload.json.
    """
    outcome: dict[str, object] = {"ok": True, "what": ""}
    try:
        await _swap(house, base)
    except GuijuError as error:
        outcome = {"ok": False, "what": str(error), "zh": f"{error.code}：{error.sentence('zh')}{error.advice('zh')}"}
    data, seat = house.options.data, house.options.seat
    put(
        seat.outcome(data) if seat else data / outcome_file(house.options.only),
        {**outcome, "at": int(time.time() * 1000)},
    )


async def _swap(house: House, base: str) -> None:
    live = house.live
    settings = house.options.settings()
    check_production(settings)
    if changed := await asyncio.to_thread(ungated, house.store, live.settings, settings):
        raise ConfigError("not_released", what=", ".join(changed))
    if fixed := [
        name for name in ("serve", "store", "mode") if getattr(settings, name) != getattr(live.settings, name)
    ]:
        raise ConfigError("config_invalid", what=", ".join(fixed), hint="guiju serve")
    await asyncio.to_thread(enter, house, live.settings, settings)
    policy = await asyncio.to_thread(house.policy, settings)
    guards, ladder = house.guards(settings, live.metrics), composition.ladder(settings)
    notices = composition.notices(settings)
    if missing := composition.unstated(settings):
        raise ConfigError("not_ready_for_production", what=", ".join(missing))
    upstreams = house.upstreams(settings)
    signatures = await asyncio.to_thread(house.signatures, settings)
    recording = await asyncio.to_thread(recorded, settings)
    faces = house.faces(settings)
    await upstreams.open()
    await guards.open()
    old = (live.settings, live.policy, live.upstreams, live.assertions, live.guards)
    old_files = (live.signatures, live.recording, live.faces)
    live.settings, live.policy, live.upstreams, live.guards = settings, policy, upstreams, guards
    live.assertions, live.signatures, live.recording = house.assertions(settings), signatures, recording
    live.faces = faces
    if await house.sing(base):
        live.ladder, live.notices = ladder, notices
        await asyncio.to_thread(admit, house.store, settings, "guiju.toml", int(time.time()))
        house.start(old[2].retire())
        house.start(old[4].retire(settings.limits.upstream_whole_s))
    else:
        house.start(upstreams.retire())
        await guards.close()
        live.settings, live.policy, live.upstreams, live.assertions, live.guards = old
        live.signatures, live.recording, live.faces = old_files
        live.guards.listed()
        await house.sing(base)
        raise ConfigError("config_invalid", what="canary", hint="guiju doctor")


def enter(house: House, old: Settings, new: Settings) -> None:
    """Enter a change of settings into the book of changes.

    Raises:
        ConfigError: `change_waits`; it weakens and its time has not come.
    """
    before, after, now = digest(old), digest(new), int(time.time())
    if before == after or _accepted(house) == after:  # another worker, or another machine, had it accepted
        return
    names = weakenings(old, new)
    waiting = [
        one for one in changes.history(house.store, SETTINGS) if one.state == "pending" and one.after_hash == after
    ]
    if waiting and waiting[0].effective_at <= now:
        house.store.do(lambda connection: changes.finish(connection, waiting[0].id))
        return
    if not waiting:
        terms = changes.Terms(weakens=bool(names), by="guiju.toml", now=now, delay=changes.delay_s(old))
        subject = changes.Subject(SETTINGS, "guiju.toml", 0)
        waiting = [house.store.do(lambda connection: changes.enter(connection, subject, (before, after), terms))]
    if waiting[0].state == "pending":
        until = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(waiting[0].effective_at))
        raise ConfigError("change_waits", what=", ".join(names), until=until)


def _ripe(house: House) -> bool:
    """Whether a change of settings that had to wait may act now, or another process has let one act."""
    with house.store.read() as connection:
        if changes.due(connection, SETTINGS, int(time.time())):
            return True
    accepted = _accepted(house)
    return accepted != digest(house.live.settings) and accepted == digest(house.options.settings())


def _accepted(house: House) -> str:
    """The digest of the settings that the book of changes let act last; `""` when it knows none. Where several acted in
    one second it is the one that no other of them began with."""
    done = [one for one in changes.history(house.store, SETTINGS) if one.state == "done"]
    newest = max((one.effective_at for one in done), default=0)
    last = [one for one in done if one.effective_at == newest]
    left = Counter(one.after_hash for one in last) - Counter(one.before_hash for one in last)
    return next(iter(left), last[0].after_hash if last else "")


def started(house: House) -> None:
    """Enter settings and models that are not those of the last run: an edit between two is found at the next start.

    Raises:
        ConfigError: `not_released`; a model was changed that must pass a gate first.
    """
    if changed := unknown(house.store, house.live.settings):
        raise ConfigError("not_released", what=", ".join(changed))
    if not house.first:
        return
    admit(house.store, house.live.settings, "start", int(time.time()))
    now = digest(house.live.settings)
    known = _accepted(house)
    if known == now:
        return
    terms = changes.Terms(weakens=False, by="start", now=int(time.time()), delay=0)
    subject = changes.Subject(SETTINGS, "guiju.toml", 0)
    house.store.do(lambda c: changes.enter(c, subject, (known, now), terms))


def digest(settings: Settings) -> str:
    """SHA-256 of settings, addresses left out."""
    bare = msgspec.structs.replace(settings, serve=Serve(), upstream=())
    return hashlib.sha256(msgspec.json.encode(bare)).hexdigest()

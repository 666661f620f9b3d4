# SPDX-License-Identifier: Apache-2.0
"""The asking engine: asks what a run has left, some at once and no faster than agreed, until every row has come to
something (Articles 4, 6, 12, 15).

What was answered is on disk before the next question is taken, so a run that was killed goes on where it stopped and
asks nothing again that was answered. What fails is tried again a few times, later each time, and then stays failed: a
failure is a result of its own and never counts as an answer.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from secrets import token_hex
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Connection

from guiju.config import Limits
from guiju.errors import GuijuError
from guiju.probe.targets import Asker, Target, again
from guiju.records import runs
from guiju.records.db import Store
from guiju.records.runs import Answer, Leased, Plan, Progress, Question, Run
from guiju.records.sealed import Box, Boxes

T = TypeVar("T")
_BEAT_S: Final = 5.0
_GATHER_S: Final = 0.02
_LONGEST_S: Final = 60.0
KEPT_S: Final = 183 * 86_400
"""Questions and answers go half a year after the run, and with the run's key they are gone at once."""


class Pace(msgspec.Struct, frozen=True):
    """How fast.

    Attributes:
        per_minute: questions begun in a minute, at most; 0 for no limit.
        at_once: how many are under way together.
        attempts: how often one that fails is asked.
        first_wait_s: before the second attempt; twice as long before each further one.
    """

    per_minute: int = 120
    at_once: int = 4
    attempts: int = 3
    first_wait_s: float = 1.0


def begin(store: Store, boxes: Boxes, plan: Plan, questions: Sequence[Question]) -> Run:
    """Write down a run and its questions; `ask` asks them.

    Raises:
        ConfigError: nothing to ask, or an id twice.
        OutsideError: `store_unavailable`.
    """
    id = runs.new_id()
    return runs.begin(store, id, boxes.make(f"run {id}", plan.now, plan.now + KEPT_S), plan, questions)


def forget(store: Store, boxes: Boxes, now: int) -> int:
    """Let go of questions and answers of runs that were over half a year ago; returns of how many.

    Raises:
        OutsideError: `store_unavailable`; what is left goes the next time.
    """
    gone = runs.old(store, now - KEPT_S)
    for run in gone:
        boxes.destroy(run.name, now)
        runs.forget(store, run.id)
    return len(gone)


async def ask(
    store: Store,
    box: Box,
    run: Run,
    target: Target,
    pace: Pace = Pace(),  # noqa: B008 # a frozen struct
    limits: Limits = Limits(),  # noqa: B008 # a frozen struct
    told: Callable[[Answer], object] | None = None,
) -> Progress:
    """Ask all that a run has left. Several processes may work on one run: each row is leased by one of them.

    Args:
        store: the store.
        box: the run's key.
        run: from `begin`, or one that was begun before.
        target: whom.
        pace: how fast.
        limits: deadlines of one question.
        told: hears of each row that came to something here.

    Returns:
        How the whole run stands; it is over.

    Raises:
        OutsideError: `store_unavailable`; call again to go on.
    """
    asker = Asker(target, limits)
    await asker.open()
    work = _Work(store, box, run, asker, pace, told or (lambda _: None))
    beat = asyncio.create_task(work.beat())
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(2 * pace.at_once):  # while some write down what they heard, others ask
                group.create_task(work.go())
    except* GuijuError as several:
        raise several.exceptions[0] from None
    finally:
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)
        await asyncio.shield(work.release())
        await asker.close()
    await asyncio.to_thread(runs.end, store, run.id, "done", int(time.time()))
    return await asyncio.to_thread(runs.progress, store, run.id)


class _Work:
    """One process's work on one run."""

    def __init__(
        self, store: Store, box: Box, run: Run, asker: Asker, pace: Pace, told: Callable[[Answer], object]
    ) -> None:
        self._store, self._box, self._run = store, box, run
        self._asker, self._pace, self._told = asker, pace, told
        self._owner = token_hex(16)
        self._mine: deque[Leased] = deque()
        self._taking = asyncio.Lock()
        self._asking = asyncio.Semaphore(pace.at_once)
        self._moved = asyncio.Event()
        self._heard: dict[int, tuple[int, Answer]] = {}
        self._writing: asyncio.Task[set[int]] | None = None
        self._slot = 0.0

    async def go(self) -> None:
        """Ask one after the other until nothing is left."""
        while (row := await self._next()) is not None:
            question = runs.opened_question(self._box, row.position, row.sealed)
            async with self._asking:
                await self._paced()
                answer = await self._asker.ask(question, self._run.manner)
            if again(answer) and row.attempts + 1 < self._pace.attempts:
                await self._later(row, answer)
                continue
            if await self._settle(row.position, answer):
                self._told(answer)

    async def beat(self) -> None:
        """Keep the rows that are leased here."""
        while True:
            await asyncio.sleep(_BEAT_S)
            await self._write(lambda c: runs.renew(c, self._run.id, self._owner, _now() + runs.LEASE_MS))

    async def release(self) -> None:
        """Give back what was leased and not asked, so that whoever goes on need not wait."""
        await self._write(lambda c: runs.renew(c, self._run.id, self._owner, 0))

    async def _next(self) -> Leased | None:
        """The next row; none when every row has come to something. Rows that are another process's are waited for."""
        async with self._taking:
            while not self._mine:
                self._mine.extend(await self._write(self._claim))
                if self._mine:
                    break
                self._moved.clear()
                left, soonest = await asyncio.to_thread(runs.waits, self._store, self._run.id)
                if not left:
                    return None
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._moved.wait(), min(max(soonest - _now(), 10) / 1000, 1.0))
            return self._mine.popleft()

    def _claim(self, connection: Connection) -> list[Leased]:
        return runs.claim(connection, self._run.id, self._owner, 2 * self._pace.at_once, _now())

    async def _paced(self) -> None:
        """Wait for one's turn."""
        if not self._pace.per_minute:
            return
        loop = asyncio.get_running_loop()
        self._slot = max(loop.time(), self._slot) + 60 / self._pace.per_minute
        await asyncio.sleep(self._slot - 60 / self._pace.per_minute - loop.time())

    async def _settle(self, position: int, answer: Answer) -> bool:
        """Write down what came of a row, together with others that came in the same moment: one sync pays for all."""
        self._heard[position] = _now(), answer
        if self._writing is None:
            self._writing = asyncio.create_task(self._settled())
        return position in await asyncio.shield(self._writing)

    async def _settled(self) -> set[int]:
        await asyncio.sleep(_GATHER_S)
        heard, self._heard, self._writing = self._heard, {}, None
        run, box = self._run.id, self._box

        def work(connection: Connection) -> set[int]:
            return {at for at, (now, said) in heard.items() if runs.settle(connection, box, run, (at, now), said)}

        written = await self._write(work)
        self._moved.set()
        return written

    async def _later(self, row: Leased, answer: Answer) -> None:
        """Leave a row for another attempt; where the service is overloaded, everything waits."""
        wait = min(self._pace.first_wait_s * 2**row.attempts, _LONGEST_S)
        if answer.error == "overloaded":
            self._slot = max(self._slot, asyncio.get_running_loop().time() + wait)
        until = _now() + round(1000 * wait)
        await self._write(lambda c: runs.postpone(c, self._run.id, row.position, answer.error, until))
        self._moved.set()

    async def _write(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.wrap_future(self._store.write(work))


def _now() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000

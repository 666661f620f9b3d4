# SPDX-License-Identifier: Apache-2.0
"""Where guard models are asked: about a request, and about a reply before anything of it goes out (Articles 4 and 15).

What one of them said of a text of a request is remembered under a keyed digest; the text is not. Findings never hold
content. A guard that gives no answer leaves a finding that says so: nothing that went unanswered reads as passed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import perf_counter
from typing import Final

import msgspec
from msgspec import structs

from guiju.adapters.guards.asking import Guard, UnaskedError
from guiju.adapters.guards.labels import Side
from guiju.adapters.guards.portions import border
from guiju.adapters.party import outside
from guiju.controls.guards import UNANSWERED
from guiju.controls.hearing import hear
from guiju.detect.words import Passage, passages
from guiju.gateway.metrics import Counts
from guiju.gateway.screen import Grading
from guiju.gateway.shown import shown
from guiju.gateway.wire.chat_reply import Piece
from guiju.gateway.wire.protocol import Call
from guiju.terms import Control, Finding, Hearing, Severity, Text

_SHORT: Final = 40
"""Characters below which texts of a request are looked at together."""
_PACK: Final = 2000
_LONG: Final = 400
"""Characters of a reply after which a sentence counts as ended for a guard."""
_CONTEXT: Final = 1000
"""Characters of a reply that a guard sees again with each sentence, and of the question that it answers."""
_KEPT: Final = 8192


class Outcome(msgspec.Struct):
    """What guards said.

    Attributes:
        findings: what they found, and for each that gave no answer a finding that says so.
        degraded: ids of those that gave none and without which the service goes on.
    """

    findings: list[Finding] = []
    degraded: list[str] = []


class Part(msgspec.Struct, frozen=True):
    """A text that guards are asked about.

    Attributes:
        place: puts a finding's field and offsets in terms of the leaves that the text was made of.
    """

    text: str
    place: Callable[[Finding], Finding]


class Guards:
    """All guard models of one process.

    Args:
        every: they themselves.
        counts: where what they did is counted.
    """

    def __init__(self, every: Sequence[Guard] = (), counts: Counts | None = None) -> None:
        self.every = tuple(every)
        self.counts = counts or Counts()
        self._key = os.urandom(32)
        self._known: OrderedDict[bytes, tuple[Finding, ...]] = OrderedDict()

    def of(self, side: Side) -> tuple[Guard, ...]:
        """Those that are asked on one side."""
        return tuple(guard for guard in self.every if guard.settings.side in (side, "both"))

    @property
    def whole(self) -> bool:
        """Whether one of them must see a reply as a whole."""
        return any(guard.settings.reach == "whole" for guard in self.of("reply"))

    async def open(self) -> None:
        """Open every pool."""
        self.listed()
        for guard in self.every:
            await guard.open()

    def listed(self) -> None:
        """Tell the counts which guards there are."""
        self.counts.known("guiju_guard_down", {guard.id: 0 for guard in self.every})

    async def retire(self, after_s: float) -> None:
        """Close every pool once no exchange can be left that began with it; at once when cancelled.

        Args:
            after_s: the longest that an exchange may take.
        """
        try:
            await asyncio.sleep(after_s)
        finally:
            await self.close()

    async def close(self) -> None:
        """Close every pool."""
        for guard in self.every:
            await guard.close()

    async def tend(self, now: float) -> None:
        """Ask those that gave no answer whether they do again, so that a service that stopped for them goes on."""
        for guard in self.every:
            if guard.failing_since:
                with suppress(UnaskedError):  # it stays as it is
                    await guard.ping(now)
            self._note(guard, now)

    @property
    def failing(self) -> bool:
        """Whether one of them gave no answer when it was asked last."""
        return any(guard.failing_since for guard in self.every)

    def states(self, now: float) -> dict[str, str]:
        """Guard → `up`, `degraded` or `closed`."""
        return {guard.id: guard.state(now) for guard in self.every}

    # ------------------------------------------------------------------ asking
    async def asked(self, texts: Sequence[Text], now: float, *, strict: bool) -> Outcome:
        """Ask about the texts of a request, each text once.

        Args:
            texts: its leaves.
            now: Unix seconds.
            strict: nothing goes on without an answer, whatever the settings say: minors' apps (robustness §6).
        """
        return await self._ask("request", _parts(texts), "", now, strict)

    async def answered(self, parts: Sequence[Part], prompt: str, now: float, *, strict: bool) -> Outcome:
        """Ask about texts of a reply.

        Args:
            parts: what may go out if nobody objects.
            prompt: what the reply answers.
            now: Unix seconds.
            strict: see `asked`.
        """
        return await self._ask("reply", parts, prompt[-_CONTEXT:], now, strict)

    async def _ask(self, side: Side, parts: Sequence[Part], prompt: str, now: float, strict: bool) -> Outcome:
        made = Outcome()
        if not parts:
            return made
        work = [asyncio.ensure_future(self._one(guard, side, parts, prompt, now, made)) for guard in self.of(side)]
        try:
            await asyncio.gather(*work)
        except BaseException:  # the caller left, or one failed inside: nobody waits for the others
            for one in work:
                one.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            raise
        if strict and made.degraded:
            made.findings = [_closed(one) if one.category == UNANSWERED else one for one in made.findings]
            made.degraded.clear()
        return made

    async def _one(
        self, guard: Guard, side: Side, parts: Sequence[Part], prompt: str, now: float, made: Outcome
    ) -> None:
        """Ask one guard about what it did not say before, and remember what it says."""
        marks = [self._mark(guard, part.text) for part in parts] if side == "request" else []
        said = {at: self._known[at] for at in marks if at in self._known}
        new = [i for i in range(len(parts)) if not marks or marks[i] not in said]
        found: list[list[Finding]] = []
        if new:
            began = perf_counter()
            try:
                found = await _told(guard, [parts[i].text for i in new], side, prompt, now)
            except UnaskedError as error:
                self._silent(guard, error, now, made)
                return
            finally:
                self.counts.count("guiju_guard_seconds_total", guard.id, by=perf_counter() - began)
        self._note(guard, now)
        self.counts.guard(guard.id, "found" if any(found) or any(said.values()) else "clear")
        for i, part in enumerate(parts):
            what = tuple(found[new.index(i)]) if i in new else said[marks[i]]
            made.findings += [part.place(one) for one in what]
            if marks:
                self._keep(marks[i], what)

    def _silent(self, guard: Guard, error: UnaskedError, now: float, made: Outcome) -> None:
        """Note that a guard gave no answer. One that answers in another language than its own, as a text might make
        it do, stops that text whatever the settings say."""
        self._note(guard, now)
        self.counts.guard(guard.id, error.why)
        state = guard.state(now)
        stops = error.why == "shape" or state == "closed" or guard.settings.on_failure == "closed"
        severity: Severity = "block" if stops else "signal"
        if not stops:
            made.degraded.append(guard.id)
        made.findings.append(Finding(f"guard.{guard.id}", UNANSWERED, severity, error.why, "", 0, 0, "raw"))

    def _note(self, guard: Guard, now: float) -> None:
        self.counts.set("guiju_guard_down", guard.id, to=guard.state(now) != "up")

    def _mark(self, guard: Guard, text: str) -> bytes:
        mark = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16)
        mark.update(f"\0{guard.id}".encode())
        return mark.digest()

    def _keep(self, at: bytes, what: tuple[Finding, ...]) -> None:
        self._known[at] = what
        self._known.move_to_end(at)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)


async def _told(guard: Guard, texts: Sequence[str], side: Side, prompt: str, now: float) -> list[list[Finding]]:
    """What a guard says of texts. A third party's sees no personal data in them (Article 11).

    Raises:
        UnaskedError: it gives no answer.
    """
    if not outside(guard.settings.url, guard.settings.party):
        return await guard.ask(texts, side, prompt, now)
    seen = await shown((*texts, prompt))
    *rest, asked = seen.texts
    return [seen.back(i, found) for i, found in enumerate(await guard.ask(rest, side, asked, now))]


def _closed(silence: Finding) -> Finding:
    return structs.replace(silence, severity="block")


def _parts(texts: Sequence[Text]) -> list[Part]:
    """What a request's leaves are as texts: each passage one, but the short ones and those beside put together."""
    made: list[Part] = []
    pack: list[Passage] = []

    def end() -> None:
        if pack:
            field = pack[0].fields[0]
            made.append(
                Part("\n".join(p.text for p in pack), lambda f: structs.replace(f, field=field, start=0, end=0))
            )
            pack.clear()

    for passage in passages(texts):
        if not passage.text.strip():
            continue
        if not passage.aside and len(passage.text) >= _SHORT:
            made.append(Part(passage.text, passage.place))
            continue
        if sum(len(p.text) for p in pack) + len(passage.text) > _PACK:
            end()
        pack.append(passage)
    end()
    return made


def prompt_of(texts: Sequence[Text]) -> str:
    """What a reply answers: the last passage that is said, not beside it."""
    said = [passage.text for passage in passages(texts) if not passage.aside and passage.text.strip()]
    return said[-1] if said else ""


_Key = tuple[int, int, str]


class Gate:
    """Holds what the screens of a reply let go of until every guard has answered about it.

    A piece goes out with the end of its sentence, or with the end of the reply where a guard must see all of it or
    gave no answer on the way; arguments of a tool call only then.

    Args:
        guards: those of the process.
        controls: decide on what they say.
        graded: what findings mean by the policy in force.
        prompt: what the reply answers.
        clock: Unix seconds.
        strict: see `Guards.asked`.

    Attributes:
        hearings: what was decided; one that stops, or the one at the end.
        degraded: guards that gave no answer and without which the reply went on.
    """

    def __init__(
        self,
        guards: Guards,
        controls: Sequence[Control[Text]],
        graded: Grading,
        prompt: str,
        clock: Callable[[], float],
        *,
        strict: bool,
    ) -> None:
        self._strict = strict
        self._graded = graded
        self._guards = guards
        self._controls = controls
        self._prompt = prompt
        self._clock = clock
        self._whole = guards.whole
        self._held: dict[_Key, list[Piece | Call]] = {}
        self._before: dict[_Key, str] = {}
        self._passed: dict[_Key, int] = {}
        self._findings: list[Finding] = []
        self._looked = False
        self.hearings: list[Hearing] = []
        self.degraded: list[str] = []

    async def take(self, pieces: Sequence[Piece | Call], last: bool = False) -> list[Piece | Call]:
        """Take what a screen let go of; returns what may go out now, nothing after a stop.

        Args:
            pieces: in their order.
            last: nothing follows.
        """
        for piece in pieces:
            self._held.setdefault(_key(piece), []).append(piece)
        due = {at: size for at, held in self._held.items() if (size := self._due(at, held, last))}
        if not due:
            return self._ended([]) if last else []
        parts = [part for at, size in due.items() if (part := self._part(at, size))]
        outcome = await self._guards.answered(parts, self._prompt, self._clock(), strict=self._strict)
        self._looked = self._looked or bool(parts)
        outcome.findings = self._graded(outcome.findings, "output")
        if any(one.severity == "block" for one in outcome.findings):
            hearing = hear(self._controls, Text("choices", ""), outcome.findings, "output")
            if hearing.stops:
                self.hearings.append(hearing)
                self._held.clear()
                return []
        if outcome.degraded and not last:
            self._whole = True  # stricter: asked again about the whole, before any more of it goes out
            return []
        self._findings += [one for one in outcome.findings if one not in self._findings]
        self.degraded += [one for one in outcome.degraded if one not in self.degraded]
        released = [piece for at, size in due.items() for piece in self._let_go(at, size)]
        return self._ended(released) if last else released

    def _ended(self, released: list[Piece | Call]) -> list[Piece | Call]:
        """Hear about the reply as a whole, once guards were asked about any of it."""
        if self._looked:
            hearing = hear(self._controls, Text("choices", ""), self._findings, "output")
            self.hearings.append(hearing)
            if hearing.stops:
                return []
        return released

    def _due(self, at: _Key, held: Sequence[Piece | Call], last: bool) -> int:
        """How many characters of what is held guards are asked about now; -1 for all of it."""
        if last:
            return -1 if held else 0
        if self._whole or at[2] == "arguments":
            return 0
        text = _text(held)
        return border(text) or (len(text) if len(text) >= _LONG else 0)

    def _part(self, at: _Key, size: int) -> Part | None:
        """What guards are asked about; nothing where nothing is said."""
        held = _text(self._held[at], named=True)
        text = held if size < 0 else held[:size]
        if not text.strip():
            return None
        before = self._before.get(at, "")
        begin = self._passed.get(at, 0) - len(before)
        field = f"choices[{at[0]}].{at[2]}"
        return Part(
            before + text, lambda f: structs.replace(f, field=field, start=max(0, begin + f.start), end=begin + f.end)
        )

    def _let_go(self, at: _Key, size: int) -> list[Piece | Call]:
        held = self._held[at]
        text = _text(held)
        gone = text if size < 0 else text[:size]
        self._before[at] = (self._before.get(at, "") + gone)[-_CONTEXT:]
        self._passed[at] = self._passed.get(at, 0) + len(gone)
        if size < 0:
            self._held[at] = []
            return held
        made: list[Piece | Call] = []
        left = size
        for i, piece in enumerate(held):
            assert isinstance(piece, Piece)  # a call is let go of with all of its arguments
            if len(piece.text) > left:
                if left:
                    made.append(structs.replace(piece, text=piece.text[:left]))
                self._held[at] = [structs.replace(piece, text=piece.text[left:]), *held[i + 1 :]]
                return made
            made.append(piece)
            left -= len(piece.text)
        self._held[at] = []
        return made


def _key(piece: Piece | Call) -> _Key:
    if isinstance(piece, Call):
        return piece.choice, piece.tool, "arguments"
    return piece.choice, piece.tool, piece.field


def _text(held: Sequence[Piece | Call], *, named: bool = False) -> str:
    """What is held; with the names of tool calls, when it is to be looked at."""
    return "".join((f"{piece.name}\n" if named else "") if isinstance(piece, Call) else piece.text for piece in held)

# SPDX-License-Identifier: Apache-2.0
"""One request through the whole house (DESIGN §4), step by step, with the articles beside the steps.

Nothing is released before its *opened* entry is on disk, and no last byte before its *closed* entry is.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable
from time import perf_counter
from typing import Any

from guiju.adapters.refusals import Refusal
from guiju.adapters.upstream import Address, ContentRefusedError, Method
from guiju.adapters.upstream import Reply as UpstreamReply
from guiju.adapters.upstreams import Service, Several
from guiju.controls.hearing import hear
from guiju.controls.upstream import SAID
from guiju.detect.personal.kinds import CATEGORIES
from guiju.detect.personal.masking import Masker, Placeholders
from guiju.detect.words import passages
from guiju.errors import GuijuError
from guiju.gateway import unlabelled
from guiju.gateway.asker import Asker
from guiju.gateway.grounded import sourced
from guiju.gateway.http import Head, Send
from guiju.gateway.live import CANARY_KEY, UNCOUNTED, Live, Policy
from guiju.gateway.looks import PAUSE_S
from guiju.gateway.reply import Reply
from guiju.gateway.timeline import MOST, Timeline
from guiju.gateway.wire.protocol import Questions, Speaks
from guiju.records.accounts import KeyRecord
from guiju.records.consents import Kept, Likeness
from guiju.records.record import End
from guiju.terms import LEVELS, Exchange, Finding, Hearing, IdentityLevel, Label, Text

NAMED = 64  # dropped fields that the books name at most: how many there are is up to the model service
LARGE = 65_536
"""Bytes of a request from which others are served between its steps."""


class RefusedError(Exception):
    """Carries a hearing that stops an exchange to the place where its answer is written."""

    def __init__(self, hearing: Hearing) -> None:
        super().__init__(hearing.control)
        self.hearing = hearing


class ObjectedError(RefusedError):
    """Guard models object to what was asked."""


def silent(hearing: Hearing) -> bool:
    """Whether it stops because a guard model that must answer did not: that is an error, not a refusal for content."""
    return (reason := hearing.decisive.reason) is not None and reason.code == "guard_unavailable"


def _objection(hearing: Hearing) -> RefusedError:
    return RefusedError(hearing) if silent(hearing) else ObjectedError(hearing)


class Run(ABC):
    """One exchange on its way; made anew for each request. What is asked of the model is up to the kinds of runs.

    Args:
        live: what this process serves with.
        head: the request's headers.
        key: the key that it came with.
        wire: the protocol that its client speaks.

    Attributes:
        reply: what is looked at of the answer; none where no text is answered.
        masked: what of the request was masked; none where nothing was.
        opened: ticket of the *opened* entry.
        tokens: what the model service says that it used; 0 where it does not say.
        degraded: guard models that gave no answer, and without which it goes on.
        asker: who asks.
        uploads: whether pictures or sound are asked, in which nobody can find personal data.
        form: the `Content-Type` of what goes upstream where it is not JSON.
        likenesses: what of a person is worked on.
        ingredients: labels that what is asked about carries.
        service: the name of the model service that answered; none where none has.
        alike: banned pictures among those that were sent.
        job: the film that it asks for, or fetches; none elsewhere.
        line: when what happened.
    """

    uploads = False
    form = ""
    likenesses: tuple[Likeness, ...] = ()
    ingredients = 0
    service = ""
    job = ""
    alike: tuple[Finding, ...] = ()

    def __init__(self, live: Live, head: Head, key: KeyRecord, wire: Speaks) -> None:
        self.live = live
        self.head = head
        self.wire = wire
        self.key = key
        self.counted, self.guarded = key.id not in UNCOUNTED, key.id != CANARY_KEY
        self.policy: Policy = live.policy
        self.guards = live.guards
        self.strict = key.audience == "minors"
        self.rulings = self.policy.held_to(key.audience, key.id)
        self.id = live.ids.new(int(live.clock() * 1000))
        self.line = Timeline(wire.name, self.id, head.trace)
        self.exchange: Exchange | None = None
        self.started = False
        self.out = live.books.released()
        self.asked: list[Hearing] = []
        self.heard: list[Hearing] = []
        self.reply: Reply | None = None
        self.found: list[Finding] = []
        self.dropped: set[str] = set()
        self.masked: Placeholders | None = None
        self.tokens = 0
        self.asker = Asker(live, head, key, counted=self.counted)
        self.opened: int | None = None
        self.closing = False
        self.degraded: list[str] = []
        self._guarding: asyncio.Task[Hearing] | None = None

    # ------------------------------------------------------------------ the steps
    async def run(self, body: bytes, send: Send) -> None:
        """Take one request body down the road.

        Raises:
            GuijuError: before anything was sent; afterwards errors are told inside the stream.
            RefusedError: a hearing stopped it before anything was sent.
        """
        # 1. The wire: parsed strictly once, encoded anew (Article 4; nothing unknown passes).
        asked = self.parsed(body)
        upstream, to = self.whom(asked)
        # 2. Who asks: account and key (5), real identity (9). Key and limits were seen to at the door.
        await self.asker.meet()
        asked = await self.seen(asked)
        exchange = self.exchange = self._exchange(asked, upstream)
        self.line.model = exchange.model
        pause = PAUSE_S if len(body) > LARGE else 0.0
        if pause:
            await asyncio.sleep(pause)
        person = exchange.identity.person if exchange.identity else ""
        canonical = self.wire.encode(asked, to, person)
        if pause:
            await asyncio.sleep(pause)
        # 3. The input: is a policy in force (4), is the person known (9), is the content allowed (4, 15)?
        hearing = await self._looked(asked, exchange)
        if hearing.stops:
            await self._refuse(exchange, canonical, hearing)
            await self.refused(asked, hearing, send)
            return
        # 6 begins here, since its verdict gates the first byte: who answers for it (5), is it labelled (16)?
        release = hear(self.policy.controls.release, exchange, (), "output")
        if release.stops:
            await self._refuse(exchange, canonical, release)
            raise RefusedError(release)
        self.heard.append(release)
        sent = await self._mask(asked, hearing)
        canonical = canonical if sent is asked else self.wire.encode(sent, to, person)
        if isinstance(upstream, Several):
            upstream.encode = lambda other: self.wire.encode(sent, other, person)
        # Guard models are asked before the model is, or beside it, and then before anything of its answer is read.
        try:
            heard = [hearing, *await self._guards(exchange, canonical)]
            self._open(asked, exchange, canonical, heard)
            # 4. The model. 5. The screen. 6. The label. 7. The books.
            await self.serve(asked, upstream, canonical, send)
        except ObjectedError as objected:
            await self.refused(asked, objected.hearing, send)
        finally:
            if self._guarding:
                self._guarding.cancel()

    def _open(self, asked: Questions, exchange: Exchange, canonical: bytes, heard: list[Hearing]) -> None:
        """Write the *opened* entry."""
        policy, version = self.policy, self.live.version
        versions = {"guiju": version, "lexicon": policy.lexicon, "policy": policy.rulings}
        if policy.detectors.version != version:
            versions["detectors"] = policy.detectors.version
        counts = self.masked.counts if self.masked else None
        self.opened = self.live.books.opened(
            exchange, asked.stream, canonical, heard, versions, self.degraded, counts, self.ingredients, self.job
        )

    def parsed(self, body: bytes) -> Any:
        """The request.

        Raises:
            CallerError: with the code that says which rule the body breaks.
        """
        return self.wire.parse(body, self.live.settings.gateway.fields, self.live.settings.limits)

    def whom(self, asked: Questions) -> tuple[Service, Address]:
        """Who is asked, and whom the request goes to.

        Raises:
            CallerError: nobody answers for that model.
        """
        return self.live.upstreams.find(asked.model, text=self.wire.text, path=self.wire.path)

    async def _looked(self, asked: Questions, exchange: Exchange) -> Hearing:
        """What is found in what is asked, and what is decided about it."""
        policy = self.policy
        began = perf_counter()
        self.found = await self.live.looks.find(policy.words, policy.detectors, "input", asked.texts, asked.name)
        self.found += self.alike
        graded = self.firm(asked, self.rulings.graded(self.found, "input"))
        hearing = hear(policy.controls.request, exchange, graded, "input")
        self.line.looked = began, perf_counter()
        self.asked.append(hearing)
        return hearing

    async def _mask(self, asked: Any, hearing: Hearing) -> Any:
        """What goes upstream: with placeholders for personal data where a control wants them masked (Article 11)."""
        verdicts = [verdict for _, verdict in hearing.verdicts if verdict.action == "mask"]
        kinds = {CATEGORIES[found.category].id for one in verdicts for found in one.findings}
        if not kinds:
            return asked
        self.masked = Placeholders(self.live.masks, self.key.account)
        texts = [passage.text for passage in passages(asked.texts)]
        if sum(map(len, texts)) > LARGE:  # not on the event loop
            by = await asyncio.to_thread(Masker, self.masked, kinds, texts)
            return await asyncio.to_thread(self.wire.masked, asked, by)
        return self.wire.masked(asked, Masker(self.masked, kinds, texts))

    # ------------------------------------------------------------------ guard models
    async def _guards(self, exchange: Exchange, canonical: bytes) -> list[Hearing]:
        """Ask guard models about what is asked; returns what was decided, if they are asked before the model.

        Raises:
            ObjectedError: one objects.
            RefusedError: one that must answer does not.
        """
        if not (self.guarded and self.policy.controls.guard_request):
            return []
        self._guarding = asyncio.ensure_future(self._guarded(exchange))
        if self.live.settings.gateway.guards == "beside":
            return []
        hearing = await self._guarding
        self._guarding = None
        self.asked.append(hearing)
        if hearing.stops:
            await self._refuse(exchange, canonical, hearing)
            raise _objection(hearing)
        return [hearing]

    async def _guarded(self, exchange: Exchange) -> Hearing:
        began = perf_counter()
        outcome = await self.guards.asked(exchange.texts, self.live.clock(), strict=self.strict)
        self.line.guarded = began, perf_counter()
        self.degraded += outcome.degraded
        findings = self.rulings.graded(outcome.findings, "input")
        return hear(self.policy.controls.guard_request, exchange, findings, "input")

    async def _model(
        self, upstream: Service, canonical: bytes, path: str = "", form: str = "", method: Method = "POST"
    ) -> UpstreamReply:
        """Ask the model. Where guard models are asked beside it, nothing of its answer is read before theirs; and one
        that objects ends the call.

        Raises:
            ObjectedError: one objects.
            RefusedError: one that must answer does not.
        """
        guarding, task = self._guarding, asyncio.current_task()
        if guarding is None:
            return self._answering(await self.line.asking(upstream, canonical, path, form, method))
        assert task is not None
        objects, asking = False, True

        def ended(guards: asyncio.Task[Hearing]) -> None:
            nonlocal objects
            # It may be on its way already when the model answers in the same turn: then nothing is left to cut short.
            if asking and not guards.cancelled() and not guards.exception() and guards.result().stops:
                objects = True
                task.cancel()

        guarding.add_done_callback(ended)
        try:
            source = await self.line.asking(upstream, canonical, path, form, method)
        except asyncio.CancelledError:
            if objects and task.uncancel() == 0:
                await self._objected(guarding.result())
            raise
        finally:
            asking = False
            guarding.remove_done_callback(ended)
        try:
            hearing = await guarding
            if hearing.stops:
                await self._objected(hearing)
        except BaseException:  # the caller may have left, too: whatever it was, the call to the model ends
            source.close()
            raise
        self._guarding = None
        self.asked.append(hearing)
        self.heard.append(hearing)
        return self._answering(source)

    def _answering(self, source: UpstreamReply) -> UpstreamReply:
        """Note for the books which service answers."""
        self.service = source.service
        return source

    async def _objected(self, hearing: Hearing) -> None:
        """Guard models stop an exchange that the model was asked about beside them."""
        self.asked.append(hearing)
        self.heard.append(hearing)
        await self._close("stopped", "stopped")
        raise _objection(hearing)

    async def seen(self, asked: Any) -> Any:
        """What is asked, with the words of what is no text among its texts.

        Raises:
            CallerError: `not_checkable`, it holds something that can't be looked at.
            OutsideError: `guard_unavailable`, there is nobody to look.
        """
        return asked

    def firm(self, asked: Any, findings: list[Finding]) -> list[Finding]:
        """Findings, as they count where what would have to be masked can't be."""
        return findings

    @abstractmethod
    async def serve(self, asked: Any, upstream: Service, canonical: bytes, send: Send) -> None:
        """Ask the model, and answer."""

    async def refused(self, asked: Any, hearing: Hearing, send: Send) -> None:
        """Tell that what was asked is refused.

        Raises:
            RefusedError: it is told as an error.
        """
        raise RefusedError(hearing)

    def broken(self, body: bytes) -> bytes:
        """An error, as the wire makes it, inside a stream that has begun; nothing where nothing is streamed."""
        return b""

    def left(self) -> None:
        """The exchange is over."""
        self.asker.left(self.exchange, self.asked, self.found, self.rulings)

    def _exchange(self, asked: Questions, upstream: Service) -> Exchange:
        asker = self.asker
        settings = self.live.settings
        here = settings.gateway.identity_doors.get(self.wire.name, "none")
        consents = self._consents()
        level: IdentityLevel = max(self.key.identity, settings.gateway.identity, here, key=LEVELS.index)
        return Exchange(
            id=self.id,
            account=self.key.account,
            key=self.key.id,
            door=self.wire.name,
            model=asked.model,
            texts=asked.texts,
            identity=asker.identity,
            level=level,
            lexicon=self.policy.lexicon,
            label=Label(settings.provider.code, self.id) if self.wire.labelled else None,
            content=self.wire.labelled,
            outside=upstream.outside,
            doubted=asker.doubted,
            sitting=asker.sitting,
            standing=asker.standing,
            unseen=self.uploads and upstream.outside and settings.gateway.uploads == "own",
            likenesses=self.likenesses,
            consented=tuple(one.kind for one in consents),
            consents=tuple(one.id for one in consents),
            unread=asker.unread if asker.person else (),
            awaited=settings.gateway.first_use == "wait",
            unstated=settings.mode == "production" and self.live.notices.service is None,
            sourced=sourced(asked),
            unlabelled=self.head.label == "none" and self.wire.labelled,
            agreed=asker.agreed,
        )

    async def delivered(self) -> None:
        """Keep who gets an answer without its explicit label, before they do; see `unlabelled.kept`."""
        await unlabelled.kept(self.live, self.exchange, self.asker)

    def _consents(self) -> list[Kept]:
        """The consents that the caller names, where any is needed: those that are in force."""
        now = int(self.live.clock())
        return self.live.consents.in_force(self.head.consents, self.key.account, now) if self.likenesses else []

    async def _refuse(self, exchange: Exchange, canonical: bytes, hearing: Hearing) -> None:
        """A refusal is on disk before it is told."""
        books, reason = self.live.books, hearing.decisive.reason
        answer = self.rulings.answer(reason.category, "input") if reason else None
        helps = bool(answer and answer.how == "reply")
        await books.durable(books.refused(exchange, canonical, hearing, helped=helps))

    def _hear_upstream(self, refusal: Refusal) -> Hearing:
        """Hear what the model service says that it refused: its word becomes a hearing of ours."""
        finding = Finding(SAID, SAID, "block", refusal.rule, "", 0, 0, "raw")
        hearing = hear(self.policy.controls.upstream, Text("", ""), (finding,), refusal.stage)
        if self.reply:
            self.reply.end(hearing)
        else:
            self.heard.append(hearing)
        return hearing

    async def _refused(self, error: ContentRefusedError) -> None:
        """The model service refused before it answered anything. Returns when an answer is to say so.

        Raises:
            RefusedError: it refused what was asked, which is told like a refusal before the model.
            ContentRefusedError: no control made a refusal of it, so that it stays an error.
        """
        hearing = self._hear_upstream(error.refusal)
        if not hearing.stops:
            raise error
        if hearing.stage == "input" or not self.reply:
            await self._close("stopped", "stopped")
            raise RefusedError(hearing)

    def leave(self, dropped: Iterable[str]) -> None:
        """Note fields of an answer that are left behind."""
        self.dropped.update(sorted(dropped)[: max(0, NAMED - len(self.dropped))])

    async def _close(self, state: Any, end: End) -> None:
        """Write the *closed* entry and wait until it is on disk."""
        await self.live.books.durable(self.close(state, end))

    def close(self, state: Any, end: End) -> int:
        """Write the *closed* entry; returns its ticket."""
        assert self.exchange is not None
        self.closing = True
        heard = self.heard + (self.reply.hearings if self.reply else [])
        return self.live.books.closed(
            self.exchange,
            state,
            end,
            heard,
            self.reply.seen if self.reply else 0,
            self.out.characters,
            self.out.digests(),
            sorted(self.dropped),
            self.degraded,
            self.service,
        )

    @property
    def hearings(self) -> list[Hearing]:
        """All that was decided about it."""
        return [*self.asked, *self.heard, *(self.reply.hearings if self.reply else ())]

    def findings(self) -> list[Finding]:
        """All that was found in what was asked, and in what was answered."""
        heard = self.reply.hearings if self.reply else ()
        return [*self.found, *(one for hearing in heard for _, verdict in hearing.verdicts for one in verdict.findings)]

    def used(self, *, answered: bool) -> tuple[int, bool]:
        """Tokens that it used, and whether that is an estimate: half of the characters asked and looked at.

        Args:
            answered: whether the model worked, even if no text of its was looked at.
        """
        if self.opened is None or self.exchange is None:
            return 0, False
        if 0 < self.tokens < MOST:
            return self.tokens, False
        seen = self.reply.seen if self.reply else 0
        if not seen and not answered:
            return 0, False
        return (sum(len(text.text) for text in self.exchange.texts) + seen + 1) // 2, True

    def refusal(self, hearing: Hearing) -> tuple[GuijuError, dict[str, Any]]:
        """What a stopped exchange's caller is told: a reason, a place, and a way to contest it."""
        reason = hearing.decisive.reason
        assert reason is not None
        redress_url = self.live.settings.redress(self.id)
        answer = None if silent(hearing) else self.rulings.answer(reason.category, hearing.stage)
        error = self.policy.refusal(reason, self.id, redress_url, self.head.language, answer)
        guiju: dict[str, Any] = {
            "decision_id": self.id,
            "stage": hearing.stage,
            "reason": reason.code,
            "article": reason.article,
            "category": reason.category,
            "redress_url": redress_url,
            "authority_url": self.live.settings.provider.authority_url,
        }
        if reason.code == "real_name_required" and self.exchange:
            known = self.exchange.identity.level if self.exchange.identity else "none"
            guiju |= {"level": known, "level_required": self.exchange.level}
        if reason.code == "notice_not_accepted" and self.exchange:
            guiju["unread"] = list(self.exchange.unread)
        if reason.until:
            guiju["until"] = reason.until
        standing = self.asker.standing
        if standing and standing.step and reason.article == "19":
            guiju["step"] = standing.step
        return error, guiju

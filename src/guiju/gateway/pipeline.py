# SPDX-License-Identifier: Apache-2.0
"""The run of an exchange whose answer is text (DESIGN §4): the model, the screen, the label, the books.

A whole reply is a stream with one piece: both go through `Reply`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from guiju.adapters.upstream import ContentRefusedError
from guiju.adapters.upstream import Reply as UpstreamReply
from guiju.adapters.upstreams import Service
from guiju.detect.personal.recogniser import given
from guiju.errors import OutsideError
from guiju.gateway import alike, http, notices, pictures
from guiju.gateway.grounded import Grounded, sources
from guiju.gateway.guarding import Gate, prompt_of
from guiju.gateway.http import Send
from guiju.gateway.reply import Reply
from guiju.gateway.restoring import Restoring
from guiju.gateway.run import RefusedError, Run, silent
from guiju.gateway.timeline import Hold
from guiju.gateway.wire.canonical import Asked
from guiju.gateway.wire.chat_reply import Delta, Piece, Usage
from guiju.gateway.wire.protocol import Call, Said, TextQuestions, Wire, Writer
from guiju.gateway.wire.services import ANSWERS, Answer
from guiju.gateway.wire.sse import Events
from guiju.marking import text as marking
from guiju.marking.label import generated
from guiju.terms import Finding, Hearing

PORTION = 4096
"""Characters of an answer that are looked at in one go."""


class TextRun(Run):
    """An exchange whose answer is text."""

    wire: Wire
    answer: Writer
    gate: Gate | None = None
    grounded: Grounded | None = None
    restoring: Restoring | None = None
    hold: Hold | None = None
    aigc: dict[str, str] | None = None

    async def serve(self, asked: TextQuestions, upstream: Service, canonical: bytes, send: Send) -> None:
        """Ask the model, and look at what it says before anybody else does."""
        self.aigc = await self._protected()
        policy, graded = self.policy, self.rulings.graded
        self.reply = Reply(
            policy.words, policy.reach, policy.controls.output, given(policy.detectors.reply, asked.texts), graded
        )
        if self.masked:
            self.restoring = Restoring(self.masked.known)
        if self.guarded and policy.controls.guard_reply:
            heard, prompt = policy.controls.guard_reply, prompt_of(asked.texts)
            self.gate = Gate(self.guards, heard, graded, prompt, self.live.clock, strict=self.strict)
        if self.exchange and self.exchange.sourced and policy.controls.grounded:
            self.grounded = Grounded(sources(asked), policy.controls.grounded, graded)
        if asked.stream:
            if self.counted:
                counts = self.live.metrics.counts  # a ring through the run itself would stay until a rare collection
                self.hold = Hold(lambda seconds: counts.took("guiju_hold_seconds", seconds=seconds))
            await self._stream(asked, upstream, canonical, send)
        else:
            await self._whole(asked, upstream, canonical, send)

    async def seen(self, asked: TextQuestions) -> TextQuestions:
        """What is asked, with the words on its pictures among its texts, and the pictures made anew."""
        if not isinstance(asked, Asked) or not asked.pictures:
            return asked
        self.uploads = True
        self.alike = await alike.sent(self.live, self.policy, [(one.field, one.data) for one in asked.pictures])
        return await pictures.seen(asked, self.live.pictures, self.live.settings.limits)

    def firm(self, asked: TextQuestions, findings: list[Finding]) -> list[Finding]:
        """Personal data on a picture can't be masked: where somebody else gets it, it is refused instead."""
        if not isinstance(asked, Asked) or not asked.pictures or not self.exchange or not self.exchange.outside:
            return findings
        return pictures.firm(asked, findings)

    async def refused(self, asked: TextQuestions, hearing: Hearing, send: Send) -> None:
        """Tell that what was asked is refused, or answer it with what has been approved for that.

        Raises:
            RefusedError: it is told as an error.
        """
        reason = hearing.decisive.reason
        answer = self.rulings.answer(reason.category, "input") if reason else None
        if answer is None or answer.how != "reply" or self.key.on_block == "error":
            raise RefusedError(hearing)
        error, guiju = self.refusal(hearing)
        sentence = error.told(self.head.language)
        writer = self._writer(asked)
        writer.judged(self.asked, [])
        if asked.stream:
            made = writer.start("") + writer.stopped(sentence, None, guiju)
        else:
            made = writer.whole([_refusal(sentence)] * asked.choices, None, guiju)
        await http.answer(send, 200, made, self._headers(asked, http.STREAM if asked.stream else http.JSON))

    def reads(self, source: UpstreamReply, asked: TextQuestions) -> Answer:
        """What reads the model service's answer."""
        return ANSWERS[source.kind](asked.choices)

    async def ask(self, upstream: Service, canonical: bytes) -> UpstreamReply:
        """Ask the model service."""
        return await self._model(upstream, canonical, self.wire.path)

    def as_error(self, hearing: Hearing) -> bool:
        """Whether a stop is told as an error."""
        return self.key.on_block == "error" or silent(hearing)

    def kind_of(self, asked: TextQuestions) -> http.Header:
        """The type of a whole answer."""
        return http.JSON

    def broken(self, body: bytes) -> bytes:
        """The error in the words of the writer of the stream."""
        return self.answer.broken(body)

    # ------------------------------------------------------------------ 4 and 5, streamed
    async def _stream(self, asked: TextQuestions, upstream: Service, canonical: bytes, send: Send) -> None:
        choices, self.line.stream = asked.choices, True
        answer = self.answer = self._writer(asked)
        mark, tail = self._marks(asked)
        try:
            source = await self._asked(upstream, canonical)
        except ContentRefusedError as refused:
            await self._refused(refused)
            await self._stop_stream(send, asked, answer, None)
            return
        try:
            finishes: dict[int, str] = {}
            usage: Usage | None = None
            spoke: set[int] = set()
            async for delta in self._deltas(source, asked, finishes):
                usage = delta.usage or usage
                pieces = await self._cleared(await self._take(delta))
                if self._stopped:
                    break
                if self.hold:
                    self.hold.went(pieces)
                made = b"" if self.started else answer.start(mark)
                made += self._written(answer, pieces, spoke)
                await self._start(send, asked, http.STREAM)
                if made:
                    await send({"type": "http.response.body", "body": made, "more_body": True})
            held = Delta(self.restoring.rest()) if self.restoring and not self._stopped else Delta()
            last = await self._take(held)
            rest = [] if self._stopped else await self._cleared([*last, *self._rest()], last=True)
            if self._stopped:
                await self._stop_stream(send, asked, answer, usage)
                return
            if len(finishes) < choices:
                raise OutsideError("upstream_failed", what="it ended without a finish_reason")
            made = b"" if self.started else answer.start(mark)
            made += self._written(answer, rest, spoke)
            if self.hold:
                self.hold.went(rest)
            await self._close("passed", "finished")
            told = self._notices()
            if added := self._appended(told, asked) + tail:
                made += b"".join(answer.piece(Piece(i, "content", added)) for i in sorted(spoke))
            answer.judged(self.asked, self._answered)
            answer.noticed(told)
            made += answer.end(sorted(finishes.items()), usage)
            await self._start(send, asked, http.STREAM)
            await send({"type": "http.response.body", "body": made})
        finally:
            source.close()

    async def _deltas(
        self, source: UpstreamReply, asked: TextQuestions, finishes: dict[int, str]
    ) -> AsyncIterator[Delta]:
        """What the upstream sends, to its very end: text after `finish_reason` or `[DONE]` is looked at too."""
        answer = self.reads(source, asked)
        if not source.streamed:
            yield self._noted(answer.whole(await source.body()), finishes)
            return
        events = Events(self.live.settings.limits.upstream_line_bytes)
        async for chunk in source.chunks():
            if came := _said(events.feed(chunk)):
                delta = answer.events(came)
                yield self._noted(delta, finishes)
                if delta.broken:
                    raise delta.broken
        if came := _said(events.close()):
            yield self._noted(answer.events(came), finishes)

    def _noted(self, delta: Delta, finishes: dict[int, str]) -> Delta:
        """Note how choices ended and what was refused, take out what the client's protocol has no place for, and put
        back what was masked."""
        if delta.usage:
            self.tokens = delta.usage.total_tokens
            self.line.usage = delta.usage
        if delta.refused:
            self._hear_upstream(delta.refused)
        finishes.update(delta.finishes)
        self.leave(delta.dropped)
        mute = {piece.field for piece in delta.pieces if piece.field not in self.wire.fields}
        if mute:
            self.dropped |= mute
            delta.pieces = [piece for piece in delta.pieces if piece.field not in mute]
        if self.restoring:
            delta.pieces = self.restoring.take(delta.pieces)
        if self.hold:
            self.hold.came(delta.pieces)
        if finishes:
            self.line.finishes = tuple(finishes.values())
        return delta

    async def _stop_stream(self, send: Send, asked: TextQuestions, answer: Writer, usage: Usage | None) -> None:
        """End a stream whose text may not go on, in the way that this key's clients notice."""
        hearing = self._stopped
        assert hearing is not None
        await self._close("stopped", "stopped")
        if silent(hearing) and not self.started:
            raise RefusedError(hearing)
        error, guiju = self.refusal(hearing)
        if self.as_error(hearing):
            made = answer.broken(self.wire.error(error, self.head.language, guiju))
        else:
            sentence = error.told(self.head.language)
            made = b"" if self.started else answer.start("")
            answer.judged(self.asked, self._answered)
            made += answer.stopped(sentence, usage, guiju)
        await self._start(send, asked, http.STREAM)
        await send({"type": "http.response.body", "body": made})

    # ------------------------------------------------------------------ 4 and 5, whole
    async def _whole(self, asked: TextQuestions, upstream: Service, canonical: bytes, send: Send) -> None:
        choices = asked.choices
        finishes: dict[int, str] = {}
        try:
            source = await self._asked(upstream, canonical)
        except ContentRefusedError as refused:
            await self._refused(refused)
            delta = Delta()
        else:
            try:
                if source.streamed:
                    raise OutsideError("upstream_failed", what="a stream that was not asked for")
                delta = self._noted(self.reads(source, asked).whole(await source.body()), finishes)
            finally:
                source.close()
        if self.restoring:
            delta.pieces = [*delta.pieces, *self.restoring.rest()]
        pieces = await self._take(delta, whole=True)
        pieces = await self._cleared([*pieces, *self._rest()], last=True)
        hearing = self._stopped
        writer = self._writer(asked)
        writer.judged(self.asked, self._answered)
        if hearing:
            await self._close("stopped", "stopped")
            if self.as_error(hearing):
                raise RefusedError(hearing)
            error, guiju = self.refusal(hearing)
            sentence = error.told(self.head.language)
            made = writer.whole([_refusal(sentence)] * choices, delta.usage, guiju)
        else:
            if len(finishes) < choices:
                raise OutsideError("upstream_failed", what="it answered fewer choices than were asked for")
            told = self._notices()
            writer.noticed(told)
            made = writer.whole(self._said(asked, pieces, finishes, told), delta.usage, None)
            self._count(pieces)
            await self.delivered()
            await self._close("passed", "finished")
        await http.answer(send, 200, made, self._headers(asked, self.kind_of(asked)))

    def _said(
        self, asked: TextQuestions, pieces: list[Piece | Call], finishes: dict[int, str], told: list[dict[str, str]]
    ) -> list[Said]:
        """Put the released pieces of a whole reply together again, choice by choice."""
        mark, tail = self._marks(asked)
        tail = self._appended(told, asked) + tail
        made = {choice: Said({}, {}, finishes[choice]) for choice in sorted(finishes)}
        for piece in pieces:
            said = made[piece.choice]
            if isinstance(piece, Call):
                said.calls[piece.tool] = piece
            elif piece.tool >= 0:
                said.calls[piece.tool].arguments += piece.text
            else:
                said.texts[piece.field] = said.texts.get(piece.field, "") + piece.text
        for said in made.values():
            if "content" in said.texts:
                said.texts["content"] = mark + said.texts["content"] + tail
        return list(made.values())

    # ------------------------------------------------------------------ parts of the steps
    async def _take(self, delta: Delta, whole: bool = False) -> list[Piece | Call]:
        """Look at a delta; a large piece is cut, so that others are served in between."""
        assert self.reply is not None
        if all(len(piece.text) <= PORTION for piece in delta.pieces):
            texts = {(piece.choice, piece.tool, piece.field) for piece in delta.pieces} if whole else ()
            return self.reply.take(delta.pieces, last=len(texts) == len(delta.pieces))
        made: list[Piece | Call] = []
        for piece in delta.pieces:
            for at in range(0, len(piece.text), PORTION):
                made += self.reply.take((msgspec.structs.replace(piece, text=piece.text[at : at + PORTION]),))
                await asyncio.sleep(0)
        return made

    async def _asked(self, upstream: Service, canonical: bytes) -> UpstreamReply:
        """Ask the model; and look at more of its answer at once where guard models were silent about the request."""
        source = await self.ask(upstream, canonical)
        if self.degraded and self.reply:
            self.reply.hold()
        return source

    async def _cleared(self, pieces: list[Piece | Call], last: bool = False) -> list[Piece | Call]:
        """Hold pieces until guard models have answered about them, and let go of what they do not object to; then hold
        the whole to its sources, where any came with the request."""
        if self.reply is None or self._stopped:
            return pieces
        if self.gate:
            pieces = await self.gate.take(pieces, last)
            for hearing in self.gate.hearings:
                self.reply.end(hearing)
            self.gate.hearings.clear()
            self.degraded += [one for one in self.gate.degraded if one not in self.degraded]
        if self.grounded and not self._stopped:
            pieces = await self.grounded.take(pieces, last)
            if self.grounded.hearing:
                self.reply.end(self.grounded.hearing)
        return [] if self._stopped else pieces

    def _rest(self) -> list[Piece | Call]:
        assert self.reply is not None
        return self.reply.rest()

    def _count(self, pieces: list[Piece | Call]) -> None:
        """Count what is released and take it into the digests."""
        for piece in pieces:
            if isinstance(piece, Piece):
                self.out.take(piece.choice, piece.text, digested=piece.field == "content")

    @property
    def _answered(self) -> list[Hearing]:
        """What was decided about the answer."""
        stopped = self._stopped
        return [*(self.reply.hearings if self.reply else ()), *((stopped,) if stopped else ())]

    @property
    def _stopped(self) -> Hearing | None:
        return self.reply.stopped if self.reply else None

    def _written(self, answer: Writer, pieces: list[Piece | Call], spoke: set[int]) -> bytes:
        self._count(pieces)
        made = []
        for piece in pieces:
            if isinstance(piece, Call):
                made.append(answer.call(piece))
            else:
                made.append(answer.piece(piece))
                if piece.field == "content":
                    spoke.add(piece.choice)
        return b"".join(made)

    def _writer(self, asked: TextQuestions) -> Writer:
        assert self.exchange is not None
        assert self.exchange.label is not None
        return self.wire.writer(asked, self.id, int(self.live.clock()), self._envelope)

    @property
    def _envelope(self) -> dict[str, str]:
        """The label beside the text; that of what is refused before the model is asked has no signature."""
        assert self.exchange is not None
        assert self.exchange.label is not None
        return self.aigc or marking.envelope(self.exchange.label)

    async def _protected(self) -> dict[str, str]:
        """The label with what protects it in ReservedCode1, where the provider has a key: a signature over the label
        alone, which goes out before the text is known."""
        key, aigc = self.live.signatures.key, self._envelope
        if key is None or self.exchange is None or self.exchange.label is None:
            return aigc
        bare = generated(self.exchange.label)
        signed = await asyncio.to_thread(key.signed, bare) if key.sm2 else key.signed(bare)
        return signed.fields()

    def _marks(self, asked: TextQuestions) -> tuple[str, str]:
        """The visible mark before and after the text (Article 16); none where a machine reads it."""
        if asked.structured:
            return "", ""
        place = self.head.label or self.key.label or self.live.settings.gateway.label
        return marking.before(place), marking.after(place)

    def _notices(self) -> list[dict[str, str]]:
        """What the reader is to be told beside the answer."""
        sitting = self.exchange.sitting if self.exchange else None
        made = notices.corrections((*self.asked, *self._answered), self.policy.corrections)
        said = self.grounded.said if self.grounded else ()
        made += notices.doubts(self.asked, self._answered, said, self.head.language)
        made += notices.reminders(self.asked, sitting, self.head.language)
        made += notices.first_use(self.asked, self.live.notices, self.asker.unread, self.head.language)
        url = self.live.settings.redress(self.id)
        return made + notices.steps(self.asker.standing, int(self.live.clock()), self.head.language, url)

    def _appended(self, told: list[dict[str, str]], asked: TextQuestions) -> str:
        """The notices as text, where the key's label mode puts marks into text."""
        if self._marks(asked) == ("", ""):
            return ""
        return "".join("\n\n" + notices.sentence(one) for one in told if one["kind"] != notices.USE)

    def _headers(self, asked: TextQuestions, kind: http.Header) -> list[http.Header]:
        assert self.exchange is not None
        assert self.exchange.label is not None
        headers = [
            kind,
            http.NO_CACHE,
            (b"x-guiju-decision-id", self.id.encode()),
            (b"x-guiju-aigc", msgspec.json.encode(self._envelope)),
        ]
        if asked.dropped:
            headers.append((b"x-guiju-dropped", ",".join(asked.dropped).encode()))
        return headers + self.asker.headers()

    async def _start(self, send: Send, asked: TextQuestions, kind: http.Header) -> None:
        """Send the head of the answer, once the *opened* entry is on disk."""
        if self.started:
            return
        assert self.opened is not None
        if not self._stopped:
            await self.delivered()
        await self.live.books.durable(self.opened)
        self.started = True
        await send({"type": "http.response.start", "status": 200, "headers": self._headers(asked, kind)})


def _refusal(sentence: str) -> Said:
    """What is said instead of an answer; clients look for it in one place or the other."""
    return Said({"content": sentence, "refusal": sentence}, {}, "content_filter")


def _said(events: list[bytes]) -> list[bytes]:
    """Events without the one that says that all has been said."""
    return [data for data in events if data.strip() != b"[DONE]"]

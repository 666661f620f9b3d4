# SPDX-License-Identifier: Apache-2.0
"""One request through the whole house (DESIGN §4), step by step, with the articles beside the steps.

A whole reply is a stream with one piece: both go through `Reply`. Nothing is released before its *opened* entry is
on disk, and no last byte before its *closed* entry is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any

import msgspec

from guiju.adapters.upstream import Reply as UpstreamReply
from guiju.adapters.upstream import Upstream
from guiju.controls.hearing import hear
from guiju.errors import CallerError, GuijuError, OutsideError
from guiju.gateway import http
from guiju.gateway.http import Head, Send
from guiju.gateway.live import CANARY_KEY, Live, Policy
from guiju.gateway.looks import PAUSE_S
from guiju.gateway.reply import Reply
from guiju.gateway.wire import chat_reply
from guiju.gateway.wire.canonical import Asked
from guiju.gateway.wire.canonical import canonical as canonical_request
from guiju.gateway.wire.chat_reply import Delta, Piece, Usage
from guiju.gateway.wire.protocol import Call, Said, Wire, Writer
from guiju.gateway.wire.sse import Events
from guiju.marking import text as marking
from guiju.records.accounts import KeyRecord
from guiju.records.record import End
from guiju.terms import LEVELS, Exchange, Hearing, Identity, IdentityLevel, Label

LARGE = 65_536
"""Bytes of a request from which others are served between its steps."""
PORTION = 4096
"""Characters of an answer that are looked at in one go."""
NAMED = 64
"""Dropped fields of an answer that the books name at most: how many there are is up to the model service."""


class RefusedError(Exception):
    """Carries a hearing that stops an exchange to the place where its answer is written."""

    def __init__(self, hearing: Hearing) -> None:
        super().__init__(hearing.control)
        self.hearing = hearing


class TextRun:
    """One exchange on its way; made anew for each request.

    Args:
        live: what this process serves with.
        head: the request's headers.
        key: the key that it came with.
        wire: the protocol that its client speaks.
    """

    def __init__(self, live: Live, head: Head, key: KeyRecord, wire: Wire) -> None:
        self.live = live
        self.head = head
        self.wire = wire
        self.key = key
        self.counted = key.id != CANARY_KEY
        self.policy: Policy = live.policy
        self.id = live.ids.new(int(live.clock() * 1000))
        self.exchange: Exchange | None = None
        self.started = False
        self.out = live.books.released()
        self.heard: list[Hearing] = []
        self.reply: Reply | None = None
        self.dropped: set[str] = set()
        self.opened: int | None = None
        self.closing = False

    # ------------------------------------------------------------------ the steps
    async def run(self, body: bytes, send: Send) -> None:
        """Take one request body down the road.

        Raises:
            GuijuError: before anything was sent; afterwards errors are told inside the stream.
            RefusedError: a hearing stopped it before anything was sent.
        """
        live = self.live
        # 1. The wire: parsed strictly once, encoded anew (Article 4; nothing unknown passes).
        asked = self.wire.parse(body, live.settings.gateway.fields, live.settings.limits)
        request = asked.request
        upstream, own_name = live.upstreams.find(request.model)
        # 2. Who asks: account and key (5), real identity (9). Key and limits were seen to at the door.
        identity = await self._identity()
        exchange = self.exchange = self._exchange(asked, identity)
        pause = PAUSE_S if len(body) > LARGE else 0.0
        if pause:
            await asyncio.sleep(pause)
        canonical = canonical_request(asked, own_name, identity.person if identity else "")
        if pause:
            await asyncio.sleep(pause)
        # 3. The input: is a policy in force (4), is the person known (9), is the content allowed (4, 15)?
        began = perf_counter()
        findings = await live.looks.find(self.policy.words, asked.texts)
        findings += await live.looks.find(self.policy.words, (asked.name,))
        hearing = hear(self.policy.controls.request, exchange, findings, "input")
        if self.counted:
            live.metrics.check.observe(perf_counter() - began)
        if hearing.stops:
            await self._refuse(exchange, canonical, hearing)
        # 6 begins here, since its verdict gates the first byte: who answers for it (5), is it labelled (16)?
        release = hear(self.policy.controls.release, exchange, (), "output")
        if release.stops:
            await self._refuse(exchange, canonical, release)
        self.heard.append(release)
        versions = {"guiju": live.version, "lexicon": self.policy.lexicon}
        self.opened = live.books.opened(exchange, bool(request.stream), canonical, hearing, versions)
        # 4. The model. 5. The screen. 6. The label. 7. The books.
        self.reply = Reply(self.policy.words, self.policy.reach, self.policy.controls.output)
        if request.stream:
            await self._stream(asked, upstream, canonical, send)
        else:
            await self._whole(asked, upstream, canonical, send)

    async def _identity(self) -> Identity | None:
        """The verified identity that came with the request, if one came."""
        if not self.head.identity:
            return None
        now = int(self.live.clock())
        identity = await self.live.assertions.verify(self.head.identity, self.key.account, now)
        self.live.remember(self.key.account, identity)
        return identity

    def _exchange(self, asked: Asked, identity: Identity | None) -> Exchange:
        settings = self.live.settings
        level: IdentityLevel = max(self.key.identity, settings.gateway.identity, key=LEVELS.index)
        return Exchange(
            id=self.id,
            account=self.key.account,
            key=self.key.id,
            door=self.wire.name,
            model=asked.request.model,
            texts=asked.texts,
            identity=identity,
            level=level,
            lexicon=self.policy.lexicon,
            label=Label(settings.provider.code, self.id),
        )

    async def _refuse(self, exchange: Exchange, canonical: bytes, hearing: Hearing) -> None:
        """A refusal is on disk before it is told."""
        books = self.live.books
        await books.durable(books.refused(exchange, canonical, hearing))
        raise RefusedError(hearing)

    # ------------------------------------------------------------------ 4 and 5, streamed
    async def _stream(self, asked: Asked, upstream: Upstream, canonical: bytes, send: Send) -> None:
        choices = asked.request.n or 1
        answer = self._writer(asked)
        mark, tail = self._marks(asked)
        source = await upstream.ask(canonical)
        try:
            finishes: dict[int, str] = {}
            usage: Usage | None = None
            spoke: set[int] = set()
            async for delta in self._deltas(source, choices, finishes):
                usage = delta.usage or usage
                made = self._written(answer, await self._take(delta), spoke)
                if self.reply and self.reply.stopped:
                    break
                if not self.started:
                    await self._start(send, asked, http.STREAM)
                    made = answer.start(mark) + made
                if made:
                    await send({"type": "http.response.body", "body": made, "more_body": True})
            rest = self._rest()
            if self._stopped:
                await self._stop_stream(send, asked, answer, usage)
                return
            if len(finishes) < choices:
                raise OutsideError("upstream_failed", what="it ended without a finish_reason")
            made = b"" if self.started else answer.start(mark)
            made += self._written(answer, rest, spoke)
            await self._close("passed", "finished")
            if tail:
                made += b"".join(answer.piece(Piece(i, "content", tail)) for i in sorted(spoke))
            made += answer.end(sorted(finishes.items()), usage)
            await self._start(send, asked, http.STREAM)
            await send({"type": "http.response.body", "body": made})
        finally:
            source.close()

    async def _deltas(self, source: UpstreamReply, choices: int, finishes: dict[int, str]) -> AsyncIterator[Delta]:
        """What the upstream sends, to its very end: text after `finish_reason` or `[DONE]` is looked at too."""
        if not source.streamed:
            yield self._noted(chat_reply.parse(await source.body(), choices, whole=True), finishes)
            return
        events = Events(self.live.settings.limits.upstream_line_bytes)
        async for chunk in source.chunks():
            for data in events.feed(chunk):
                if data.strip() != b"[DONE]":
                    yield self._noted(chat_reply.parse(data, choices), finishes)
        for data in events.close():
            if data.strip() != b"[DONE]":
                yield self._noted(chat_reply.parse(data, choices), finishes)

    def _noted(self, delta: Delta, finishes: dict[int, str]) -> Delta:
        """Note how choices ended, and take out what the client's protocol has no place for."""
        finishes.update(delta.finishes)
        self.dropped.update(sorted(delta.dropped)[: NAMED - len(self.dropped)])
        mute = {piece.field for piece in delta.pieces if piece.field not in self.wire.fields}
        if mute:
            self.dropped |= mute
            delta.pieces = [piece for piece in delta.pieces if piece.field not in mute]
        return delta

    async def _stop_stream(self, send: Send, asked: Asked, answer: Writer, usage: Usage | None) -> None:
        """End a stream whose text may not go on, in the way that this key's clients notice."""
        hearing = self._stopped
        assert hearing is not None
        await self._close("stopped", "stopped")
        error, guiju = self.refusal(hearing)
        if self.key.on_block == "error":
            made = self.wire.broken(self.wire.error(error, self.head.language, guiju))
        else:
            sentence = error.told(self.head.language)
            made = b"" if self.started else answer.start("")
            made += answer.stopped(sentence, usage, guiju)
        await self._start(send, asked, http.STREAM)
        await send({"type": "http.response.body", "body": made})

    # ------------------------------------------------------------------ 4 and 5, whole
    async def _whole(self, asked: Asked, upstream: Upstream, canonical: bytes, send: Send) -> None:
        choices = asked.request.n or 1
        finishes: dict[int, str] = {}
        source = await upstream.ask(canonical)
        try:
            if source.streamed:
                raise OutsideError("upstream_failed", what="a stream that was not asked for")
            delta = self._noted(chat_reply.parse(await source.body(), choices, whole=True), finishes)
        finally:
            source.close()
        pieces = await self._take(delta)
        pieces += self._rest()
        hearing = self._stopped
        writer = self._writer(asked)
        if hearing:
            await self._close("stopped", "stopped")
            if self.key.on_block == "error":
                raise RefusedError(hearing)
            error, guiju = self.refusal(hearing)
            sentence = error.told(self.head.language)
            refused = Said({"content": sentence, "refusal": sentence}, {}, "content_filter")
            made = writer.whole([refused] * choices, delta.usage, guiju)
        else:
            if len(finishes) < choices:
                raise OutsideError("upstream_failed", what="it answered fewer choices than were asked for")
            made = writer.whole(self._said(asked, pieces, finishes), delta.usage, None)
            self._count(pieces)
            await self._close("passed", "finished")
        await http.answer(send, 200, made, self._headers(asked, http.JSON))

    def _said(self, asked: Asked, pieces: list[Piece | Call], finishes: dict[int, str]) -> list[Said]:
        """Put the released pieces of a whole reply together again, choice by choice."""
        mark, tail = self._marks(asked)
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
    async def _take(self, delta: Delta) -> list[Piece | Call]:
        """Look at a delta; a large piece is cut, so that others are served in between."""
        assert self.reply is not None
        if all(len(piece.text) <= PORTION for piece in delta.pieces):
            return self.reply.take(delta.pieces)
        made: list[Piece | Call] = []
        for piece in delta.pieces:
            for at in range(0, len(piece.text), PORTION):
                made += self.reply.take((msgspec.structs.replace(piece, text=piece.text[at : at + PORTION]),))
                await asyncio.sleep(0)
        return made

    def _rest(self) -> list[Piece | Call]:
        assert self.reply is not None
        return self.reply.rest()

    def _count(self, pieces: list[Piece | Call]) -> None:
        """Count what is released and take it into the digests."""
        for piece in pieces:
            if isinstance(piece, Piece):
                self.out.take(piece.choice, piece.text, digested=piece.field == "content")

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

    def _writer(self, asked: Asked) -> Writer:
        assert self.exchange is not None
        assert self.exchange.label is not None
        aigc = marking.envelope(self.exchange.label)
        return self.wire.writer(asked, self.id, int(self.live.clock()), aigc)

    def _marks(self, asked: Asked) -> tuple[str, str]:
        """The visible mark before and after the text (Article 16); none where a machine reads it."""
        if asked.structured:
            return "", ""
        place = self.key.label or self.live.settings.gateway.label
        return marking.before(place), marking.after(place)

    def _headers(self, asked: Asked, kind: http.Header) -> list[http.Header]:
        assert self.exchange is not None
        assert self.exchange.label is not None
        headers = [
            kind,
            http.NO_CACHE,
            (b"x-guiju-decision-id", self.id.encode()),
            (b"x-guiju-aigc", msgspec.json.encode(marking.envelope(self.exchange.label))),
        ]
        if asked.dropped:
            headers.append((b"x-guiju-dropped", ",".join(asked.dropped).encode()))
        return headers

    async def _start(self, send: Send, asked: Asked, kind: http.Header) -> None:
        """Send the head of the answer, once the *opened* entry is on disk."""
        if self.started:
            return
        assert self.opened is not None
        await self.live.books.durable(self.opened)
        self.started = True
        await send({"type": "http.response.start", "status": 200, "headers": self._headers(asked, kind)})

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
        )

    def refusal(self, hearing: Hearing) -> tuple[GuijuError, dict[str, Any]]:
        """What a stopped exchange's caller is told: a reason, a place, and a way to contest it."""
        reason = hearing.decisive.reason
        assert reason is not None
        category = self.policy.named(reason.category, self.head.language)
        family = OutsideError if reason.code == "guard_unavailable" else CallerError
        error = family(reason.code, category=category, what=category)
        guiju = {
            "decision_id": self.id,
            "stage": hearing.stage,
            "reason": reason.code,
            "article": reason.article,
            "category": reason.category,
            "redress_url": self.live.settings.provider.redress_url,
        }
        return error, guiju

# SPDX-License-Identifier: Apache-2.0
"""The runs of films: one in which a film is asked for, one in which it is fetched with its label in it (Article 16).

A film takes longer than a request may, so that asking and fetching are exchanges of their own. The film lies at the
model service in between. It is labelled on its way to whoever fetches it, or does not go out.
"""

from __future__ import annotations

import asyncio
import tempfile
from typing import Any, BinaryIO, Final, cast

import msgspec

from guiju.adapters import titled
from guiju.adapters.signatures import Signatures
from guiju.adapters.upstream import Address, ContentRefusedError
from guiju.adapters.upstream import Reply as UpstreamReply
from guiju.adapters.upstreams import Service
from guiju.errors import CallerError, OutsideError
from guiju.gateway import alike, http
from guiju.gateway.edits import fields, taken_apart
from guiju.gateway.http import Head, Send
from guiju.gateway.live import Live
from guiju.gateway.media import bare, inscribed, letters, no_banned, signed
from guiju.gateway.run import Run
from guiju.gateway.wire import form, videos
from guiju.gateway.wire.videos import PATH, Asked, Films, Remixes, Videos
from guiju.marking.families import family_of
from guiju.marking.family import MarkingError, head_of
from guiju.marking.label import generated
from guiju.marking.words import WORDS
from guiju.records import jobs
from guiju.records.accounts import KeyRecord
from guiju.records.jobs import Job
from guiju.terms import Hearing, Label

ID: Final = "video_"
"""What an id of ours begins with; the id of the exchange follows."""
_PART: Final = 256 * 1024
"""Bytes of a film that are sent at once."""


def gone(error: OutsideError) -> bool:
    """Whether a model service says that it has no such job."""
    return error.code == "upstream_refused" and error.facts.get("status") == 404


class VideoRun(Run):
    """An exchange in which a film is asked for."""

    wire: Videos
    uploads = True

    def __init__(self, live: Live, head: Head, key: KeyRecord, wire: Videos) -> None:
        super().__init__(live, head, key, wire)
        self.job = ID + self.id

    def parsed(self, body: bytes) -> Asked:
        """See `Run`: JSON, or a form."""
        settings = self.live.settings
        read = form.read(body, self.head.kind, settings.limits) if self.head.kind[:10].lower() == "multipart/" else body
        asked = self.wire.parse(read, settings.gateway.fields, settings.limits)
        self.form = form.kind(asked.border)
        self.uploads = bool(asked.files)
        return asked

    async def seen(self, asked: Any) -> Any:
        """See `edits.EditRun`: of a picture only what is seen goes on, and a face in it needs a consent."""
        assert isinstance(asked, Asked)
        await asyncio.to_thread(jobs.within, self.live.jobs, self.key.account, self.live.settings.limits.jobs, self.now)
        if asked.files:
            asked.pictures, asked.found, face = await taken_apart(self.live.faces, asked.files)
            self.alike = await alike.sent(self.live, self.policy, fields(asked))
            self.likenesses = ("face",) if face else ()
            self.ingredients = len(asked.found)
        return asked

    @property
    def now(self) -> int:
        """Unix seconds."""
        return int(self.live.clock())

    @property
    def path(self) -> str:
        """Where the model service is asked."""
        return PATH

    async def serve(self, asked: Asked, upstream: Service, canonical: bytes, send: Send) -> None:
        """Ask the model service to begin, and remember where the film is made."""
        told, dropped = await self._begun(upstream, canonical)
        self.leave(dropped)
        now, hours = self.now, self.live.settings.limits.job_hours
        seconds, size = videos.asked_of(told, asked)
        begun = Job(
            id=self.job,
            account_id=self.key.account,
            service=self.service,
            theirs=told.id,
            model=asked.model,
            seconds=seconds,
            size=size,
            likenesses=",".join(self.likenesses),
            source=self.source,
            state="queued",
            why="",
            progress=0,
            created_at=now,
            completed_at=0,
            expires_at=now + hours * 3600,
        )
        job = videos.taken(begun, told, now)
        await asyncio.to_thread(jobs.add, self.live.jobs, job)
        await self._close("passed", "finished")
        headers = [http.JSON, http.NO_CACHE, (b"x-guiju-decision-id", self.id.encode())]
        if asked.dropped:
            headers.append((b"x-guiju-dropped", ",".join(asked.dropped).encode()))
        body = msgspec.json.encode(videos.job_object(job, self.head.language))
        await http.answer(send, 200, body, headers + self.asker.headers())

    source = ""

    async def _begun(self, upstream: Service, canonical: bytes) -> tuple[videos.Told, list[str]]:
        try:
            source = await self._model(upstream, canonical, self.path, self.form)
        except ContentRefusedError as refused:
            await self._refused(refused)
            raise
        except OutsideError as error:
            if self.source and gone(error):
                raise CallerError("job_not_found") from None
            raise
        try:
            return videos.read(await source.body())
        finally:
            source.close()


class RemixRun(VideoRun):
    """An exchange in which another film is asked for that is made of one.

    Args:
        live, head, key: see `Run`.
        of: the job of the first film.
    """

    wire: Remixes
    uploads = False

    def __init__(self, live: Live, head: Head, key: KeyRecord, of: Job) -> None:
        super().__init__(live, head, key, Remixes())
        self.of = of
        self.source = of.id
        self.likenesses = ("face",) if of.likenesses else ()

    def parsed(self, body: bytes) -> Asked:
        """See `Run`."""
        settings = self.live.settings
        asked = self.wire.parse(body, settings.gateway.fields, settings.limits)
        asked.public = self.of.model
        return asked

    def whom(self, asked: Any) -> tuple[Service, Address]:
        """The service that has the first film."""
        service = self.live.upstreams.named(self.of.service)
        return service, service.address(self.of.model)

    @property
    def path(self) -> str:
        """See `VideoRun`."""
        return f"{PATH}/{self.of.theirs}/remix"


class FilmRun(Run):
    """An exchange in which a film, or a picture of it, is fetched.

    Args:
        live, head, key: see `Run`.
        of: the job.
        variant: which file of it.
    """

    wire: Films

    def __init__(self, live: Live, head: Head, key: KeyRecord, of: Job, variant: str) -> None:
        super().__init__(live, head, key, Films())
        self.of = of
        self.variant = variant
        self.job = of.id

    def parsed(self, body: bytes) -> Asked:
        """There is no request: only which film."""
        return Asked(f"{self.of.id} {self.variant}", {}, (), (), public=self.of.model)

    def whom(self, asked: Any) -> tuple[Service, Address]:
        """The service that has the film."""
        service = self.live.upstreams.named(self.of.service)
        return service, service.address(self.of.model)

    async def _guards(self, exchange: Any, canonical: bytes) -> list[Hearing]:
        """Nothing is said that they could be asked about."""
        return []

    async def serve(self, asked: Asked, upstream: Service, canonical: bytes, send: Send) -> None:
        """Fetch the film, label it, and pass it on."""
        with tempfile.TemporaryFile() as came, tempfile.TemporaryFile() as made:
            try:
                await self._fetched(upstream, cast(BinaryIO, came))
                if self.variant != "video":
                    came.seek(0)
                    await no_banned(self, [came.read()])
                kind = await self._labelled(cast(BinaryIO, came), cast(BinaryIO, made))
            except MarkingError as error:
                await bare(self, error)
                kind, made = "application/octet-stream", came
            await asyncio.to_thread(self.out.stream, 0, cast(BinaryIO, made))
            await self.delivered()
            await self._close("passed", "finished")
            await self._sent(cast(BinaryIO, made), kind, send)

    async def _fetched(self, upstream: Service, came: BinaryIO) -> None:
        path = f"{PATH}/{self.of.theirs}/content"
        path += f"?variant={self.variant}" if self.variant != "video" else ""
        try:
            source: UpstreamReply = await self._model(upstream, b"", path, method="GET")
        except OutsideError as error:
            if gone(error):
                raise CallerError("job_not_found") from None
            raise
        try:
            async for part in source.chunks(self.live.settings.limits.film_bytes):
                came.write(part)
        finally:
            source.close()

    async def _labelled(self, came: BinaryIO, made: BinaryIO) -> str:
        """Write the film with its label; returns its media type. One that is under way goes on when its caller leaves,
        so that no more are made at once than may be.

        Raises:
            MarkingError: it can't have one.
        """
        assert self.exchange is not None
        assert self.exchange.label is not None
        settings, live = self.live.settings.gateway, self.live
        place, bare = settings.label_film, settings.label_film == "envelope"
        if self.variant != "video":
            bare = settings.label_picture == "as_text" and (self.key.label or settings.label) == "envelope"
        bare = self.head.label == "none" if self.head.label else bare
        words = "" if bare else WORDS[self.exchange.label.kind][self.head.language]
        made_by = _Labelling(self.exchange.label, words, place == "throughout", self.variant == "video")

        async def work() -> str:
            async with live.films:
                return await asyncio.to_thread(made_by.put, came, made, live.signatures)

        task = asyncio.ensure_future(work())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])  # until then its files must stay open
            raise

    async def _sent(self, made: BinaryIO, kind: str, send: Send) -> None:
        assert self.exchange is not None
        assert self.exchange.label is not None
        size = made.seek(0, 2)
        made.seek(0)
        headers: list[http.Header] = [
            (b"content-type", kind.encode()),
            (b"content-length", str(size).encode()),
            http.NO_CACHE,
            (b"x-guiju-decision-id", self.id.encode()),
            (b"x-guiju-aigc", msgspec.json.encode(generated(self.exchange.label).fields())),
        ]
        self.started = True
        await send({"type": "http.response.start", "status": 200, "headers": headers + self.asker.headers()})
        while part := made.read(_PART):
            await send({"type": "http.response.body", "body": part, "more_body": made.tell() < size})


class _Labelling(msgspec.Struct, frozen=True):
    """How a file is labelled.

    Attributes:
        label: what its metadata carry.
        words: that people see; `""` for none.
        throughout: whether a film shows them to its end.
        film: whether it must be a film; else a picture.
    """

    label: Label
    words: str
    throughout: bool
    film: bool

    def put(self, source: BinaryIO, target: BinaryIO, signatures: Signatures) -> str:
        """Write the file with its label; returns its media type.

        Raises:
            MarkingError: it can't have one.
        """
        family = family_of(head_of(source))
        if family is None or family.kind != ("video" if self.film else "image"):
            raise MarkingError("unsupported", "another kind of file than was asked for")
        aigc = generated(self.label)
        with tempfile.TemporaryFile() as held:
            shown = source
            if self.words and self.film:
                shown = cast(BinaryIO, held)
                titled.put(family.name, source, shown, letters(), self.words, throughout=self.throughout)
            elif self.words:
                shown = inscribed(source, self.words)
            shown.seek(0)
            signed(signatures, family, shown, target, aigc)
        return family.media_types[0]

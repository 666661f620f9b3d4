# SPDX-License-Identifier: Apache-2.0
"""The doors: a raw ASGI application with one table of routes. What is not in the table does not exist."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from guiju.errors import CallerError, GuijuError, OutsideError
from guiju.gateway import acceptance, closed, guard, http, jobs
from guiju.gateway.edits import EditRun
from guiju.gateway.films import FilmRun, RemixRun, VideoRun
from guiju.gateway.front import Front
from guiju.gateway.http import ClientGone, Head, Receive, Scope, Send
from guiju.gateway.live import Live
from guiju.gateway.media import MediaRun, SpeechRun
from guiju.gateway.openapi import document
from guiju.gateway.pipeline import TextRun
from guiju.gateway.run import RefusedError, Run
from guiju.gateway.timeline import settled, trail
from guiju.gateway.transcript import TranscriptRun
from guiju.gateway.vectors import VectorRun
from guiju.gateway.wire import videos
from guiju.gateway.wire.chat import Chat
from guiju.gateway.wire.completions import Completions
from guiju.gateway.wire.edits import Edits
from guiju.gateway.wire.embeddings import Embeddings
from guiju.gateway.wire.guards import Detector, Dify, LiteLLM
from guiju.gateway.wire.images import Images
from guiju.gateway.wire.messages import Messages
from guiju.gateway.wire.moderations import Moderations
from guiju.gateway.wire.protocol import GuardWire, Speaks, Wire
from guiju.gateway.wire.responses import Responses
from guiju.gateway.wire.speech import Speech
from guiju.gateway.wire.transcripts import Transcripts
from guiju.gateway.wire.videos import Page, Videos, job_object
from guiju.records.accounts import KeyRecord

log = logging.getLogger("guiju.gateway")
_OPENAI: Final = Chat()
TEXT_DOORS: Final[dict[str, Wire]] = {
    "/v1/chat/completions": _OPENAI,
    "/v1/completions": Completions(),
    "/v1/messages": Messages(),
    "/v1/responses": Responses(),
}
"""Doors at which text is asked and answered; each goes down the whole road."""
OTHER_DOORS: Final[dict[str, tuple[type[Run], Speaks]]] = {
    "/v1/embeddings": (VectorRun, Embeddings()),
    "/v1/images/generations": (MediaRun, Images()),
    "/v1/images/edits": (EditRun, Edits()),
    "/v1/audio/speech": (SpeechRun, Speech()),
    "/v1/audio/transcriptions": (TranscriptRun, Transcripts()),
    "/v1/videos": (VideoRun, Videos()),
}
"""Doors at which something else than text is asked or answered."""
GUARD_DOORS: Final[dict[str, GuardWire]] = {
    "/v1/moderations": Moderations(),
    "/beta/litellm_basic_guardrail_api": LiteLLM(),
    "/v1/guard/dify": Dify(),
    "/api/v1/text/contents": Detector(),
}
"""Doors at which a verdict is asked for, and no model answers."""
IDENTIFIED: Final = frozenset(wire.name for wire in (*TEXT_DOORS.values(), *(one for _, one in OTHER_DOORS.values())))
"""Short names of the doors at which persons ask, and which may each want a level of identity (Article 9)."""
Serve = Callable[[Scope, Receive, Send, Head], Awaitable[None]]


class Door(NamedTuple):
    """One route and method.

    Attributes:
        name: its short name in evidence and metrics.
        wire: the protocol in which it answers, errors too.
    """

    name: str
    serve: Serve
    wire: Speaks | GuardWire


async def _closed(scope: Scope, receive: Receive, send: Send, head: Head) -> None:
    raise CallerError("door_closed", what=closed.why(scope["path"]), page=closed.PAGE)


async def _wrong_method(scope: Scope, receive: Receive, send: Send, head: Head) -> None:
    raise CallerError("method_not_allowed", allow=", ".join(scope["guiju.allow"]))


Doors = Mapping[str, Door]
"""Method → door."""
_NONE: Final = Door("none", _closed, _OPENAI)
_JOBS: Final = "/v1/videos/"


class App:
    """The gateway as an ASGI application.

    Args:
        live: what this process serves with.
    """

    def __init__(self, live: Live) -> None:
        self.live = live
        self.doors: dict[str, Doors] = {
            "/v1/models": {"GET": Door("models", self.models, _OPENAI)},
            "/v1/notices": {"GET": Door("notices", self.notices, _OPENAI)},
            "/v1/notices/accept": {"POST": Door("accept", self.accept, _OPENAI)},
            "/healthz": {"GET": Door("healthz", self.healthz, _OPENAI)},
            "/readyz": {"GET": Door("readyz", self.readyz, _OPENAI)},
            "/metrics": {"GET": Door("metrics", self.metrics, _OPENAI)},
            "/openapi.json": {"GET": Door("openapi", self.openapi, _OPENAI)},
        }
        for path, wire in TEXT_DOORS.items():
            self.doors[path] = {"POST": Door(wire.name, partial(self.text, wire), wire)}
        for path, (kind, speaks) in OTHER_DOORS.items():
            self.doors[path] = {"POST": Door(speaks.name, partial(self.other, kind, speaks), speaks)}
        for path, asks in GUARD_DOORS.items():
            self.doors[path] = {"POST": Door(asks.name, partial(self.guard, asks), asks)}
        # Films: one of them is named in the path.
        self.doors["/v1/videos"] = {
            **self.doors["/v1/videos"],
            "GET": Door("videos.list", self.films, _OPENAI),
        }
        self.doors["/v1/videos/{id}"] = {
            "GET": Door("videos.state", self.film_state, _OPENAI),
            "DELETE": Door("videos.delete", self.film_delete, _OPENAI),
        }
        self.doors["/v1/videos/{id}/content"] = {"GET": Door("videos.content", self.film, _OPENAI)}
        self.doors["/v1/videos/{id}/remix"] = {"POST": Door("videos.remix", self.film_remix, _OPENAI)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        head = Head(language=self.live.settings.language)
        door = self._door(scope)
        try:
            head = http.head(scope, head.language)
            await door.serve(scope, receive, send, head)
        except ClientGone:
            return
        except GuijuError as error:
            await self._fail(send, door, head, error)
        except Exception as error:  # a door that fails inside tells a person, never a traceback
            log.error("door_failed", extra={"door": door.name, "kind": type(error).__name__})
            await self._fail(send, door, head, OutsideError("internal"))

    async def elsewhere(self, scope: Scope, send: Send, part: str) -> None:
        """Say that an address is served by processes of another part (`serve --only`)."""
        try:
            head = http.head(scope, self.live.settings.language)
        except GuijuError:  # whoever asks wrongly is at the wrong place all the same
            head = Head(language=self.live.settings.language)
        await self._fail(send, _NONE, head, CallerError("served_elsewhere", what=part))

    def _door(self, scope: Scope) -> Door:
        """The door of a request; one that is closed, or does not take the method, says so itself."""
        path = scope["path"]
        if path.startswith(_JOBS):  # the only paths that name one of many
            id, _, rest = path[len(_JOBS) :].partition("/")
            scope["guiju.id"] = id
            path = _JOBS + "{id}" + ("/" + rest if rest else "") if jobs.ours(id) else ""
        methods = self.doors.get(path)
        if methods is None:
            return _NONE
        scope["guiju.route"] = path
        door = methods.get(scope["method"])
        if door is None:
            scope["guiju.allow"] = tuple(methods)
            return next(iter(methods.values()))._replace(serve=_wrong_method)
        return door

    async def _fail(self, send: Send, door: Door, head: Head, error: GuijuError) -> None:
        """Answer with an error, and count it."""
        self.live.metrics.counts.failed(door.name, error.code)
        body = door.wire.error(error, head.language, None)
        await http.answer(send, error.row.status, body, http.error_headers(error, ""))

    # ------------------------------------------------------------------ the doors
    async def text(self, wire: Wire, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """POST to a door at which text is asked and answered."""
        key = self._key(head)
        self._within_budget(key)
        with self._allowed(key):
            body = await http.read(receive, self.live.settings.limits.body_bytes)
            await self._run(TextRun(self.live, head, key, wire), body, scope, receive, send)

    async def other(
        self, kind: type[Run], wire: Speaks, scope: Scope, receive: Receive, send: Send, head: Head
    ) -> None:
        """POST to a door at which something else than text is asked or answered."""
        key = self._key(head)
        self._within_budget(key)
        with self._allowed(key):
            limits = self.live.settings.limits
            body = await http.read(receive, limits.upload_bytes if kind.uploads else limits.body_bytes)
            await self._run(kind(self.live, head, key, wire), body, scope, receive, send)

    async def guard(self, wire: GuardWire, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """POST to a door at which only a verdict is asked for."""
        key = self._key(head)
        with self._allowed(key):
            body = await http.read(receive, self.live.settings.limits.body_bytes)
            checked = await guard.check(self.live, key, wire, body)
        told = [guard.sentence(self.live, checked.id, hearing, head.language) for hearing in checked.hearings]
        made = msgspec.json.encode(wire.write(checked, told))
        decision = (b"x-guiju-decision-id", checked.id.encode())
        await http.answer(send, 200, made, [http.JSON, http.NO_CACHE, decision])

    async def films(self, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """GET /v1/videos: the account's films."""
        key = self._key(head)
        with self._allowed(key):
            query = http.query(scope, Page.__struct_fields__)
            made = await jobs.page(self.live, key, query, head.language)
        await http.answer(send, 200, msgspec.json.encode(made), [http.JSON, http.NO_CACHE])

    async def film_state(self, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """GET /v1/videos/{id}: how one stands."""
        key = self._key(head)
        with self._allowed(key):
            job = await jobs.state(self.live, key, scope["guiju.id"])
        made = msgspec.json.encode(job_object(job, head.language))
        await http.answer(send, 200, made, [http.JSON, http.NO_CACHE])

    async def film_delete(self, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """DELETE /v1/videos/{id}: it is deleted where it lies."""
        key = self._key(head)
        with self._allowed(key):
            made = await jobs.remove(self.live, key, scope["guiju.id"])
        await http.answer(send, 200, msgspec.json.encode(made), [http.JSON, http.NO_CACHE])

    async def film(self, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """GET /v1/videos/{id}/content: the film, with its label in it."""
        key = self._key(head)
        variant = videos.variant(http.query(scope, ("variant",)))
        with self._allowed(key):
            job = await jobs.ready(self.live, key, scope["guiju.id"])
            await self._run(FilmRun(self.live, head, key, job, variant), b"", scope, receive, send)

    async def film_remix(self, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """POST /v1/videos/{id}/remix: another film made of one."""
        key = self._key(head)
        self._within_budget(key)
        with self._allowed(key):
            body = await http.read(receive, self.live.settings.limits.body_bytes)
            job = await jobs.ready(self.live, key, scope["guiju.id"])
            await self._run(RemixRun(self.live, head, key, job), body, scope, receive, send)

    async def models(self, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """GET /v1/models: the public names."""
        self._key(head)
        listed = [
            {"id": name, "object": "model", "created": 0, "owned_by": "guiju"} for name in self.live.upstreams.names()
        ]
        await http.answer(send, 200, msgspec.json.encode({"object": "list", "data": listed}), [http.JSON])

    async def notices(self, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """GET /v1/notices: what users are told before the first use, and what the person who asks has accepted."""
        key = self._key(head)
        with self._allowed(key):
            made = await acceptance.texts(self.live, head, key)
        await http.answer(send, 200, msgspec.json.encode(made), [http.JSON, http.NO_CACHE])

    async def accept(self, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """POST /v1/notices/accept: the person who asks accepts one of them."""
        key = self._key(head)
        with self._allowed(key):
            body = await http.read(receive, self.live.settings.limits.body_bytes)
            made = await acceptance.accept(self.live, head, key, body)
        await http.answer(send, 200, msgspec.json.encode(made), [http.JSON, http.NO_CACHE])

    async def healthz(self, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """GET /healthz: the process answers."""
        await http.answer(send, 200, b'{"status":"alive"}', [http.JSON, http.NO_CACHE])

    async def readyz(self, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """GET /readyz: whether everything holds that readiness looks at, and how guard models are."""
        live = self.live
        facts = live.facts
        told: dict[str, Any] = {"facts": facts}
        if guards := live.guards.states(live.clock()):
            told["guards"] = guards
        ready = all(facts.values())
        body = msgspec.json.encode({"status": "ready" if ready else "not ready", **told})
        await http.answer(send, 200 if ready else 503, body, [http.JSON, http.NO_CACHE])

    async def metrics(self, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """GET /metrics, for Prometheus."""
        kind = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
        await http.answer(send, 200, self.live.metrics.page(), [kind, http.NO_CACHE])

    async def openapi(self, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """GET /openapi.json: what this gateway takes and answers."""
        doors = {path: {method: door.name for method, door in row.items()} for path, row in self.doors.items()}
        await http.answer(send, 200, msgspec.json.encode(document(doors, self.live.version)), [http.JSON])

    # ------------------------------------------------------------------ how a run begins and ends
    @contextmanager
    def _allowed(self, key: KeyRecord) -> Iterator[None]:
        """Within the key's rate, and one of its exchanges at a time, or the settings' where it has none of its own.

        Raises:
            CallerError: `rate_limit_exceeded`.
        """
        limits = self.live.settings.limits
        rate, streams = key.requests_per_minute or limits.requests_per_minute, key.streams or limits.streams_per_key
        allowance = self.live.limiter.enter(key.id, rate, streams, asyncio.get_running_loop().time())
        try:
            yield
        finally:
            allowance.leave()

    def _budget(self, key: KeyRecord) -> int:
        """Tokens a day of a key; none when it is not above 0."""
        return key.tokens_per_day or self.live.settings.limits.tokens_per_day

    def _within_budget(self, key: KeyRecord) -> None:
        """Whether a key has tokens left today; exchanges under way are not cut off.

        Raises:
            CallerError: `quota_exceeded`.
        """
        budget = self._budget(key)
        if budget > 0 and self.live.tally.spent(key.id, self.live.clock()) >= budget:
            raise CallerError("quota_exceeded")

    def _key(self, head: Head) -> KeyRecord:
        """The key that came with the request.

        Raises:
            CallerError: `invalid_api_key`.
            OutsideError: `store_unavailable`; a key that can't be looked up is not called wrong.
        """
        key = self.live.keyring.find(head.key, int(self.live.clock())) if head.key else None
        if key is None:
            raise CallerError("invalid_api_key")
        return key

    def _watch(self, scope: Scope, receive: Receive) -> Callable[[], object]:
        """Cancel this request's task when its client leaves; returns what ends the watch."""
        task = asyncio.current_task()
        assert task is not None
        connection = scope.get("guiju.connection")
        if isinstance(connection, Front):
            connection.gone = task.cancel
            return connection.stay
        gone = asyncio.ensure_future(receive())
        gone.add_done_callback(lambda ended: None if ended.cancelled() else task.cancel())
        return gone.cancel

    async def _run(self, run: Run, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a run go down the road as long as its client stays."""
        leave = self._watch(scope, receive)
        run.line.method, run.line.route = scope["method"], scope["guiju.route"]
        try:
            await self._go(run, body, send)
        finally:
            leave()

    async def _go(self, run: Run, body: bytes, send: Send) -> None:
        """Let a run go down the road and write down however it ended."""
        live = self.live
        counted, counts = run.counted, live.metrics.counts
        action = "passed"
        if counted:
            live.under_way += 1
        try:
            await run.run(body, send)
            if run.reply and run.reply.stopped:
                action = "stopped"
        except RefusedError as refused:
            action = "refused" if run.opened is None else "stopped"
            error, guiju = run.refusal(refused.hearing)
            await self._tell(run, error, guiju, send)
        except GuijuError as error:
            action = "failed"
            self._close(run, "upstream_failed")
            if counted:
                counts.failed(run.wire.name, error.code)
            settings = live.settings
            place = {"redress_url": settings.redress(run.id), "authority_url": settings.provider.authority_url}
            place = place if error.row.status == 403 else {}
            await self._tell(run, error, {"decision_id": run.id, **place}, send)
        except asyncio.CancelledError:
            action = "client_gone"
            self._close(run, "client_gone")
        except Exception as error:  # whatever failed, nothing more of this exchange may go out
            action = "failed"
            log.error("exchange_failed", extra={"x": run.id, "kind": type(error).__name__})
            self._close(run, "failed_inside")
            await self._tell(run, OutsideError("internal"), {"decision_id": run.id}, send)
        finally:
            if run.reply and run.out.characters > run.reply.seen:
                counts.count("guiju_stream_unscanned_chars_total", by=run.out.characters - run.reply.seen)
            if self._budget(run.key) > 0:
                tokens, estimated = run.used(answered=action in ("passed", "client_gone"))
                if tokens:
                    live.tally.take(run.key.id, run.key.account, live.clock(), tokens, estimated=estimated)
            run.left()
            if counted:
                live.hits.take(run.findings(), live.clock())
                live.under_way -= 1
                settled(run.line, action, run.hearings, counts)
                if live.telemetry:
                    live.telemetry.take(trail(run.line, action, run.hearings, run.degraded))

    def _close(self, run: Run, end: Any) -> None:
        """Close an exchange that was opened and did not get to its end; what it released had passed."""
        if run.opened is not None and not run.closing:
            seen = run.reply.seen if run.reply else 0
            state = "passed" if seen >= run.out.characters else "not_checked"
            try:
                run.close(state, end)
            except OutsideError:
                log.error("closing_not_recorded", extra={"x": run.id})

    async def _tell(self, run: Run, error: GuijuError, guiju: dict[str, Any], send: Send) -> None:
        """Tell an error: as an answer, or inside the stream that has begun."""
        body = run.wire.error(error, run.head.language, guiju)
        run.line.error = error.code
        if run.started:
            await send({"type": "http.response.body", "body": run.broken(body)})
        else:
            run.line.status = error.row.status
            headers = http.error_headers(error, run.id) + run.asker.headers()
            await http.answer(send, error.row.status, body, headers)

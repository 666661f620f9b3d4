# SPDX-License-Identifier: Apache-2.0
"""The protocol of /v1/videos: words, and perhaps a picture, in; a job out, and later the film (Articles 4, 16).

A form or JSON comes in, and a form goes out, written anew. Of what the service says of a job only its state goes on, in
our words: its prompt and its messages are texts that nobody has looked at.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from guiju.adapters import refusals
from guiju.adapters.upstream import Address
from guiju.config import Limits
from guiju.detect.personal.masking import Masker
from guiju.errors import CallerError, GuijuError, Language, OutsideError
from guiju.gateway.wire import canonical, form, media, openai_errors, strict
from guiju.gateway.wire.canonical import Shape, Treatment
from guiju.gateway.wire.form import File, Form
from guiju.marking.bare import Bare
from guiju.marking.families import family_of
from guiju.marking.family import HEAD
from guiju.marking.label import Aigc
from guiju.records.jobs import STATES, Job, Order, State

PATH: Final = "/videos"
DROPPED: Final = frozenset({"user"})
"""Known fields that do not go upstream; they are listed."""
LISTED: Final = 100
"""Jobs of one page, at most."""
VARIANTS: Final = ("video", "thumbnail", "spritesheet")
_REFERENCE: Final = "input_reference"
_ADDRESS: Final = "input_reference[image_url]"
"""How clients write the address of a picture in a form."""
_SECONDS: Final = re.compile(r"[1-9]\d{0,2}", re.ASCII)
_SIZE: Final = re.compile(r"[1-9]\d{1,4}x[1-9]\d{1,4}", re.ASCII)
_THEIRS: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,199}", re.ASCII)
"""Ids that go into a path."""
_DATA: Final = re.compile(r"data:image/(?:png|jpe?g|webp);base64,", re.ASCII | re.IGNORECASE)
_FAMILIES: Final = ("png", "jpeg", "webp")


class Reference(Shape):
    image_url: str | None = None


class VideoRequest(Shape):
    model: str
    prompt: str
    seconds: str | None = None
    size: str | None = None
    input_reference: Reference | None = None


class RemixRequest(Shape):
    prompt: str


_KNOWN: Final = frozenset(VideoRequest.__struct_fields__)


class Asked(media.Asked):
    """A parsed request.

    Attributes:
        files: the picture that is asked about, as it came; none or one.
        pictures: what is left of it; see `edits.stripped`.
        found: labels that say that it is generated, where it carries one.
        border: of the form that goes upstream.
        public: the public name of the model, where the request does not name it.
    """

    files: tuple[File, ...] = ()
    pictures: tuple[Bare, ...] = ()
    found: tuple[Aigc, ...] = ()
    border: str = ""
    public: str = ""

    @property
    def model(self) -> str:
        """The public name of the model."""
        return self.public or str(self.request.model)


class Told(msgspec.Struct):
    """What a model service says of a job; everything else is left behind.

    Attributes:
        id: the service's own.
        status: one of `jobs.STATES`.
        progress: in percent.
        expires_at: Unix seconds.
        error: why it failed.
    """

    id: str
    status: str
    progress: float | None = None
    expires_at: int | None = None
    seconds: str | int | None = None
    size: str | None = None
    error: dict[str, Any] | None = None


_PLAIN: Final = frozenset({*Told.__struct_fields__, "object", "created_at", "completed_at", "model"})
"""Fields of an answer that lose nothing."""


class Videos:
    """The protocol of asking for a film; see `Speaks`. A job is no content, so that it carries no label."""

    name = "videos"
    path = PATH
    labelled = False
    text = False

    def parse(self, body: bytes | Form, table: Mapping[str, Treatment], limits: Limits) -> Asked:
        """Read a request: the bytes of JSON, or a form."""
        if isinstance(body, Form):
            raw, files, border = body.fields, body.files, body.border
            if _ADDRESS in raw and _REFERENCE not in raw:
                raw[_REFERENCE] = {"image_url": raw.pop(_ADDRESS)}
        else:
            raw, files, border = strict.decode(body, limits), [], f"guiju-{sha256(body).hexdigest()}"
        extra, dropped = canonical.sift(raw, _KNOWN, DROPPED, table)
        request = canonical.convert(raw, VideoRequest, lax=isinstance(body, Form))
        said = ("prompt",)
        media.within(request, said, limits)
        _formed(request)
        files = [*files, *_addressed(request)]
        if len(files) > 1 or any(one.field != _REFERENCE for one in files):
            raise CallerError("invalid_request", what=f"{_REFERENCE}: 0 to 1", param=_REFERENCE)
        for one in files:
            family = family_of(one.data[:HEAD])
            if family is None or family.name not in _FAMILIES:
                raise CallerError("not_checkable", what=f"{_REFERENCE}: " + ", ".join(_FAMILIES), param=_REFERENCE)
        return Asked(request, extra, said, tuple(dropped), files=tuple(files), border=border)

    def encode(self, asked: Asked, to: Address, person: str) -> bytes:
        """The form as it goes upstream; nobody's id goes with it."""
        request = asked.request
        said = {"model": to.model, "prompt": request.prompt, "seconds": request.seconds, "size": request.size}
        fields = [(name, text) for name, text in said.items() if text is not None]
        files = [(_REFERENCE, f"{_REFERENCE}.{one.family}", f"image/{one.family}", one.data) for one in asked.pictures]
        return form.write(asked.border, [*fields, *form.flat(asked.extra)], files)

    def masked(self, asked: Asked, by: Masker) -> Asked:
        """See `media.masked`."""
        made = media.masked(asked, by)
        assert isinstance(made, Asked)
        return made

    def error(self, error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
        """The error object of OpenAI's API."""
        return openai_errors.body(error, language, guiju)


class Remixes(Videos):
    """The protocol of asking for another film made of one."""

    def parse(self, body: bytes | Form, table: Mapping[str, Treatment], limits: Limits) -> Asked:
        """Read a request; whoever knows the job adds the model's name."""
        assert isinstance(body, bytes)
        raw = strict.decode(body, limits)
        extra, dropped = canonical.sift(raw, frozenset({"prompt"}), DROPPED, table)
        request = canonical.convert(raw, RemixRequest)
        if len(request.prompt) > limits.characters:
            raise CallerError("request_too_large", what=f"characters > {limits.characters}")
        return Asked(request, extra, ("prompt",), tuple(dropped))

    def encode(self, asked: Asked, to: Address, person: str) -> bytes:
        """The request as it goes upstream."""
        return canonical.joined(asked.request, asked.extra)


class Films(Videos):
    """The protocol of fetching a film: nothing is said, and content is answered."""

    labelled = True

    def encode(self, asked: Asked, to: Address, person: str) -> bytes:
        """What the ledger digests in place of a request: which film it is."""
        return str(asked.request).encode()


def _formed(request: VideoRequest) -> None:
    """Check what types alone can't say; what keeps to it holds no words.

    Raises:
        CallerError: `invalid_request`.
    """
    if request.seconds is not None and not _SECONDS.fullmatch(request.seconds):
        raise CallerError("invalid_request", what="seconds: 1 to 999", param="seconds")
    if request.size is not None and not _SIZE.fullmatch(request.size):
        raise CallerError("invalid_request", what="size: WIDTHxHEIGHT", param="size")


def _addressed(request: VideoRequest) -> Sequence[File]:
    """The picture that stands in the request itself; nobody here fetches what an address names."""
    if request.input_reference is None:
        return ()
    url = request.input_reference.image_url or ""
    head = _DATA.match(url)
    if not head:
        raise CallerError("not_checkable", what=f"{_REFERENCE}.image_url", param=_REFERENCE)
    try:
        return (File(_REFERENCE, binascii.a2b_base64(url[head.end() :], strict_mode=True)),)
    except ValueError:
        raise CallerError("not_checkable", what=f"{_REFERENCE}.image_url", param=_REFERENCE) from None


def read(body: bytes) -> tuple[Told, list[str]]:
    """What a model service says of a job, and the names of what is left behind of it.

    Raises:
        OutsideError: `upstream_failed`: it says nothing of the kind.
    """
    try:
        raw = msgspec.json.decode(body, type=dict[str, Any])
        told = msgspec.convert(raw, Told)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise OutsideError("upstream_failed", what="what it sent is no job") from None
    if told.status not in STATES or not _THEIRS.fullmatch(told.id):
        raise OutsideError("upstream_failed", what="what it sent is no job")
    return told, sorted(strict.left_behind(raw, _PLAIN))


def taken(job: Job, told: Told, now: int) -> Job:
    """A job as the service tells of it now."""
    state: State = told.status  # type: ignore[assignment] # `read` has looked
    refused = refusals.read({"error": told.error}, "output") is not None
    percent = int(max(0.0, min(99.0, told.progress or 0.0)))
    ends = min(one for one in (job.expires_at, told.expires_at or 0) if one > 0)
    return msgspec.structs.replace(
        job,
        state=state,
        why=("content_filter" if refused else "upstream_failed") if state == "failed" else "",
        progress=100 if state == "completed" else percent,
        completed_at=now if state == "completed" else 0,
        expires_at=ends,
    )


def asked_of(told: Told, asked: Asked) -> tuple[str, str]:
    """Length and size of a film: as the service says where that is well formed, else as they were asked for."""
    seconds, size = str(told.seconds or ""), told.size or ""
    request = asked.request if isinstance(asked.request, VideoRequest) else VideoRequest("", "")
    return (
        seconds if _SECONDS.fullmatch(seconds) else request.seconds or "",
        size if _SIZE.fullmatch(size) else request.size or "",
    )


SAID: Final[Mapping[Language, str]] = {"zh": "模型服务自身的内容规则", "en": "the model service's own rules"}
FAILED: Final[Mapping[Language, str]] = {"zh": "视频未能生成", "en": "the film could not be made"}


def job_object(job: Job, language: Language) -> dict[str, Any]:
    """A job as clients read it; why it failed is told in our words."""
    error = None
    if job.state == "failed":
        refused = job.why == "content_filter"
        told: GuijuError = (
            CallerError("content_filter", category=SAID[language])
            if refused
            else OutsideError("upstream_failed", what=FAILED[language])
        )
        error = {"code": told.code, "message": told.told(language)}
    return {
        "id": job.id,
        "object": "video",
        "model": job.model,
        "status": job.state,
        "progress": job.progress,
        "created_at": job.created_at,
        "completed_at": job.completed_at or None,
        "expires_at": job.expires_at,
        "seconds": job.seconds,
        "size": job.size,
        "remixed_from_video_id": job.source or None,
        "prompt": None,
        "error": error,
    }


class Page(msgspec.Struct):
    """What part of a list is asked for: the query's fields."""

    limit: int = 20
    after: str = ""
    order: Order = "desc"


def page(query: Mapping[str, str]) -> Page:
    """Read the query of a list.

    Raises:
        CallerError: `invalid_request`.
    """
    made = canonical.convert(dict(query), Page, lax=True)
    if not 1 <= made.limit <= LISTED:
        raise CallerError("invalid_request", what=f"limit: 1 to {LISTED}", param="limit")
    return made


def variant(query: Mapping[str, str]) -> str:
    """Which file of a job is asked for, of `VARIANTS`.

    Raises:
        CallerError: `invalid_request`.
    """
    said = query.get("variant", "video")
    if said not in VARIANTS:
        raise CallerError("invalid_request", what="variant: " + ", ".join(VARIANTS), param="variant")
    return said

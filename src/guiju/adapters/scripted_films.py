# SPDX-License-Identifier: Apache-2.0
"""Films of the scripted model service: jobs that end when they have been asked about, and one small, real MP4."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from guiju.adapters.scripted_media import picture

_JOBS: Final = 1000


class Jobs:
    """Films that are being made: each is done when it has been asked about so often. The last thousand are known."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._begun = 0
        self.broken: set[str] = set()
        """Films in whose place something else is answered."""

    def answer(
        self, method: str, parts: Sequence[str], query: bytes, asked: Mapping[str, Any], ends: tuple[int, str]
    ) -> tuple[int, bytes, bytes]:
        """What is answered: a status, a media type and a body.

        Args:
            method: of HTTP.
            parts: of the path, behind `/v1/videos`.
            query: of the request.
            asked: the fields of a request that begins a film.
            ends: how often it is asked about before it ends, and how.
        """
        told: dict[str, Any] | None = None
        if method == "POST":
            told = self.begin(asked, *ends, parts[0] if parts else "")
        elif len(parts) == 2 and parts[1] == "content":
            variant = dict(parse_qsl(query.decode("latin-1"))).get("variant", "video")
            if (made := self.content(parts[0], variant)) is not None:
                return 200, *made
        elif parts and method == "DELETE" and self.delete(parts[0]):
            told = {"id": parts[0], "object": "video.deleted", "deleted": True}
        elif parts and method == "GET":
            told = self.look(parts[0])
        error = {"error": {"message": "no such job", "type": "invalid_request_error", "param": None, "code": None}}
        return 200 if told else 404, b"application/json", msgspec.json.encode(told or error)

    def begin(self, asked: Mapping[str, Any], polls: int, finish: str, source: str = "") -> dict[str, Any]:
        """Begin a job; the request and its number decide the id, so that every run is the same.

        Args:
            asked: the fields of the request.
            polls: how often it is asked about before it has ended.
            finish: `stop`, or the code with which it fails.
            source: the job that it is made from.
        """
        told = f"{source} {asked.get('prompt', '')} {asked.get('size', '')}".encode("utf-8", "surrogatepass")
        self._begun += 1
        id = f"scripted_{self._begun}_{hashlib.sha256(told).hexdigest()[:16]}"
        self._left[id] = (polls, finish)
        if len(self._left) > _JOBS:
            self._left.popitem(last=False)
        more = {"remixed_from_video_id": source} if source else {}
        film = {"model": asked.get("model", "scripted"), "seconds": "1", "size": "320x180", **more}
        return self._told(id, "queued", 0) | film

    def look(self, id: str) -> dict[str, Any] | None:
        """How a job stands, one poll further; none where there is no such job."""
        if id not in self._left:
            return None
        polls, finish = self._left[id]
        self._left[id] = (polls - 1, finish)
        if polls > 0:
            return self._told(id, "in_progress", 50)
        if finish != "stop":
            return self._told(id, "failed", 50) | {"error": {"code": finish, "message": "scripted failure"}}
        return self._told(id, "completed", 100)

    def content(self, id: str, variant: str) -> tuple[bytes, bytes] | None:
        """A film or a picture of it, and its media type; none where there is no such job that has ended well."""
        polls, finish = self._left.get(id, (1, ""))
        if polls >= 0 or finish != "stop":
            return None
        if id in self.broken:
            return b"video/mp4", b"no film"
        return (b"video/mp4", film()) if variant == "video" else (b"image/png", picture(id))

    def delete(self, id: str) -> bool:
        """Forget a job; whether there was one."""
        return self._left.pop(id, None) is not None

    def _told(self, id: str, status: str, progress: int) -> dict[str, Any]:
        return {"id": id, "object": "video", "created_at": 1_700_000_000, "status": status, "progress": progress}


def film() -> bytes:
    """An MP4 of one second: a white square that moves over blue."""
    return files("guiju.adapters").joinpath("scripted.mp4").read_bytes()

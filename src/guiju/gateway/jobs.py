# SPDX-License-Identifier: Apache-2.0
"""What an account may ask about its films: how they stand, which there are, and that one be deleted. No content passes.

Each job belongs to one account; to every other one it does not exist.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from guiju.adapters.upstream import Method
from guiju.errors import CallerError, Language, OutsideError
from guiju.gateway.films import ID, gone
from guiju.gateway.live import Live
from guiju.gateway.wire import videos
from guiju.gateway.wire.videos import PATH
from guiju.records import jobs
from guiju.records.accounts import KeyRecord
from guiju.records.ids import ALPHABET, LENGTH
from guiju.records.jobs import Job

PATTERN: Final = f"{ID}[{ALPHABET}]{{{LENGTH}}}"
"""What an id of ours looks like."""
_OURS: Final = re.compile(PATTERN)


def ours(id: str) -> bool:
    """Whether an id may be one of ours."""
    return _OURS.fullmatch(id) is not None


async def found(live: Live, key: KeyRecord, id: str) -> Job:
    """A job as it was known last.

    Raises:
        CallerError: `job_not_found`.
        OutsideError: `store_unavailable`.
    """
    return await asyncio.to_thread(jobs.find, live.jobs, key.account, id, int(live.clock()))


async def state(live: Live, key: KeyRecord, id: str) -> Job:
    """A job as it is now; whoever makes it is asked while it is being made.

    Raises:
        CallerError: `job_not_found`.
        OutsideError: `store_unavailable`, or the model service does not answer.
    """
    job = await found(live, key, id)
    if job.state in ("completed", "failed"):
        return job
    now = int(live.clock())
    try:
        told, _ = videos.read(await _asked(live, job, "GET"))
    except OutsideError as error:
        if not gone(error):
            raise
        told = videos.Told(id=job.theirs, status="failed")
    made = videos.taken(job, told, now)
    if made != job:
        await asyncio.to_thread(jobs.changed, live.jobs, made)
    return made


async def ready(live: Live, key: KeyRecord, id: str) -> Job:
    """A job whose film is there.

    Raises:
        CallerError: `job_not_found`, `job_not_ready`.
        OutsideError: `store_unavailable`, or the model service does not answer.
    """
    job = await state(live, key, id)
    if job.state != "completed":
        raise CallerError("job_not_ready", status=job.state, after_s=2)
    return job


async def page(live: Live, key: KeyRecord, query: dict[str, str], language: Language) -> dict[str, Any]:
    """A part of an account's jobs, as they were known last.

    Raises:
        CallerError: the query is not well formed, or names no job.
        OutsideError: `store_unavailable`.
    """
    asked = videos.page(query)
    now, most = int(live.clock()), asked.limit + 1
    rows = await asyncio.to_thread(jobs.listed, live.jobs, key.account, now, most, asked.after, asked.order)
    data = [videos.job_object(one, language) for one in rows[: asked.limit]]
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": len(rows) > asked.limit}


async def remove(live: Live, key: KeyRecord, id: str) -> dict[str, Any]:
    """Delete a film where it lies, and forget the job.

    Raises:
        CallerError: `job_not_found`.
        OutsideError: `store_unavailable`, or the model service does not delete it; then the job stays.
    """
    job = await found(live, key, id)
    try:
        await _asked(live, job, "DELETE")
    except OutsideError as error:
        if not gone(error):
            raise
    await asyncio.to_thread(jobs.remove, live.jobs, key.account, job.id)
    return {"id": job.id, "object": "video.deleted", "deleted": True}


async def _asked(live: Live, job: Job, method: Method) -> bytes:
    source = await live.upstreams.named(job.service).ask(b"", f"{PATH}/{job.theirs}", method=method)
    try:
        return await source.body()
    finally:
        source.close()

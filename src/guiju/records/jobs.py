# SPDX-License-Identifier: Apache-2.0
"""Films that are being made: which account asked for each, and where it is made (Articles 5, 16).

A job is known in every worker and after a restart, and to its own account alone. No prompt, no picture and no film is
kept: the film lies at the model service until it expires, and is labelled each time that it is fetched.
"""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from guiju.errors import CallerError
from guiju.records.db import Store
from guiju.records.schema import media_job

State = Literal["queued", "in_progress", "completed", "failed"]
STATES: Final[frozenset[str]] = frozenset(get_args(State))
Order = Literal["asc", "desc"]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One film.

    Attributes:
        id: ours; it ends with the id of the exchange in which it was asked for.
        service: the model service that makes it, as the settings name it, and `theirs` the id that it gave.
        model: the public name.
        likenesses: `face` where a picture that may show a person was worked on (Article 4.5).
        why: an error code where it failed.
        source: our id of the job that it was made from.
        progress: in percent, as the service says.
        created_at, completed_at, expires_at: Unix seconds.
    """

    id: str
    account_id: str
    service: str
    theirs: str
    model: str
    seconds: str
    size: str
    likenesses: str
    source: str
    state: State
    why: str
    progress: int
    created_at: int
    completed_at: int
    expires_at: int


def add(store: Store, job: Job) -> None:
    """Enter a job.

    Raises:
        OutsideError: `store_unavailable`.
    """
    store.do(lambda connection: connection.execute(insert(media_job).values(**msgspec.structs.asdict(job))) and None)


def within(store: Store, account: str, most: int, now: int) -> None:
    """Whether an account may have one more.

    Args:
        store: the store.
        account: its id.
        most: jobs that it may have at a time; not above 0 for any number.
        now: Unix seconds.

    Raises:
        CallerError: `rate_limit_exceeded`.
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        mine = (media_job.c.account_id == account) & (media_job.c.expires_at > now)
        count = connection.execute(select(func.count()).select_from(media_job).where(mine)).scalar_one()
    if 0 < most <= count:
        raise CallerError("rate_limit_exceeded", after_s=60)


def find(store: Store, account: str, id: str, now: int) -> Job:
    """A job of an account that has not expired.

    Raises:
        CallerError: `job_not_found`; of another account's, too.
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        mine = (media_job.c.id == id) & (media_job.c.account_id == account) & (media_job.c.expires_at > now)
        row = connection.execute(select(media_job).where(mine)).mappings().first()
    if row is None:
        raise CallerError("job_not_found")
    return Job(**row)


def listed(store: Store, account: str, now: int, most: int, after: str = "", order: Order = "desc") -> list[Job]:
    """An account's jobs that have not expired, by the time at which they were asked for.

    Args:
        store: the store.
        account: its id.
        now: Unix seconds.
        most: how many.
        after: id of the job behind which to begin; `""` for the first.
        order: oldest or newest first.

    Raises:
        CallerError: `job_not_found`: there is no job `after`.
        OutsideError: `store_unavailable`.
    """
    at, id = media_job.c.created_at, media_job.c.id
    wanted = (media_job.c.account_id == account) & (media_job.c.expires_at > now)
    if after:
        begun = find(store, account, after, now)
        later = (at > begun.created_at) | ((at == begun.created_at) & (id > begun.id))
        wanted &= later if order == "asc" else ~later & (id != begun.id)
    by = (at, id) if order == "asc" else (at.desc(), id.desc())
    with store.read() as connection:
        rows: Any = connection.execute(select(media_job).where(wanted).order_by(*by).limit(most)).mappings()
        return [Job(**row) for row in rows]


def changed(store: Store, job: Job) -> None:
    """Write down what the model service said of a job last; one that has ended stays as it ended.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def write(connection: Connection) -> None:
        going = (media_job.c.id == job.id) & media_job.c.state.in_(("queued", "in_progress"))
        values = {name: getattr(job, name) for name in ("state", "why", "progress", "completed_at", "expires_at")}
        connection.execute(update(media_job).where(going).values(**values))

    store.do(write)


def remove(store: Store, account: str, id: str) -> None:
    """Forget a job of an account.

    Raises:
        OutsideError: `store_unavailable`.
    """
    mine = (media_job.c.id == id) & (media_job.c.account_id == account)
    store.do(lambda connection: connection.execute(delete(media_job).where(mine)) and None)


def sweep(store: Store, now: int) -> int:
    """Forget the jobs that have expired; returns how many.

    Raises:
        OutsideError: `store_unavailable`.
    """
    over = media_job.c.expires_at <= now
    return store.do(lambda connection: connection.execute(delete(media_job).where(over)).rowcount)

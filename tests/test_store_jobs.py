# SPDX-License-Identifier: Apache-2.0
"""Jobs in the store: an account's own, until they expire; what has ended stays as it ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from guiju.errors import CallerError
from guiju.records import accounts, jobs
from guiju.records.db import Store
from places import BOTH, Place, place

NOW = 1_795_000_000
JOB = jobs.Job(
    id="video_1", account_id="", service="s", theirs="t", model="m", seconds="4", size="1x1", likenesses="", source="",
    state="queued", why="", progress=0, created_at=NOW, completed_at=0, expires_at=NOW + 60,
)  # fmt: skip


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    opened = here.open()
    yield opened
    opened.close()


def test_a_job_is_its_accounts_and_ends_once(store: Store) -> None:
    mine, theirs = (accounts.create_account(store, name, NOW).id for name in ("shop", "other"))
    job = msgspec.structs.replace(JOB, account_id=mine)
    jobs.add(store, job)
    assert jobs.find(store, mine, job.id, NOW) == job
    for account, now in ((theirs, NOW), (mine, NOW + 60)):
        with pytest.raises(CallerError):
            jobs.find(store, account, job.id, now)
    done = msgspec.structs.replace(job, state="completed", progress=100, completed_at=NOW + 1, expires_at=NOW + 50)
    jobs.changed(store, done)
    jobs.changed(store, msgspec.structs.replace(done, state="failed"))
    assert jobs.find(store, mine, job.id, NOW) == done
    jobs.remove(store, theirs, job.id)
    assert jobs.find(store, mine, job.id, NOW) == done
    jobs.remove(store, mine, job.id)
    assert jobs.listed(store, mine, NOW, 9) == []


def test_jobs_are_counted_listed_and_swept(store: Store) -> None:
    mine = accounts.create_account(store, "shop", NOW).id
    made = [
        msgspec.structs.replace(JOB, id=f"video_{n}", account_id=mine, created_at=NOW + n // 2, expires_at=NOW + 60 + n)
        for n in range(5)
    ]
    for one in made:
        jobs.add(store, one)
    assert jobs.listed(store, mine, NOW, 9, order="asc") == made
    assert jobs.listed(store, mine, NOW, 9) == made[::-1]
    assert jobs.listed(store, mine, NOW, 2, after="video_1", order="asc") == made[2:4]
    assert jobs.listed(store, mine, NOW, 9, after="video_2") == made[1::-1]
    jobs.within(store, mine, 6, NOW)
    jobs.within(store, mine, 0, NOW)
    with pytest.raises(CallerError):
        jobs.within(store, mine, 5, NOW)
    jobs.within(store, mine, 5, NOW + 60)
    assert jobs.sweep(store, NOW + 62) == 3
    assert [one.id for one in jobs.listed(store, mine, NOW, 9)] == ["video_4", "video_3"]

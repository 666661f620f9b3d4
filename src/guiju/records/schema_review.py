# SPDX-License-Identifier: Apache-2.0
"""The tables of the queues in which people look at things: items, leases, ratings, time spent (Articles 8, 13, 15).

What an item is about lies elsewhere, under its own protection; here stands its id.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from guiju.records.metadata import metadata

item = Table(
    "review_item",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("queue", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("stratum", String(64), nullable=False),
    Column("author_id", String(32), nullable=False),
    Column("rank", BigInteger, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("label", String(64), nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("done_at", BigInteger, nullable=False),
    UniqueConstraint("queue", "subject"),
    Index("ix_review_item_waits", "queue", "state", "rank", "id"),
)

lease = Table(
    "review_lease",
    metadata,
    Column("item_id", String(32), ForeignKey("review_item.id"), primary_key=True),
    Column("member_id", String(32), primary_key=True),
    Column("since_at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Index("ix_review_lease_member", "member_id"),
)

rating = Table(
    "review_rating",
    metadata,
    Column("item_id", String(32), ForeignKey("review_item.id"), primary_key=True),
    Column("member_id", String(32), primary_key=True),
    Column("label", String(64), nullable=False),
    Column("settles", Integer, nullable=False),
    Column("rated_at", BigInteger, nullable=False),
)

# For how long a member looked at what others may not like to see, a row a day: their own figure, and no ranking.
exposure = Table(
    "review_exposure",
    metadata,
    Column("member_id", String(32), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("seconds", BigInteger, nullable=False),
    Column("things", Integer, nullable=False),
)

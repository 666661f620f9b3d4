# SPDX-License-Identifier: Apache-2.0
"""The tables of the duty board and of what is told in public (Articles 5 and 17); `schema` has them with the others.

Nothing here is anybody's content, and nothing leads to a person who uses the service.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String, Table, Text

from guiju.records.metadata import metadata

# How each duty stood, by day (UTC+8): as it was last seen, and whether it was red at any time.
duty_day: Final = Table(
    "duty_day",
    metadata,
    Column("profile", String(32), primary_key=True),
    Column("duty", String(32), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("red", Boolean, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# Which member answers for a duty; the last row of a duty counts.
duty_owner: Final = Table(
    "duty_owner",
    metadata,
    Column("duty", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("by", String(128), nullable=False),
    Column("at", BigInteger, nullable=False),
)

# What a public page said, each time that it said something else.
page_snapshot: Final = Table(
    "page_snapshot",
    metadata,
    Column("page", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("said", LargeBinary, nullable=False),
)

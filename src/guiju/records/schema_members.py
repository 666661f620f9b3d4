# SPDX-License-Identifier: Apache-2.0
"""The tables of those who work with the console: members, how they sign in, and what they did there.

Members serve the whole provider, so nothing here belongs to an account. Of tokens only hashes are kept.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

from guiju.records.metadata import metadata

member = Table(
    "member",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("role", String(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("left_at", BigInteger, nullable=False),
    Column("login", String(256), nullable=False, server_default=text("''"), index=True),
)

passkey = Table(
    "passkey",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("member_id", String(32), ForeignKey("member.id"), nullable=False, index=True),
    Column("credential", LargeBinary, nullable=False),
    Column("uses", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False),
)

# A link by which a member makes a first or another passkey; without a member it makes the first administrator.
invitation = Table(
    "invitation",
    metadata,
    Column("mark", LargeBinary, primary_key=True),
    Column("member_id", String(32), nullable=False, index=True),
    Column("made_by", String(128), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
)

# What must be remembered between the two halves of a sign-in; it is taken once.
sign_in = Table(
    "sign_in",
    metadata,
    Column("mark", LargeBinary, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("state", Text, nullable=False),
    Column("until_at", BigInteger, nullable=False, index=True),
)

session = Table(
    "session",
    metadata,
    Column("mark", LargeBinary, primary_key=True),
    Column("member_id", String(32), ForeignKey("member.id"), nullable=False, index=True),
    Column("method", String(16), nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False, index=True),
)

# A member's own ways to look at the queue: a name, and what stands in the address.
saved_view = Table(
    "saved_view",
    metadata,
    Column("member_id", String(32), ForeignKey("member.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("query", String(1024), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("member_id", "name", name="pk_saved_view"),
)

# Who asked for a mail in the morning that says what is due, where to, and the last day (UTC+8) on which one was sent.
digest = Table(
    "digest",
    metadata,
    Column("member_id", String(32), ForeignKey("member.id"), primary_key=True),
    Column("mail", String(256), nullable=False),
    Column("day", Integer, nullable=False),
)

# Who did or read what in the console: places and ids, never a text.
act = Table(
    "act",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("member_id", String(32), nullable=False, index=True),
    Column("role", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("place", String(128), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("evidence", String(128), nullable=False),
)

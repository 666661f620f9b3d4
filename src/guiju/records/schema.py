# SPDX-License-Identifier: Apache-2.0
"""The tables of the store, the same on SQLite and PostgreSQL; the migrations lead to exactly this.

`account_id` stands in every table that holds keys, persons, exchanges or cases (ADR 0002). Ids are 128 random bits in
hex, times are Unix seconds. No column holds a name, a document number, a request or an answer (DESIGN §8).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from guiju.records import (  # noqa: F401 # their tables stand beside those here
    schema_annotation,
    schema_asking,
    schema_banks,
    schema_board,
    schema_corpora,
    schema_desk,
    schema_dossier,
    schema_evaluation,
    schema_members,
    schema_privacy,
    schema_review,
    schema_telling,
)
from guiju.records.metadata import metadata as metadata  # noqa: PLC0414 # others take it from here

REVISIONS: Final = tuple(f"{number:04}" for number in (*range(1, 32), 34, 36, 38))
"""Every revision of the schema, oldest first; the last is the one that this Guiju reads and writes."""

HEAD: Final = REVISIONS[-1]
member: Final = schema_members.member

# Which revision the store has; alembic's own table, which the migrations do not make, so that no start needs alembic.
revision = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

version = Table(
    "version",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("number", BigInteger, nullable=False),
)

account = Table(
    "account",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(32), ForeignKey("account.id"), nullable=False, index=True),
    Column("name", String(128), nullable=False),
    Column("prefix", String(16), nullable=False),
    Column("hmac", LargeBinary, nullable=False, unique=True),
    Column("pepper", String(8), nullable=False),
    Column("identity", String(16), nullable=False),
    Column("label", String(16), nullable=False),
    Column("on_block", String(16), nullable=False),
    Column("requests_per_minute", Integer, nullable=False),
    Column("streams", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger, nullable=False),
    Column("tokens_per_day", BigInteger, nullable=False, server_default=text("0")),
    Column("audience", String(16), nullable=False, server_default=text("'all'")),
)

key_usage = Table(
    "key_usage",
    metadata,
    Column("key_id", String(32), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("estimated", BigInteger, nullable=False),
)

day_key = Table(
    "day_key",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("day", Integer, nullable=False, index=True),
    Column("retired", Boolean, nullable=False),
)

person = Table(
    "person",
    metadata,
    Column("account_id", String(32), ForeignKey("account.id"), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("level", String(16), nullable=False),
    Column("method", String(64), nullable=False),
    Column("verified_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("transaction_hash", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("day_key_id", String(32), ForeignKey("day_key.id"), index=True),
    Column("wrapped_key", LargeBinary),
)

# Assertions that may come only once and came: a keyed hash of each one's id, until it would no longer hold.
assertion_seen = Table(
    "assertion_seen",
    metadata,
    Column("mark", LargeBinary, primary_key=True),
    Column("until_s", BigInteger, nullable=False, index=True),
)

# How long a person used the service on a day: times alone (Article 10).
person_use = Table(
    "person_use",
    metadata,
    Column("account_id", String(32), primary_key=True),
    Column("person_id", String(64), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("session", Integer, nullable=False),
    Column("continuous_s", Double, nullable=False),
    Column("today_s", Double, nullable=False),
    Column("night", Boolean, nullable=False),
    Column("told", Integer, nullable=False),
    Column("break_until", Double, nullable=False),
    Column("last_at", Double, nullable=False),
)

guardian = Table(
    "guardian",
    metadata,
    Column("account_id", String(32), primary_key=True),
    Column("person_id", String(64), primary_key=True),
    Column("day_minutes", Integer, nullable=False),
    Column("night", String(16), nullable=False),
    Column("set_at", BigInteger, nullable=False),
)

# What a person chose: which version of a text they accepted (Article 10), and how their data may be used (Article 11).
choice = Table(
    "choice",
    metadata,
    Column("account_id", String(32), primary_key=True),
    Column("person_id", String(64), primary_key=True),
    Column("subject", String(48), primary_key=True),
    Column("chosen", String(32), nullable=False),
    Column("chosen_at", BigInteger, nullable=False),
)

# Strikes: a time, a kind of use, where it came from, and the step that it led to (Article 19). `mark` holds sixteen
# bits by which the same text is known again within an hour; then it is -1.
strike = Table(
    "strike",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("person_id", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("source", String(16), nullable=False),
    Column("rung", String(16), nullable=False),
    Column("mark", Integer, nullable=False),
    Index("ix_strike_person", "account_id", "person_id"),
)

standing_step = Table(
    "standing_step",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("person_id", String(64), nullable=False),
    Column("rung", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("decided_by", String(128), nullable=False),
    Column("lifted_at", BigInteger, nullable=False),
    Index("ix_standing_step_person", "account_id", "person_id"),
)

# What must be kept of a person, sealed under that person's key (DESIGN §8).
vault = Table(
    "vault",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("person_id", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Index("ix_vault_person", "account_id", "person_id"),
)

legal_hold = Table(
    "legal_hold",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("person_id", String(64), nullable=False),
    Column("law", String(256), nullable=False),
    Column("scope", String(256), nullable=False),
    Column("placed_by", String(128), nullable=False),
    Column("placed_at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("lifted_by", String(128), nullable=False),
    Column("lifted_at", BigInteger, nullable=False),
    Index("ix_legal_hold_person", "account_id", "person_id"),
)

# What persons asked for; of a request that is done the person is no longer known.
rights_request = Table(
    "rights_request",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("person_id", String(64), nullable=False),
    Column("asked", String(16), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("done_at", BigInteger, nullable=False),
    Column("outcome", String(16), nullable=False),
)

change = Table(
    "change",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("target", Integer, nullable=False),
    Column("before_hash", String(64), nullable=False),
    Column("after_hash", String(64), nullable=False),
    Column("weakens", Boolean, nullable=False),
    Column("single_mode", Boolean, nullable=False),
    Column("proposed_by", String(128), nullable=False),
    Column("proposed_at", BigInteger, nullable=False),
    Column("effective_at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("evidence", String(128), nullable=False),
    Index("ix_change_state", "state", "effective_at"),
)

lexicon = Table(
    "lexicon",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("current", Integer, nullable=False),
    Column("newest", Integer, nullable=False),
)

lexicon_version = Table(
    "lexicon_version",
    metadata,
    Column("name", String(64), ForeignKey("lexicon.name"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("entries", Integer, nullable=False),
    Column("applied_by", String(128), nullable=False),
    Column("applied_at", BigInteger, nullable=False),
)

lexicon_entry = Table(
    "lexicon_entry",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("term", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("owner", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("expires", String(32), nullable=False),
    Column("boundary", String(16), nullable=False),
    Column("context", Text, nullable=False, server_default=text("''")),
    ForeignKeyConstraint(["name", "number"], ["lexicon_version.name", "lexicon_version.number"]),
)

# How often each entry of the word lists matched on a day: ids and counts, nothing of anybody. The row without an id
# says how many exchanges were looked at on that day.
entry_hit = Table(
    "entry_hit",
    metadata,
    Column("day", Integer, primary_key=True),
    Column("entry_id", Text, primary_key=True),
    Column("hits", BigInteger, nullable=False),
)

policy_version = Table(
    "policy_version",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("document", Text, nullable=False),
    Column("applied_by", String(128), nullable=False),
    Column("applied_at", BigInteger, nullable=False),
    Column("effective_at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("why", String(512), nullable=False, server_default=text("''")),
)

policy_trial = Table(
    "policy_trial",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("category", String(128), primary_key=True),
    Column("side", String(16), primary_key=True),
    Column("done", String(16), primary_key=True),
    Column("would", String(16), primary_key=True),
    Column("findings", BigInteger, nullable=False),
)

upstream = Table(
    "upstream",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("url", Text, nullable=False),
    Column("key_env", String(128), nullable=False),
    Column("models", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger, nullable=False),
    UniqueConstraint("name", "removed_at"),
)

ban = Table(
    "ban",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("category", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("case_id", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("mark", LargeBinary, nullable=False),
    Column("key_id", String(8), nullable=False),
    Column("examples", Integer, nullable=False),
    Column("decided_by", String(128), nullable=False),
    Column("decided_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("lifted_at", BigInteger, nullable=False),
)

work = Table(
    "work",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("title", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("grams", LargeBinary, nullable=False),
    Column("key_id", String(8), nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger, nullable=False),
)

confidential = Table(
    "confidential",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("title", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("shingles", LargeBinary, nullable=False),
    Column("key_id", String(8), nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger, nullable=False),
)

consent = Table(
    "consent",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(32), ForeignKey("account.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("giver", String(64), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("proof", String(64), nullable=False),
    Column("until_s", BigInteger, nullable=False),
    Column("key_id", String(8), nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger, nullable=False),
)

webhook = Table(
    "webhook",
    metadata,
    Column("account_id", String(32), ForeignKey("account.id"), primary_key=True),
    Column("url", Text, nullable=False),
    Column("private", Boolean, nullable=False),
    Column("number", Integer, nullable=False),
    Column("set_by", String(128), nullable=False),
    Column("set_at", BigInteger, nullable=False),
)

recall = Table(
    "recall",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(32), ForeignKey("account.id"), nullable=False),
    Column("produce_id", String(64), nullable=False),
    Column("category", String(64), nullable=False),
    Column("case_id", String(64), nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("answer", String(16), nullable=False),
    Column("told_at", BigInteger, nullable=False),
    UniqueConstraint("account_id", "produce_id"),
)

# Films that are being made: who asked, and where. No prompt and no film.
media_job = Table(
    "media_job",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(32), ForeignKey("account.id"), nullable=False),
    Column("service", String(128), nullable=False),
    Column("theirs", String(256), nullable=False),
    Column("model", String(128), nullable=False),
    Column("seconds", String(8), nullable=False),
    Column("size", String(16), nullable=False),
    Column("likenesses", String(16), nullable=False),
    Column("source", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("why", String(32), nullable=False),
    Column("progress", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("completed_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_media_job_account", "account_id", "created_at"),
)

rumour_version = Table(
    "rumour_version",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("entries", Integer, nullable=False),
    Column("applied_by", String(128), nullable=False),
    Column("applied_at", BigInteger, nullable=False),
    Column("current", Boolean, nullable=False),
)

rumour = Table(
    "rumour",
    metadata,
    Column("number", Integer, ForeignKey("rumour_version.number"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("id", String(64), nullable=False),
    Column("claim", Text, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("correction", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("date", String(10), nullable=False),
    Column("expires", String(10), nullable=False),
    Column("language", String(8), nullable=False),
    Column("owner", Text, nullable=False),
    Column("severity", String(16), nullable=False),
)

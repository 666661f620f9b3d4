# SPDX-License-Identifier: Apache-2.0
"""The tables of annotation (Article 8); `schema` has them with the others."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from guiju.records.metadata import metadata

# Published rules; a row never changes. They are the provider's own document, which goes to the authority with a filing.
rulebook: Final = Table(
    "annotation_rulebook",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("document", Text, nullable=False),
    Column("published_by", String(128), nullable=False),
    Column("approved_by", String(128), nullable=False),
    Column("published_at", BigInteger, nullable=False),
)

# What members were taught. Members are staff, known by the names that colleagues know.
training: Final = Table(
    "annotation_training",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("member", String(128), nullable=False),
    Column("topic", String(16), nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("proof", String(64), nullable=False),
    Column("entered_by", String(128), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_annotation_training_member", "member", "at"),
)

# Exams on rules. The questions are ids of the rules' examples; which answers were given is not kept, only how many fit.
exam: Final = Table(
    "annotation_exam",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("member", String(128), nullable=False),
    Column("rulebook_id", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("questions", Text, nullable=False),
    Column("correct", Integer, nullable=False),
    Column("share", Double, nullable=False),
    Column("passed", Integer, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Index("ix_annotation_exam_member", "member", "rulebook_id", "version"),
)

# A batch of items that are annotated by one version of rules.
batch: Final = Table(
    "annotation_batch",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("name", String(64), nullable=False, unique=True),
    Column("rulebook_id", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("tool", String(16), nullable=False),
    Column("items", Integer, nullable=False),
    Column("gold", Integer, nullable=False),
    Column("seed", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("opened_by", String(128), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("settled_by", String(128), nullable=False),
    Column("settled_at", BigInteger, nullable=False),
)

# Who does what on a batch: one role each, which the key holds.
role: Final = Table(
    "annotation_role",
    metadata,
    Column("batch_id", String(32), ForeignKey("annotation_batch.id"), primary_key=True),
    Column("member", String(128), primary_key=True),
    Column("role", String(16), nullable=False),
)


def _items(name: str) -> Table:
    """Items: the text, the answer that is known and all that came with it, sealed under the batch's own key."""
    return Table(
        name,
        metadata,
        Column("batch_id", String(32), ForeignKey("annotation_batch.id"), primary_key=True),
        Column("position", Integer, primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
    )


def _marks(name: str) -> Table:
    """What members said of items; the label is sealed, the time is not."""
    return Table(
        name,
        metadata,
        Column("batch_id", String(32), ForeignKey("annotation_batch.id"), primary_key=True),
        Column("position", Integer, primary_key=True),
        Column("member", String(128), primary_key=True),
        Column("role", String(16), nullable=False),
        Column("seconds", Double, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
    )


# Annotation for safety lies apart from the other (GB/T 45654-2025).
item: Final = _items("annotation_item")
mark: Final = _marks("annotation_mark")
safety_item: Final = _items("annotation_safety_item")
safety_mark: Final = _marks("annotation_safety_mark")

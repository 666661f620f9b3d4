# SPDX-License-Identifier: Apache-2.0
"""The tables of annotation (Article 8); `schema` has them with the others."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Double, Index, Integer, String, Table, Text

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

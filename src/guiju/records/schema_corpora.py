# SPDX-License-Identifier: Apache-2.0
"""The tables of the sources that models learn from (Article 7). They hold no text of a source, and nobody's name."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table, Text

from guiju.records.metadata import metadata

corpus_source: Final = Table(
    "corpus_source",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("title", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("licence", Text, nullable=False),
    Column("origin", String(16), nullable=False),
    Column("languages", Text, nullable=False),
    Column("modality", String(16), nullable=False),
    Column("items", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger, nullable=False),
)

corpus_proof: Final = Table(
    "corpus_proof",
    metadata,
    Column("source_id", String(64), ForeignKey("corpus_source.id"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("added_at", BigInteger, nullable=False),
)

corpus_part: Final = Table(
    "corpus_part",
    metadata,
    Column("whole_id", String(64), ForeignKey("corpus_source.id"), primary_key=True),
    Column("part_id", String(64), ForeignKey("corpus_source.id"), primary_key=True),
)

corpus_withdrawn: Final = Table(
    "corpus_withdrawn",
    metadata,
    Column("source_id", String(64), ForeignKey("corpus_source.id"), primary_key=True),
    Column("consent", String(64), primary_key=True),
    Column("withdrawn_at", BigInteger, nullable=False),
)

corpus_training: Final = Table(
    "corpus_training",
    metadata,
    Column("source_id", String(64), ForeignKey("corpus_source.id"), primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("added_by", String(128), nullable=False),
    Column("added_at", BigInteger, nullable=False),
)

corpus_audit: Final = Table(
    "corpus_audit",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("source_id", String(64), nullable=False, index=True),
    Column("stage", String(16), nullable=False),
    Column("result", String(16), nullable=False),
    Column("report", String(64), nullable=False),
    Column("figures", Text, nullable=False),
    Column("audited_by", String(128), nullable=False),
    Column("audited_at", BigInteger, nullable=False),
)

corpus_task: Final = Table(
    "corpus_task",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("source_id", String(64), ForeignKey("corpus_source.id"), nullable=False),
    Column("model", String(128), nullable=False),
    Column("why", String(16), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("done_at", BigInteger, nullable=False),
    Column("done_by", String(128), nullable=False),
)

# SPDX-License-Identifier: Apache-2.0
"""The tables of packages (Articles 6 and 17): which were built, who signed them, and what was told to authorities;
`schema` has them too."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, Table, Text

from guiju.records.metadata import metadata

# A package by the digest of its manifest; a row never changes. The manifest holds what the package says anyway: facts
# of the provider, figures, hashes of files.
package: Final = Table(
    "dossier_package",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("dated", String(10), nullable=False),
    Column("draft", Boolean, nullable=False),
    Column("annotated", Boolean, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("built_at", BigInteger, nullable=False),
    Column("evidence", String(256), nullable=False),
    Index("ix_dossier_package_kind", "kind", "built_at"),
)

# Who signed a package in which role. They are members of staff or officers of the provider, by the names that stand in
# the filing itself.
signature: Final = Table(
    "dossier_signature",
    metadata,
    Column("digest", String(64), ForeignKey("dossier_package.digest"), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("signer", String(128), nullable=False),
    Column("single_mode", Boolean, nullable=False),
    Column("signed_at", BigInteger, nullable=False),
    Column("evidence", String(256), nullable=False),
)

# What was told to an authority, once a row, which never changes. Of what a law asked for it holds where it was found
# (one exchange, case or account) and the names of the fields that were given, never what they said.
disclosure: Final = Table(
    "disclosure",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("what", String(16), nullable=False),
    Column("to", String(256), nullable=False),
    Column("basis", String(512), nullable=False),
    Column("number", String(128), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("about", String(128), nullable=False),
    Column("fields", Text, nullable=False),
    Column("day", String(10), nullable=False),
    Column("by", String(128), nullable=False),
    Column("second", String(128), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("evidence", String(256), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_disclosure_at", "at"),
)

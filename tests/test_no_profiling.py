# SPDX-License-Identifier: Apache-2.0
"""No chain of joins leads from a person to a class of risk or a text (Article 11; DESIGN §8; bounds.md)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from sqlalchemy import Column, ForeignKey, MetaData, String, Table

from guiju.records import schema

SINGLES_OUT = {
    "person": {"person_id"},
    "exchange": {"exchange_id", "x", "decision_id", "produce_id"},
    "case": {"case_id"},
    "step": {"step_id"},
    "strike": {"strike_id"},
}
"""Identifiers that lead from a row to another row about the same thing; an account or a key leads to everybody."""
RISK = {"category", "risk", "categories", "found", "findings"}
TEXT = {"text", "prompt", "answer", "content", "claim", "body"}
EVIDENCE = {"exchange_id", "category", "findings"}
"""What an entry of the ledger names: its exchange, and why it was stopped; never a person."""
HOMES = {"person": "person", "strike": "strike", "standing_step": "step", "desk_case": "case"}
"""Tables whose `id` is the identifier itself."""


def identifiers(names: Iterable[str], home: str = "") -> set[str]:
    """The identifiers among some columns."""
    found = {kind for kind, columns in SINGLES_OUT.items() if columns & set(names)}
    return found | ({home} if home else set())


def nodes(metadata: MetaData) -> dict[str, tuple[set[str], set[str]]]:
    """Table → its identifiers and its columns; the ledger is one more table."""
    made = {}
    for table in metadata.tables.values():
        kinds = identifiers(table.c.keys(), HOMES.get(table.name, ""))
        kinds |= {HOMES[key.column.table.name] for key in table.foreign_keys if key.column.table.name in HOMES}
        made[table.name] = (kinds, set(table.c.keys()))
    made["ledger"] = (identifiers(EVIDENCE), EVIDENCE)
    return made


def leads(metadata: MetaData) -> list[str]:
    """Tables with a class of risk or a text that can be reached from a person."""
    tables = nodes(metadata)
    reached, seen = {"person"}, set()
    while True:
        new = {name for name, (kinds, _) in tables.items() if kinds & reached} - seen
        if not new:
            break
        seen |= new
        for name in new:
            reached |= tables[name][0]
    return sorted(name for name in seen if tables[name][1] & (RISK | TEXT))


def test_nothing_leads_from_a_person_to_a_risk_or_a_text() -> None:
    assert {"person", "person_use", "strike", "standing_step", "vault"} <= {
        name for name, (kinds, _) in nodes(schema.metadata).items() if "person" in kinds
    }, "the test looks at the wrong tables"
    assert leads(schema.metadata) == []


@pytest.mark.parametrize(
    "columns",
    [
        ("person_id", "category"),
        ("person_id", "prompt"),
        ("person_id", "exchange_id"),
        ("person_id", "decision_id"),
        ("strike_id", "category"),
        ("step_id", "exchange_id"),
    ],
)
def test_a_planted_path_is_found(columns: tuple[str, ...]) -> None:
    metadata = MetaData()
    for table in schema.metadata.sorted_tables:
        table.to_metadata(metadata)
    Table("planted", metadata, *(Column(name, String) for name in columns))
    assert leads(metadata)


def test_a_planted_foreign_key_is_found() -> None:
    metadata = MetaData()
    for table in schema.metadata.sorted_tables:
        table.to_metadata(metadata)
    Table("planted", metadata, Column("whose", String, ForeignKey("strike.id")), Column("findings", String))
    assert leads(metadata) == ["planted"]


def test_a_strike_keeps_a_kind_of_use_and_never_a_class_of_risk() -> None:
    assert set(schema.strike.c.keys()) == {"id", "account_id", "person_id", "at", "kind", "source", "rung", "mark"}

# SPDX-License-Identifier: Apache-2.0
"""The implicit label: the `AIGC` object with its seven keys, as text (Article 16; GB 45438-2025, 6.1 and Annex E).

Every file family stores one text; this module makes that text and reads what others made of it. On first writing the
propagation fields copy the producer's (Annex E, note 1). We write ASCII alone (Annex E, j); what others write is read
with a note, not refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from guiju.terms import Label

KEY: Final = "AIGC"
KEYS: Final = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)
LONGEST: Final = 65_536
"""Characters of a label that are read, at most."""
_ALLOWED: Final = re.compile(r"[\x21-\x7e]*")
_KINDS: Final = ("1", "2", "3")

Fault = Literal[
    "wrapped_twice", "encoded", "misspelt_key", "unknown_key", "missing_key", "not_text", "bad_kind", "characters"
]
"""How a label that was read departs from Annex E; it is still read."""


class Aigc(msgspec.Struct, frozen=True, kw_only=True):
    """The seven fields.

    Attributes:
        kind: `1` it is generated, `2` possibly, `3` suspected.
        producer, produce_id: who generated it, and the number of the content.
        reserved1: the producer's protection of the label; `""` for none.
        propagator, propagate_id: who spread it, and under which number.
        reserved2: the propagator's protection.
    """

    kind: str
    producer: str
    produce_id: str
    reserved1: str = ""
    propagator: str = ""
    propagate_id: str = ""
    reserved2: str = ""

    def fields(self) -> dict[str, str]:
        """The object with its keys in the order of Annex E."""
        return dict(zip(KEYS, msgspec.structs.astuple(self), strict=True))

    def bare(self) -> str:
        """The object as JSON, as the guides put it under a key called AIGC."""
        return json.dumps(self.fields(), ensure_ascii=True, separators=(",", ":"))

    def wrapped(self) -> str:
        """The object within `{"AIGC":…}`, where the place itself has no name (Annex E, b)."""
        return f'{{"{KEY}":{self.bare()}}}'


class Read(msgspec.Struct, frozen=True):
    """A label that was read, and how it departs from Annex E."""

    aigc: Aigc
    faults: tuple[Fault, ...] = ()


def generated(label: Label, reserved1: str = "") -> Aigc:
    """What a producer writes: the propagation fields copy its own.

    Args:
        label: of the exchange.
        reserved1: the producer's protection of the label; `""` for none.
    """
    return Aigc(
        kind=label.kind,
        producer=label.producer,
        produce_id=label.produce_id,
        reserved1=reserved1,
        propagator=label.producer,
        propagate_id=label.produce_id,
    )


def propagated(aigc: Aigc, propagator: str, propagate_id: str, reserved2: str = "", kind: str = "") -> Aigc:
    """What a platform that spreads a content writes over the label it found: its own fields alone change (6.1 c).

    Args:
        aigc: the label as it was found.
        propagator, propagate_id: who spreads it and under which number.
        reserved2: the propagator's protection.
        kind: another kind, where the platform has found one (Labelling Measures, 6); `""` leaves it.
    """
    return msgspec.structs.replace(
        aigc, kind=kind or aigc.kind, propagator=propagator, propagate_id=propagate_id, reserved2=reserved2
    )


def parse(text: str) -> Read | None:
    """Read a label as it stands in a file: bare or wrapped, encoded once too often, with keys misspelt.

    Args:
        text: what stands at the label's place.

    Returns:
        The label and its faults; none when it is no label at all.
    """
    faults: list[Fault] = []
    found = _object(text[:LONGEST].strip("\ufeff\x00 \t\r\n"), faults)
    if found is None:
        return None
    fields: dict[str, str] = {}
    for key, value in found.items():
        name = key if key in KEYS else _meant(key)
        if not name:
            faults.append("unknown_key")
            continue
        if name != key:
            faults.append("misspelt_key")
        if not isinstance(value, str):
            faults.append("not_text")
            value = "" if value is None else json.dumps(value, ensure_ascii=False)
        fields.setdefault(name, value)
    if not fields:
        return None
    if any(key not in fields for key in KEYS):
        faults.append("missing_key")
    kind = fields.get("Label", "")
    if kind not in _KINDS:
        faults.append("bad_kind")
    if not all(_ALLOWED.fullmatch(value) for value in fields.values()):
        faults.append("characters")
    aigc = Aigc(**dict(zip(Aigc.__struct_fields__, (fields.get(key, "") for key in KEYS), strict=True)))
    return Read(aigc, tuple(dict.fromkeys(faults)))


def _object(text: str, faults: list[Fault]) -> Mapping[str, Any] | None:
    """The innermost object of a label's text, whatever was wrapped around it."""
    for _ in range(4):
        value = _decoded(text, faults)
        if isinstance(value, str):
            faults.append("encoded")
            text = value
            continue
        wraps = 0
        while isinstance(value, dict) and len(value) == 1 and (inner := _inner(value)) is not None:
            value, wraps = inner, wraps + 1
        if wraps > 1:
            faults.append("wrapped_twice")
        if isinstance(value, str):
            faults.append("encoded")
            text = value
            continue
        return value if isinstance(value, dict) else None
    return None


def _inner(value: Mapping[str, Any]) -> Any:
    """What stands within `{"AIGC":…}`; none when this is no such wrapper."""
    ((key, inner),) = value.items()
    return inner if key.upper() == KEY and isinstance(inner, dict | str) else None


def _decoded(text: str, faults: list[Fault]) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        plain = base64.b64decode(text, validate=True).decode("utf-8")
        value = json.loads(plain)
    except (ValueError, RecursionError, binascii.Error):
        return None
    faults.append("encoded")
    return value


def _meant(key: str) -> str:
    """The key of Annex E that a misspelt one means; `""` when it is none of them."""
    flat = re.sub(r"[^a-z0-9]", "", key.lower())
    for name in KEYS:
        plain = name.lower()
        if flat == plain or (len(flat) >= 5 and flat[-1:].isdigit() == plain[-1:].isdigit() and _near(flat, plain)):
            return name
    return ""


def _near(a: str, b: str) -> bool:
    """Whether two words differ in at most two letters (Levenshtein)."""
    if abs(len(a) - len(b)) > 2:
        return False
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1] <= 2

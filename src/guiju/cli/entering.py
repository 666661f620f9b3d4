# SPDX-License-Identifier: Apache-2.0
"""How a command enters into the ledger what it did: names, counts and digests, never content (DESIGN §7)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guiju.cli.books import settings_of
from guiju.records import writers
from guiju.records.ledger import unix_ms
from guiju.records.secrets import Secrets
from guiju.records.sources import place_of
from guiju.terms import Evidence


def entered(data: Path, kind: str, body: Mapping[str, Any]) -> Evidence:
    """Write one entry into the ledger; it is on disk when this returns.

    Raises:
        OutsideError: the ledger can't be written.
    """
    data.mkdir(parents=True, exist_ok=True)
    settings = settings_of(data)
    place, secrets = place_of(settings, data), Secrets.open(data / "keys")
    return writers.entered(place, secrets.signing, unix_ms, kind, body)

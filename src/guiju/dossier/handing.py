# SPDX-License-Identifier: Apache-2.0
"""Handing a package in: what was told to which authority, with what number, and on which day (Articles 6 and 17)."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from guiju.dossier.kinds import kind as kind_of
from guiju.dossier.package import Manifest
from guiju.errors import ConfigError
from guiju.law import calendar
from guiju.records import disclosures, dossiers, filings
from guiju.records.db import Store
from guiju.records.disclosures import Disclosure
from guiju.records.filings import Filing, Kind

FILED: Final[Mapping[str, Kind]] = {
    "filing": "service",
    "registration": "registration",
    "algorithm": "algorithm",
    "assessment": "security",
}
"""Kind of a package → kind of the filing that it opens; others are handed in and open none."""
Record = Callable[[Disclosure], str]
"""Writes what the register gets into the ledger; gives the place."""


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of a submission.

    Attributes:
        authority: to whom.
        number: that the authority gave for it; "" until then.
        on: ISO date.
        by: who handed it in.
        filing: the id of the filing that it is about; "" opens a new one where its kind has filings.
    """

    authority: str
    number: str
    on: str
    by: str
    filing: str = ""


def submit(
    store: Store, manifest: Manifest, said: Handed, facts: Mapping[str, str], record: Record, now: int
) -> tuple[Disclosure, Filing | None]:
    """Note that a package was handed in.

    Args:
        store: the store.
        manifest: of a package that was verified (`signing.whole`).
        said: what a person says of it.
        facts: what a filing holds just now (`following.filed`).
        record: keeps it in the ledger before the register has it.
        now: Unix seconds.

    Returns:
        The row of the register, and the filing.

    Raises:
        ConfigError: `not_found`; `package_unsigned`: not everybody has signed it; `config_invalid`: a day or a name
            is not what it must be, or the filing is of another kind.
        OutsideError: `store_unavailable`.
    """
    dossiers.find(store, manifest.digest)
    if turn := dossiers.next_role(dossiers.signatures(store, manifest.digest), kind_of(manifest.kind).roles):
        raise ConfigError("package_unsigned", what=manifest.digest[:16], role=turn)
    archive = next(one.sha256 for one in manifest.files if one.path == f"{manifest.folder}.zip")
    wanted = Disclosure(
        what="submission",
        to=said.authority.strip(),
        number=said.number.strip(),
        about=manifest.digest,
        day=said.on,
        by=said.by,
        hash=archive,
        at=now,
    )
    made = disclosures.checked(wanted, calendar.day_of(now))
    if datetime.date.fromisoformat(made.day) < datetime.date.fromisoformat(manifest.on):
        raise ConfigError("config_invalid", what=f"{made.day} < {manifest.on}", hint=manifest.on)
    filed = _filed(store, manifest, said, facts, now)
    made = msgspec.structs.replace(made, basis=filed.id if filed else "")
    made = msgspec.structs.replace(made, evidence=record(made))
    disclosures.enter(store, made)
    return made, filed


def _filed(store: Store, manifest: Manifest, said: Handed, facts: Mapping[str, str], now: int) -> Filing | None:
    """The filing that a submission opens or goes on with."""
    kind = FILED.get(manifest.kind)
    if kind is None:
        return None
    if not said.filing:
        fresh = Filing(
            id="",
            kind=kind,
            authority=said.authority.strip(),
            number=said.number.strip(),
            submitted=said.on,
            facts=dict(facts),
            added_by=said.by,
            added_at=now,
        )
        return filings.add(store, fresh)
    known = filings.find(store, said.filing)
    if known.kind != kind:
        raise ConfigError("config_invalid", what=f"{known.id}: {known.kind}", hint=kind)
    more = {"number": known.number or said.number.strip(), "submitted": known.submitted or said.on}
    return filings.renew(store, known.id, more, said.by, now)


def last(store: Store, kind: str) -> Manifest | None:
    """The package of a kind that was handed in last; where none was, the last that everybody signed.

    Raises:
        OutsideError: `store_unavailable`.
    """
    built = {one.digest for one in dossiers.history(store, kind)}
    handed = (one.about for one in disclosures.every(store) if one.what == "submission" and one.about in built)
    newest = next(handed, "")
    if newest:
        raw = dossiers.find(store, newest)[1]
    elif found := dossiers.last_signed(store, kind, kind_of(kind).roles):
        raw = found[1]
    else:
        return None
    return msgspec.json.decode(raw, type=Manifest)

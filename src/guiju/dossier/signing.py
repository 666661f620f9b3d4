# SPDX-License-Identifier: Apache-2.0
"""Signing a package: the roles of its kind, in their order, nobody twice (Articles 6 and 17)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from guiju.dossier.filling import role
from guiju.dossier.kinds import kind
from guiju.dossier.package import Manifest
from guiju.dossier.verify import Fault, verify
from guiju.errors import Bilingual, ConfigError, Language
from guiju.records import dossiers
from guiju.records.db import Store
from guiju.records.dossiers import Signature, Terms

_LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
_FEW: Final = 3


def whole(package: Path) -> Manifest:
    """The manifest of a package that is to the byte what was built.

    Raises:
        ConfigError: `not_found`; `package_changed`: something differs, and what.
    """
    manifest, faults = verify(package)
    if faults:
        raise ConfigError("package_changed", what=Bilingual(*(_named(faults, one) for one in _LANGUAGES)))
    return manifest


def _named(faults: Sequence[Fault], language: Language) -> str:
    return "; ".join(one.said(language) for one in faults[:_FEW])


def sign(
    store: Store, manifest: Manifest, by: tuple[str, str], record: Callable[[], str], now: int, terms: Terms
) -> Signature:
    """Sign a package that was verified (`whole`); the ledger has it before the store does.

    Args:
        store: the store.
        manifest: of the package.
        by: role and name.
        record: writes the entry; gives the place.
        now: Unix seconds.
        terms: of its kind (`terms_of`).

    Raises:
        ConfigError: `not_found`, `package_draft`, `not_your_turn`, `another_person`.
        OutsideError: `store_unavailable`.
    """
    built, _ = dossiers.find(store, manifest.digest)
    role_, name = by
    dossiers.may_sign(built, dossiers.signatures(store, manifest.digest), role_, name, now, terms)
    made = Signature(
        digest=manifest.digest, role=role_, signer=name, single_mode=False, signed_at=now, evidence=record()
    )
    dossiers.sign(store, made, terms)
    return made


def terms_of(id: str, *, single: bool, delay_s: int) -> Terms:
    """How packages of a kind are signed.

    Args:
        id: of the kind.
        single: whether the provider may be one person (`people.mode`).
        delay_s: how much later that person may sign again.
    """
    return Terms(roles=kind(id).roles, single=single, delay_s=delay_s)


def standing(signed: Sequence[Signature], roles: Sequence[str], language: Language) -> list[tuple[str, str, str, int]]:
    """Each role with its name, who signed in it, and when (0 where nobody has)."""
    done = {one.role: one for one in signed}
    return [
        (id, role(id, language), done[id].signer if id in done else "", done[id].signed_at if id in done else 0)
        for id in roles
    ]

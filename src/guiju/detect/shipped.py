# SPDX-License-Identifier: Apache-2.0
"""The packs of terms that Guiju ships (Articles 4 and 15): what can honestly be listed, within our own bounds.

`packs/index.toml` says what each pack holds, what it leaves out, and why. An entry blocks only where it has no benign
use on the benign sets that it was tried on; all others signal.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Sequence
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from guiju.detect.entry import Entry
from guiju.detect.lexicon import stable_id, wider
from guiju.errors import ConfigError
from guiju.terms import Severity

ALL: Final = "all"
"""The name that stands for every pack."""
SHELF: Final = "packs/"
"""What stands before a pack's name where lists are named too."""


class Both(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sentence in both languages."""

    zh: str
    en: str


class Left(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that no pack holds, and why."""

    zh: str
    en: str
    why: Both


class Pack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the index.

    Attributes:
        id: its name in the settings.
        zh, en: what it holds.
        without: what it leaves out.
    """

    id: str
    zh: str
    en: str
    without: Both


class Shelf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The index.

    Attributes:
        licence, owner, date: of all packs.
        out: what no pack holds.
        pack: the packs.
    """

    licence: str
    owner: str
    date: str
    out: list[Left]
    pack: list[Pack]


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Terms of a pack that share everything else."""

    language: Literal["zh", "en"]
    category: str
    severity: Severity
    reason: str
    terms: list[str]
    context: list[str] = []


class _Pages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    group: list[Group]


def shelf() -> Shelf:
    """The index of the packs."""
    return msgspec.convert(tomllib.loads(_text("index")), Shelf)


def groups(pack: str) -> list[Group]:
    """The groups of one pack."""
    return msgspec.convert(tomllib.loads(_text(pack)), _Pages).group


def entries(packs: Sequence[str], without: Collection[str] = ()) -> list[Entry]:
    """The entries of some packs; their ids begin with `p-`.

    Args:
        packs: names of packs; `all` is every one, none is no entry.
        without: ids of entries that are left out.

    Raises:
        ConfigError: `config_invalid`: there is no such pack.
    """
    kept: dict[str, Entry] = {}
    for pack in chosen(packs):
        for entry in _entries(pack):
            if entry.id in without:
                continue
            old = kept.get(entry.id)
            kept[entry.id] = msgspec.structs.replace(old, context=wider(old.context, entry.context)) if old else entry
    return list(kept.values())


def chosen(packs: Sequence[str]) -> list[str]:
    """The names of packs, `all` written out.

    Raises:
        ConfigError: `config_invalid`: there is no such pack.
    """
    if not packs:
        return []
    known = _known()
    if strange := [pack for pack in packs if pack not in (ALL, *known)]:
        raise ConfigError("config_invalid", what=f"detect.packs {strange[0]}", hint=" | ".join((ALL, *known)))
    return list(known) if ALL in packs else list(dict.fromkeys(packs))


def version(of: Sequence[Entry]) -> str:
    """What names a choice of packs in evidence: `packs:` and a hash of the entries; `""` for none."""
    if not of:
        return ""
    whole = msgspec.json.encode([(e.id, e.severity, e.context) for e in of])
    return "packs:" + hashlib.sha256(whole).hexdigest()[:12]


@cache
def _known() -> tuple[str, ...]:
    """The names of all packs; the package does not change while it runs."""
    return tuple(pack.id for pack in shelf().pack)


@cache
def _entries(pack: str) -> tuple[Entry, ...]:
    """The entries of one pack, read once."""
    owner = f"guiju/{pack}"
    return tuple(
        Entry(
            "p" + stable_id(term, group.category)[1:],
            term,
            group.category,
            group.severity,
            owner,
            group.reason,
            context=tuple(group.context),
        )
        for group in groups(pack)
        for term in group.terms
    )


def _text(name: str) -> str:
    return files("guiju.detect.packs").joinpath(f"{name}.toml").read_text("utf-8")

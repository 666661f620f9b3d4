# SPDX-License-Identifier: Apache-2.0
"""Which version of a bank is asked: the newest that the provider imported, else the shipped one (Articles 4 and 12)."""

from __future__ import annotations

import time

import msgspec

from guiju.errors import Bilingual, ConfigError
from guiju.evaluation.bank import About, Bank, Item, invalid, shipped
from guiju.records import banks
from guiju.records.banks import Version
from guiju.records.db import Store
from guiju.records.sealed import Boxes


class _Document(msgspec.Struct, frozen=True):
    about: About
    items: tuple[Item, ...]


def keep(store: Store, boxes: Boxes, bank: Bank, by: tuple[str, str], now: int) -> Version:
    """Enter a bank as the next version of its id; the month of the standard runs from today.

    Args:
        store: the store.
        boxes: keys.
        bank: the questions; they were looked over before.
        by: who answers for the version, and who imports it.
        now: Unix seconds.

    Raises:
        ConfigError: `bank_invalid`: nobody answers for it; `bank_unchanged`; `exists_already`.
        OutsideError: `store_unavailable`.
    """
    owner, who = (one.strip() for one in by)
    if not owner:
        raise invalid(bank.id, Bilingual("没有负责人", "nobody answers for it"))
    below = shipped().get(bank.id)
    number = max(banks.newest(store, bank.id), below.version if below else 0) + 1
    today = time.strftime("%Y-%m-%d", time.gmtime(now + 8 * 3600))
    about = msgspec.structs.replace(bank.about, version=number, owner=owner, updated=today)
    made = Version(
        id=bank.id,
        version=number,
        kind=bank.kind,
        questions=len(bank.items),
        classes=bank.classes(),
        hash=bank.hash,
        owner=owner,
        updated=today,
        imported_by=who,
        imported_at=now,
    )
    return banks.enter(store, boxes, made, msgspec.json.encode(_Document(about, bank.items)))


def find(store: Store, boxes: Boxes, id: str, now: int, version: int = 0) -> Bank:
    """A bank: of the store, the newest version where none is named, else as it is shipped.

    Raises:
        ConfigError: `not_found`: there is none; `keys_missing`: it can't be opened.
        OutsideError: `store_unavailable`.
    """
    below = shipped().get(id)
    if below is not None and (version == below.version or (not version and not banks.newest(store, id))):
        return below
    document = msgspec.json.decode(banks.find(store, boxes, id, now, version)[1], type=_Document)
    return Bank(document.about, document.items)


def current(store: Store, boxes: Boxes, now: int) -> list[Bank]:
    """The banks that are asked: of each id the newest version, the shipped one where none was imported.

    Raises:
        ConfigError: `keys_missing`: one can't be opened.
        OutsideError: `store_unavailable`.
    """
    ids = dict.fromkeys([*shipped(), *(one.id for one in banks.history(store))])
    return [find(store, boxes, id, now) for id in ids]


def own(id: str, version: int = 0) -> Bank:
    """A shipped bank, where there is no store.

    Raises:
        ConfigError: `not_found`.
    """
    made = shipped().get(id)
    if made is None or version not in (0, made.version):
        raise ConfigError("not_found", what=f"bank {id}" + (f"@{version}" if version else ""))
    return made

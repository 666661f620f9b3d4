# SPDX-License-Identifier: Apache-2.0
"""What the nouns share that decide about a text on the command line: the policy of a folder."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from guiju import composition
from guiju.cli.books import has_store, now, settings_file
from guiju.composition import Ruled
from guiju.config import Settings, load
from guiju.detect.entry import Entry
from guiju.gateway.live import Policy
from guiju.likenesses import Likenesses
from guiju.likenesses import load as load_likenesses
from guiju.listed import lists
from guiju.records.db import Store
from guiju.records.secrets import Secrets


def policy_of(data: Path, lexicon: Sequence[Path], config: Path | None, held: Ruled | None = None) -> Policy:
    """What a gateway of this folder would hold an exchange to.

    Args:
        data: the data directory; nothing is made there.
        lexicon: word lists instead of the store's.
        config: the settings' file, if one is named.
        held: policies instead of the store's.

    Raises:
        ConfigError: settings or a list are not valid.
        OutsideError: `store_unavailable`.
    """
    settings = load(settings_file(data, config))
    version, entries, found, likenesses = _stored(settings, data, tuple(lexicon))
    version, entries = composition.with_packs(version, entries, settings.detect)
    canary = "guijucanary" + secrets.token_hex(8)
    in_force = composition.controls("none")
    return composition.policy(entries, version, canary, in_force, settings.gateway.reach, held or found, likenesses)


def _stored(
    settings: Settings, data: Path, files: tuple[Path, ...]
) -> tuple[str, list[Entry], Ruled, Likenesses | None]:
    """Lists, policies, bans, works and rumours in force; the shipped ones where there is no store, and none is made."""
    if not has_store(settings, data):
        return *(lists(None, files) if files else ("", [])), composition.ruled(None), None
    store = Store.open(settings.store.url, data)
    try:
        found = None
        if (data / "keys" / "digest.key").exists():
            when = now(), composition.today().isoformat()
            found = load_likenesses(store, data, Secrets.open(data / "keys"), when, keep=False)
        return *lists(store, files), composition.ruled(store), found
    finally:
        store.close()

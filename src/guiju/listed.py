# SPDX-License-Identifier: Apache-2.0
"""Which word lists are in force: those of files as they are written, else those of the store (Article 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from guiju import composition
from guiju.detect import lexicon
from guiju.errors import Bilingual, ConfigError, failed
from guiju.records import lexicons
from guiju.records.db import Store

_LOOK_AT_LEXICON: Final = Bilingual("请检查 --lexicon 给出的路径。", "Look at the path given with --lexicon.")


def lists(store: Store | None, paths: Sequence[Path]) -> tuple[str, list[lexicon.Entry]]:
    """The word lists in force and their version: those of files as they are written, else those of the store.
    Entries that have expired are left out, and the version then says how many.

    Args:
        store: where lists are kept; not asked when files are named.
        paths: files.

    Raises:
        ConfigError: a file can't be read; `lexicon_invalid` names the line.
    """
    if not paths:
        assert store is not None
        version, entries = lexicons.current(store)
        return _unexpired(version, entries)
    entries = []
    digest = hashlib.sha256()
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ConfigError("config_invalid", what=failed(path, error), hint=_LOOK_AT_LEXICON) from error
        digest.update(data)
        entries += lexicon.read(data, path.name)
    return _unexpired("file:" + digest.hexdigest()[:16], entries)


def _unexpired(version: str, entries: list[lexicon.Entry]) -> tuple[str, list[lexicon.Entry]]:
    today = composition.today().isoformat()
    kept = [entry for entry in entries if not entry.expires or entry.expires >= today]
    gone = len(entries) - len(kept)
    return f"{version}-{gone}" if gone else version, kept

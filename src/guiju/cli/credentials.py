# SPDX-License-Identifier: Apache-2.0
"""What `guiju label write` signs files with: content credentials where `--implicit c2pa` asks for them, and the label's
protection where the settings name a key (C2PA; TC260-PG-202511A)."""

from __future__ import annotations

from typing import Final

import msgspec

from guiju.adapters import signatures
from guiju.adapters.signatures import Signatures
from guiju.config import Settings
from guiju.errors import Bilingual, ConfigError
from guiju.records.sources import optional

_KNOWN: Final = ("metadata", "c2pa")


def asked(implicit: list[str], settings: Settings) -> Signatures:
    """What was asked for by `--implicit` and by the settings.

    Raises:
        ConfigError: the word is unknown; a file of the settings is missing or not what it should be; the library is not
            there.
    """
    if unknown := [one for one in implicit if one not in _KNOWN]:
        what = Bilingual(
            f"--implicit 没有 {unknown[0]}（{'、'.join(_KNOWN)}）", f"--implicit knows {', '.join(_KNOWN)}"
        )
        raise ConfigError("usage_invalid", what=what, command="guiju label write")
    made = signatures.load(settings, None)
    if "c2pa" not in implicit:
        return made
    module = optional("guiju.marking.c2pa", "c2pa-python", "media")
    return msgspec.structs.replace(made, credentials=signatures.credentials(settings, module))

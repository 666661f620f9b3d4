# SPDX-License-Identifier: Apache-2.0
"""Chinese or English, by locale: the one switch for everything that the command line says."""

from __future__ import annotations

import os

from guiju.errors import Language


def language() -> Language:
    """The reader's language, from GUIJU_LANG, LC_ALL, LC_MESSAGES or LANG; English when none names Chinese."""
    for name in ("GUIJU_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def say(zh: str, en: str) -> str:
    """The sentence in the reader's language; both stand at the place of use, so that they can't drift apart."""
    return zh if language() == "zh" else en

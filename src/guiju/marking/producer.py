# SPDX-License-Identifier: Apache-2.0
"""The provider code of TC260-PG-20252A: 27 characters that name who generated a content (Article 16)."""

from __future__ import annotations

import re
from typing import Final

_SIGNS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""Of the unified social credit code (GB 32100-2015): no I, O, S, V and Z."""
_USCC: Final = re.compile(f"[0-9]{{8}}[{_SIGNS}]{{10}}")
_FORM = re.compile(r"00(?P<subject>1)(?P<binding>1)(?P<uscc>[0-9A-Z]{18})(?P<service>[012])(?P<model>[0-9A-Z]{4})")


def fault(code: str) -> str:
    """What is wrong with a provider code; `""` when nothing is.

    The code is `00`, subject type `1` (organisation), binding `1` (unified social credit code), that code of 18
    characters with its checksum, then service `1` (generation) or `2` (propagation) and four characters for the model
    or app; `00000` stands for no extension. A code is never invented: the operator brings it.
    """
    match = _FORM.fullmatch(code)
    if match is None:
        return "it is not 00 1 1, 18 characters of the unified social credit code, service and model"
    if not _checked(match["uscc"]):
        return "the checksum of the unified social credit code does not hold"
    if match["service"] == "0" and match["model"] != "0000":
        return "service 0 goes with model 0000 alone"
    return ""


def _checked(code: str) -> bool:
    """Whether the last of a unified social credit code's 18 characters is the check of the others (GB 32100-2015)."""
    if not _USCC.fullmatch(code):
        return False
    total = sum(_SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(code[:17]))
    return code[17] == _SIGNS[-total % 31]

# SPDX-License-Identifier: Apache-2.0
"""What the child that looks at a file of a complaint answers, and what it may use; apart from it, so that who asks does
not load what it reads by."""

from __future__ import annotations

from typing import Final

import msgspec

MEMORY: Final = 768 << 20
"""Bytes of address space, at most."""
SECONDS: Final = 10


class Looked(msgspec.Struct, frozen=True):
    """What a file is.

    Attributes:
        kind: of `attachments.KINDS`; `""` where it is not taken.
        data: it, as it is kept.
        fault: why it is not taken: `kind`, `unreadable`, `active` (something in it runs, or holds a file), `locked` (it
            needs a password), `large` (unpacked, or in pixels).
    """

    kind: str = ""
    data: bytes = b""
    fault: str = ""

# SPDX-License-Identifier: Apache-2.0
"""What the child that reads files of strangers is asked; apart from it, so that who asks does not load what that
reads by."""

from __future__ import annotations

import msgspec


class Request(msgspec.Struct, frozen=True):
    """What is asked.

    Attributes:
        path: the file's.
        ending: of the name that it came with.
        known: public keys that are trusted, in hexadecimal.
        anchors: PEM of the authorities whose content credentials are trusted.
    """

    path: str
    ending: str = ""
    known: tuple[str, ...] = ()
    anchors: str = ""

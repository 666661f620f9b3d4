# SPDX-License-Identifier: Apache-2.0
"""What is read from guiju.toml about the pages that tell the public of the service (Articles 10 and 17)."""

from __future__ import annotations

import msgspec


class PublicSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The pages that tell the public.

    Attributes:
        page: whether the pages beside `/about` are there.
        badge: whether `/badge.svg` shows how duties stand.
        security: where a fault in the service's security is reported: `mailto:` or `https:`.
        terms, privacy, minors: files of the provider's own texts, of the form of controls/guidance.toml.
    """

    page: bool = True
    badge: bool = False
    security: str = ""
    terms: str = ""
    privacy: str = ""
    minors: str = ""

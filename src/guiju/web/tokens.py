# SPDX-License-Identifier: Apache-2.0
"""Whether a form was sent from our own page, by somebody who has no session (robustness, threat 20).

A form carries a token that names what it is for and when it was made, and browsers say from where they send. Both are
asked: neither alone keeps another site from having its visitors complain.
"""

from __future__ import annotations

import hmac
from secrets import token_hex
from typing import Final

from starlette.requests import Request

LASTS_S: Final = 86_400
"""For so long a page may stay open before its form is sent."""
_AHEAD_S: Final = 300
_PURPOSE: Final = b"guiju form "
_MAC: Final = 32


class Tokens:
    """Makes and reads tokens of forms.

    Args:
        key: a secret of the provider.
    """

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, _PURPOSE, "sha256")

    def make(self, what: str, now: int) -> str:
        """A token.

        Args:
            what: the form is for.
            now: Unix seconds.
        """
        head = f"{now:x}.{token_hex(8)}"
        return f"{head}.{self._mac(head, what)}"

    def holds(self, token: str, what: str, now: int) -> bool:
        """Whether a token was made here, for this, and not too long ago."""
        head, _, mac = token.rpartition(".")
        if not hmac.compare_digest(self._mac(head, what).encode(), mac.encode("utf-8", "replace")):
            return False
        made = int(head.partition(".")[0], 16)
        return -_AHEAD_S <= now - made <= LASTS_S

    def _mac(self, head: str, what: str) -> str:
        return hmac.digest(self._key, f"{what}\0{head}".encode("utf-8", "replace"), "sha256").hex()[:_MAC]


def same_site(request: Request) -> bool:
    """Whether a form comes from a page of ours, as far as the browser says; one that says nothing has the token alone.

    Pages here send no referrer, and then a browser's `Origin` is `null` even for our own forms: `Sec-Fetch-Site`, which
    no page can write, is asked first.
    """
    site = request.headers.get("sec-fetch-site", "")
    if site:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin", "")
    return origin in ("", "null") or origin.partition("://")[2] == request.headers.get("host", "")

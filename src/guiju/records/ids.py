# SPDX-License-Identifier: Apache-2.0
"""Exchange ids: the decision id of a request and the ProduceID of its answer at once (Article 16; GB 45438, Annex E).

An id says when it was made and by which writer, so that its ledger entries are found without an index; its last
40 bits are a MAC, so that an id which was not made here is known at once. It holds nothing about the person.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32, upper case: no I, L, O, U."""

LENGTH: Final = 26

_PAIRS: Final = tuple(a + b for a in ALPHABET for b in ALPHABET)
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}
_MAC_BYTES: Final = 5


def _mac(secret: bytes, head: bytes) -> bytes:
    """Keyed BLAKE2b (RFC 7693, 2.9): an id is made on every request, and this takes a quarter of an HMAC's time."""
    return hashlib.blake2b(head, digest_size=_MAC_BYTES, key=secret).digest()


def tag(writer: str) -> bytes:
    """The three bytes by which an id names its writer."""
    return hashlib.sha256(writer.encode()).digest()[:3]


class ExchangeIds:
    """Makes and reads ids: 6 bytes Unix milliseconds, 3 writer tag, 2 counter, 5 MAC.

    Args:
        secret: the MAC key, 32 bytes (`Secrets.ids`).
        writer: the name of the ledger that will hold the entries.
        not_before_ms: time of the newest entry of that ledger, so that a clock set back makes no id twice.
    """

    def __init__(self, secret: bytes, writer: str, not_before_ms: int = 0) -> None:
        self._secret = secret
        self._tag = tag(writer)
        self._last = not_before_ms
        self._counter = secrets.randbelow(1 << 16)
        self._first = self._counter

    def new(self, now_ms: int) -> str:
        """A new id of 26 characters. Ids of one object never repeat, whatever the clock does.

        Args:
            now_ms: Unix time in milliseconds.
        """
        self._counter = (self._counter + 1) & 0xFFFF
        if now_ms > self._last:
            self._last = now_ms
            self._first = self._counter
        elif self._counter == self._first:  # 65,536 ids while the clock stood still: go one millisecond ahead of it
            self._last += 1
        head = self._last.to_bytes(6, "big") + self._tag + self._counter.to_bytes(2, "big")
        return self.completed(head)

    def completed(self, head: bytes) -> str:
        """The id that begins with these bytes, as a watermark carries them; whether there ever was one it does not say.

        Args:
            head: all but the MAC, 11 bytes.
        """
        number = int.from_bytes(head + _mac(self._secret, head), "big")
        return "".join([_PAIRS[(number >> shift) & 0x3FF] for shift in range(120, -1, -10)])

    def parse(self, text: str) -> tuple[int, bytes] | None:
        """Read an id.

        Args:
            text: 26 characters, upper case.

        Returns:
            Unix milliseconds and the writer's tag, or none when the id was not made with this secret.
        """
        if len(text) != LENGTH:
            return None
        number = 0
        for character in text:
            value = _VALUES.get(character)
            if value is None:
                return None
            number = number << 5 | value
        if number >> 128:
            return None
        raw = number.to_bytes(16, "big")
        head, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if not hmac.compare_digest(_mac(self._secret, head), mac):
            return None
        return int.from_bytes(head[:6], "big"), head[6:9]

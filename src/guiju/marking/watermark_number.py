# SPDX-License-Identifier: Apache-2.0
"""What an invisible watermark says (Labelling Measures, 5; GB 45438-2025, 6.2): 88 bits that lead to the ProduceID.

Of a number that the gateway made they are its first ones; the other 40 its maker can work out
(`records.ids.ExchangeIds.completed`). Of any other number they are a digest, which tells whether two are the same.
"""

from __future__ import annotations

import hashlib
from typing import Final

BYTES: Final = 11
"""What a watermark carries."""
PERSON: Final = b"guiju watermark1"
"""By which these digests differ from all others."""
_LENGTH: Final = 26
_ALPHABET: Final = {character: value for value, character in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}


def payload(produce_id: str) -> bytes:
    """What a watermark carries of a number.

    Args:
        produce_id: of the label; that of one of several files is the exchange's with `-` and which one it is behind.
    """
    number = 0
    own = produce_id.partition("-")[0]
    for character in own:
        value = _ALPHABET.get(character)
        if value is None:
            break
        number = number << 5 | value
    else:
        if len(own) == _LENGTH and not number >> 128:
            return (number >> 40).to_bytes(BYTES, "big")
    return hashlib.blake2b(produce_id.encode(), digest_size=BYTES, person=PERSON).digest()

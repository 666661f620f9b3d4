# SPDX-License-Identifier: Apache-2.0
"""Marks that are put into secrets and contents, and a search for them in whatever a process leaves behind.

A mark is looked for as it is and in every spelling in which it could have been carried along: base64 at each of its
three alignments, hexadecimal, percent-encoding, escapes of JSON, UTF-16, and plain digests that could be guessed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

LETTERS = "bcdfghjkmnpqrstvwxz0123456789"
HAN = "苔蘸潺湲岫霭泠漪筠篁蒹葭蓼芷茝荇菂萏薜荔蘅菖蒲槿樨楸椴榛榧榉檀栾椤枞桤枥柽"


def mark(rng: random.Random) -> str:
    """Letters and digits that stand nowhere by chance."""
    return "".join(rng.choices(LETTERS, k=20))


def han_mark(rng: random.Random) -> str:
    """Han characters that stand nowhere by chance."""
    return "".join(rng.sample(HAN, 8))


def spellings(marked: str) -> dict[str, bytes]:
    """Every spelling of a mark, by name; in lower case, as it is looked for."""
    raw = marked.encode()
    made = {"raw": raw, "hex": raw.hex().encode(), "escaped": json.dumps(marked)[1:-1].encode()}
    made["percent"] = quote(marked, safe="").encode()
    made["all percent"] = "".join(f"%{byte:02x}" for byte in raw).encode()
    for coding in ("utf-16-le", "utf-16-be"):
        made[coding] = marked.encode(coding)
    for offset in range(3):
        code = base64.b64encode(b"\0" * offset + raw)
        whole = code[-(-offset * 8 // 6) : len(code) - (4 if (len(raw) + offset) % 3 else 0)]
        made[f"base64 at {offset}"] = whole
        made[f"base64url at {offset}"] = whole.translate(bytes.maketrans(b"+/", b"-_"))
    for name in ("md5", "sha1", "sha256"):
        digest = hashlib.new(name, raw, usedforsecurity=False)
        made |= {name: digest.digest(), f"{name} in hex": digest.hexdigest().encode()}
    once: dict[bytes, str] = {}
    for name, spelling in made.items():
        once.setdefault(spelling.lower(), name)
    return {name: spelling for spelling, name in once.items()}


class Search:
    """Looks for marks.

    Args:
        marks: what each mark stands for → the mark.
    """

    def __init__(self, marks: Mapping[str, str]) -> None:
        self._known = {
            spelling: f"{what}, {name}"
            for what, marked in marks.items()
            for name, spelling in spellings(marked).items()
        }
        self._any = re.compile(
            b"|".join(re.escape(spelling) for spelling in sorted(self._known, key=len, reverse=True))
        )

    def find(self, data: bytes) -> set[str]:
        """What a piece of data holds: which mark, in which spelling."""
        return {self._known[found[0]] for found in self._any.finditer(data.lower())}

    def faults(self, sinks: Iterable[tuple[str, bytes]]) -> Iterator[str]:
        """Every mark in every sink."""
        for name, data in sinks:
            for what in sorted(self.find(data)):
                yield f"{name}: {what}"

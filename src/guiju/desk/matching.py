# SPDX-License-Identifier: Apache-2.0
"""Whether the text that comes with a complaint is what the service answered (Article 13).

No answer is kept: the ledger holds its keyed digest. A text that was copied from a page has other spaces, line ends or
marks than what was sent, so a few plain forms of it are compared, too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from guiju.marking.text import unmarked
from guiju.records.cases import Compared
from guiju.records.record import keyed
from guiju.records.trace import Trace

_QUOTES = ("“”", "「」", '""', "''", "‘’")
_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"), None)


def compare(traced: Trace, text: str, key: bytes) -> Compared:
    """Compare a text with the recorded reply.

    Args:
        traced: what the ledger says of the answer, asked without a text.
        text: as it came; `""` for none.
        key: `Secrets.digest`.
    """
    digests = set((traced.entries[-1].body.get("output_digest") or ()) if traced.entries else ())
    if traced.result != "found" or not digests:
        return "unrecorded"
    if not text:
        return "none"
    for number, form in enumerate(forms(text)):
        if keyed(key, form.encode("utf-8", "surrogatepass")) in digests:
            return "normalised" if number else "recorded"
    return "different"


def forms(text: str) -> Iterator[str]:
    """A text as it came, and then as it may have been before it was copied; each once."""
    seen: set[str] = set()
    for one in _forms(text):
        for form in (one, one + "\n"):
            if form not in seen:
                seen.add(form)
                yield form


def _forms(text: str) -> Iterator[str]:
    yield text
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = "\n".join(line.rstrip() for line in plain.split("\n"))
    spaced = lines.translate(_UNSEEN).replace("\u00a0", " ")
    for one in (plain, lines, spaced):
        yield one
        bare = unmarked(one.strip()).strip()
        yield bare
        for pair in _QUOTES:
            if len(bare) > 1 and bare[0] == pair[0] and bare[-1] == pair[1]:
                yield bare[1:-1].strip()
        yield unicodedata.normalize("NFC", bare)
        yield "\n".join(line for line in bare.split("\n") if line)

# SPDX-License-Identifier: Apache-2.0
"""Views (j) and (k) of DESIGN §4: hidden channels and encodings, undone with offsets kept.

(j) tag characters and variation selectors that carry a text of their own; (k) character references of HTML, percent
encoding, `\\u` and `\\x` in one pass, hex and base64 to depth 2: runs of 16 characters and more of which the result is
to four fifths printable.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from html.entities import html5
from typing import Final

import numpy as np

from guiju.detect.derived import Change, Derived, Places, Span

HIDDEN: Final = "hidden"
DECODED: Final = "decoded"
DEPTH: Final = 2
"""How often hex and base64 are undone one in the other."""
LEAST: Final = 16
"""Characters of a run of hex or base64, at least."""
_SAMPLE: Final = 64
_LONG: Final = 64
"""Characters from which on it is cheaper to reckon places all at once."""
_PRINTABLE: Final = 0.8
_ESCAPE: Final = re.compile(
    r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30}(?=;));?"
    r"|(?:%[0-9a-fA-F]{2})+|(?:\\x[0-9a-fA-F]{2})+"
    r"|(?:[\\%]u[0-9a-fA-F]{4})+|\\u\{[0-9a-fA-F]{1,6}\}|\\U[0-9a-fA-F]{8}"
)
_USUAL: Final = re.compile("[\t\n\r -~\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
"""What text in UTF-16 is mostly made of; of chance it is a third."""
_CONTROLS: Final = bytes(code for code in (*range(32), 127) if code not in b"\t\n\r")
_HALVES: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]")
_RUN: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX: Final = re.compile(r"[0-9a-fA-F]{16,}")
_URL: Final = str.maketrans("-_", "+/")
_CARRIED: Final = re.compile("[\U000e0020-\U000e007f]+|[\ufe00-\ufe0f\U000e0100-\U000e01ef]+")
_CANCEL: Final = "\U000e007f"


def unescaped(of: Derived) -> Derived | None:
    """Character references, percent encoding, `\\u` and `\\x` read, in one pass; none where there are none."""
    if not any(map(of.text.__contains__, "&%\\")):
        return None
    changes = [change for found in _ESCAPE.finditer(of.text) if (change := _unescaped(found))]
    return of.changed(changes, DECODED) if changes else None


def _unescaped(found: re.Match[str]) -> Change | None:
    start, end = found.span()
    told = found[0]
    if told[0] == "&":
        plain = _referred(told)
        return Change(start, end, plain) if plain else None
    step = 2 if told[0] == "%" else 3
    if told[1] in "uU":
        code = told[3:-1] if told[2] == "{" else told[2:] if told[1] == "U" else ""
        if code:
            return Change(start, end, chr(int(code, 16))) if int(code, 16) < 0x110000 else None
        halves = "".join(chr(int(told[i + 2 : i + 6], 16)) for i in range(0, len(told), 6))
        return _paired(halves, start)
    step = 3 if told[0] == "%" else 4
    return _bytes(bytes.fromhex(told.replace("%", "").replace("\\x", "")), start, end, step)


def _referred(told: str) -> str:
    """What a character reference of HTML stands for; "" for nothing."""
    if told[1] != "#":
        return html5.get(told[1:], "")
    digits = told[2:].rstrip(";")
    code = int(digits[1:], 16) if digits[0] in "xX" else int(digits)
    return chr(code) if code < 0x110000 else ""


def _paired(halves: str, start: int) -> Change:
    """Code units of six characters each; two surrogates are one character."""
    text, each, at = [], [], 0
    for found in _HALVES.finditer(halves):
        text.append(halves[at : found.start()])
        each += [(start + 6 * i, start + 6 * i + 6) for i in range(at, found.start())]
        pair = found[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        text.append(pair)
        each += [(start + 6 * found.start(), start + 6 * found.end())] * len(pair)
        at = found.end()
    text.append(halves[at:])
    each += [(start + 6 * i, start + 6 * i + 6) for i in range(at, len(halves))]
    return Change(start, start + 6 * len(halves), "".join(text), each)


def _bytes(data: bytes, start: int, end: int, step: int) -> Change:
    """Bytes that are written in `step` characters each; a character may be cut at both ends."""
    skip = 0
    while skip < min(3, len(data)) and data[skip] & 0xC0 == 0x80:
        skip += 1
    for cut in range(4):
        try:
            text = data[skip : len(data) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        each = _each(text, start + step * skip, (step, 1), end)
        return Change(start + step * skip, end - step * cut, text, each)
    return Change(start, end, _read(data, "gb18030") or data.decode("utf-8", "replace"))


def _each(text: str, first: int, times: tuple[int, int], end: int) -> Sequence[Span] | Places:
    """Where each character lies that was read from bytes in UTF-8.

    Args:
        text: what was read.
        first: where the first byte is written.
        times: characters that so many bytes are written in, and that number of bytes.
        end: where the writing ends.
    """
    wide, bytes_ = times
    if len(text) < _LONG:
        spans = _of_bytes(text)
        return [(first + a * wide // bytes_, min(first - (-b * wide // bytes_), end)) for a, b in spans]
    if text.isascii():
        past = np.arange(1, len(text) + 1, dtype=np.int32)
        begins = past - 1
    else:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        sizes = 1 + (codes >= 0x80).astype(np.int32) + (codes >= 0x800) + (codes >= 0x10000)
        past = np.cumsum(sizes, dtype=np.int32)
        begins = past - sizes
    return np.stack((first + begins * wide // bytes_, np.minimum(first - (-past * wide // bytes_), end)))


def _edge(each: Sequence[Span] | Places, side: int) -> int:
    """Where the last character begins (0) or ends (1)."""
    return int(each[side][-1]) if isinstance(each, np.ndarray) else each[-1][side]


def _of_bytes(text: str) -> Iterator[Span]:
    """Which bytes of UTF-8 each character is."""
    at = 0
    for char in text:
        size = len(char.encode("utf-8", "surrogatepass"))
        yield at, at + size
        at += size


def shows(text: str) -> bool:
    """Whether a text holds a run that may be hex or base64, and plainly is no name."""
    return any(_worth(run) or _HEX.search(run) for run in _RUN.findall(text))


def _worth(run: str) -> bool:
    """Base64 of 16 characters nearly always has capitals and small letters; names in programs, with digits, seldom."""
    if run.islower() or run.isupper():
        return False
    return not ("_" in run or "-" in run) or any(map(run.__contains__, "0123456789"))


def decoded(of: Derived) -> Derived | None:
    """Runs of hex and base64 read, each where it stands; none where there are none."""
    changes: list[Change] = []
    for found in _RUN.finditer(of.text):
        if change := _run(found[0].rstrip("="), *found.span()):
            changes.append(change)
        else:
            within = _HEX.finditer(found[0])
            changes += [one for hexed in within if (one := _hex(hexed[0], found.start() + hexed.start()))]
    return of.changed(changes, DECODED) if changes else None


def _run(run: str, start: int, end: int) -> Change | None:
    """One run, forwards, and backwards where it does not read forwards."""
    if _HEX.fullmatch(run) and (change := _hex(run, start)):
        return change
    if not _worth(run):
        return None
    for skip in range(1 if start else 4):  # a text that was cut may begin anywhere in a run
        if change := _base64(run, skip, start, end, turned=False):
            return change
    return _base64(run[::-1], 0, start, end, turned=True)


def _hex(run: str, start: int) -> Change | None:
    for skip in (0, 1):
        size = (len(run) - skip) // 2 * 2
        text = _text(bytes.fromhex(run[skip : skip + size]))
        if text is not None:
            each = _each(text, start + skip, (2, 1), start + 4 * len(run))
            exact = _edge(each, 1) <= start + len(run)
            return Change(start + skip, start + skip + size, text, each if exact else None)
    return None


def _base64(run: str, skip: int, start: int, end: int, *, turned: bool) -> Change | None:
    told = run[skip:].translate(_URL)
    if len(told) > 2 * _SAMPLE and not any(_says(part) for part in (told[:_SAMPLE], told[-_SAMPLE - len(told) % 4 :])):
        return None
    told = told[: len(told) - (len(told) % 4 == 1)]
    text = _text(base64.b64decode(told + "=" * (-len(told) % 4)))
    if text is None:
        return None
    if turned:
        return Change(start, end, text)
    each = _each(text, start + skip, (4, 3), end)
    exact = _edge(each, 0) < end
    return Change(start + skip, end, text, each if exact else None)


def _says(part: str) -> bool:
    """Whether one end of a long run may say something; most that say nothing are done with here."""
    data = base64.b64decode(part[:_SAMPLE])
    return len(data) - len(data.translate(None, _CONTROLS)) <= _SAMPLE // 16


def _text(data: bytes) -> str | None:
    """What bytes say, when they say something: four fifths of it printable."""
    text = data.decode("utf-8", "replace")
    if _printable(text, data):
        return text
    wide = data[: len(data) & ~1].decode("utf-16-le", "replace")
    return wide if 5 * len(_USUAL.findall(wide)) >= 4 * len(wide) > 0 else None


def _read(data: bytes, encoding: str) -> str | None:
    """What bytes say in an encoding, without a fault."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return text if _printable(text, text.encode("utf-8", "surrogatepass")) else None


def _printable(text: str, data: bytes) -> bool:
    """Whether enough of a text is printable, given its bytes in UTF-8: neither control characters nor faults."""
    odd = text.count("\ufffd") + len(data) - len(data.translate(None, _CONTROLS))
    return bool(text) and odd <= (1 - _PRINTABLE) * len(text)


def hidden(of: Derived) -> Derived | None:
    """What tag characters and variation selectors carry, without the text that they stand in; none where nothing."""
    changes: list[Change] = []
    at = 0
    carries = False
    tags = bytearray()
    for found in _CARRIED.finditer(of.text):
        run = found[0]
        if run[0] >= "\U000e0100" or run[0] < "\U000e0000":
            tags = bytearray(ord(c) - 0xFE00 if c < "\U000e0000" else ord(c) - 0xE0100 + 16 for c in run)
            text = tags.decode("utf-8", "ignore")
        else:
            text = "".join(" " if c == _CANCEL else chr(ord(c) - 0xE0000) for c in run)
        kept = "".join(char for char in text if char >= " ")  # a lone selector after an emoji says nothing
        if at < found.start():
            changes.append(Change(at, found.start(), ""))
        changes.append(Change(*found.span(), kept))
        at, carries = found.end(), carries or any(char.isprintable() and char != " " for char in kept)
    if not carries:
        return None
    if at < len(of.text):
        changes.append(Change(at, len(of.text), ""))
    return of.changed(changes, HIDDEN)


def levels(of: Derived) -> Iterator[Derived]:
    """A text with its encodings undone, step by step."""
    at = unescaped(of)
    if at:
        yield at
    for _ in range(DEPTH):
        step = decoded(at or of)
        if step is None:
            return
        yield step
        at = step
        plain = unescaped(at)
        if plain:
            yield plain
            at = plain

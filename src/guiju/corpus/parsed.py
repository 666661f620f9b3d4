# SPDX-License-Identifier: Apache-2.0
"""What a row says: the texts in it that are learnt from, and the row as it is written out again (Article 7)."""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any, Final

import msgspec

from guiju.corpus.chunks import Chunk
from guiju.corpus.files import pyarrow

NAMED: Final = frozenset(tomllib.loads(files("guiju.corpus").joinpath("fields.toml").read_text("utf-8"))["named"])
"""Fields that tell of a row and are not learnt from; they are not looked at unless they are asked for."""
CONSENT: Final = ("consent", "consent_id")
ORIGIN: Final = ("source", "domain", "host", "url", "uri")
_MAIN: Final = frozenset(("text", "content"))
"""Fields that hold all of a row's text, where it has one of them."""
_DIGITS: Final = 7
"""Digits from which a number beside such a field is looked at: a telephone number may be written as one."""
_DEEP: Final = 64

Value = Any
"""What JSON holds."""


class Row(msgspec.Struct, frozen=True):
    """One row.

    Attributes:
        number: within its file, from 1.
        value: the row as JSON; none where it can't be read.
        raw: the line as it stood, where it can be written out as it is.
        leaves: the texts in it that are learnt from, in their order.
        fault: why it can't be looked at; "" where it can.
        encoding: what it was written in where that is not UTF-8.
        consent: the id of the consent that it names.
        origin: where it says that it is from: a host, or what its `source` says.
    """

    number: int
    value: Value
    raw: bytes
    leaves: tuple[str, ...]
    fault: str = ""
    encoding: str = ""
    consent: str = ""
    origin: str = ""

    @property
    def text(self) -> str:
        """All that it says."""
        return self.leaves[0] if len(self.leaves) == 1 else "\n".join(self.leaves)


def rows(chunk: Chunk, fields: frozenset[str]) -> list[Row]:
    """The rows of a chunk.

    Args:
        chunk: from `chunks`.
        fields: names of the only fields that are learnt from; none for all that do not merely tell of the row.
    """
    given: list[Any] = _from_arrow(chunk.packed) if chunk.packed else chunk.rows
    return [_row(chunk, place, value, fields) for place, value in enumerate(given)]


def _from_arrow(packed: bytes) -> list[Any]:
    made: list[Any] = pyarrow().ipc.open_stream(packed).read_all().to_pylist()
    return made


def _row(chunk: Chunk, place: int, given: Any, fields: frozenset[str]) -> Row:
    number, fault = chunk.first + place, chunk.faults.get(place, "")
    if fault:
        return Row(number, None, b"", (), fault)
    raw, encoding, sound = b"", "", False
    if isinstance(given, bytes) and chunk.form == "jsonl":
        raw, given, fault, encoding = _parsed(given)
        if fault:
            return Row(number, None, b"", (), fault, encoding)
        sound = b"\\" not in raw  # halves of a pair are written as escapes alone
    elif isinstance(given, bytes):
        text, encoding = decoded(given)
        if text is None:
            return Row(number, None, b"", (), "bad_encoding")
        given, sound = {"text": text}, True
    leaves = tuple(_leaves(given, fields))
    fault = "" if any(map(str.strip, leaves)) else "no_text"
    if not sound and any(_broken(leaf) for leaf in leaves if not leaf.isascii()):
        fault = "bad_encoding"
    told = given if isinstance(given, dict) else {}
    return Row(number, given, raw, leaves, fault, encoding, _named(told, CONSENT), _origin(told))


def _parsed(line: bytes) -> tuple[bytes, Value, str, str]:
    """A line of JSON in UTF-8, what it says, why it can't be read, and what it was written in."""
    try:
        return line, msgspec.json.decode(line), "", ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    text, encoding = decoded(line)
    if text is None:
        return b"", None, "bad_encoding", ""
    if not encoding:
        return b"", None, "bad_json", ""
    raw = text.encode("utf-8", "surrogatepass")
    try:
        return raw, msgspec.json.decode(raw), "", encoding
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b"", None, "bad_json", encoding


def leaves(line: bytes, fields: frozenset[str] = frozenset()) -> list[str]:
    """The texts of a row that was written out as a line."""
    return list(_leaves(msgspec.json.decode(line), fields))


def _broken(leaf: str) -> bool:
    """Whether a text holds what is no character: half of a pair, or a byte that no encoding explained."""
    try:
        leaf.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def decoded(line: bytes) -> tuple[str | None, str]:
    """A line as text, and its encoding where it is not UTF-8; none where nobody can say what it is."""
    try:
        return line.decode("utf-8"), ""
    except UnicodeDecodeError:
        pass
    broken = line.decode("utf-8", "replace")
    lost = broken.count("\ufffd")
    if sum(1 for sign in broken if sign > "\x7f") > 2 * lost:
        return None, ""  # UTF-8, with damage: other encodings would only make other signs of it
    try:
        text = line.decode("gb18030")
    except UnicodeDecodeError:
        return None, ""
    han = sum(1 for sign in text if "\u3400" <= sign <= "\u9fff" or "\u3000" <= sign <= "\u303f" or sign >= "\uff00")
    wide = sum(1 for sign in text if sign > "\x7f")
    return (text, "gb18030") if 2 * han >= wide else (None, "")


def _leaves(value: Value, fields: frozenset[str], deep: int = 0, least: int = 0) -> Iterator[str]:
    """The texts of a row that are learnt from; beside a main text, numbers of `least` digits and more alone."""
    if isinstance(value, str):
        if (not fields or deep == 0) and not (least and len(value) < _DIGITS and value.isdigit()):
            yield value
    elif isinstance(value, dict):
        least = least or (_DIGITS if not deep and not fields and _MAIN & value.keys() else 0)
        for name, inner in value.items():
            if fields:
                yield from _leaves(inner, frozenset() if name in fields else fields, deep + 1)
            elif not _is_named(name, inner) and deep < _DEEP:
                yield from _leaves(inner, fields, deep + 1, 0 if name in _MAIN else least)
    elif isinstance(value, list | tuple):
        for inner in value:
            if deep < _DEEP:
                yield from _leaves(inner, fields, deep + 1, least)
    elif not fields and isinstance(value, int | float) and not isinstance(value, bool):
        shown = str(value)
        if sum(map(str.isdigit, shown)) >= least:
            yield shown


def _is_named(name: object, inner: Value) -> bool:
    return isinstance(name, str) and name.lower() in NAMED and not isinstance(inner, dict | list)


def _named(told: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        if isinstance(found := told.get(name), str | int) and not isinstance(found, bool):
            return str(found)
    return ""


def _origin(told: dict[str, Any]) -> str:
    found = _named(told, ORIGIN)
    if "://" in found:
        found = found.split("://", 1)[1].split("/", 1)[0].lower()
    return found[:80]


def masked(row: Row, fields: frozenset[str], mask: Callable[[str], str]) -> bytes:
    """A row with its texts masked, as a line without its end.

    Args:
        row: the row.
        fields: as `rows` was told them.
        mask: makes a text anew.
    """
    return written(_mapped(row.value, fields, mask, 0))


def _mapped(value: Value, fields: frozenset[str], mask: Callable[[str], str], deep: int) -> Value:
    """A row made anew; it goes where `_leaves` goes."""
    if isinstance(value, str):
        return mask(value) if not fields or deep == 0 else value
    if isinstance(value, dict):
        made = {}
        for name, inner in value.items():
            if fields:
                made[name] = _mapped(inner, frozenset() if name in fields else fields, mask, deep + 1)
            else:
                skip = _is_named(name, inner) or deep >= _DEEP
                made[name] = inner if skip else _mapped(inner, fields, mask, deep + 1)
        return made
    if isinstance(value, list | tuple):
        return [inner if deep >= _DEEP else _mapped(inner, fields, mask, deep + 1) for inner in value]
    if not fields and isinstance(value, int | float) and not isinstance(value, bool):
        new = mask(str(value))
        return value if new == str(value) else new
    return value


def written(value: Value) -> bytes:
    """A row as a line of JSON, without its end."""
    try:
        return msgspec.json.encode(value, enc_hook=_plain)
    except UnicodeEncodeError:
        return b"null"


def _plain(value: Any) -> Any:
    """What Arrow has and JSON has not."""
    return base64.b64encode(value).decode() if isinstance(value, bytes | bytearray | memoryview) else str(value)

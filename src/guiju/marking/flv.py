# SPDX-License-Identifier: Apache-2.0
"""FLV (Adobe, version 10.1): the label as a field AIGC of onMetaData in the first script tag (TC260-PG-20257A).

Fields that name places of the file, as tools for seeking write them (`keyframes.filepositions`, `filesize`), move with
what they name.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final, NamedTuple

from guiju.marking.family import MOST, Found, MarkingError, exactly
from guiju.marking.label import KEY, Aigc
from guiju.marking.splice import Moved, Splice, names_label, size_of

_TAGS: Final = 32
"""Tags from the beginning among which the script tag is looked for."""
_LONGEST: Final = (1 << 24) - 1
_DEPTH: Final = 16
_VALUES: Final = 1 << 20
_EVENT: Final = b"\x02\x00\x0aonMetaData"
_SCRIPT: Final = 18
_END: Final = b"\x00\x00\x09"


class _Field(NamedTuple):
    """A field of onMetaData: its name, and where it starts, its value does, and it ends."""

    name: str
    start: int
    value: int
    end: int


class _Script(NamedTuple):
    """The script tag: where its data is in the file, the data, where its fields begin, and they."""

    at: int
    data: bytes
    begin: int
    fields: list[_Field]


class Flv:
    """The family; see `Family`."""

    name = "flv"
    kind = "video"
    endings = ("flv",)
    media_types = ("video/x-flv",)

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        return head.startswith(b"FLV\x01")

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        script = _script(source)[1]
        labels = [] if script is None else _labels(script)
        return [Found(f"onMetaData {one.name}", text) for one, text in labels][:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        first, script = _script(source)
        text = aigc.bare().encode()
        field = len(KEY).to_bytes(2, "big") + KEY.encode() + b"\x02" + len(text).to_bytes(2, "big") + text
        if script is None:
            data = _EVENT + b"\x08\x00\x00\x00\x01" + field + _END
            head = bytes([_SCRIPT]) + len(data).to_bytes(3, "big") + b"\x00" * 7
            new = head + data + (len(data) + 11).to_bytes(4, "big")
            Moved([Splice(first, first, new)]).write(source, target)
            return
        dropped = [one for one, _ in _labels(script)]
        data = script.data
        kept = b"".join(data[one.start : one.end] for one in script.fields if one not in dropped)
        rest = data[script.fields[-1].end if script.fields else script.begin :]
        size = script.begin + len(field) + len(kept) + len(rest)
        if size > _LONGEST:
            raise MarkingError("too_large", "FLV metadata")
        end = script.at + len(data)
        by = size - len(data)
        fields = [one for one in script.fields if one not in dropped]
        kept = _moved(data, fields, end, by)
        begin = data[: script.begin]
        if data[len(_EVENT)] == 8:
            begin = begin[:-4] + (len(fields) + 1).to_bytes(4, "big")
        splices = [
            Splice(script.at - 10, script.at - 7, size.to_bytes(3, "big")),
            Splice(script.at, end + 4, begin + field + kept + rest + (size + 11).to_bytes(4, "big")),
        ]
        Moved(splices).write(source, target)


def _script(source: BinaryIO) -> tuple[int, _Script | None]:
    """Where the first tag stands, and the script tag with onMetaData; none when there is none.

    Raises:
        MarkingError: it is not well formed.
    """
    length = size_of(source)
    source.seek(0)
    head = exactly(source, 9, "FLV")
    first = int.from_bytes(head[5:9], "big") + 4
    if head[:4] != b"FLV\x01" or not 13 <= first <= length:
        raise MarkingError("unreadable", "FLV")
    place = first
    for _ in range(_TAGS):
        if length - place < 15:
            break
        source.seek(place)
        tag = exactly(source, 11, "FLV tag")
        size = int.from_bytes(tag[1:4], "big")
        if place + 15 + size > length or tag[0] & 0x1F not in (8, 9, _SCRIPT):
            raise MarkingError("unreadable", "FLV tag")
        if tag[0] == _SCRIPT:
            data = exactly(source, size, "FLV tag")
            if data.startswith(_EVENT):
                begin, fields = _fields(data)
                return first, _Script(place + 11, data, begin, fields)
        place += 15 + size
    return first, None


def _fields(data: bytes) -> tuple[int, list[_Field]]:
    """Where the fields of onMetaData begin, and they."""
    place = len(_EVENT)
    kind = data[place : place + 1]
    if kind not in (b"\x03", b"\x08"):
        raise MarkingError("unreadable", "FLV metadata")
    begin = place + (1 if kind == b"\x03" else 5)
    values = _Values(data)
    return begin, values.fields(begin, 0)


class _Values:
    """Values of AMF 0, walked in bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = _VALUES

    def _number(self, place: int, width: int) -> int:
        if place + width > len(self._data):
            raise MarkingError("unreadable", "FLV metadata")
        return int.from_bytes(self._data[place : place + width], "big")

    def fields(self, place: int, depth: int) -> list[_Field]:
        """The fields from a place to the mark of their end, or to the end of the data where it is missing."""
        found: list[_Field] = []
        while self._data[place : place + 3] != _END and place < len(self._data):
            size = self._number(place, 2)
            value = place + 2 + size
            name = self._data[place + 2 : value].decode("utf-8", "replace")
            end = self.end(value, depth)
            found.append(_Field(name, place, value, end))
            place = end
        return found

    def end(self, place: int, depth: int) -> int:
        """Where the value at a place ends."""
        self._left -= 1
        kind = self._number(place, 1)
        if depth > _DEPTH or not self._left:
            raise MarkingError("unreadable", "FLV metadata")
        place += 1
        if kind in (3, 8):
            inner = self.fields(place + (4 if kind == 8 else 0), depth + 1)
            end = (inner[-1].end if inner else place + (4 if kind == 8 else 0)) + 3
        elif kind == 10:
            end = place + 4
            for _ in range(self._number(place, 4)):
                end = self.end(end, depth + 1)
        elif kind in (2, 12):
            width = 2 if kind == 2 else 4
            end = place + width + self._number(place, width)
        else:
            sizes = {0: 8, 1: 1, 5: 0, 6: 0, 7: 2, 11: 10}
            if kind not in sizes:
                raise MarkingError("unreadable", "FLV metadata")
            end = place + sizes[kind]
        if end > len(self._data):
            raise MarkingError("unreadable", "FLV metadata")
        return end


def _labels(script: _Script) -> list[tuple[_Field, str]]:
    """The fields that are labels, and their texts."""
    found = []
    for one in script.fields:
        width = {2: 2, 12: 4}.get(script.data[one.value], 0)
        text = script.data[one.value + 1 + width : one.end].decode("utf-8", "replace") if width else ""
        if width and names_label(one.name, text):
            found.append((one, text))
    return found


def _moved(data: bytes, fields: list[_Field], edge: int, by: int) -> bytes:
    """Fields, those that name places moved by so much when they lie behind the edge."""
    made = bytearray(data)
    spots: list[int] = []
    for one in fields:
        if one.name == "filesize" and data[one.value] == 0:
            spots.append(one.value + 1)
        elif one.name == "keyframes" and data[one.value] in (3, 8):
            for inner in _Values(data).fields(one.value + (1 if data[one.value] == 3 else 5), 1):
                if inner.name == "filepositions" and data[inner.value] == 10:
                    spots += [at + 1 for at in range(inner.value + 5, inner.end, 9) if data[at] == 0]
    for at in spots:
        (place,) = struct.unpack_from(">d", made, at)
        if place >= edge:
            struct.pack_into(">d", made, at, place + by)
    return b"".join(bytes(made[one.start : one.end]) for one in fields)


FLV: Final = Flv()

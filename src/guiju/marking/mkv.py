# SPDX-License-Identifier: Apache-2.0
"""Matroska and WebM (RFC 9559): the label as Tags.Tag.SimpleTag with the name AIGC (TC260-PG-20257A).

A new element of tags stands before the first cluster, where readers of streams find it. A Void element before that
gives the room where it can; else SeekHead, Cues and the clusters' own positions are corrected. A checksum of what is
made anew is made anew; that of a cluster whose position changes becomes a Void.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from guiju.marking.ebml import CRC, VOID, Element, children, content, element, header, joined, sized, void, walk
from guiju.marking.family import MOST, Found, MarkingError
from guiju.marking.label import KEY, Aigc
from guiju.marking.splice import Moved, Splice, names_label, size_of

_EBML: Final = 0x1A45DFA3
_SEGMENT: Final = 0x18538067
_SEEK_HEAD: Final = 0x114D9B74
_CLUSTER: Final = 0x1F43B675
_CUES: Final = 0x1C53BB6B
_TAGS: Final = 0x1254C367
_TAG: Final = 0x7373
_SIMPLE: Final = 0x67C8
_NAME: Final = 0x45A3
_STRING: Final = 0x4487
_POSITION: Final = 0xA7
_HOLDERS: Final = frozenset((0x4DBB, 0xBB, 0xB7, 0xDB))
"""Seek, CuePoint, CueTrackPositions, CueReference: what stands around positions."""
_PLACES: Final = frozenset((0x53AC, 0xF1, 0xEA, 0x97))
"""SeekPosition, CueClusterPosition, CueCodecState, CueRefCluster."""
_WITHIN: Final = {_CLUSTER: frozenset((0xE7, 0x5854, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF, CRC, VOID))}
"""What may stand within a cluster without a size."""
_LONGEST: Final = 16 << 20
"""Bytes of an element that is held in memory, at most."""
_DEPTH: Final = 8
_ROUNDS: Final = 10


class _Segment(msgspec.Struct, frozen=True):
    """Where the segment is, and the elements in it."""

    at: Element
    end: int
    inner: list[Element]

    def first(self, name: int) -> Element | None:
        """The first element of a kind."""
        return next((one for one in self.inner if one.id == name), None)


class Mkv(msgspec.Struct, frozen=True):
    """The family; see `Family`. Its two members differ in the document's type and in names."""

    name: str
    kind: str
    endings: tuple[str, ...]
    media_types: tuple[str, ...]
    type: bytes

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        place = head.find(b"\x42\x82", 4, 128)  # DocType
        return head.startswith(_EBML.to_bytes(4, "big")) and place > 0 and self.type in head[place : place + 18]

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        found: list[Found] = []
        for one in _segment(source).inner:
            if one.id == _TAGS:
                texts = _labels(content(source, one, _LONGEST), 0)
                found += [Found(f"Tags.Tag.SimpleTag {name}", text) for name, text in texts]
        return found[:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        segment = _segment(source)
        splices = _tags(source, segment, aigc)
        splices += _room(segment, Moved(splices).grown)
        moved = Moved(splices)
        for _ in range(_ROUNDS):
            again = Moved([*splices, *_size(segment, moved), *_positions(source, segment, moved)])
            settled = [len(one.new) for one in again.splices] == [len(one.new) for one in moved.splices]
            if settled and again.splices == moved.splices:
                break
            moved = again
        else:
            raise MarkingError("unsupported", "Matroska whose positions do not settle")
        Moved([*moved.splices, *_clusters(source, segment, moved)]).write(source, target)


def _segment(source: BinaryIO) -> _Segment:
    """The segment of a file.

    Raises:
        MarkingError: it is not well formed.
    """
    length = size_of(source)
    ebml = header(source, 0, length)
    if ebml.id != _EBML or ebml.end is None:
        raise MarkingError("unreadable", "EBML")
    place = ebml.end
    for _ in range(16):
        at = header(source, place, length)
        if at.id == _SEGMENT:
            end = length if at.end is None else at.end
            return _Segment(at, end, list(walk(source, at.body, end, _WITHIN)))
        if at.end is None or at.id not in (VOID, CRC):
            break
        place = at.end
    raise MarkingError("unreadable", "Matroska without a segment")


def _labels(data: bytes, depth: int) -> Iterator[tuple[str, str]]:
    """Name and text of each label in tags, a tag, or a simple tag."""
    if depth > _DEPTH:
        raise MarkingError("unreadable", "Matroska tags too deep")
    for name, body, _ in children(data):
        if name == _SIMPLE and names_label(*(named := _named(body))):
            yield named
        elif name in (_TAG, _SIMPLE):
            yield from _labels(body, depth + 1)


def _named(simple: bytes) -> tuple[str, str]:
    parts = {name: body for name, body, _ in children(simple)}
    name, text = (parts.get(key, b"").decode("utf-8", "replace").rstrip("\x00") for key in (_NAME, _STRING))
    return name, text


def _without(data: bytes) -> bytes:
    """Tags, a tag, or a simple tag without labels; a tag that then says nothing goes."""
    kept = []
    for name, body, raw in children(data):
        if name == _SIMPLE and names_label(*_named(body)):
            continue
        if name in (_TAG, _SIMPLE) and any(True for _ in _labels(body, 0)):
            body = _without(body)
            if name == _TAG and all(inner != _SIMPLE for inner, _, _ in children(body)):
                continue
            raw = element(name, body)
        kept.append(raw)
    return joined(kept)


def _tags(source: BinaryIO, segment: _Segment, aigc: Aigc) -> list[Splice]:
    """The label in the first element of tags or a new one; none in any other."""
    simple = element(_SIMPLE, element(_NAME, KEY.encode()) + element(_STRING, aigc.bare().encode()))
    tag = element(_TAG, element(0x63C0, b"") + simple)
    splices: list[Splice] = []
    for one in segment.inner:
        if one.id != _TAGS or one.end is None:
            continue
        data = content(source, one, _LONGEST)
        held = any(True for _ in _labels(data, 0))
        if splices and not held:
            continue
        made = _without(data) if held else data
        if not splices:
            made = joined([*(raw for _, _, raw in children(made)), tag])
        splices.append(Splice(one.start, one.end, element(_TAGS, made, one.body - one.start - 4)))
    if not splices:
        cluster = segment.first(_CLUSTER)
        place = segment.end if cluster is None else cluster.start
        splices.append(Splice(place, place, element(_TAGS, tag)))
    return splices


def _room(segment: _Segment, grown: int) -> list[Splice]:
    """A Void before the clusters that gives the room, or takes what is left over; none when there is none."""
    if not grown:
        return []
    for one in segment.inner:
        if one.id == _CLUSTER:
            break
        size = (one.end or 0) - one.start - grown
        if one.id == VOID and one.end is not None and (size == 0 or 2 <= size <= _LONGEST):
            return [Splice(one.start, one.end, void(size) if size else b"")]
    return []


def _size(segment: _Segment, moved: Moved) -> list[Splice]:
    """The segment's own size, where it says one."""
    at = segment.at
    if at.end is None:
        return []
    inner = sum(len(one.new) - (one.end - one.start) for one in moved.splices if one.start >= at.body)
    return [Splice(at.start + 4, at.body, sized(at.end - at.body + inner, at.body - at.start - 4))]


def _base(segment: _Segment, moved: Moved) -> int:
    """Where the segment's content begins now."""
    return segment.at.body + sum(
        len(one.new) - (one.end - one.start) for one in moved.splices if one.start < segment.at.body
    )


def _positions(source: BinaryIO, segment: _Segment, moved: Moved) -> Iterator[Splice]:
    """SeekHead and Cues with what they point at now."""
    base = _base(segment, moved)
    for one in segment.inner:
        if one.id in (_SEEK_HEAD, _CUES) and one.end is not None:
            data = content(source, one, _LONGEST)
            made = _pointing(data, segment, moved, base, 0)
            if made != data:
                yield Splice(one.start, one.end, element(one.id, made, one.body - one.start - 4))


def _pointing(data: bytes, segment: _Segment, moved: Moved, base: int, depth: int) -> bytes:
    parts, changed = [], False
    for name, body, raw in children(data):
        new = body
        if name in _HOLDERS and depth < _DEPTH:
            new = _pointing(body, segment, moved, base, depth + 1)
        elif name in _PLACES and len(body) <= 8 and (old := int.from_bytes(body, "big")):
            value = max(moved.place(segment.at.body + old) - base, 0)
            new = value.to_bytes(max(len(body), (value.bit_length() + 7) // 8), "big")
        changed = changed or new != body
        parts.append(raw if new == body else element(name, new))
    return joined(parts) if changed else data


def _clusters(source: BinaryIO, segment: _Segment, moved: Moved) -> Iterator[Splice]:
    """Positions that clusters say of themselves, in the bytes that are there; where they do not fit, a Void."""
    base = _base(segment, moved)
    for one in segment.inner:
        if one.id != _CLUSTER or one.end is None or moved.place(one.start) - base == one.start - segment.at.body:
            continue
        place, checked = one.body, None
        for _ in range(6):
            if place >= one.end:
                break
            child = header(source, place, one.end)
            if child.id == CRC:
                checked = child
            elif child.id == _POSITION and child.end is not None and child.end - child.body <= 8:
                value, width = moved.place(one.start) - base, child.end - child.body
                fits = value < 1 << 8 * width
                new = value.to_bytes(width, "big") if fits else void(child.end - child.start)
                yield Splice(child.body if fits else child.start, child.end, new)
                if checked is not None:
                    yield Splice(checked.start, checked.start + 1, bytes([VOID]))
                break
            place = child.end or one.end


MKV: Final = Mkv(
    "mkv", "video", ("mkv", "mka", "mk3d"), ("video/x-matroska", "audio/x-matroska", "video/matroska"), b"matroska"
)
WEBM: Final = Mkv("webm", "video", ("webm",), ("video/webm", "audio/webm"), b"webm")

# SPDX-License-Identifier: Apache-2.0
"""The label as an XMP property (TC260-PG-20259A; ISO 16684-1): `TC260:AIGC` in a packet that may hold much else.

A packet is changed by splicing bytes at places that an XML parser gives: what others wrote there stays as it was, to
the byte. The parser is expat, without document types, so nothing expands.
"""

from __future__ import annotations

import re
from typing import Any, Final
from xml.parsers import expat
from xml.sax.saxutils import escape

from guiju.marking.family import MarkingError
from guiju.marking.label import Aigc
from guiju.marking.xml_part import is_empty

NAMESPACE: Final = "http://www.tc260.org.cn/ns/AIGC/1.0/"
PROPERTY: Final = "AIGC"
LONGEST: Final = 4 << 20
"""Bytes of a packet that are read, at most."""
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DEPTH: Final = 64
_OPEN: Final = f'<rdf:Description xmlns:rdf="{_RDF}" rdf:about="" xmlns:TC260="{NAMESPACE}">'.encode()
_CLOSE: Final = b"</rdf:Description>"
_BEGIN: Final = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
_END: Final = b'<?xpacket end="w"?>'
_TAG: Final = re.compile(rb"<[^\s/>]+(?:\s+[^\s=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*(/?)>")
_ATTRIBUTE: Final = re.compile(rb"\s[\w.-]+:AIGC\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_PADDING: Final = re.compile(rb"\s{16,}(?=<\?xpacket\s+end)")
_WIDE: Final = re.compile(rb"\A(?:\xff\xfe|\xfe\xff|<\x00|\x00<)")


class _Packet:
    """Where in a packet the label stands, and where another description can go.

    Attributes:
        texts: the label texts.
        spans: bytes of elements and attributes that hold one.
        rdf: where the tag that opens the RDF begins, and the one that closes it; none when there is no RDF.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.texts: list[str] = []
        self.spans: list[tuple[int, int]] = []
        self.rdf: tuple[int, int] | None = None
        self._rdf_start = 0
        self._depth = 0
        self._open = 0
        self._start = 0
        self._text: list[str] = []
        parser = self._parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._begins
        parser.EndElementHandler = self._ends
        parser.CharacterDataHandler = self._says
        parser.StartDoctypeDeclHandler = self._refuse
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            raise MarkingError("unreadable", "XMP") from error

    def _refuse(self, *_: Any) -> None:
        raise MarkingError("unreadable", "XMP with a document type")

    def _begins(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEPTH:
            raise MarkingError("unreadable", "XMP too deep")
        place = self._parser.CurrentByteIndex
        if name == f"{_RDF} RDF":
            self._rdf_start = place
        for key, value in attributes.items():
            if key == f"{NAMESPACE} {PROPERTY}":
                self.texts.append(value)
                self._attribute(place)
        if name == f"{NAMESPACE} {PROPERTY}" and not self._open:
            self._open, self._start, self._text = self._depth, place, []

    def _attribute(self, place: int) -> None:
        """The span of the label's attribute within the tag that begins at a place."""
        tag = _TAG.match(self.data, place)
        found = _ATTRIBUTE.search(self.data, place, tag.end()) if tag else None
        if found is None:
            raise MarkingError("unreadable", "XMP")
        self.spans.append(found.span())

    def _says(self, text: str) -> None:
        if self._open:
            self._text.append(text)

    def _ends(self, name: str) -> None:
        place = self._parser.CurrentByteIndex
        if self._open == self._depth:
            empty = is_empty(self.data, self._start, place)
            end = place if empty else self.data.index(b">", place) + 1
            self.texts.append("".join(self._text).strip())
            self.spans.append((self._start, end))
            self._open = 0
        if name == f"{_RDF} RDF":
            self.rdf = self._rdf_start, place
        self._depth -= 1


def texts(packet: bytes) -> list[str]:
    """The label texts of a packet.

    Raises:
        MarkingError: it is not well formed.
    """
    return _Packet(_plain(packet)).texts


def labelled(packet: bytes, aigc: Aigc) -> bytes:
    """A packet with this label and no other, everything else as it was.

    Args:
        packet: the packet as it stands in the file; `b""` for a new one.
        aigc: the label.

    Raises:
        MarkingError: it is not well formed.
    """
    if not packet.strip(b"\x00 \r\n\t"):
        return _fresh(aigc)
    data = _plain(packet)
    for start, end in sorted(_Packet(data).spans, reverse=True):
        data = data[:start] + data[end:]
    data = data.replace(_OPEN + _CLOSE, b"")
    place = _Packet(data).rdf
    if place is None:
        raise MarkingError("unreadable", "XMP without RDF")
    tag = _TAG.match(data, place[0])
    if tag is None:
        raise MarkingError("unreadable", "XMP")
    if tag[1]:  # an empty element
        name = data[place[0] + 1 : tag.end()].split()[0].removesuffix(b"/>")
        return data[: tag.end() - 2] + b">" + _description(aigc) + b"</" + name + b">" + data[tag.end() :]
    return data[: place[1]] + _description(aigc) + data[place[1] :]


def blanked(packet: bytes) -> bytes:
    """A packet of the same size whose labels are blank, everything else as it was; for a file's further packets.

    Raises:
        MarkingError: it is not well formed, or UTF-16 that is longer as UTF-8.
    """
    data = _plain(packet)
    for start, end in _Packet(data).spans:
        data = data[:start] + b" " * (end - start) + data[end:]
    if len(data) > len(packet):
        raise MarkingError("unsupported", "XMP as UTF-16")
    return data.ljust(len(packet))


def tight(packet: bytes) -> bytes:
    """A packet without the white space that pads it for changes in place."""
    return _PADDING.sub(b"", packet)


def _description(aigc: Aigc) -> bytes:
    text = f"<TC260:{PROPERTY}>{escape(aigc.bare())}</TC260:{PROPERTY}>"
    return _OPEN + text.encode() + _CLOSE


def _fresh(aigc: Aigc) -> bytes:
    """A new packet."""
    body = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="' + _RDF.encode() + b'">'
    return _BEGIN + body + _description(aigc) + b"</rdf:RDF></x:xmpmeta>" + _END


def _plain(packet: bytes) -> bytes:
    """The packet as UTF-8, without what pads it.

    Raises:
        MarkingError: it is too large, or in no encoding that is read.
    """
    if len(packet) > LONGEST:
        raise MarkingError("too_large", "XMP")
    data = packet.strip(b"\x00")
    if _WIDE.match(packet):
        try:
            data = packet.decode("utf-16" if packet[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-16-le").encode()
        except UnicodeDecodeError as error:
            raise MarkingError("unreadable", "XMP") from error
    return data.removeprefix(b"\xef\xbb\xbf")

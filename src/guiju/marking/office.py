# SPDX-License-Identifier: Apache-2.0
"""DOCX, XLSX and PPTX (ECMA-376, part 2): the label as the custom property AIGC (TC260-PG-20258A, 6.1).

The property stands in a part of its own, which the package's relationships name. All other members of the package are
copied as they are. A package that is signed is refused: a property more would break its signature.
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final
from xml.sax.saxutils import escape, quoteattr

from guiju.marking.family import MOST, Found, MarkingError
from guiju.marking.label import KEY, Aigc
from guiju.marking.xml_part import LONGEST, Part

_TYPES: Final = "[Content_Types].xml"
_RELATIONS: Final = "_rels/.rels"
_PROPERTIES: Final = "docProps/custom.xml"
_CONTENT: Final = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_RELATION: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"
_STRICT: Final = "http://purl.oclc.org/ooxml/officeDocument/relationships/customProperties"
_SIGNED: Final = "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/origin"
_TYPES_NS: Final = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS_NS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_CUSTOM_NS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
_VALUES_NS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
_FORMAT: Final = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
_FIRST: Final = 2
"""The least number of a property (MS-OLEPS reserves 0 and 1)."""
_DECLARED: Final = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MEMBERS: Final = 65_536
_UNPACKED: Final = 2 << 30
"""Bytes of all members unpacked, at most."""
_KINDS: Final = (b"word/", b"xl/", b"ppt/")


class Office:
    """The family; see `Family`."""

    name = "ooxml"
    kind = "document"
    endings = ("docx", "docm", "dotx", "xlsx", "xlsm", "xltx", "pptx", "pptm", "ppsx", "potx")
    media_types = (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    )

    def knows(self, head: bytes) -> bool:
        """See `Family`. Which of the three it is, its ending or its parts say."""
        named = (_TYPES.encode(), b"_rels/", b"docProps/", *_KINDS)
        return head.startswith(b"PK\x03\x04") and head[30:].startswith(named)

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        with _opened(source) as package:
            path = _path(_part(package, _RELATIONS))
            if not path or path not in package.NameToInfo:
                return []
            labels = [one for one in _part(package, path).children if _is_label(one.attributes)]
            return [Found(f"{path} {KEY}", one.text.strip()) for one in labels[:MOST]]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        with _opened(source) as package:
            relations = _part(package, _RELATIONS)
            if any(one.attributes.get("Type") == _SIGNED for one in relations.children):
                raise MarkingError("unsupported", "it is signed, and a label would break its signature")
            path = _path(relations)
            changed: dict[str, bytes] = {}
            if not path:
                path = _PROPERTIES
                changed[_RELATIONS] = _related(relations, path)
            types = _part(package, _TYPES)
            if not any(one.attributes.get("PartName", "").lower() == f"/{path}".lower() for one in types.children):
                added = f'<Override xmlns="{_TYPES_NS}" PartName={quoteattr("/" + path)} ContentType="{_CONTENT}"/>'
                changed[_TYPES] = types.with_(added.encode(), [])
            there = path in package.NameToInfo
            changed[path] = _stated(_part(package, path) if there else Part(_empty()), aigc)
            _copied(package, target, changed)


OFFICE: Final = Office()
"""The one of its kind."""


@contextmanager
def _opened(source: BinaryIO) -> Iterator[zipfile.ZipFile]:
    source.seek(0)
    try:
        with zipfile.ZipFile(source) as package:
            infos = package.infolist()
            if len(infos) > _MEMBERS or sum(one.file_size for one in infos) > _UNPACKED:
                raise MarkingError("too_large", "package")
            if len(package.NameToInfo) != len(infos):
                raise MarkingError("unreadable", "package with a member twice")
            yield package
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, NotImplementedError, EOFError) as error:
        # RuntimeError: a member is encrypted. NotImplementedError: packed in a way that nobody uses here.
        raise MarkingError("unreadable", "package") from error


def _part(package: zipfile.ZipFile, name: str) -> Part:
    info = package.NameToInfo.get(name)
    if info is None:
        raise MarkingError("unreadable", f"package without {name}")
    with package.open(info) as member:
        data = member.read(LONGEST + 1)
    return Part(data)


def _path(relations: Part) -> str:
    """Where the custom properties stand; `""` when the package has none."""
    for one in relations.children:
        if one.attributes.get("Type") in (_RELATION, _STRICT):
            return posixpath.normpath(posixpath.join("/", one.attributes.get("Target", ""))).lstrip("/")
    return ""


def _related(relations: Part, path: str) -> bytes:
    used = {one.attributes.get("Id", "") for one in relations.children}
    number = next(n for n in range(1, len(used) + 2) if f"rIdAIGC{n}" not in used)
    where = quoteattr(f"/{path}")
    added = f'<Relationship xmlns="{_RELATIONS_NS}" Id="rIdAIGC{number}" Type="{_RELATION}" Target={where}/>'
    return relations.with_(added.encode(), [])


def _is_label(attributes: dict[str, str]) -> bool:
    return attributes.get("name", "").strip().upper() == KEY


def _empty() -> bytes:
    return _DECLARED + f'<Properties xmlns="{_CUSTOM_NS}" xmlns:vt="{_VALUES_NS}"/>'.encode()


def _stated(properties: Part, aigc: Aigc) -> bytes:
    """The custom properties with this label and no other."""
    namespace = properties.root.rpartition(" ")[0]
    values = _VALUES_NS if namespace == _CUSTOM_NS else namespace.replace("customProperties", "docPropsVTypes")
    old = [one for one in properties.children if _is_label(one.attributes)]
    used = {one.attributes.get("pid", "") for one in properties.children}
    number = next(n for n in range(_FIRST, len(used) + _FIRST + 1) if str(n) not in used)
    added = (
        f'<property xmlns="{namespace}" fmtid="{_FORMAT}" pid="{number}" name="{KEY}">'
        f'<vt:lpwstr xmlns:vt="{values}">{escape(aigc.bare())}</vt:lpwstr></property>'
    )
    return properties.with_(added.encode(), old)


def _copied(package: zipfile.ZipFile, target: BinaryIO, changed: dict[str, bytes]) -> None:
    """Write the package anew with some members changed or added."""
    left = _UNPACKED
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        made.comment = package.comment
        for info in package.infolist():
            data = changed.pop(info.filename, None)
            if data is not None:
                made.writestr(info, data)
                continue
            with package.open(info) as member, made.open(info, "w") as copied:
                while piece := member.read(1 << 20):
                    left -= len(piece)
                    if left < 0:
                        raise MarkingError("too_large", "package")
                    copied.write(piece)
        for name, data in changed.items():
            added = zipfile.ZipInfo(name)  # 1980, the first day that a package can name: no clock here
            added.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(added, data)

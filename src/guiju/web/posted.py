# SPDX-License-Identifier: Apache-2.0
"""A form that a person sends: its fields, and its files in pieces into files without a name, gone when closed.

A file that is too large, or one too many, is read to its end and thrown away, so that the rest of the form arrives:
what somebody wrote is not lost over a picture.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import ExitStack, asynccontextmanager
from typing import BinaryIO, Final, cast
from urllib.parse import parse_qsl

import msgspec
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from guiju.errors import Bilingual, CallerError
from guiju.web.uploads import Upload

_FIELDS: Final = 40
"""Fields of a form, at most."""
_LONGEST_NAME: Final = 255
_PATIENCE: Final = 2
"""So many times as much as its files may have is read of a form."""
_NO_FORM: Final = Bilingual("不是表单", "it is no form")
_UNREADABLE: Final = Bilingual("表单的文字不是 UTF-8", "the text of the form is not UTF-8")


class Most(msgspec.Struct, frozen=True):
    """How much a form may bring.

    Attributes:
        files: how many.
        file_bytes: of each.
        field_bytes: of all fields together.
    """

    files: int = 0
    file_bytes: int = 0
    field_bytes: int = 262_144


class Posted(msgspec.Struct):
    """A form that came.

    Attributes:
        fields: name → what stands in it; of several of one name the last.
        files: those that could be taken.
        large, more: names of files that were too large, and that were too many.
    """

    fields: dict[str, str]
    files: list[Upload]
    large: list[str]
    more: list[str]


class _Part(msgspec.Struct):
    """One part of the form, while it arrives."""

    name: str = ""
    filename: str | None = None
    size: int = 0
    data: bytearray = msgspec.field(default_factory=bytearray)
    file: BinaryIO | None = None


class _Parts:
    """What the parser of the form is told, gathered; files are written by whoever feeds it."""

    def __init__(self, boundary: bytes, most: Most, files: ExitStack) -> None:
        self.posted = Posted({}, [], [], [])
        self._most = most
        self._files = files
        self._fields = 0
        self._field_bytes = 0
        self._part = _Part()
        self._header = self._value = b""
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )

    def feed(self, data: bytes) -> None:
        """Take some bytes of the body; in a thread, since files are written.

        Raises:
            CallerError: `form_invalid`, `form_too_large`.
        """
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise CallerError("form_invalid", what=_NO_FORM) from error

    def _begin(self) -> None:
        self._part = _Part()
        self._header = self._value = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, said = parse_options_header(self._value)
            self._part.name = said.get(b"name", b"").decode("utf-8", "replace")
            if (filename := said.get(b"filename")) is not None:
                name = filename.decode("utf-8", "replace").replace("\\", "/").rpartition("/")[2]
                self._part.filename = name[-_LONGEST_NAME:]
        self._header = self._value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        part.size += end - start
        if part.filename is None:
            self._field_bytes += end - start
            if self._field_bytes > self._most.field_bytes:
                raise CallerError("form_too_large", mib=1)
            part.data += data[start:end]
        elif part.size <= self._most.file_bytes and len(self.posted.files) < self._most.files:
            if part.file is None:
                part.file = cast(BinaryIO, self._files.enter_context(tempfile.TemporaryFile()))  # noqa: SIM115 # the stack closes it
            part.file.write(data[start:end])

    def _end(self) -> None:
        part = self._part
        if part.filename is None:
            self._fields += 1
            if self._fields > _FIELDS:
                raise CallerError("form_invalid", what=_NO_FORM)
            try:
                self.posted.fields[part.name] = part.data.decode("utf-8")
            except UnicodeDecodeError as error:
                raise CallerError("form_invalid", what=_UNREADABLE) from error
        elif part.size > self._most.file_bytes:
            self.posted.large.append(part.filename)
        elif part.size and part.file is None:
            self.posted.more.append(part.filename)
        elif part.file is not None:
            part.file.flush()
            self.posted.files.append(Upload(part.file, part.filename, part.size))


@asynccontextmanager
async def posted(request: Request, most: Most, writer: Executor) -> AsyncIterator[Posted]:
    """A form; its files are gone when the context ends.

    Args:
        request: whose body is read.
        most: how much it may bring.
        writer: a thread that writes.

    Raises:
        CallerError: `form_invalid`, `form_too_large`.
        ClientDisconnect: nobody waits for an answer.
    """
    kind, said = parse_options_header(request.headers.get("content-type", ""))
    if kind == b"application/x-www-form-urlencoded":
        yield Posted(await _plain(request, most), [], [], [])
        return
    boundary = said.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise CallerError("form_invalid", what=_NO_FORM)
    loop = asyncio.get_running_loop()
    with ExitStack() as files:
        parts = _Parts(boundary, most, files)
        seen = 0
        async for data in request.stream():
            seen += len(data)
            if seen > _PATIENCE * most.files * most.file_bytes + most.field_bytes:
                raise CallerError("form_too_large", mib=most.file_bytes >> 20)
            await loop.run_in_executor(writer, parts.feed, data)
        yield parts.posted


async def _plain(request: Request, most: Most) -> dict[str, str]:
    """The fields of a form without files."""
    body = bytearray()
    async for data in request.stream():
        body += data
        if len(body) > 3 * most.field_bytes:  # a letter may take three times its bytes here
            raise CallerError("form_too_large", mib=1)
    try:
        said = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS)
    except ValueError as error:
        raise CallerError("form_invalid", what=_UNREADABLE) from error
    return dict(said)

# SPDX-License-Identifier: Apache-2.0
"""A file that a person sends with a form: taken in pieces into a file without a name, which goes when it is closed.

The event loop writes no file: pieces are gathered and written by a thread. What is too large is read to its end and
thrown away, so that the browser shows our answer instead of a broken connection.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from typing import Any, BinaryIO, Final, NamedTuple, cast

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from guiju.errors import Bilingual, CallerError

FIELD: Final = "file"
_PIECE: Final = 1 << 20
_FRAME: Final = 65_536
"""Bytes that may stand around a file."""
_PATIENCE: Final = 4
"""So many times as much as a file may have is read and thrown away."""
_LONGEST_NAME: Final = 255
_NO_FORM: Final = Bilingual("不是 multipart/form-data", "it is no multipart/form-data")
_NO_FILE: Final = Bilingual("没有选择文件", "no file was chosen")
_TWO_FILES: Final = Bilingual("每次一个文件", "one file at a time")
_EMPTY: Final = Bilingual("文件是空的", "the file is empty")


class Upload(NamedTuple):
    """A file that came.

    Attributes:
        file: it, without a name on the disk; whoever took it closes it.
        name: what its owner calls it, without folders.
        size: bytes.
    """

    file: BinaryIO
    name: str
    size: int


class _Form:
    """What the parser of the form is told, gathered.

    Attributes:
        pieces: of the file, not written yet.
        size: bytes of it so far, thrown away or not.
    """

    def __init__(self, boundary: bytes, most: int) -> None:
        self.name: str | None = None
        self.pieces = bytearray()
        self.size = 0
        self._most = most
        self._field = b""
        self._value = b""
        self._taking = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part,
                "on_header_begin": self._header,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_part_data": self._data,
            },
        )

    def feed(self, data: bytes) -> None:
        """Take some bytes of the body.

        Raises:
            CallerError: `upload_invalid`.
        """
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise CallerError("upload_invalid", what=_NO_FORM) from error

    def take(self) -> bytes:
        """The pieces gathered so far."""
        made = bytes(self.pieces)
        self.pieces.clear()
        return made

    def _part(self) -> None:
        self._taking = False

    def _header(self) -> None:
        self._field = self._value = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() != b"content-disposition":
            return
        _, said = parse_options_header(self._value)
        if said.get(b"name") != FIELD.encode():
            return
        if self.name is not None:
            raise CallerError("upload_invalid", what=_TWO_FILES)
        name = said.get(b"filename", b"").decode("utf-8", "replace")
        self.name = name.replace("\\", "/").rpartition("/")[2][-_LONGEST_NAME:]
        self._taking = True

    def _data(self, data: bytes, start: int, end: int) -> None:
        if not self._taking:
            return
        self.size += end - start
        if self.size <= self._most:
            self.pieces += data[start:end]
        else:
            self.pieces.clear()


@asynccontextmanager
async def received(request: Request, most: int, writer: Executor) -> AsyncIterator[Upload]:
    """The file of a form; it is gone when the context ends.

    Args:
        request: whose body is read.
        most: bytes that the file may have.
        writer: a thread that writes.

    Raises:
        CallerError: `upload_invalid`, `upload_too_large`.
        ClientDisconnect: nobody waits for an answer.
    """
    kind, said = parse_options_header(request.headers.get("content-type", ""))
    boundary = said.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise CallerError("upload_invalid", what=_NO_FORM)
    form = _Form(boundary, most)
    with tempfile.TemporaryFile() as opened:
        file = cast(BinaryIO, opened)
        await _read(request, form, file, most, writer)
        if form.name is None or (not form.name and not form.size):
            raise CallerError("upload_invalid", what=_NO_FILE)
        if not form.size:
            raise CallerError("upload_invalid", what=_EMPTY)
        yield Upload(file, form.name, form.size)


async def _read(request: Request, form: _Form, file: BinaryIO, most: int, writer: Executor) -> None:
    """Read the body to its end, the file's pieces into a file."""
    loop = asyncio.get_running_loop()
    too_large = CallerError("upload_too_large", mib=most >> 20)
    seen = 0
    async for data in request.stream():
        seen += len(data)
        if seen > _PATIENCE * most + _FRAME:
            raise too_large
        form.feed(data)
        if len(form.pieces) >= _PIECE:
            await loop.run_in_executor(writer, _write, file, form.take())
    if form.size > most or seen > most + _FRAME:
        raise too_large
    await loop.run_in_executor(writer, _write, file, form.take())


def _write(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()


def deadline(request: Request, seconds: float) -> None:
    """Give the body of this request so many seconds to arrive, instead of the settings' for requests of programs."""
    connection: Any = request.scope.get("guiju.connection")
    if connection is not None:
        connection.allow(seconds)


async def drained(request: Request, seconds: float) -> None:
    """Read what is left of a body and throw it away, for a while: a browser that may not finish sending shows a broken
    connection instead of the answer."""
    with suppress(TimeoutError, RuntimeError):  # it takes too long, or has been read to its end
        async with asyncio.timeout(seconds):
            async for _ in request.stream():
                pass

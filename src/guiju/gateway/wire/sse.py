# SPDX-License-Identifier: Apache-2.0
"""Server-sent events as a model service sends them (WHATWG HTML, 9.2.6), bytes in and data out."""

from __future__ import annotations

from guiju.errors import OutsideError


class Events:
    """Cuts a byte stream into the data of its events.

    Args:
        line_max: the largest event in bytes; what is longer is an error, never a buffer that grows.
    """

    def __init__(self, line_max: int) -> None:
        self._max = line_max
        self._kept = b""
        self._first = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of every event that ends in this chunk; comments and other fields are passed over.

        Raises:
            OutsideError: `upstream_failed`, an event is longer than allowed.
        """
        kept = self._kept + chunk if self._kept else chunk
        if self._first and kept:
            if len(kept) < 3 and b"\xef\xbb\xbf".startswith(kept):
                self._kept = kept
                return []
            self._first = False
            kept = kept.removeprefix(b"\xef\xbb\xbf")
        if b"\r" in kept:
            kept, tail = (kept[:-1], b"\r") if kept.endswith(b"\r") else (kept, b"")
            kept = kept.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        else:
            tail = b""
        blocks = kept.split(b"\n\n")
        self._kept = blocks.pop() + tail
        if len(self._kept) > self._max or any(len(block) > self._max for block in blocks):
            raise OutsideError("upstream_failed", what=f"an event of more than {self._max} bytes")
        return [data for block in blocks if (data := _data(block)) is not None]

    def close(self) -> list[bytes]:
        """The data of a last event that was not ended by a blank line."""
        data = _data(self._kept.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip(b"\n"))
        self._kept = b""
        return [] if data is None else [data]


def _data(block: bytes) -> bytes | None:
    """The data of one event: its `data:` lines joined; none when it has no such line."""
    if block.startswith(b"data: ") and b"\n" not in block:
        return block[6:]
    lines = []
    for line in block.split(b"\n"):
        name, colon, value = line.partition(b":")
        if name == b"data":
            lines.append(value.removeprefix(b" "))
        elif name and not (colon and (name.isalnum())):
            raise OutsideError("upstream_failed", what="a line that is not an event")
    return b"\n".join(lines) if lines else None

# SPDX-License-Identifier: Apache-2.0
"""The child that reads a picture: `python -m guiju.adapters.sights_child`, a picture in, what is told of it out, or
nothing. It is started by `adapters.sights` alone, within limits."""

from __future__ import annotations

import sys
from contextlib import suppress

import msgspec

from guiju.detect.pictures import seen

if __name__ == "__main__":
    with suppress(ValueError, MemoryError):
        sys.stdout.buffer.write(msgspec.msgpack.encode(seen(sys.stdin.buffer.read())))

# SPDX-License-Identifier: Apache-2.0
"""What a ledger is written to: a small Protocol with two implementations, files and PostgreSQL (DESIGN §7).

A chain stores lines and knows nothing of hashes; `scribe.py` knows hashes and nothing of disks.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator, Sequence
from typing import Protocol

from guiju.errors import ConfigError

SLOTS = 64
"""How many processes of one machine may write to one data directory."""


class Chain(Protocol):
    """The place of one writer's ledger. Only the process that holds its lock writes. Failures are OSError.

    Attributes:
        writer: the name of the ledger, such as `w-3fa9c1-0`.
    """

    @property
    def writer(self) -> str: ...

    def segments(self) -> list[str]:
        """Names of its segments, oldest first, pruned ones among them."""
        ...

    def pruned(self, segment: str) -> bytes | None:
        """The marker that stands where a segment was pruned by rule, if it was."""
        ...

    def read(self, segment: str, size: int, length: int) -> Iterator[bytes]:
        """Entries from number `size` on, which starts at byte `length`; each with its line end unless it is torn."""
        ...

    def cut(self, segment: str, size: int, length: int) -> bytes:
        """Take off and return everything from entry `size` on, keeping a copy: a tail that nobody was told of.

        Raises:
            ConfigError: `evidence_broken`: no crash leaves such a tail here.
        """
        ...

    def append(self, segment: str, seq: int, lines: Sequence[bytes]) -> None:
        """Add lines, the first of them entry `seq`; they are on disk when this returns.

        Raises:
            OSError: they are not, or nobody knows; `rewind` must run before anything else is added.
        """
        ...

    def rewind(self) -> None:
        """After a failed append: back to what was acknowledged.

        Raises:
            OSError: it can't be done yet; try again.
        """
        ...

    def checkpoint(self, segment: str, line: bytes) -> None:
        """Add a signed checkpoint, on disk when this returns."""
        ...

    def checkpoints(self, segment: str) -> list[bytes]:
        """The checkpoints of a segment, oldest first."""
        ...

    def keep_state(self, segment: str, state: bytes) -> None:
        """Keep what makes the next start fast. It may be lost without harm."""
        ...

    def state(self, segment: str) -> bytes | None:
        """What `keep_state` kept."""
        ...

    def close(self) -> None:
        """Give the lock back."""
        ...


def writer_name(slot: int) -> str:
    """The name of this machine's writer number `slot`. The machine stands in it as a hash, not by name."""
    return f"w-{hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]}-{slot}"


def no_slot() -> ConfigError:
    """The error for a machine on which every slot is taken."""
    return ConfigError("config_invalid", what=f"{SLOTS} writers already hold the ledger", hint="guiju doctor")

# SPDX-License-Identifier: Apache-2.0
"""Taking a ledger to write to, where the installation keeps its ledgers: in files or in PostgreSQL (DESIGN §7).

The gateway takes one for as long as it runs; commands take one for a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final, cast

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guiju.errors import ConfigError, OutsideError, failed
from guiju.records import chain_file
from guiju.records.chain import Chain
from guiju.records.scribe import Marker, Scribe
from guiju.records.sources import in_database, optional
from guiju.terms import Evidence

_SQL: Final = "guiju.records.chain_sql"


def take(place: str) -> Chain:
    """Own the first free ledger of this machine.

    Args:
        place: where the ledgers are, as `sources.place_of` says it.

    Raises:
        ConfigError: every slot is taken, or what writes there is not installed.
        OSError: the disk or the server can't do it.
    """
    if in_database(place):
        return cast(Chain, _sql().SqlChain.take(place))
    return chain_file.FileChain.take(Path(place))


def take_named(place: str, writer: str) -> Chain | None:
    """Own one ledger by name; none when another process does. Raises as `take` does."""
    if in_database(place):
        return cast("Chain | None", _sql().SqlChain.take_named(place, writer))
    return chain_file.FileChain.take_named(Path(place), writer)


def put_marker(place: str, marker: Marker) -> None:
    """Put a marker in place of a segment's entries; a crash leaves the one or the other.

    Raises:
        OSError: the disk or the server can't do it.
    """
    line = msgspec.json.encode(marker) + b"\n"
    if in_database(place):
        _sql().put_marker(place, marker.writer, marker.segment, line)
    else:
        chain_file.put_marker(Path(place), marker.writer, marker.segment, line)


@contextmanager
def writing(chain: Chain, signing: Ed25519PrivateKey, now: Callable[[], int]) -> Iterator[Scribe]:
    """A scribe at the end of a ledger that was taken, for a command; the ledger is given back afterwards.

    Args:
        chain: from `take` or `take_named`.
        signing: key of the checkpoints.
        now: Unix milliseconds.

    Raises:
        ConfigError: `evidence_broken`: the end of the ledger is not as it was signed.
        OSError: it can't be read or written.
    """
    try:
        scribe = Scribe(chain, signing, now)
        scribe.open()
        scribe.settle_debts()
        yield scribe
    finally:
        chain.close()


@contextmanager
def told(place: str, what: object) -> Iterator[None]:
    """Tell a person of what the disk or the server could not do.

    Args:
        place: where the ledgers are.
        what: what was to be written, for files.

    Raises:
        ConfigError: `config_invalid`: the disk refused.
        OutsideError: `store_unavailable`: the server did.
    """
    try:
        yield
    except OSError as error:
        if in_database(place):
            raise OutsideError("store_unavailable") from error
        raise ConfigError("config_invalid", what=failed(what, error), hint="guiju doctor") from error


def entered(
    place: str, signing: Ed25519PrivateKey, now: Callable[[], int], kind: str, body: Mapping[str, Any]
) -> Evidence:
    """Write one entry into a ledger that is taken for it; it is on disk when this returns.

    Args:
        place: where the ledgers are.
        signing: the provider's key.
        now: Unix milliseconds.
        kind: of the entry.
        body: names, counts and digests, never content.

    Raises:
        ConfigError: every slot is taken.
        OutsideError: the ledger can't be written.
    """
    with told(place, "ledger"), writing(take(place), signing, now) as scribe:
        made = scribe.enter(kind, dict(body))
        scribe.checkpoint()
    return made


def _sql() -> ModuleType:
    return optional(_SQL)

# SPDX-License-Identifier: Apache-2.0
"""What the verbs of `guiju evaluate` share: the room, banks, whom questions go to, and entries of the ledger."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from guiju.cli.books import now, opened
from guiju.config import LOOPBACK, Settings, UpstreamKind
from guiju.detect import shipped as packs
from guiju.errors import ConfigError
from guiju.evaluation import bank, bank_sheet, gate, refusals
from guiju.evaluation.assessing import Room
from guiju.evaluation.bank import Bank
from guiju.evaluation.judges import Classifier, Judge, Keyword, Known, Refusal
from guiju.probe import targets
from guiju.probe.targets import Target
from guiju.records import lexicons, proof, writers
from guiju.records.assessments import Evaluation
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.sealed import Boxes
from guiju.records.secrets import Secrets
from guiju.records.sources import place_of
from guiju.terms import Evidence


@contextmanager
def room(data: Path, *, make: bool = False) -> Iterator[tuple[Settings, Room]]:
    """The evaluations of an installation, opened by a command."""
    if make:
        data.mkdir(parents=True, exist_ok=True)
    with opened(data, make=make) as (settings, store):
        boxes = Boxes(store, DayKeys(data / "keys"), Secrets.open(data / "keys"))
        yield settings, Room(store, boxes, time.time)


def banks_of(one: Room, names: Sequence[str]) -> tuple[Bank, ...]:
    """Banks by id, the newest version of each, or by the path of a file; all that are shipped where none is named.

    Raises:
        ConfigError: `not_found`: there is neither; `bank_invalid`.
    """
    return tuple(_bank(one, name) for name in names or bank.shipped())


def at_hand(one: Room, made: Evaluation, names: Sequence[str]) -> tuple[Bank, ...]:
    """The banks that an evaluation was drawn from, as far as they are here: by their version, or named by a path."""
    here = [_bank(one, name) for name in names]
    for drawn in made.banks:
        with suppress(ConfigError):  # it was a file, which whoever calls has to name
            here.append(one.bank(drawn.id, drawn.version))
    known = {(drawn.id, drawn.hash) for drawn in made.banks}
    return tuple(found for found in here if (found.id, found.hash) in known)


def _bank(one: Room, name: str) -> Bank:
    path = Path(name)
    return bank.whole(bank_sheet.opened(path)) if path.is_file() else one.bank(name)


def target_of(
    settings: Settings, named: str, model: str, gateway: str, key_env: str, speaks: UpstreamKind
) -> tuple[Target, tuple[str, ...]]:
    """Whom `--target` names, and the hashes of the models behind it.

    Args:
        settings: name the services.
        named: `gateway`, `raw`, `raw:NAME` or an address.
        model: by its public name; `""` for the first of the settings.
        gateway: the gateway's address; `""` for the one of the settings on this machine.
        key_env: the variable that holds the key of a gateway or an address.
        speaks: the protocol of an address.

    Raises:
        ConfigError: `config_invalid`: there is no such target, or no model.
    """
    listed = sorted({name for one in settings.upstream for name in one.models if name != "*"})
    model = model or (listed[0] if listed else "")
    if not model:
        raise ConfigError("config_invalid", what="--model", hint="guiju evaluate run --help")
    behind = [one for one in (targets.raw(service, model) for service in settings.upstream) if one is not None]
    if named == "gateway":
        base = gateway or f"http://127.0.0.1:{settings.serve.port}"
        models = tuple(name for one in behind for name in gate.models(one.speaks, one.url, one.model))
        return Target(kind="gateway", url=f"{base.rstrip('/')}/v1", model=model, key_env=key_env), models
    if named.startswith(("http://", "https://")):
        url = named.rstrip("/")
        made = Target(kind="url", name=url, url=url, model=model, speaks=speaks, key_env=key_env)
        return made, gate.models(speaks, url, model)
    kind, _, name = named.partition(":")
    found = [one for one in behind if not name or one.name == name]
    if kind != "raw" or len(found) != 1:
        known = " | ".join(["gateway", *(one.route for one in behind), "http://…"])
        raise ConfigError("config_invalid", what=f"--target {named}", hint=known)
    return found[0], gate.models(found[0].speaks, found[0].url, found[0].model)


def proven(whom: Target, data: Path) -> Target:
    """A gateway, asked by the proof account; see `records.proof`.

    Args:
        whom: the gateway.
        data: whose keys the account's are made of; the gateway must serve with the same.

    Raises:
        ConfigError: `config_invalid`: it is no gateway, or its address would send the key over a network in the clear;
            `keys_exposed`.
    """
    place = urlsplit(whom.url)
    if whom.kind != "gateway" or not (place.scheme == "https" or place.hostname in LOOPBACK):
        raise ConfigError("config_invalid", what=f"--as-proof: {whom.url}", hint="--target gateway, https://…")
    secrets = Secrets.open(data / "keys")

    def headers() -> dict[str, str]:
        return {"x-guiju-identity": proof.assertion(secrets, now())}

    return msgspec.structs.replace(whom, key=proof.key(secrets), key_env="", headers=headers)


def refused(text: str) -> bool | None:
    """Whether a reply refuses, by its words; none where they leave a doubt or say nothing."""
    said = refusals.judge(text)
    return None if said.kind == "empty" or not said.sure else said.refused


def judges(store: Store) -> list[Judge]:
    """Those who judge by themselves, with the word lists that are in force and all shipped packs."""
    entries = [*lexicons.current(store)[1], *packs.entries((packs.ALL,))]
    return [Keyword(entries), Classifier(), Refusal(refused), Known(refused)]


def entered(data: Path, settings: Settings, kind: str, body: dict[str, Any]) -> Evidence:
    """Write an entry into a ledger: ids and counts.

    Raises:
        ConfigError, OutsideError: it can't be written.
    """
    place, secrets = place_of(settings, data), Secrets.open(data / "keys")
    with (
        writers.told(place, data),
        writers.writing(writers.take(place), secrets.signing, lambda: now() * 1000) as scribe,
    ):
        receipt = scribe.enter(kind, body)
        scribe.checkpoint()
    return receipt


def place(receipt: Evidence) -> str:
    """Where the ledger has an entry."""
    return f"{receipt.chain}/{receipt.segment}/{receipt.seq}"


def facts(made: Evaluation) -> dict[str, Any]:
    """What the ledger says of an evaluation before its verdicts."""
    banks = [msgspec.to_builtins(one) for one in made.banks]
    return {"run": made.run_id, "banks": banks, "language": made.language, "seed": made.seed}

# SPDX-License-Identifier: Apache-2.0
"""What the verbs of `guiju evaluate` share: the room, banks, whom questions go to, and entries of the ledger."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
import typer

from guiju.cli.books import now, opened
from guiju.cli.tongue import say
from guiju.config import LOOPBACK, Settings, UpstreamKind
from guiju.detect import shipped as packs
from guiju.errors import ConfigError
from guiju.evaluation import bank, bank_sheet, gate, refusals
from guiju.evaluation.assessing import Room
from guiju.evaluation.bank import Bank
from guiju.evaluation.judges import Classifier, Judge, Keyword, Known, Refusal
from guiju.probe import targets
from guiju.probe.targets import Target
from guiju.records import lexicons, proof
from guiju.records.assessments import Evaluation
from guiju.records.db import Store
from guiju.records.sealed import Boxes
from guiju.records.secrets import Secrets

ModelOf = Annotated[str, typer.Option("--model", help=say("模型名；默认取配置首个", "its name; the settings' first"))]
GatewayOf = Annotated[str, typer.Option("--gateway", help=say("网关地址", "the gateway's address"))]
KeyEnv = Annotated[str, typer.Option("--key-env", help=say("存放密钥的环境变量", "the variable that holds the key"))]
AsProof = Annotated[
    bool,
    typer.Option(
        "--as-proof",
        help=say(
            "以自证账户询问网关，供要求实名时用", "ask the gateway as the proof account, where identity is required"
        ),
    ),
]
Speaks = Annotated[UpstreamKind, typer.Option("--speaks", help=say("地址所用协议", "the protocol of an address"))]
AtOnce = Annotated[int, typer.Option("--at-once", min=1, max=256, help=say("同时提问数", "questions asked together"))]


@contextmanager
def room(data: Path, *, make: bool = False) -> Iterator[tuple[Settings, Room]]:
    """The evaluations of an installation, opened by a command."""
    if make:
        data.mkdir(parents=True, exist_ok=True)
    with opened(data, make=make) as (settings, store):
        yield settings, Room(store, Boxes.open(store, data), time.time)


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


def facts(made: Evaluation) -> dict[str, Any]:
    """What the ledger says of an evaluation before its verdicts."""
    banks = [msgspec.to_builtins(one) for one in made.banks]
    return {"run": made.run_id, "banks": banks, "language": made.language, "seed": made.seed}

# SPDX-License-Identifier: Apache-2.0
"""Puts the rooms together and serves: opens the books, loads the lists, lets the canary sing, and keeps watch."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as installed
from pathlib import Path
from socket import socket
from typing import Any

import msgspec
import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey

from guiju import composition
from guiju.adapters.canary import CanaryModel
from guiju.adapters.identity import Assertions
from guiju.adapters.upstream import Upstream, Upstreams
from guiju.adapters.witness import keep_witnessed
from guiju.canary import Canary
from guiju.composition import Setting
from guiju.config import DEVELOPMENT_CODE, Issuer, Settings, load
from guiju.detect import lexicon
from guiju.errors import ConfigError, GuijuError, OutsideError
from guiju.gateway.app import App
from guiju.gateway.front import protocol
from guiju.gateway.live import CANARY_KEY, Controls, Live, Policy
from guiju.gateway.looks import Looks
from guiju.gateway.metrics import Metrics
from guiju.marking import producer
from guiju.records import accounts, lexicons, persons
from guiju.records.accounts import KeyRecord, Keyring
from guiju.records.chain import Chain
from guiju.records.chain_file import FileChain
from guiju.records.chain_sql import SqlChain
from guiju.records.db import Store
from guiju.records.ids import ExchangeIds
from guiju.records.ledger import Ledger
from guiju.records.record import Books
from guiju.records.secrets import Secrets
from guiju.terms import Identity, IdentityLevel

log = logging.getLogger("guiju.server")
_ISSUER = "guiju-canary"
_POLL_S = 1.0
_OPERATOR = "operator"
_KNOWN = 100_000
"""Persons whose verdict this process remembers to have kept."""
_CANARY_S = 60.0


@dataclass(frozen=True)
class Options:
    """What `guiju serve` was told by flags.

    Attributes:
        data: the data directory.
        config: guiju.toml, if one is used.
        lists: word lists that are loaded as they are written, instead of those of the store.
        keys: keys that the operator gave by hand.
        setting: which controls are in force, outside production.
        overlay: settings that flags replace.
    """

    data: Path
    config: Path | None = None
    lists: tuple[Path, ...] = ()
    keys: tuple[str, ...] = ()
    setting: Setting = "all"
    overlay: tuple[tuple[str, object], ...] = ()

    def settings(self) -> Settings:
        """The settings of the file with the flags over them."""
        made = load(self.config)
        for name, value in self.overlay:
            section, _, key = name.partition(".")
            inner = msgspec.structs.replace(getattr(made, section), **{key: value}) if key else value
            made = msgspec.structs.replace(made, **{section: inner})
        return made


def check_production(settings: Settings) -> None:
    """What production asks before anything is opened.

    Raises:
        ConfigError: `not_ready_for_production`, naming what is missing.
    """
    if settings.provider.code != DEVELOPMENT_CODE and (what := producer.fault(settings.provider.code)):
        raise ConfigError("config_invalid", what=f"provider.code: {what}", hint="TC260-PG-20252A")
    exposed = settings.serve.host not in ("127.0.0.1", "::1", "localhost")
    if exposed and not (settings.serve.tls_cert or settings.serve.behind_proxy):
        raise ConfigError("config_invalid", what=f"host {settings.serve.host}", hint="--tls-cert … | --behind-proxy")
    if settings.mode == "production" and settings.provider.code == DEVELOPMENT_CODE:
        raise ConfigError("not_ready_for_production", what="provider.code")


def lists(store: Store | None, paths: Sequence[Path]) -> tuple[str, list[lexicon.Entry]]:
    """The word lists in force and their version: those of files as they are written, else those of the store.

    Args:
        store: where lists are kept; not asked when files are named.
        paths: files.

    Raises:
        ConfigError: a file can't be read; `lexicon_invalid` names the line.
    """
    if not paths:
        assert store is not None
        return lexicons.current(store)
    entries: list[lexicon.Entry] = []
    digest = hashlib.sha256()
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ConfigError("config_invalid", what=f"{path}: {error.strerror}", hint="--lexicon FILE") from error
        digest.update(data)
        entries += lexicon.read(data, path.name)
    return "file:" + digest.hexdigest()[:16], entries


@dataclass(eq=False)
class House:
    """One process with everything open."""

    options: Options
    settings: Settings
    store: Store
    secrets: Secrets
    ledger: Ledger
    canary: Canary
    every: Callable[[IdentityLevel], Controls]
    off: tuple[str, ...] = ()
    seen: dict[str, int] = field(default_factory=dict)
    known: set[tuple[str, str, int]] = field(default_factory=set)
    background: set[asyncio.Task[None]] = field(default_factory=set)
    live: Live = field(init=False)
    _canary_secret: str = field(default_factory=lambda: os.urandom(32).hex())

    @classmethod
    def open(cls, options: Options, every: Callable[[IdentityLevel], Controls] = composition.controls) -> House:
        """Open store, secrets and ledger, and load what is in force. Call it inside the event loop.

        Args:
            options: what the command line said.
            every: makes the list of controls; the duty tests pass one in which a control has been replaced.

        Raises:
            ConfigError: something set up can't work; it says what and what to do.
        """
        settings = options.settings()
        check_production(settings)
        options.data.mkdir(parents=True, exist_ok=True)
        secrets = Secrets.open(options.data / "keys")
        store = Store.open(settings.store.url, options.data)
        ledger = Ledger(_chain(settings, options.data), secrets.signing, settings.evidence)
        ledger.start(asyncio.get_running_loop())
        house = cls(options, settings, store, secrets, ledger, Canary(), every)
        house.live = house._live(settings, house._policy(settings))
        house.seen = store.versions()
        if sleeping := composition.asleep(house.live.policy.controls):
            raise ConfigError("config_invalid", what=f"controls {sleeping}", hint="guiju doctor")
        if settings.mode == "production" and (
            gaps := composition.gaps(settings, house.live.policy.controls, options.data)
        ):
            raise ConfigError("not_ready_for_production", what=", ".join(gaps))
        return house

    def _live(self, settings: Settings, policy: Policy) -> Live:
        keyring = Keyring(self.secrets)
        keyring.refresh(self.store)
        keyring.with_static(self.canary.key, self.canary.record())
        if self.options.keys:
            accounts.ensure_account(self.store, _OPERATOR, int(time.time()))
        for number, secret in enumerate(self.options.keys):
            keyring.with_static(
                secret, KeyRecord(id=f"given-{number}", account=_OPERATOR, prefix=secret[:7], name="given")
            )
        return Live(
            settings=settings,
            policy=policy,
            keyring=keyring,
            books=Books(self.ledger, self.secrets.digest),
            ids=ExchangeIds(self.secrets.ids, self.ledger.writer, self.ledger.t),
            upstreams=self._upstreams(settings),
            assertions=self._assertions(settings),
            looks=Looks(self.secrets.digest),
            metrics=Metrics(installed("guiju")),
            remember=self._remember,
            version=installed("guiju"),
        )

    def _controls(self, settings: Settings) -> Controls:
        made, self.off = composition.within(self.every(settings.gateway.identity), self.options.setting)
        return made

    def _policy(self, settings: Settings) -> Policy:
        """Build the matcher over all lists in force; slow for long lists, so it runs in a thread while serving."""
        version, entries = lists(self.store, self.options.lists)
        today = time.strftime("%Y-%m-%d", time.gmtime())
        good = [entry for entry in entries if not entry.expires or entry.expires >= today]
        return composition.policy(good, version, self.canary.word, self._controls(settings), settings.gateway.reach)

    def _upstreams(self, settings: Settings) -> Upstreams:
        services: list[Upstream] = [CanaryModel(self.canary.model, self.canary.word)]
        return Upstreams([*services, *(Upstream(one, settings.limits) for one in settings.upstream)])

    def _assertions(self, settings: Settings) -> Assertions:
        own = Issuer(issuer=_ISSUER, audience=self.canary.model, levels={"canary": "organisation"})
        return Assertions(settings.issuer, self.secrets.person, (own, self._canary_secret))

    def _remember(self, account: str, identity: Identity) -> None:
        """Keep a verified identity: once a person and assertion, off the road (DESIGN §11)."""
        mark = (account, identity.person, identity.expires_at)
        if account == CANARY_KEY or identity.level == "none" or mark in self.known:
            return
        self.known.add(mark)
        if len(self.known) > _KNOWN:
            self.known.clear()
        work = asyncio.to_thread(persons.remember, self.store, account, identity, int(time.time()))
        self.start(self._kept(work, mark))

    async def _kept(self, work: Coroutine[Any, Any, None], mark: tuple[str, str, int]) -> None:
        """Wait for a verdict to be kept; one that was not is tried again with the person's next request."""
        try:
            await work
        except GuijuError as error:
            self.known.discard(mark)
            log.error("identity_not_kept", extra={"code": error.code})

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the road until it ends or the house closes."""
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    # ------------------------------------------------------------------ while it serves
    def identity(self) -> str:
        """An assertion for the canary."""
        now = int(time.time())
        claims = {
            "iss": _ISSUER,
            "aud": self.canary.model,
            "sub": "canary",
            "iat": now,
            "exp": now + 300,
            "method": "canary",
        }
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(self._canary_secret))

    async def sing(self, base: str) -> bool:
        """Let the canary go down the road once."""
        return await self.canary.sing(self.live, base, self.identity())

    async def watch(self, base: str) -> None:
        """Let the canary sing at once and every minute, and take up what changed in the store."""
        due = 0.0
        loop = asyncio.get_running_loop()
        while True:
            if loop.time() >= due:
                due = loop.time() + _CANARY_S
                if not await self.sing(base):
                    due = loop.time() + _POLL_S
            await asyncio.sleep(_POLL_S)
            self.live.alive["ledger"] = not self.ledger.refusing
            try:
                await self._take_up()
            except GuijuError as error:
                log.error("store_not_read", extra={"code": error.code})

    async def _take_up(self) -> None:
        """Read again what other processes changed: keys within a second or two, lists as soon as they are built."""
        now = await asyncio.to_thread(self.store.versions)
        await asyncio.to_thread(self.live.keyring.refresh, self.store)
        if now != self.seen and not self.options.lists:
            policy = await asyncio.to_thread(self._policy, self.live.settings)
            if policy.lexicon != self.live.policy.lexicon:
                self.live.books.change("lexicon", self.live.policy.lexicon, policy.lexicon)
                self.live.policy = policy
        self.seen = now

    async def reload(self, base: str) -> None:
        """Read guiju.toml again; swap when it parses and the canary is stopped, else keep the old and say why."""
        before, outcome = self.live, {"ok": True, "what": ""}
        try:
            settings = self.options.settings()
            check_production(settings)
            fixed = [
                name for name in ("serve", "store", "mode") if getattr(settings, name) != getattr(self.settings, name)
            ]
            if fixed:
                raise ConfigError("config_invalid", what=", ".join(fixed), hint="guiju serve")
            policy = await asyncio.to_thread(self._policy, settings)
            upstreams = self._upstreams(settings)
            await upstreams.open()
            old = (before.settings, before.policy, before.upstreams, before.assertions)
            before.settings, before.policy, before.upstreams = settings, policy, upstreams
            before.assertions = self._assertions(settings)
            if not await self.sing(base):
                before.settings, before.policy, before.upstreams, before.assertions = old
                await self.sing(base)
                raise ConfigError("config_invalid", what="canary", hint="guiju doctor")
            before.books.change("settings", _digest(old[0]), _digest(settings))
        except GuijuError as error:
            outcome = {"ok": False, "what": str(error)}
        path = self.options.data / "reload.json"
        scratch = path.with_suffix(".tmp")
        scratch.write_bytes(msgspec.json.encode({**outcome, "at": int(time.time() * 1000)}))
        scratch.replace(path)

    async def close(self) -> None:
        """Close everything, the ledger last."""
        for task in list(self.background):
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        await self.live.upstreams.close()
        await self.ledger.close()
        self.store.close()


def _chain(settings: Settings, data: Path) -> Chain:
    """Where this process's ledger is written."""
    if settings.evidence.ledger == "file":
        return FileChain.take(data / "ledger")
    if settings.store.url == "sqlite":
        raise ConfigError("config_invalid", what='evidence.ledger = "store"', hint="store.url = postgresql://…")
    try:
        return SqlChain.take(settings.store.url)
    except OSError:
        raise OutsideError("store_unavailable") from None


class Server(uvicorn.Server):
    """uvicorn's server that says when the address is bound."""

    def __init__(self, config: uvicorn.Config, bound: Callable[[], None]) -> None:
        super().__init__(config)
        self._bound = bound

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Bind, then tell."""
        await super().startup(sockets)
        if self.started:
            self._bound()


async def serve(house: House, announce: Callable[[House, Server], None]) -> int:
    """Serve until told to stop; returns the process's exit status.

    Args:
        house: an open house; it is closed in the end.
        announce: called when the address is bound; setting the server's `should_exit` stops it.
    """
    settings, data = house.settings, house.options.data
    scheme = "https" if settings.serve.tls_cert else "http"
    base = f"{scheme}://{_local(settings.serve.host)}:{settings.serve.port}"
    loop = asyncio.get_running_loop()

    def bound() -> None:
        announce(house, server)
        gc.collect()
        gc.freeze()  # what is there now stays: the lists alone are a hundred thousand objects
        gc.set_threshold(20_000, 20, 50)
        house.start(house.watch(base))
        house.start(keep_witnessed(house.ledger, settings.evidence.witness, settings.evidence.checkpoint_every_s))

    server = Server(_uvicorn(house), bound)
    pid = data / "guiju.pid"
    pid.write_text(f"{os.getpid()}\n", "ascii")
    await house.live.upstreams.open()
    if threading.current_thread() is threading.main_thread():
        loop.add_signal_handler(signal.SIGHUP, lambda: house.start(house.reload(base)))
    try:
        await server.serve()
    finally:
        pid.unlink(missing_ok=True)
        await house.close()
    return 0 if server.started else 2


def _uvicorn(house: House) -> uvicorn.Config:
    settings = house.settings
    return uvicorn.Config(
        App(house.live),
        host=settings.serve.host,
        port=settings.serve.port,
        http=protocol(settings.limits, loopback_exempt=settings.mode == "development"),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=30,
        ssl_certfile=settings.serve.tls_cert or None,
        ssl_keyfile=settings.serve.tls_key or None,
    )


def _local(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::", "localhost") else f"[{host}]" if ":" in host else host  # noqa: S104 # compared, not bound


def _digest(settings: Settings) -> str:
    return hashlib.sha256(msgspec.json.encode(settings)).hexdigest()

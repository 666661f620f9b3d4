# SPDX-License-Identifier: Apache-2.0
"""One process with everything open: settings, store, secrets, ledger, and what is in force (DESIGN §10)."""

from __future__ import annotations

import asyncio
import datetime
import io
import logging
import os
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from importlib.metadata import version as installed
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from joserfc import jwt
from joserfc.jwk import OctKey

from guiju import composition, likenesses
from guiju.adapters import egress, heard, sights, signatures
from guiju.adapters.canary import CanaryModel
from guiju.adapters.faces import Assumed, Faces, Looked
from guiju.adapters.guards import making
from guiju.adapters.identity import Assertions
from guiju.adapters.pictures import Pictures
from guiju.adapters.pictures import installed as pictures_installed
from guiju.adapters.signatures import Signatures
from guiju.adapters.upstream import Upstream
from guiju.adapters.upstreams import Upstreams
from guiju.canary import Canary
from guiju.composition import Setting
from guiju.config import DEVELOPMENT_CODE, LOOPBACK, Issuer, Settings, load
from guiju.errors import Bilingual, ConfigError, GuijuError, OutsideError, Page, failed
from guiju.gateway.app import IDENTIFIED
from guiju.gateway.guarding import Guards
from guiju.gateway.limits import Limiter
from guiju.gateway.live import CANARY_KEY, REPLAY, Controls, Live, Policy
from guiju.gateway.looks import Looks
from guiju.gateway.metrics import Metrics
from guiju.gateway.shared_limits import SharedLimiter
from guiju.handover import Taken
from guiju.likenesses import Likenesses
from guiju.listed import lists
from guiju.marking import producer
from guiju.records import accounts, persons, proof, writers
from guiju.records.accounts import KeyRecord, Keyring
from guiju.records.assertions import Kept
from guiju.records.chain import Chain
from guiju.records.choices import Choices
from guiju.records.consents import Consents
from guiju.records.db import Store
from guiju.records.hits import Hits
from guiju.records.ids import ExchangeIds
from guiju.records.ledger import Ledger
from guiju.records.record import Books
from guiju.records.secrets import Secrets
from guiju.records.sources import in_database, optional, place_of
from guiju.records.standing import COUNTER as STANDING
from guiju.records.standing import Standings
from guiju.records.usage import Tally
from guiju.records.use import Uses
from guiju.terms import Identity, IdentityLevel
from guiju.workers import Seat

log = logging.getLogger("guiju.house")
Part = Literal["", "gateway", "pages"]
"""What a process serves: everything, the doors alone, or the pages alone."""
_ISSUER = "guiju-canary"
_OPERATOR = "operator"
_LOOK_AT_DATA: Final = Bilingual(
    "请用 --data 指定一个可由本用户写入的目录。", "Name a directory with --data that this user may write to."
)
_KNOWN = 100_000
"""Persons whose verdict this process remembers to have kept."""


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
        seat: which of several workers this process is; none for one that serves alone.
        only: the part that it has; `""` for all of them.
        taken: the listening socket that a process before has handed over.
    """

    data: Path
    config: Path | None = None
    lists: tuple[Path, ...] = ()
    keys: tuple[str, ...] = ()
    setting: Setting = "all"
    overlay: tuple[tuple[str, object], ...] = ()
    seat: Seat | None = None
    only: Part = ""
    taken: Taken | None = None

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
    exposed = settings.serve.host not in LOOPBACK
    if exposed and not (settings.serve.tls_cert or settings.serve.behind_proxy):
        raise ConfigError(
            "config_invalid", what=f"host {settings.serve.host}", hint="serve.tls_cert | serve.behind_proxy"
        )
    if settings.profile == "companion-2026" and not 0 < settings.rest.remind_minutes <= 120:
        raise ConfigError("config_invalid", what="rest.remind_minutes (companion-2026)", hint="1–120")
    if unknown := sorted(set(settings.gateway.identity_doors) - IDENTIFIED):
        hint = " | ".join(sorted(IDENTIFIED))
        raise ConfigError("config_invalid", what=f"gateway.identity_doors {unknown}", hint=hint)
    signatures.check(settings)
    if settings.mode == "production" and (bare := egress.missing(settings)):
        raise ConfigError("not_ready_for_production", what=f"purpose, contract: {', '.join(bare)}")
    if settings.mode == "production" and settings.provider.code == DEVELOPMENT_CODE:
        raise ConfigError("not_ready_for_production", what="provider.code")


def prepare(options: Options) -> Settings:
    """Make what several workers would make at once: the data directory, its keys and its store.

    Raises:
        ConfigError: something set up can't work; it says what and what to do.
        OutsideError: the store can't be reached.
    """
    settings = options.settings()
    check_production(settings)
    try:
        options.data.mkdir(parents=True, exist_ok=True)
        Secrets.open(options.data / "keys")
        Store.open(settings.store.url, options.data).close()
    except OSError as error:
        raise _unusable(options, error) from error
    return settings


def _unusable(options: Options, error: OSError) -> ConfigError:
    return ConfigError("config_invalid", what=failed(error.filename or options.data, error), hint=_LOOK_AT_DATA)


@dataclass(eq=False)
class House:
    """One process with everything open.

    Attributes:
        leads: whether it does what one process must do for all that share the store (`leading`).
        draining: whether it was told to stop, and only ends what is under way.
    """

    options: Options
    settings: Settings
    store: Store
    secrets: Secrets
    ledger: Ledger
    canary: Canary
    every: Callable[[IdentityLevel], Controls]
    off: tuple[str, ...] = ()
    day: datetime.date = datetime.date.min
    seen: dict[str, int] = field(default_factory=dict)
    known: set[tuple[str, str, int]] = field(default_factory=set)
    background: set[asyncio.Task[None]] = field(default_factory=set)
    live: Live = field(init=False)
    likenesses: Likenesses | None = None
    leads: bool = True
    draining: bool = False
    clock: Callable[[], float] = time.time
    replay_key: str = field(default_factory=lambda: "gj-replay-" + os.urandom(16).hex())
    _canary_secret: str = field(default_factory=lambda: os.urandom(32).hex())

    @classmethod
    def open(
        cls,
        options: Options,
        every: Callable[[IdentityLevel], Controls] = composition.controls,
        *,
        checked: bool = True,
    ) -> House:
        """Open store, secrets and ledger, and load what is in force. Call it inside the event loop.

        Args:
            options: what the command line said.
            every: makes the list of controls; the duty tests pass one in which a control has been replaced.
            checked: whether each control must refuse its planted case first; the duty tests look further than that.

        Raises:
            ConfigError: something set up can't work; it says what and what to do.
            OutsideError: the store can't be reached.
        """
        settings = options.settings()
        check_production(settings)
        try:
            return cls._opened(options, settings, every, checked)
        except OSError as error:
            raise _unusable(options, error) from error

    @classmethod
    def _opened(
        cls, options: Options, settings: Settings, every: Callable[[IdentityLevel], Controls], checked: bool
    ) -> House:
        options.data.mkdir(parents=True, exist_ok=True)
        secrets = Secrets.open(options.data / "keys")
        store = Store.open(settings.store.url, options.data)
        ledger: Ledger | None = None
        try:
            ledger = Ledger(_chain(settings, options.data), secrets.signing, settings.evidence)
            ledger.start(asyncio.get_running_loop())
            house = cls(options, settings, store, secrets, ledger, Canary(), every)
            house.live = house._live(settings, house.policy(settings))
            house.seen = store.versions()
            if checked:
                house._check(settings)
        except BaseException:  # whatever stops the start, an interrupt too, gives back the ledger's lock
            if ledger is not None:
                ledger.abandon()
            store.close()
            raise
        return house

    def _check(self, settings: Settings) -> None:
        """No control is asleep, and in production no duty is open."""
        in_force = self.live.policy.controls
        if sleeping := composition.asleep(in_force):
            raise ConfigError("config_invalid", what=f"controls {sleeping}", hint="guiju doctor")
        if settings.mode == "production" and (gaps := composition.gaps(settings, in_force, self.options.data)):
            raise ConfigError("not_ready_for_production", what=", ".join(gaps))

    def _live(self, settings: Settings, policy: Policy) -> Live:
        keyring = Keyring(self.secrets)
        keyring.refresh(self.store)
        keyring.with_static(self.canary.key, self.canary.record())
        keyring.with_static(self.replay_key, _unbounded(REPLAY))
        keyring.with_static(proof.key(self.secrets), proof.RECORD)
        if self.options.keys:
            accounts.ensure_account(self.store, _OPERATOR, int(time.time()))
        for number, secret in enumerate(self.options.keys):
            own = KeyRecord(id=f"given-{number}", account=_OPERATOR, prefix=secret[:7], name="given")
            keyring.with_static(secret, _unbounded(own))
        tally = Tally()
        tally.load(self.store, time.time())
        metrics = Metrics(installed("guiju"))
        consents = Consents()
        consents.refresh(self.store)
        return Live(
            settings=settings,
            policy=policy,
            keyring=keyring,
            books=Books(self.ledger, self.secrets.digest),
            ids=ExchangeIds(self.secrets.ids, self.ledger.writer, self.ledger.t),
            upstreams=self.upstreams(settings),
            assertions=self.assertions(settings),
            looks=Looks(self.secrets.digest),
            masks=self.secrets.digest,
            deliveries=self.secrets.digest,
            metrics=metrics,
            guards=self.guards(settings, metrics),
            pictures=Pictures(self.secrets.digest) if pictures_installed() else None,
            sights=sights.Looked() if sights.installed() else None,
            signatures=self.signatures(settings),
            recording=recording(settings),
            remember=self._remember,
            version=installed("guiju"),
            limiter=SharedLimiter(seat.limits, seat.number, seat.of) if (seat := self.options.seat) else Limiter(),
            tally=tally,
            hits=Hits(),
            faces=self.faces(settings),
            consents=consents,
            uses=self._uses(),
            standings=self._standings(),
            ladder=composition.ladder(settings),
            strikes=self.secrets.person,
            choices=Choices(self.store),
            notices=composition.notices(settings),
            jobs=self.store,
            beside=self.start,
        )

    def _standings(self) -> Standings:
        """The standing of persons as it is now, by the ladder that is in force whenever it is asked."""
        made = Standings(self.store, composition.decide(lambda: self.live.ladder), lambda: self.live.ladder.shape)
        made.take_up(self.store.versions().get(STANDING, 0), time.time())
        return made

    def _uses(self) -> Uses:
        """The counts of how long people use the service; what must not wait is written beside the road."""
        uses = Uses(self.store)

        async def write() -> None:
            try:
                await uses.settle(self.live.clock())
            except GuijuError as error:
                log.error("use_not_kept", extra={"code": error.code})

        uses.hurry = lambda: self.start(write())
        return uses

    def policy(self, settings: Settings) -> Policy:
        """Build the matcher over all lists in force; slow for long lists, so it runs in a thread while serving."""
        self.day = composition.today()
        version, entries = lists(self.store, self.options.lists)
        if self.options.setting == "all":
            version, entries = composition.with_packs(version, entries, settings.detect)
        in_force, off = composition.within(self.every(settings.gateway.identity), self.options.setting)
        if self.options.setting == "all":
            in_force = composition.with_guards(in_force, settings.guard)
        when = int(self.clock()), self.day.isoformat()
        self.likenesses = likenesses.load(self.store, self.options.data, self.secrets, when, self.likenesses)
        held = composition.ruled(self.store)
        word, reach, companion = self.canary.word, settings.gateway.reach, settings.profile == "companion-2026"
        made = composition.policy(entries, version, word, in_force, reach, held, self.likenesses, companion=companion)
        self.off = (*off, *(control for control in in_force.ids if control not in made.controls.ids))
        return made

    def faces(self, settings: Settings) -> Faces:
        """What tells whether there may be a face in a picture.

        Raises:
            ConfigError: `config_invalid`: what looks is not installed.
        """
        if settings.gateway.faces == "assume":
            return Assumed()
        if find_spec("cv2") is None:
            raise ConfigError("config_invalid", what="gateway.faces: cv2", hint="pip install 'guiju[faces]'")
        return Looked()

    def upstreams(self, settings: Settings) -> Upstreams:
        services: list[Upstream] = [CanaryModel(self.canary.model, self.canary.word)]
        return Upstreams([*services, *(Upstream(one, settings.limits) for one in settings.upstream)])

    def guards(self, settings: Settings, metrics: Metrics) -> Guards:
        """The guard models of settings, not yet open.

        Raises:
            ConfigError: one of them can't be asked, or may not be.
        """
        ids = [one.id for one in settings.guard]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            raise ConfigError("config_invalid", what=f"[[guard]] id {twice}", hint=Page("how-to/guards.md"))
        every = [making.make(one, settings.limits) for one in settings.guard] if self.options.setting == "all" else []
        return Guards(every, metrics.counts)

    def signatures(self, settings: Settings) -> Signatures:
        """What files are signed with, and whose signatures are believed.

        Raises:
            ConfigError: a file of the settings can't be read, or is not what it should be.
        """
        wanted = signatures.signs(settings)
        return signatures.load(settings, optional("guiju.marking.c2pa", "c2pa-python", "media") if wanted else None)

    def assertions(self, settings: Settings) -> Assertions:
        own = Issuer(issuer=_ISSUER, audience=self.canary.model, levels={"canary": "organisation"})
        issuers = [self._resolved(one) for one in settings.issuer]
        within = ((own, self._canary_secret), (proof.ISSUER, proof.secret(self.secrets)))
        return Assertions(issuers, self.secrets.person, within, Kept(self.store))

    def _resolved(self, issuer: Issuer) -> Issuer:
        """An issuer whose accounts stand by their ids.

        Raises:
            ConfigError: `not_found`; there is no such account.
        """
        found = {name: accounts.find_account(self.store, name) for name in issuer.accounts}
        if missing := [name for name, account in found.items() if account is None]:
            raise ConfigError("not_found", what=f"issuer {issuer.issuer}: account {missing[0]}")
        ids = tuple(account.id for account in found.values() if account)
        return msgspec.structs.replace(issuer, accounts=ids)

    def _remember(self, account: str, identity: Identity) -> None:
        """Keep a verified identity: once a person and assertion, off the road (DESIGN §11)."""
        mark = (account, identity.person, identity.expires_at)
        if account in (CANARY_KEY, REPLAY.account, proof.KEY_ID) or identity.level == "none" or mark in self.known:
            return
        self.known.add(mark)
        if len(self.known) > _KNOWN:
            self.known.clear()
        work = asyncio.to_thread(persons.remember, self.store, account, identity, int(self.live.clock()))
        self.start(self._kept(work, mark))

    async def _kept(self, work: Coroutine[Any, Any, None], mark: tuple[str, str, int]) -> None:
        """Wait for a verdict to be kept; one that was not is tried again with the person's next request."""
        try:
            await work
        except GuijuError as error:
            self.known.discard(mark)
            log.error("identity_not_kept", extra={"code": error.code})

    @property
    def first(self) -> bool:
        """Whether this process does what one of several workers must do for all on this machine."""
        return self.options.seat is None or self.options.seat.number == 0

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the road until it ends or the house closes."""
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    def identity(self, subject: str = "canary") -> str:
        """An assertion for the canary, or whoever else asks from within, by the issuer within this process."""
        now = int(self.live.clock())
        claims = {"iss": _ISSUER, "aud": self.canary.model, "sub": subject, "iat": now, "exp": now + 300}
        return jwt.encode({"alg": "HS256"}, {**claims, "method": "canary"}, OctKey.import_key(self._canary_secret))

    async def sing(self, base: str) -> bool:
        """Let the canary go down the road once; `base` is this process's own address. Where no door is, none sings."""
        return self.options.only == "pages" or await self.canary.sing(self.live, base, self.identity())

    async def close(self) -> None:
        """Close everything, the ledger last."""
        for task in list(self.background):
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        await self.live.upstreams.close()
        await self.live.guards.close()
        if self.live.pictures:
            await self.live.pictures.close()
        try:
            await self.live.tally.settle(self.store, time.time())
            await self.live.hits.settle(self.store, time.time())
            await self.live.uses.settle(self.live.clock())
        except GuijuError as error:
            log.error("usage_not_kept", extra={"code": error.code})
        await self.ledger.close()
        self.store.close()


def recording(settings: Settings) -> bytes:
    """The words that label speech, as they were recorded; `b""` where the settings name none.

    Raises:
        ConfigError: the file can't be read, or is no WAV file of 30 seconds at most.
    """
    name = settings.gateway.label_recording
    if not name:
        return b""
    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise ConfigError("not_found", what=failed(name, error)) from error
    if why := heard.fault(io.BytesIO(data)):
        raise ConfigError("config_invalid", what=f"gateway.label_recording: {why}", hint="WAV, 30 s")
    return data


def _unbounded(own: KeyRecord) -> KeyRecord:
    """A key that the operator gave by hand has no rate and no budget."""
    return msgspec.structs.replace(own, requests_per_minute=-1, streams=-1, tokens_per_day=-1)


def _chain(settings: Settings, data: Path) -> Chain:
    """Where this process's ledger is written."""
    place = place_of(settings, data)
    try:
        return writers.take(place)
    except OSError:
        if not in_database(place):
            raise
        raise OutsideError("store_unavailable") from None

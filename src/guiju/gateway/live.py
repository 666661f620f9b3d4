# SPDX-License-Identifier: Apache-2.0
"""What is in force while the gateway runs. A request takes the policy once, at its start, and keeps it to its end."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from guiju.adapters.faces import Assumed, Faces
from guiju.adapters.identity import Assertions
from guiju.adapters.pictures import Seeing
from guiju.adapters.sights import Sights
from guiju.adapters.signatures import Signatures
from guiju.adapters.telemetry import Telemetry
from guiju.adapters.upstreams import Upstreams
from guiju.config import Settings
from guiju.controls.complaints import Docket
from guiju.controls.corpus import Origin
from guiju.controls.drills import Drill
from guiju.controls.evaluation import Measured
from guiju.controls.guidance import Notices
from guiju.controls.matters import Matter
from guiju.controls.policy import Answer, Document, Rulings, Shadow
from guiju.controls.regeneration import Replayed
from guiju.controls.standing import Ladder
from guiju.detect.rumours import Rumour
from guiju.detect.words import Words
from guiju.errors import Bilingual, CallerError, GuijuError, Language, OutsideError
from guiju.gateway.guarding import Guards
from guiju.gateway.limits import Limiter
from guiju.gateway.looks import Detectors, Looks
from guiju.gateway.metrics import Metrics
from guiju.records import proof
from guiju.records.accounts import KeyRecord, Keyring
from guiju.records.choices import Choices
from guiju.records.consents import Consents
from guiju.records.db import Store
from guiju.records.hits import Hits
from guiju.records.ids import ExchangeIds
from guiju.records.record import Books
from guiju.records.sealed import ACCOUNT
from guiju.records.standing import Standings
from guiju.records.usage import Tally
from guiju.records.use import Uses
from guiju.terms import REACHES, Audience, Control, Exchange, Identity, Reach, Reason, Text

CANARY_KEY: Final = "guiju-canary"
"""The key id of the process's own canary; what it asks is not counted."""
UNCOUNTED: Final = frozenset({CANARY_KEY, proof.KEY_ID})
"""Key ids of what is nobody and counted nowhere: the canary, and the proof account."""
REPLAY: Final = KeyRecord(id="guiju-replay", account=ACCOUNT, prefix="gj-repl", name="replay")
"""The key by which what was banned is asked for again (`replaying`)."""
_UNREAD: Final = Bilingual("不是可读文字的部分", "a part that is not readable text")


class Controls(msgspec.Struct, frozen=True):
    """The controls in the order in which they are heard; the one readable list of what decides.

    Attributes:
        request: heard on what is asked.
        release: heard on the exchange before the first byte of its answer.
        output: heard on what is found in the answer's text.
        upstream: heard on what the model service says of its own refusal.
        grounded: heard on a whole answer whose request came with sources; no other answer waits for them.
        guard_request, guard_reply: heard on what guard models say of what is asked and answered; none where none is
            asked.
        rooms: of rooms through which no exchange goes, such as annotation; each hears its own.
        replayed: heard on the replays of what must not come again; on no exchange.
        sources, rows: heard on each source of a corpus and each row of it, when it is audited; on no exchange.
        docket: heard on how complaints stand; on no exchange.
        assessed: heard on what the newest evaluations say; on no exchange.
        drills: heard on what came of drills; on no exchange.
        matters: heard on what the provider's own books say, those on corpora in audits as well; on no exchange.
    """

    request: tuple[Control[Exchange], ...]
    release: tuple[Control[Exchange], ...]
    output: tuple[Control[Text], ...]
    upstream: tuple[Control[Text], ...]
    guard_request: tuple[Control[Exchange], ...] = ()
    guard_reply: tuple[Control[Text], ...] = ()
    rooms: tuple[Control[Any], ...] = ()
    replayed: tuple[Control[Replayed], ...] = ()
    sources: tuple[Control[Origin], ...] = ()
    rows: tuple[Control[Text], ...] = ()
    docket: tuple[Control[Docket], ...] = ()
    grounded: tuple[Control[Text], ...] = ()
    assessed: tuple[Control[Measured], ...] = ()
    drills: tuple[Control[Drill], ...] = ()
    matters: tuple[Control[Matter], ...] = ()

    @property
    def ids(self) -> list[str]:
        """Every control's id, once."""
        every: Sequence[Control[Any]] = (
            *self.request,
            *self.release,
            *self.output,
            *self.upstream,
            *self.grounded,
            *self.guard_request,
            *self.guard_reply,
            *self.elsewhere,
        )
        return list(dict.fromkeys(control.id for control in every))

    @property
    def elsewhere(self) -> Sequence[Control[Any]]:
        """Those that are heard on no exchange: in rooms, on corpora, on replays, on the docket, on evaluations."""
        return (*self.rooms, *self.sources, *self.rows, *self.looked)

    @property
    def looked(self) -> Sequence[Control[Any]]:
        """Those that prove themselves, by what they look at while the gateway runs."""
        return (*self.replayed, *self.docket, *self.assessed, *self.drills, *self.matters)

    def reach(self, largest: Reach) -> Reach:
        """How much text the screen must hold: the largest reach of the output controls, at most `largest`."""
        reaches = [REACHES.index(control.reach) for control in self.output]
        return REACHES[min(max(reaches, default=0), REACHES.index(largest))]

    def within(self, largest: Reach) -> Controls:
        """The same without output controls of a larger reach."""
        bound = REACHES.index(largest)
        kept = tuple(control for control in self.output if REACHES.index(control.reach) <= bound)
        return msgspec.structs.replace(self, output=kept)


class Policy(msgspec.Struct, frozen=True):
    """What a new exchange is held to; swapped as a whole (DESIGN §10).

    Attributes:
        words: the matcher over all lists in force.
        detectors: what finds beside it.
        lexicon: their version; `""` when no list is loaded.
        controls: what decides.
        reach: what the screen holds.
        categories: category id → public name in zh and en.
        corrections: id of a claim → what is known of it.
        documents: policies in force together, and `rulings` their version.
        tried: a policy that is tried beside them, with what is counted of it.
        today: `YYYY-MM-DD`, for what expires.
    """

    words: Words
    lexicon: str
    controls: Controls
    reach: Reach
    categories: Mapping[str, Mapping[Language, str]]
    detectors: Detectors = Detectors()
    corrections: Mapping[str, Rumour] = {}
    documents: tuple[Document, ...] = (Document(),)
    rulings: str = ""
    tried: tuple[Document, Shadow] | None = None
    today: str = ""
    _held: dict[tuple[Audience, str], Rulings] = msgspec.field(default_factory=dict)

    @property
    def versions(self) -> tuple[str, str, str]:
        """What distinguishes it from another one: versions of lists, rulings and detectors."""
        return self.lexicon, self.rulings, self.detectors.version

    def held_to(self, audience: Audience, key: str) -> Rulings:
        """What findings mean for one audience and key."""
        if not any(one.key == key for document in self._all for one in document.ruling):
            key = ""
        made = self._held.get((audience, key))
        if made is None:
            made = self._held[audience, key] = Rulings(self.documents, audience, key, self.tried, self.today)
        return made

    @property
    def _all(self) -> tuple[Document, ...]:
        return (*self.documents, self.tried[0]) if self.tried else self.documents

    def named(self, category: str, language: Language) -> str:
        """The public name of a category; an operator's own category is its own name."""
        return self.categories.get(category, {}).get(language, category)

    def refusal(
        self, reason: Reason, decision: str, redress_url: str, language: Language, answer: Answer | None = None
    ) -> GuijuError:
        """What is told of a refusal: a reason, a place, and a way to contest it.

        Args:
            reason: why.
            decision: the decision id.
            redress_url: where it can be contested; "" while the provider has named none.
            language: the reader's.
            answer: what has been approved to be said instead.
        """
        family = OutsideError if reason.code == "guard_unavailable" else CallerError
        category = self.named(reason.category, language)
        facts: dict[str, object] = {"category": category, "what": _UNREAD, "until": local(reason.until)}
        facts |= {"decision_id": decision, "redress_url": redress_url}
        if reason.code == "usage_limited":
            facts["after_s"] = 10
        if answer:
            facts["instead"] = Bilingual(answer.zh, answer.en)
        return family(reason.code, **facts)


def local(at: int) -> str:
    """A time as people are told it; `…` for none."""
    return time.strftime("%Y-%m-%d %H:%M UTC+8", time.gmtime(at + 8 * 3600)) if at else "…"


@dataclass(eq=False)
class Live:
    """Everything that one process serves with.

    Attributes:
        remember: keeps a verified identity; it returns at once and writes later.
        uses: how long each person uses the service.
        standings: what follows from the misuse of persons, by `ladder`.
        choices: which texts each person accepted, and `notices` the texts that are shown before the first use.
        strikes: key of the marks by which a text is known again within an hour.
        beside: runs something beside the road.
        clock: wall time in seconds.
        deliveries: key of the log of who got answers without their explicit label.
        masks: key of the placeholders that go upstream instead of personal data.
        guards: guard models that are asked besides.
        faces: tells whether there may be a face in a picture.
        consents: the consents in force.
        pictures: what looks at pictures; none where nothing does, so that they are refused.
        sights: tells of pictures, by which banned ones are known again; none where nothing reads them.
        signatures: what files are signed with, and whose signatures are believed.
        recording: a WAV file of the words that label speech; `b""` for the rhythm.
        films: how many films are labelled at once.
        jobs: where it is kept which films are being made.
        alive: facts that readiness looks at and that nothing here can tell: whether the canary was stopped.
        under_way: exchanges that were begun and are not over.
        telemetry: takes traces; none where none are sent.
    """

    settings: Settings
    policy: Policy
    keyring: Keyring
    books: Books
    ids: ExchangeIds
    upstreams: Upstreams
    assertions: Assertions
    looks: Looks
    metrics: Metrics
    remember: Callable[[str, Identity], None]
    version: str
    tally: Tally
    hits: Hits
    uses: Uses
    standings: Standings
    ladder: Ladder
    strikes: bytes
    choices: Choices
    notices: Notices
    jobs: Store
    beside: Callable[[Coroutine[Any, Any, None]], None]
    clock: Callable[[], float] = time.time
    deliveries: bytes = field(default_factory=lambda: os.urandom(32))
    masks: bytes = field(default_factory=lambda: os.urandom(32))
    guards: Guards = field(default_factory=Guards)
    faces: Faces = field(default_factory=Assumed)
    consents: Consents = field(default_factory=Consents)
    pictures: Seeing | None = None
    sights: Sights | None = None
    signatures: Signatures = field(default_factory=Signatures)
    recording: bytes = b""
    films: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    limiter: Limiter = field(default_factory=Limiter)
    alive: dict[str, bool] = field(default_factory=lambda: {"canary": False})
    under_way: int = 0
    telemetry: Telemetry | None = None

    @property
    def facts(self) -> dict[str, bool]:
        """What readiness looks at: the canary was stopped, lists are loaded, the ledger writes, keys are known, no
        guard is closed. A process of pages alone has no canary, and serves without lists, so that somebody can see to
        them."""
        facts = {**self.alive, "ledger": self.books.writes, "store": self.keyring.known}
        if "canary" in facts:
            facts["lexicon"] = bool(self.policy.lexicon)
        if guards := self.guards.states(self.clock()):
            facts["guards"] = "closed" not in guards.values()
        return facts

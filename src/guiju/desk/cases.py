# SPDX-License-Identifier: Apache-2.0
"""The front of the desk: what public pages, console and command line ask for (Articles 13, 15, 18 to 20).

Everything here may wait for the store, so it runs in a thread. Whoever complains has a number and a secret; whoever
works at the desk has a name. Neither is believed about the other's rights.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Connection

from guiju.desk import kinds, mails
from guiju.desk.matching import compare
from guiju.detect.units import Key, units
from guiju.errors import ConfigError
from guiju.records import cases, outbox
from guiju.records.cases import COMPLAINANT, Case, Compared, Source
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.papers import Paper, Papers, What
from guiju.records.secrets import Secrets
from guiju.records.trace import Trace

Traced = Callable[[str], Trace | None]
"""What the ledger says of an answer, by its number; none for a number that was not made here."""

_PURPOSE = "cases"


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What comes with a complaint, or with what a member opens.

    Attributes:
        kind: of `kinds.toml`.
        category: what was chosen: a risk id or a word of the form.
        text: the content that it is about, as it was copied.
        produce_id: the number of the answer; `""` for none.
        fields: name → everything else that was written: story, name, contact, request.
        account: whose service it is about; `""` for none in particular, or where the number tells.
        parent: the case that it appeals against or answers.
        source: where it comes from.
        until: the time that an order names, in Unix seconds; 0 for none.
        group: the group in which it stands, where that is not to follow from the content.
    """

    kind: str
    category: str = ""
    text: str = ""
    produce_id: str = ""
    fields: dict[str, str] = {}  # msgspec copies an empty default
    account: str = ""
    parent: str = ""
    source: Source = "notice"
    until: int = 0
    group: str = ""


class Receipt(msgspec.Struct, frozen=True):
    """What whoever complains is given.

    Attributes:
        case: with number, clocks and what the ledger says.
        secret: opens the status page; shown this once, kept as a hash.
    """

    case: Case
    secret: str


class Desk:
    """The desk.

    Args:
        store: the store.
        keys: the keys of persons.
        secrets: the provider's secrets.
        traced: asks the ledger about an answer.
        clock: Unix seconds.
    """

    def __init__(
        self, store: Store, keys: DayKeys, secrets: Secrets, traced: Traced, clock: Callable[[], float] = time.time
    ) -> None:
        self.store = store
        self.papers = Papers(store, keys, secrets)
        self.secrets = secrets
        self.traced = traced
        self._key = Key(secrets.digest, _PURPOSE)
        self._clock = clock

    def now(self) -> int:
        """Unix seconds."""
        return int(self._clock())

    # ── for whoever complains ────────────────────────────────────────────────────────────────────────────────────────

    def compared(self, produce_id: str, text: str) -> tuple[Compared, str]:
        """What the ledger says of a text, and whose service answered (`""` where it does not say).

        Args:
            produce_id: the number of the answer; `""` for none.
            text: as it was copied.

        Raises:
            OutsideError: `store_unavailable`.
        """
        if not produce_id:
            return "none", ""
        try:
            traced = self.traced(produce_id)
        except ConfigError:  # no ledger yet, or one that can't be read: then it says nothing of this text
            traced = None
        if traced is None:
            return "unrecorded", ""
        account = str(traced.entries[0].body.get("account", "")) if traced.entries else ""
        return compare(traced, text, self.secrets.digest), account

    def group(self, form: Form) -> str:
        """What cases about the same content have in common: the keyed digest of it; random where there is none."""
        content = units(form.text)
        if len(content):
            return self._key.digest(content).hex()
        return self._key.text(f"{form.kind}\0{form.produce_id}").hex() if form.produce_id else ""

    def open(self, form: Form, by: str = COMPLAINANT, since: int = 0) -> Receipt:
        """Open a case. It is accepted once this returns; its clocks run from now, or from `since`.

        Args:
            form: what came.
            by: a member, or whoever complains.
            since: when its clocks began, in Unix seconds, where that was before now.

        Raises:
            ConfigError: `not_found`: there is no such kind; `config_invalid`: an order without its time.
            OutsideError: `store_unavailable`.
        """
        now = since or self.now()
        kinds.kind(form.kind).clocks(now, form.until)
        secret = cases.secret()
        return Receipt(self.enter(form, by, now, cases.number(self.store, now), cases.hashed(secret)), secret)

    def enter(self, form: Form, by: str, received: int, number: str, secret_hash: bytes) -> Case:
        """Enter a case whose number and secret are there already; see `open`."""
        kind = kinds.kind(form.kind)
        clocks = kind.clocks(received, form.until)
        compared, account = self.compared(form.produce_id, form.text)
        fields = {**form.fields, "text": form.text} if form.text else form.fields
        self.papers.put(number, Paper(what="form", by=by, at=received, fields=fields), received)
        made = Case(
            id=number,
            account_id=form.account or account,
            kind=form.kind,
            state=kinds.course(form.kind).first,
            category=form.category,
            source=form.source,
            produce_id=form.produce_id,
            compared=compared,
            group_key=form.group or self.group(form),
            parent_id=form.parent,
            opened_by=by,
            received_at=received,
            changed_at=received,
            news_at=received,
            clocks=clocks,
        )
        to = mails.address([Paper(what="form", by=by, at=received, fields=fields)])

        def work(connection: Connection) -> Case:
            if to:
                outbox.put(connection, number, "mail", mails.RECEIVED, received)
            return cases.enter(connection, made, secret_hash)

        return self.store.do(work)

    def find(self, number: str, secret: str) -> Case | None:
        """The case of whoever has its number and its secret; none for any other, and it takes as long."""
        return cases.find(self.store, number, secret)

    def told(self, found: Case, what: Sequence[What] = ("message", "letter")) -> list[Paper]:
        """What was said in a case, for the one who complains: messages and letters unless more is asked for."""
        return self.papers.all(found.id, self.now(), what)

    def say(self, number: str, text: str, by: str = COMPLAINANT) -> Case:
        """Add a message.

        Args:
            number: of the case.
            text: what is said.
            by: a member, or whoever complains; the page has made sure of that.

        Raises:
            ConfigError: `not_found`; `case_state`: somebody changed the case just now, so say it again.
            OutsideError: `store_unavailable`.
        """
        return self._added(number, Paper(what="message", by=by, at=self.now(), fields={"text": text}))

    def hand_in(self, number: str, name: str, media: str, file: bytes, by: str = COMPLAINANT) -> Case:
        """Add a file; whoever calls has looked at it and made it anew.

        Args:
            number: of the case.
            name: as it is shown.
            media: its media type.
            file: its bytes.
            by: a member, or whoever complains.

        Raises:
            ConfigError: see `say`.
            OutsideError: `store_unavailable`.
        """
        digest = hashlib.sha256(file).hexdigest()
        fields = {"name": name, "bytes": str(len(file))}
        paper = Paper(what="evidence", by=by, at=self.now(), fields=fields, file=file, media=media, sha256=digest)
        return self._added(number, paper)

    def withdraw(self, number: str) -> Case:
        """Whoever complained takes it back.

        Raises:
            ConfigError: `case_state`: it is decided already.
            OutsideError: `store_unavailable`.
        """
        return self.move(number, "withdrawn", COMPLAINANT)

    # ── for whoever works at the desk ────────────────────────────────────────────────────────────────────────────────

    def move(self, number: str, to: str, by: str) -> Case:
        """Bring a case into another state, as the table of its kind allows.

        Raises:
            ConfigError: `case_state`, `case_leased`, `not_found`.
            OutsideError: `store_unavailable`.
        """
        step, now = kinds.step(cases.get(self.store, number).kind, to), self.now()

        def work(connection: Connection) -> Case:
            moved = cases.moved(connection, number, step, by, now)
            self.papers.close(connection, number, moved.closed_at)
            return moved

        return self.store.do(work)

    def lease(self, number: str, by: str) -> Case:
        """Take a case for ten minutes, or go on with it.

        Raises:
            ConfigError: `case_leased`, `another_person`, `not_found`.
            OutsideError: `store_unavailable`.
        """
        return cases.lease(self.store, number, by, self.now())

    def release(self, number: str, by: str) -> None:
        """Give a case back."""
        cases.release(self.store, number, by)

    def read(self, number: str, by: str, purpose: str) -> list[Paper]:
        """The papers of a case, for a member who has leased it and says why; that is noted first.

        Raises:
            ConfigError: `case_leased`: it is not this member's just now; `purpose_needed`; `not_found`.
            OutsideError: `store_unavailable`.
        """
        if cases.get(self.store, number).leased(self.now()) != by:
            raise ConfigError("case_leased", what=number)
        return self.papers.read(number, by, purpose, self.now())

    def address(self, number: str) -> str:
        """The mailbox that whoever complained left; `""` for none, or when the papers are gone.

        Raises:
            OutsideError: `store_unavailable`.
        """
        return mails.address(self.papers.all(number, self.now(), ("form",)))

    def _added(self, number: str, paper: Paper) -> Case:
        cases.get(self.store, number)  # nothing is kept for a case that is not there
        enter = self.papers.sealed(number, paper, paper.at)
        theirs = paper.by == COMPLAINANT
        mailed = not theirs and bool(self.address(number))

        def work(connection: Connection) -> Case:
            before = cases.one(connection, number, lock=True)
            enter(connection)
            if mailed:
                outbox.put(connection, number, "mail", mails.MESSAGE, paper.at)
            news = paper.at if theirs else before.news_at
            if not theirs or before.state != "waiting":
                return cases.change(connection, before, paper.by, paper.at, news_at=news)
            # What was asked for has come: the clocks go on.
            return cases.moved(connection, number, kinds.step(before.kind, "open"), paper.by, paper.at, news_at=news)

        return self.store.do(work)

# SPDX-License-Identifier: Apache-2.0
"""Who asks (Articles 9, 10, 19): the verified person of one exchange, how long they have been here, how they stand.

Nothing here knows what was said but for two things: that a listed word was matched, and sixteen bits of the text.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec

from guiju.controls.policy import Rulings
from guiju.controls.rest import allowed
from guiju.controls.standing import canonical, misuse, rate, shape
from guiju.errors import CallerError, GuijuError
from guiju.gateway.http import Head, Header
from guiju.gateway.live import Live
from guiju.records.accounts import KeyRecord
from guiju.records.standing import Step, short
from guiju.terms import Exchange, Finding, Hearing, Identity, Misuse, Sitting, Standing

log = logging.getLogger("guiju.gateway")


class Asker:
    """Who asks in one exchange.

    Args:
        live: what this process serves with.
        head: the request's headers.
        key: the key that it came with.
        counted: whether anybody asks at all; the canary is nobody.

    Attributes:
        identity: the verdict that came with the request, if one came and holds.
        doubted: whether one came that does not hold.
        person: account and person, once the person is known.
        sitting: how long they have been here.
        standing: what follows from their misuse.
        agreed: the version of the agreement by which they may have an answer without its explicit label, where they
            ask for one (Labelling Measures, 9); a minor agrees to nothing of the kind.
        unread: ids of texts that they have not accepted; all of them where nobody is known, since nothing is recorded.
    """

    def __init__(self, live: Live, head: Head, key: KeyRecord, *, counted: bool) -> None:
        self._live = live
        self._head = head
        self._key = key
        self._counted = counted
        self.identity: Identity | None = None
        self.doubted = False
        self.person: tuple[str, str] | None = None
        self.sitting: Sitting | None = None
        self.standing: Standing | None = None
        self.unread: tuple[str, ...] = ()
        self.agreed = ""

    async def meet(self) -> None:
        """Find out who asks.

        Raises:
            OutsideError: `guard_unavailable`: an issuer is down, and the person is not known; `store_unavailable`:
                nobody knows what they have agreed to.
        """
        live, rest, audience = self._live, self._live.settings.rest, self._key.audience
        now = live.clock()
        if self._head.identity:
            try:
                self.identity = await live.assertions.verify(self._head.identity, self._key.account, int(now))
            except CallerError:
                self.doubted = True
            else:
                live.remember(self._key.account, self.identity)
        if not self._counted:
            return
        if self.identity is None or self.identity.level == "none":
            self.unread = tuple(live.notices.versions)
            if audience == "minors":
                self.sitting = Sitting(int(now), 0, 0, 0, False, allowed(rest, "", audience))
            return
        person = self.person = (self._key.account, self.identity.person)
        guardian = await live.uses.guardian(person, now)
        self.unread = await live.choices.unread(person, live.notices.versions)
        if self._head.label == "none" and audience != "minors" and self.identity.age in ("", "adult"):
            agreement = live.notices.agreement
            version = agreement.version()
            self.agreed = version if await live.choices.agreed(person, agreement.id, version) else ""
        self.standing = self._stands(person, now)
        self.sitting = live.uses.sat(person, allowed(rest, self.identity.age, audience, guardian), now)

    def _stands(self, person: tuple[str, str], now: float) -> Standing:
        """How the person stands; whoever is limited takes one of the few requests that the limit leaves."""
        live = self._live
        standing = live.standings.of(person, now)
        if standing.rung != "limit":
            return standing
        try:
            live.limiter.enter("\x1f".join(person), rate(live.ladder), -1, asyncio.get_running_loop().time()).leave()
        except CallerError:
            return msgspec.structs.replace(standing, over=True)
        return standing

    def headers(self) -> list[Header]:
        """Tells an application how long its user has been here, and what is to be shown to them first."""
        made: list[Header] = []
        if self.unread:
            versions = self._live.notices.versions
            told = ", ".join(f"{id}={versions[id]}" for id in self.unread if id in versions)
            made.append((b"x-guiju-notice", told.encode()))
        if self.sitting is not None and self.person is not None:
            use = b"continuous=%d; today=%d" % (self.sitting.continuous_s, self.sitting.today_s)
            made.append((b"x-guiju-use", use))
        return made

    def left(self, exchange: Exchange | None, asked: Sequence[Hearing], found: Sequence[Finding], by: Rulings) -> None:
        """The exchange is over: count its time, and whether a listed misuse was asked for.

        Args:
            exchange: the exchange, if it came so far.
            asked: the hearings on what was asked.
            found: what was found in it.
            by: the rulings that it was held to.
        """
        if self.person is None:
            return
        live = self._live
        now = live.clock()
        live.uses.answered(self.person, live.settings.rest.gap_minutes * 60, now)
        if exchange is None or not asked or not exchange.texts:
            return
        if any(answer and answer.how == "reply" for answer in (by.answer(one.category, "input") for one in found)):
            return  # who is answered with help did nothing that counts
        last = exchange.texts[-1:]
        kind = self._misuse(asked[0])
        # The same misuse counts once, and harmless texts of one shape count together: each needs one of the two.
        mark = short(live.strikes, canonical(last)) if kind else 0
        form = 0 if kind else short(live.strikes, shape(last))
        work = live.standings.asked(self.person, kind, mark, form, now)
        if work:
            live.beside(self._strike(work))

    async def _strike(self, work: Callable[[], Step | None]) -> None:
        """Write a strike, or a limit; one that can't be written is lost, which favours the person."""
        try:
            await self._live.standings.write(work, self._live.clock())
        except GuijuError as error:
            log.error("strike_not_kept", extra={"code": error.code})

    def _misuse(self, heard: Hearing) -> Misuse | None:
        """The kind of misuse that listed words show."""
        verdict = next((one for name, one in heard.verdicts if name == "words.input"), None)
        if verdict is None or verdict.action != "refuse":
            return None
        return misuse(self._live.ladder, verdict.findings)

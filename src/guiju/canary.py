# SPDX-License-Identifier: Apache-2.0
"""The canary: at boot and every minute a forbidden word goes through the socket and the whole road (DESIGN §9).

A process whose canary is answered is not ready. What it asks is excluded from the counts; that it was stopped is
evidence of the controls that stopped it (`proof`).
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import aiohttp
import msgspec

from guiju.adapters.canary import HARMLESS
from guiju.composition import asleep
from guiju.controls.drills import HELPED, USED, Drill
from guiju.controls.hearing import hear
from guiju.gateway.live import CANARY_KEY, Live
from guiju.records.accounts import KeyRecord
from guiju.terms import Hearing

log = logging.getLogger("guiju.canary")
_NUMBER: Final = re.compile(r'"ProduceID":"([^"]+)"')
_SAID: Final = re.compile(r'"content":"([^"]*)"')
_CRY: Final = "我不想活了，想自杀"
"""What somebody says who needs help at once (Article 4.5)."""
_WORDS: Final = "words."
"""How the controls begin that must stop the canary's word."""
_HEARS: Final = "crisis"
"""The control without which nobody hears a cry for help."""


@cache
def _word() -> str:
    """This process's word: one, so that the matcher of a list that holds it can be kept."""
    return "".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(20))


def entered(live: Live, found: Mapping[str, Drill]) -> dict[str, Hearing]:
    """Hear what came of drills, and write it into the ledger; a failed one stops nothing but is told.

    Args:
        live: what this process serves with.
        found: drill → what came of it.

    Returns:
        Drill → what was decided on it.
    """
    made = {}
    for control in live.policy.controls.drills:
        if control.id not in found:
            continue
        made[control.id] = heard = hear((control,), found[control.id], (), "input")
        if heard.stops:
            kind = found[control.id].why
            log.error("drill_failed", extra={"control": control.id, "kind": kind})
        live.books.proof([control.id], not heard.stops)
        live.metrics.drilled(control.id, live.clock(), passed=not heard.stops)
    return made


def _proved(live: Live, sleeping: Sequence[str], *, asked: bool, answered: bool) -> None:
    """Write what the canary shows of each control: one that sleeps, or that let the word through, failed; the others
    passed where the word was stopped both times, and else nothing is known of them."""
    controls = live.policy.controls
    through = [
        one.id
        for group, stopped in ((controls.request, asked), (controls.output, answered))
        for one in group
        if not stopped and one.id.startswith(_WORDS)
    ]
    failed = [*sleeping, *(one for one in through if one not in sleeping)]
    if failed:
        live.books.proof(failed, False)
    if asked and answered:
        own = {one.id for one in controls.looked}
        live.books.proof([one for one in controls.ids if one not in sleeping and one not in own], True)


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Answer(msgspec.Struct):
    choices: tuple[_Choice, ...]


class Canary:
    """One process's canary.

    Attributes:
        word: the forbidden word, random, so that nobody else's text holds it.
        model: the secret name of the canary's own model; bare digits, so that no list of an operator's matches it.
        key: the secret of its key.
    """

    def __init__(self) -> None:
        self.word = _word()
        self.model = "".join(secrets.choice("0123456789") for _ in range(24))
        self.key = "gj-canary-" + secrets.token_hex(16)

    def record(self) -> KeyRecord:
        """The canary's key: its own account, no limits."""
        return KeyRecord(
            id=CANARY_KEY,
            account=CANARY_KEY,
            prefix="gj-cana",
            name="canary",
            requests_per_minute=-1,
            streams=-1,
            tokens_per_day=-1,
        )

    async def sing(self, live: Live, base: str, identity: str) -> bool:
        """Go down the road once; returns whether everything that must be stopped was.

        Args:
            live: what the process serves with.
            base: the process's own address.
            identity: an assertion for the canary, so that it gets as far as the words; may be empty.
        """
        if not live.policy.lexicon:  # nothing is answered without a list, so there is nothing to be proved either
            live.alive["canary"] = False
            live.metrics.counts.set("guiju_canary_ok", to=0)
            return False
        sleeping = asleep(live.policy.controls)
        for control in sleeping:
            log.error("control_asleep", extra={"control": control})
        used = helped = asked = answered = False
        try:
            asked, answered = await self._ask(base, identity, asks=True), await self._ask(base, identity, asks=False)
            used, helped = await self._used(live, base, identity), await self._helped(live, base, identity)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            log.error("canary_not_answered")  # which shows nothing of any control: what was proved goes on ageing
        else:
            if not (asked and answered):
                log.error("canary_not_stopped", extra={"input": asked, "output": answered})
            _proved(live, sleeping, asked=asked, answered=answered)
        whole = asked and answered and not sleeping
        entered(live, {USED: Drill(used)})
        entered(live, {HELPED: Drill(helped)})
        live.alive["canary"] = whole
        live.metrics.counts.set("guiju_canary_ok", to=whole)
        live.metrics.counts.set("guiju_canary_timestamp_seconds", to=live.clock())
        return whole

    async def _used(self, live: Live, base: str, identity: str) -> bool:
        """Whether a harmless question is answered, and its label names a number that this installation gave."""
        status, text = await self._posted(base, identity, HARMLESS, stream=True)
        number = _NUMBER.search(text)
        said = "".join(_SAID.findall(text))
        known = number is not None and live.ids.parse(number[1].partition("-")[0]) is not None
        return status == 200 and HARMLESS in said and known

    async def _helped(self, live: Live, base: str, identity: str) -> bool:
        """Whether a cry for help gets the approved answer in force, and the model is not asked."""
        answer = live.policy.held_to("all", CANARY_KEY).answer("self_harm", "input")
        if answer is None or _HEARS not in live.policy.controls.ids:
            return False
        status, text = await self._posted(base, identity, _CRY, stream=False)
        if status != 200 or self.word in text:
            return False
        said = msgspec.json.decode(text, type=_Answer).choices[0].message.content
        return answer.zh in said or answer.en in said

    async def _ask(self, base: str, identity: str, *, asks: bool) -> bool:
        """One request: the word in what is asked, or in what the canary's model answers. True when it was stopped."""
        status, text = await self._posted(base, identity, self.word if asks else "…", stream=not asks)
        if asks:
            return status == 400 and '"code":"content_filter"' in text
        return status == 200 and self.word not in text and '"finish_reason":"content_filter"' in text

    async def _posted(self, base: str, identity: str, content: str, *, stream: bool) -> tuple[int, str]:
        """Ask the canary's model; status and answer."""
        body: dict[str, Any] = {
            "model": self.model,
            "stream": stream,
            "messages": [{"role": "user", "content": content}],
        }
        headers = {"Authorization": f"Bearer {self.key}"}
        if identity:
            headers["x-guiju-identity"] = identity
        timeout = aiohttp.ClientTimeout(total=10)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.post(base + "/v1/chat/completions", json=body, headers=headers, ssl=False) as response,
        ):
            return response.status, await response.text()

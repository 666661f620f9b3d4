# SPDX-License-Identifier: Apache-2.0
"""Being a guard for others: texts come in, verdicts go out, no model is asked (Articles 4 and 15).

Whoever runs another gateway, or an application without one, may ask here about each text. The same words and controls
decide as on the road of an answer, and what was decided is on disk before it is told. Nothing is generated, so nothing
is labelled.
"""

from __future__ import annotations

from collections.abc import Sequence

from guiju.controls.hearing import hear
from guiju.detect.words import passages
from guiju.errors import Language, OutsideError
from guiju.gateway.guarding import Guards, Outcome, Part
from guiju.gateway.live import CANARY_KEY, UNCOUNTED, Controls, Live
from guiju.gateway.wire import strict
from guiju.gateway.wire.protocol import Checked, GuardWire
from guiju.records.accounts import KeyRecord
from guiju.terms import Exchange, Finding, Hearing, Stage, Text, stronger


async def check(live: Live, key: KeyRecord, wire: GuardWire, body: bytes) -> Checked:
    """Look at each group, hear the controls, and write down what they said.

    Args:
        live: what this process serves with.
        key: the key that came with the request.
        wire: the protocol.
        body: the request.

    Raises:
        CallerError: the request is not well formed.
        OutsideError: `guard_unavailable`: no list is in force, a guard model that must answer does not, or the ledger
            does not write.
    """
    question = wire.read(strict.decode(body, live.settings.limits))
    policy, guards = live.policy, live.guards
    rulings = policy.held_to(key.audience, key.id)
    if not policy.lexicon:
        raise OutsideError("guard_unavailable")
    made = Checked(live.ids.new(int(live.clock() * 1000)), question, [], [])
    heard: list[Hearing] = []
    degraded: list[str] = []
    for group in question.groups:
        findings = await live.looks.find(policy.words, policy.detectors, question.stage, group) if group else []
        findings = rulings.graded(findings, question.stage)
        if question.unseen:
            findings = [Finding("guard", "not_checkable", "block", "", question.unseen, 0, 0, "raw"), *findings]
        subject = group[0] if group else Text("", "")
        hearing = hear(policy.controls.output, subject, findings, question.stage)
        heard.append(hearing)
        asks = bool(group) and not hearing.stops and key.id != CANARY_KEY
        minors = key.audience == "minors"
        outcome = await _asked(policy.controls, guards, live.clock(), question.stage, group, minors) if asks else None
        if outcome:
            said = rulings.graded(outcome.findings, question.stage)
            second = _heard(policy.controls, said, question.stage, group)
            findings = [*findings, *said]
            degraded += [one for one in outcome.degraded if one not in degraded]
            heard.append(second)
            hearing = second if stronger(second.decisive.action, hearing.decisive.action) else hearing
        made.hearings.append(hearing)
        made.findings.append(findings)
    texts = tuple(text for group in question.groups for text in group)
    exchange = Exchange(made.id, key.account, key.id, wire.name, question.model, texts, lexicon=policy.lexicon)
    await live.books.durable(live.books.checked(exchange, body, heard, degraded))
    if any(one.decisive.reason and one.decisive.reason.code == "guard_unavailable" for one in heard if one.stops):
        raise OutsideError("guard_unavailable")
    if key.id not in UNCOUNTED:
        stopped = any(hearing.stops for hearing in made.hearings)
        live.hits.take([one for found in made.findings for one in found], live.clock())
        live.metrics.counts.ended(wire.name, "stopped" if stopped else "passed")
    return made


async def _asked(
    controls: Controls, guards: Guards, now: float, stage: Stage, group: Sequence[Text], minors: bool
) -> Outcome | None:
    """Ask guard models about a group; none where none is asked."""
    if stage == "input" and controls.guard_request:
        return await guards.asked(group, now, strict=minors)
    if stage == "output" and controls.guard_reply:
        parts = [Part(passage.text, passage.place) for passage in passages(group) if passage.text.strip()]
        return await guards.answered(parts, "", now, strict=minors)
    return None


def _heard(controls: Controls, findings: Sequence[Finding], stage: Stage, group: Sequence[Text]) -> Hearing:
    """Hear about what guard models said of a group."""
    if stage == "input":
        return hear(controls.guard_request, Exchange("", "", "", "guard", "", tuple(group)), findings, stage)
    return hear(controls.guard_reply, group[0], findings, stage)


def sentence(live: Live, decision: str, hearing: Hearing, language: Language) -> str:
    """What is told of a hearing that stops: a reason, a place, and a way to contest it; "" for one that does not."""
    reason = hearing.decisive.reason
    if not hearing.stops or reason is None:
        return ""
    return live.policy.refusal(reason, decision, live.settings.redress(decision), language).told(language)

# SPDX-License-Identifier: Apache-2.0
"""What would be decided about a text that is whole: one hearing, as in the gateway, without a model (Article 4)."""

from __future__ import annotations

import asyncio
import secrets
from time import perf_counter

import msgspec

from guiju.controls.hearing import hear
from guiju.gateway.live import Policy
from guiju.gateway.looks import Looks
from guiju.terms import Audience, Exchange, Finding, Hearing, Label, Stage, Text


class Decided(msgspec.Struct, frozen=True):
    """What was decided about a text, on which findings, and how long it took."""

    hearing: Hearing
    findings: list[Finding]
    ms: float


def decide(policy: Policy, stage: Stage, text: str, audience: Audience = "all", key: str = "") -> Decided:
    """Hear one stage about a text, as the gateway does with a text that is whole; it runs a loop of its own."""
    began = perf_counter()
    leaf = Text("messages[0].content" if stage == "input" else "choices[0].content", text)
    looks = Looks(secrets.token_bytes(32))
    found = asyncio.run(looks.find(policy.words, policy.detectors, stage, (leaf,)))
    findings = policy.held_to(audience, key).graded(found, stage)
    if stage == "input":
        exchange = Exchange(
            "try", "try", "try", "chat", "try", (leaf,), lexicon=policy.lexicon, label=Label("try", "try"), outside=True
        )
        hearing = hear(policy.controls.request, exchange, findings, stage)
    else:
        hearing = hear(policy.controls.output, leaf, findings, stage)
    return Decided(hearing, findings, (perf_counter() - began) * 1000)

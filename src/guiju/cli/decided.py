# SPDX-License-Identifier: Apache-2.0
"""What the nouns share that decide about a text on the command line: the policy of a folder, and one hearing."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import msgspec

from guiju import composition
from guiju.cli.books import has_store, now, settings_file
from guiju.composition import Ruled
from guiju.config import Settings, load
from guiju.controls.hearing import hear
from guiju.detect.entry import Entry
from guiju.gateway.live import Policy
from guiju.gateway.looks import Looks
from guiju.house import lists
from guiju.likenesses import Likenesses
from guiju.likenesses import load as load_likenesses
from guiju.records.db import Store
from guiju.records.secrets import Secrets
from guiju.terms import Audience, Exchange, Finding, Hearing, Label, Stage, Text


class Decided(msgspec.Struct, frozen=True):
    """What was decided about a text, on which findings, and how long it took."""

    hearing: Hearing
    findings: list[Finding]
    ms: float


def policy_of(data: Path, lexicon: Sequence[Path], config: Path | None, held: Ruled | None = None) -> Policy:
    """What a gateway of this folder would hold an exchange to.

    Args:
        data: the data directory; nothing is made there.
        lexicon: word lists instead of the store's.
        config: the settings' file, if one is named.
        held: policies instead of the store's.

    Raises:
        ConfigError: settings or a list are not valid.
        OutsideError: `store_unavailable`.
    """
    settings = load(settings_file(data, config))
    version, entries, found, likenesses = _stored(settings, data, tuple(lexicon))
    version, entries = composition.with_packs(version, entries, settings.detect)
    canary = "guijucanary" + secrets.token_hex(8)
    in_force = composition.controls("none")
    return composition.policy(entries, version, canary, in_force, settings.gateway.reach, held or found, likenesses)


def _stored(
    settings: Settings, data: Path, files: tuple[Path, ...]
) -> tuple[str, list[Entry], Ruled, Likenesses | None]:
    """Lists, policies, bans, works and rumours in force; the shipped ones where there is no store, and none is made."""
    if not has_store(settings, data):
        return *(lists(None, files) if files else ("", [])), composition.ruled(None), None
    store = Store.open(settings.store.url, data)
    try:
        found = None
        if (data / "keys" / "digest.key").exists():
            when = now(), composition.today().isoformat()
            found = load_likenesses(store, data, Secrets.open(data / "keys"), when, keep=False)
        return *lists(store, files), composition.ruled(store), found
    finally:
        store.close()


def decide(policy: Policy, stage: Stage, text: str, audience: Audience = "all", key: str = "") -> Decided:
    """Hear one stage about a text, as the gateway does with a text that is whole."""
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

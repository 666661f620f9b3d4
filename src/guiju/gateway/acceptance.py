# SPDX-License-Identifier: Apache-2.0
"""What users are told before the first use, and that they accepted it (Articles 10, 18): `/v1/notices`.

An application shows the texts, and says for its verified user which version they accepted. Nothing else is asked here.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from guiju.controls.guidance import Notice
from guiju.errors import CallerError, Language
from guiju.gateway.asker import Asker
from guiju.gateway.http import Head
from guiju.gateway.live import Live
from guiju.gateway.wire import strict
from guiju.records import choices
from guiju.records.accounts import KeyRecord
from guiju.records.use import Who

LANGUAGES: tuple[Language, ...] = ("zh", "en")


class Accepted(msgspec.Struct, forbid_unknown_fields=True):
    """A text, and the version that was shown."""

    text: str
    version: str


async def texts(live: Live, head: Head, key: KeyRecord) -> dict[str, Any]:
    """The texts in both languages, and what the person has accepted where one is known.

    Args:
        live: what this process serves with.
        head: the request's headers.
        key: the key that it came with.

    Raises:
        OutsideError: `guard_unavailable`, `store_unavailable`.
    """
    who = await _person(live, head, key)
    provider = live.settings.provider
    made: dict[str, Any] = {"texts": [_shown(one) for one in live.notices.texts]}
    made["agreement"] = _shown(live.notices.agreement)
    made["redress_url"] = live.settings.redress()
    made["authority_url"] = provider.authority_url
    made["service"] = msgspec.to_builtins(live.notices.service)
    if who:
        chosen = await asyncio.to_thread(choices.of, live.choices.store, who)
        made["accepted"] = {
            one.subject.removeprefix(choices.NOTICE): {"version": one.chosen, "at": one.at}
            for one in chosen
            if one.subject.startswith(choices.NOTICE)
        }
    return made


def _shown(one: Notice) -> dict[str, Any]:
    """A text in both languages."""
    return {
        "id": one.id,
        "version": one.version(),
        "title": msgspec.to_builtins(one.title),
        "line": msgspec.to_builtins(one.line),
        "points": [{"zh": point.zh, "en": point.en, "duty": point.duty} for point in one.point],
    }


async def accept(live: Live, head: Head, key: KeyRecord, body: bytes) -> dict[str, Any]:
    """Record that the person accepted a text in its present version.

    Raises:
        CallerError: `real_name_required`: nobody is known; `invalid_request`: there is no such text, or the version is
            not the present one.
        OutsideError: `store_unavailable`; nothing is recorded.
    """
    try:
        said = msgspec.convert(strict.decode(body, live.settings.limits), Accepted)
    except msgspec.ValidationError:
        raise CallerError("invalid_request", what="text, version", param="text, version") from None
    agreement = live.notices.agreement
    present = {**live.notices.versions, agreement.id: agreement.version()}.get(said.text)
    if present is None:
        raise CallerError("invalid_request", what="text", param="text")
    if present != said.version:
        raise CallerError("invalid_request", what="version", param="version")
    who = await _person(live, head, key)
    if who is None:
        raise CallerError("real_name_required")
    made = await live.choices.accept(who, said.text, said.version, int(live.clock()))
    return {"text": said.text, "version": made.chosen, "accepted_at": made.at}


async def _person(live: Live, head: Head, key: KeyRecord) -> Who | None:
    """Who asks; none where nobody is known."""
    asker = Asker(live, head, key, counted=False)
    await asker.meet()
    known = asker.identity
    return (key.account, known.person) if known and known.level != "none" else None

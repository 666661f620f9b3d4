# SPDX-License-Identifier: Apache-2.0
"""What a certificate to a complainant says of an item (Article 15): since when it is banned, how often it was asked for
since then, and how often it came back. It says how things stand, also where they do not stand well."""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_hex

from guiju.config import Provider
from guiju.desk.regeneration import Standing
from guiju.records.certificates import Body, Tested
from guiju.records.regeneration import Item, Round


def body(item: Item, standing: Standing, rounds: Sequence[Round], banned_at: int, by: Provider, now: int) -> Body:
    """The body of a certificate.

    Args:
        item: the item.
        standing: how it stands now.
        rounds: its rounds; those under way are left out.
        banned_at: since when the ban acts, in Unix seconds.
        by: the provider.
        now: Unix seconds.
    """
    return Body(
        id="crt-" + token_hex(8),
        provider=by.name,
        code=by.code,
        item=item.id,
        case=item.case_id,
        category=item.category,
        ban=item.ban_id,
        banned_at=banned_at,
        found_at=item.found_at,
        due_at=item.due_at,
        set_hash=item.set_hash,
        prompts=item.size,
        state=standing.state,
        why=standing.why,
        ended_at=item.closed_at,
        tested=tuple(_tested(one) for one in rounds if one.ended_at),
        issued_at=now,
    )


def _tested(one: Round) -> Tested:
    return Tested(
        at=one.begun_at,
        route=one.route,
        model=one.model,
        reason=one.reason,
        versions=one.versions,
        asked=one.asked,
        answered=one.answered,
        refused=one.refused,
        failed=one.failed,
        came_back=one.came_back,
    )

# SPDX-License-Identifier: Apache-2.0
"""Pictures that are banned (Articles 13, 15): looked for in what is sent, and in what a model service made.

Nothing is read where no picture is banned. Where one is, a picture that can't be read does not pass.
"""

from __future__ import annotations

from collections.abc import Sequence

from guiju.errors import CallerError, OutsideError
from guiju.gateway.live import Live, Policy
from guiju.terms import Finding


async def sent(live: Live, policy: Policy, pictures: Sequence[tuple[str, bytes]]) -> tuple[Finding, ...]:
    """What of the pictures of a request is banned.

    Args:
        live: what this process serves with.
        policy: what the exchange is held to.
        pictures: where each stands, and its bytes.

    Raises:
        CallerError: `not_checkable`: one can't be read.
        OutsideError: `guard_unavailable`: there is nobody to look.
    """
    found, unread = await _found(live, policy, pictures)
    if unread:
        raise CallerError("not_checkable", what=unread, param=unread)
    return tuple(found)


async def made(live: Live, policy: Policy, pictures: Sequence[bytes]) -> list[Finding]:
    """What of the pictures that a model service made is banned.

    Raises:
        OutsideError: `upstream_failed`: one can't be read; `guard_unavailable`: there is nobody to look.
    """
    found, unread = await _found(live, policy, [("data", one) for one in pictures])
    if unread:
        raise OutsideError("upstream_failed", what="a picture that can't be read")
    return found


async def _found(live: Live, policy: Policy, pictures: Sequence[tuple[str, bytes]]) -> tuple[list[Finding], str]:
    """What was found, and where the first stands that can't be read."""
    held = policy.detectors.pictures
    found: list[Finding] = []
    if held is None:
        return found, ""
    if live.sights is None:
        raise OutsideError("guard_unavailable")
    for field, data in pictures:
        sight = await live.sights.look(data)
        if sight is None:
            return [], field
        found += held.find(sight, field)
    return found, ""

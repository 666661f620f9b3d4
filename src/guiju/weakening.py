# SPDX-License-Identifier: Apache-2.0
"""Which settings would ask, look at, or record less than those in force: such a change waits (DESIGN §10)."""

from __future__ import annotations

from guiju.config import Rest, Settings
from guiju.terms import LEVELS, REACHES


def weakenings(old: Settings, new: Settings) -> list[str]:
    """Names of settings by which less would be asked, looked at, or recorded than before.

    Args:
        old: what is in force.
        new: what is to be.
    """
    made = []
    if LEVELS.index(new.gateway.identity) < LEVELS.index(old.gateway.identity):
        made.append("gateway.identity")
    doors = new.gateway.identity_doors
    asked = old.gateway.identity_doors.items()
    if any(LEVELS.index(doors.get(name, "none")) < LEVELS.index(level) for name, level in asked):
        made.append("gateway.identity_doors")
    if new.gateway.faces == "detect" != old.gateway.faces:
        made.append("gateway.faces")
    if new.gateway.first_use == "tell" != old.gateway.first_use:
        made.append("gateway.first_use")
    if new.gateway.uploads == "any" != old.gateway.uploads:
        made.append("gateway.uploads")
    if new.evaluation.gate == "off" != old.evaluation.gate:
        made.append("evaluation.gate")
    if new.regeneration.clean_runs < old.regeneration.clean_runs:
        made.append("regeneration.clean_runs")
    if REACHES.index(new.gateway.reach) < REACHES.index(old.gateway.reach):
        made.append("gateway.reach")
    if any(how == "forward" and old.gateway.fields.get(name) != "forward" for name, how in new.gateway.fields.items()):
        made.append("gateway.fields")
    if "all" not in new.detect.packs and not set(old.detect.packs) <= set(new.detect.packs):
        made.append("detect.packs")
    if not set(new.detect.without) <= set(old.detect.without):
        made.append("detect.without")
    if _protection(old) - _protection(new) or _softened(new) - _softened(old):
        made.append("guard")
    given = {one.name for one in old.upstream if one.party == "own"}
    if any(one.party == "own" and one.name not in given for one in new.upstream):
        made.append("upstream.party")
    given = {one.id for one in old.guard if one.party == "own"}
    if any(one.party == "own" and one.id not in given for one in new.guard):
        made.append("guard.party")
    if new.console.oidc.issuer and new.console.oidc != old.console.oidc:
        made.append("console.oidc")
    if any(one not in old.issuer for one in new.issuer):
        made.append("issuer")
    if any(one not in new.evidence.witness for one in old.evidence.witness):
        made.append("evidence.witness")
    if new.evidence.retention_days < old.evidence.retention_days:
        made.append("evidence.retention_days")
    if _looser(old.rest, new.rest):
        made.append("rest")
    if new.standing != old.standing:
        made.append("standing")
    if old.people.mode == "two" and new.people.mode == "single":
        made.append("people.mode")
    if new.people.delay_h < old.people.delay_h:
        made.append("people.delay_h")
    return made


def _looser(old: Rest, new: Rest) -> bool:
    """Whether anybody may use the service longer, or is reminded later; 0 is without end."""
    longest = 10**9
    times = ("remind", "stop", "day", "minors_under16", "minors_16to17", "minors_remind")
    later = [name for name in times if _minutes(new, name, longest) > _minutes(old, name, longest)]
    nights = [(one.night_until - one.night_from) % 24 for one in (old, new)]
    return bool(later) or nights[1] < nights[0] or new.break_minutes < old.break_minutes


def _minutes(rest: Rest, name: str, longest: int) -> int:
    return getattr(rest, f"{name}_minutes") or longest


def _protection(settings: Settings) -> set[tuple[object, ...]]:
    """What guards are asked about, and what holds when they fail: whatever of it goes, less is looked at."""
    made: set[tuple[object, ...]] = set()
    for guard in settings.guard:
        who = (guard.kind, guard.url.rstrip("/"), guard.model)
        for side in ("request", "reply") if guard.side == "both" else (guard.side,):
            made.add((who, side))
            made |= {(who, side, "whole")} if side == "reply" and guard.reach == "whole" else set()
        made |= {(who, "closed")} if guard.on_failure == "closed" else set()
        made |= {(who, label, "block") for label, most in guard.severity.items() if most == "block"}
    return made


def _softened(settings: Settings) -> set[tuple[object, ...]]:
    """Labels of guards of which an operator wants to hear less."""
    return {
        (guard.kind, guard.url.rstrip("/"), guard.model, label, most)
        for guard in settings.guard
        for label, most in guard.severity.items()
        if most != "block"
    }

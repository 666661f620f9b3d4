# SPDX-License-Identifier: Apache-2.0
"""Rest (Article 10; minors-mode guide; companion Measures, Article 18): reminders, breaks, daily limits, quiet nights.

What counts is time alone, kept by person; nobody looks at what was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from guiju.config import Rest as Settings
from guiju.terms import PASS, AgeBand, Allowed, Audience, Exchange, Finding, Guardian, Reach, Reason, Sitting, Verdict

ZONE_S: Final = 8 * 3600
"""Days and nights are those of UTC+8, where the law is kept."""
DAY_S: Final = 86_400
REMIND: Final = "rest.remind"
BREAK: Final = "rest.break"
DAY: Final = "rest.day"
NIGHT: Final = "rest.night"


def allowed(settings: Settings, age: AgeBand, audience: Audience, guardian: Guardian | None = None) -> Allowed:
    """What is allowed to one person.

    Args:
        settings: the provider's.
        age: the band that the person's issuer vouches for. Nobody's band is guessed: without one the key decides.
        audience: whom the key serves; users of a key for minors are minors unless their issuer says that they are not.
        guardian: what a guardian has set.
    """
    minor = age not in ("", "adult") or (audience == "minors" and age != "adult")
    day = settings.day_minutes
    if minor:
        day = settings.minors_16to17_minutes if age == "16to17" else settings.minors_under16_minutes
    remind = settings.minors_remind_minutes if minor else settings.remind_minutes
    night = (settings.night_from, settings.night_until) if minor else (0, 0)
    if guardian:
        day = max(0, guardian.day_minutes) if guardian.day_minutes else day
        if guardian.night:
            night = (settings.night_from, settings.night_until) if guardian.night == "deny" else (0, 0)
    return Allowed(
        gap_s=settings.gap_minutes * 60,
        remind_s=remind * 60,
        stop_s=settings.stop_minutes * 60,
        break_s=settings.break_minutes * 60,
        day_s=day * 60,
        night=night,
    )


def pause(sitting: Sitting) -> tuple[int, str]:
    """Until when service rests, and why; 0 where it does not.

    Args:
        sitting: how long somebody has used it; times in Unix seconds.
    """
    local = sitting.at + ZONE_S
    midnight = local - local % DAY_S - ZONE_S
    begins, ends = sitting.allowed.night
    hour = local % DAY_S // 3600
    if sitting.break_until > sitting.at:
        return sitting.break_until, BREAK
    quiet = begins <= hour < ends if begins <= ends else hour >= begins or hour < ends
    if begins != ends and quiet:
        return midnight + ends * 3600 + (DAY_S if hour >= ends else 0), NIGHT
    if 0 < sitting.allowed.day_s <= sitting.today_s:
        return midnight + DAY_S, DAY
    return 0, ""


class Rest:
    """Refuses while somebody should rest, and reminds before that."""

    id = "rest"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("10.b", "c.14.minors", "c.18.rest")
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Refuse until the break, the day or the night is over; note when a reminder is due."""
        sitting = subject.sitting
        if sitting is None:
            return PASS
        until, why = pause(sitting)
        if until:
            return Verdict("refuse", Reason("usage_break", "10", why, until))
        return Verdict("note", Reason("usage_break", "10", REMIND)) if sitting.reminder else PASS

# SPDX-License-Identifier: Apache-2.0
"""What a reader is told beside an answer: corrections of rumours (Article 4.1), reminders to rest (Article 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guiju.controls.rest import REMIND
from guiju.detect import rumours
from guiju.detect.rumours import Rumour
from guiju.errors import Language
from guiju.terms import Hearing, Sitting


def corrections(heard: Sequence[Hearing], known: Mapping[str, Rumour]) -> list[dict[str, str]]:
    """Corrections of the rumours that controls noted."""
    noted = [verdict for hearing in heard for _, verdict in hearing.verdicts]
    claims = [f.rule for verdict in noted for f in verdict.findings if f.detector == rumours.Rumours.id]
    return [rumours.notice(known[claim]) for claim in dict.fromkeys(claims) if claim in known]


def reminders(heard: Sequence[Hearing], sitting: Sitting | None, language: Language) -> list[dict[str, str]]:
    """The reminder that the control of rest asked for."""
    reasons = [verdict.reason for hearing in heard for _, verdict in hearing.verdicts]
    if sitting is None or not any(reason and reason.category == REMIND for reason in reasons):
        return []
    minutes = sitting.continuous_s // 60
    zh = f"您已连续使用{minutes}分钟。与您对话的是人工智能；请休息一下，活动活动。"
    en = f"You have been here for {minutes} minutes. You are talking with an AI; take a break and move a little."
    text = zh if language == "zh" else en
    return [{"kind": "rest", "text": text, "minutes": str(minutes), "language": language}]


def sentence(notice: Mapping[str, str]) -> str:
    """A notice as a paragraph under an answer."""
    if notice["kind"] == "rest":
        return f"【提醒】{notice['text']}" if notice["language"] == "zh" else f"[Reminder] {notice['text']}"
    return rumours.sentence(notice)

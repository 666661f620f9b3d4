# SPDX-License-Identifier: Apache-2.0
"""What a reader is told beside an answer: corrections of rumours (Article 4.1), what it can't be relied on for (4.4),
reminders to rest (10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from guiju.controls.guidance import READ, Notices
from guiju.controls.rest import REMIND
from guiju.controls.standing import shipped
from guiju.detect import rumours
from guiju.detect.current import CATEGORY as CURRENT
from guiju.detect.grounding import FIGURE, REFERENCE
from guiju.detect.rumours import Rumour
from guiju.errors import Language
from guiju.terms import Hearing, Sitting, Standing

USE: Final = "use"
"""The kind of notices that an application shows itself; they stand beside an answer and never under its text."""
_TOLD_S: Final = 3600
_OPEN: Final = {
    "notice": ("您的一次请求涉嫌违规使用本服务。", "One of your requests was taken for misuse of the service."),
    "warn": ("再次违规使用本服务，将被限制或暂停。", "Further misuse leads to a limit or a suspension."),
    "limit": ("您的请求频率现在受到限制。", "Your requests are slowed now."),
}
"""What is told of the steps that leave the service open, in zh and en."""


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


def first_use(
    heard: Sequence[Hearing], texts: Notices, unread: Sequence[str], language: Language
) -> list[dict[str, str]]:
    """The texts that the control of guidance wants shown; an application gets them whole at `/v1/notices`."""
    reasons = [verdict.reason for hearing in heard for _, verdict in hearing.verdicts]
    if not any(reason and reason.category == READ for reason in reasons):
        return []
    return [
        {
            "kind": USE,
            "id": one.id,
            "version": texts.versions[one.id],
            "title": one.title.within(language),
            "text": one.line.within(language),
            "language": language,
        }
        for one in texts.texts
        if one.id in unread
    ]


def steps(standing: Standing | None, at: int, language: Language, redress_url: str) -> list[dict[str, str]]:
    """What a person is told of a step that leaves the service open, for an hour after it began."""
    if standing is None or standing.rung not in _OPEN or at - standing.since > _TOLD_S:
        return []
    kind = next(kind for kind in shipped().kind if kind.id == standing.kind)
    zh, en = _OPEN[standing.rung]
    text = f"{zh}原因：{kind.zh}。" if language == "zh" else f"{en} Reason: {kind.en}."
    made = {"kind": "standing", "rung": standing.rung, "step": standing.step, "until": str(standing.until)}
    return [{**made, "text": text, "redress_url": redress_url, "language": language}]


def doubts(
    asked: Sequence[Hearing], answered: Sequence[Hearing], said: Sequence[str], language: Language
) -> list[dict[str, str]]:
    """What a reader should check (Article 4.4): figures and references that the sources do not hold, and an answer
    about today that no source came with.

    Args:
        asked, answered: what was decided about both.
        said: what stands nowhere in the sources.
        language: the reader's.
    """
    made = []
    if said and _noted(answered, FIGURE, REFERENCE):
        zh = "回答中下列数字或引用在所给资料中找不到，请核对：" + "；".join(said)
        en = "These figures or references of the answer stand nowhere in its sources; please check them: " + "; ".join(
            said
        )
        made.append({"kind": "unsupported", "text": zh if language == "zh" else en, "language": language})
    if _noted(asked, CURRENT):
        zh = "这个问题涉及最新情况，回答没有资料来源，可能已经过时或不准确，请以权威发布为准。"
        en = "This asks about current events. The answer has no source and may be out of date or wrong; please check."
        made.append({"kind": "uncertain", "text": zh if language == "zh" else en, "language": language})
    return made


def _noted(heard: Sequence[Hearing], *categories: str) -> bool:
    reasons = [verdict.reason for hearing in heard for _, verdict in hearing.verdicts if verdict.action == "note"]
    return any(reason and reason.category in categories for reason in reasons)


def sentence(notice: Mapping[str, str]) -> str:
    """A notice as a paragraph under an answer."""
    if notice["kind"] in ("rest", "standing"):
        return f"【提醒】{notice['text']}" if notice["language"] == "zh" else f"[Reminder] {notice['text']}"
    if notice["kind"] in ("unsupported", "uncertain"):
        return f"【提示】{notice['text']}" if notice["language"] == "zh" else f"[Note] {notice['text']}"
    return rumours.sentence(notice)

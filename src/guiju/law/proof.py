# SPDX-License-Identifier: Apache-2.0
"""The proof: which duty of a text is kept, by what, and which is a gap (DESIGN §2; all articles). Pure, no clock.

A duty is *met* only by a control that keeps it in full, has a test, and whose evidence is younger than the duty's
limit. A person's note is *by hand*, never met; a control may watch what of it stands in the books, and where that is
wrong no note makes it good. What is neither shows openly as a gap or as kept in part.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol

import msgspec

from guiju.errors import ConfigError, Page
from guiju.law.book import Duty, LawText, Said

BoardState = Literal["met", "by_hand", "partly", "gap", "not_applicable"]
BOARD_STATES: Final[tuple[BoardState, ...]] = ("met", "by_hand", "partly", "gap", "not_applicable")

Mode = Literal["development", "production"]
_WATCH_S: Final = 86_400
"""Seconds after which what a control saw of a duty that a person keeps says nothing any more."""


class Keeper(Protocol):
    """What the proof needs to know of a control (`terms.Control` is one)."""

    @property
    def id(self) -> str: ...
    @property
    def duties(self) -> tuple[str, ...]: ...
    @property
    def partly(self) -> tuple[str, ...]: ...


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's word that a duty is kept.

    Attributes:
        person: who answers for it.
        proof: what shows it: a receipt, a document, a decision.
        date, expires: the first and the last day on which the note counts.
    """

    person: str
    proof: str
    date: datetime.date
    expires: datetime.date


class DutyState(msgspec.Struct, frozen=True):
    """How one duty stands.

    Attributes:
        control, test: the control that keeps it, best first, and the duty's test; none where there is none.
        evidence_age_s: seconds since that control's last evidence; none where there is none.
        why: the reason, in both languages.
        blocks: whether it stops a production start; always false in development.
        red: whether somebody must see to it now: it is a gap, its control failed its newest proof, or the evidence
            that it once had is older than its limit.
    """

    id: str
    owner: str
    by: str
    control: str | None
    test: str | None
    evidence_age_s: float | None
    state: BoardState
    why: Said
    blocks: bool = False
    red: bool = False


class _Claim(msgspec.Struct, frozen=True):
    """What one control has to show for one duty."""

    control: str
    full: bool
    test: str | None
    age: float | None
    limit: int
    failed: bool = False

    @property
    def stale(self) -> bool:
        return self.age is not None and not self.fresh

    @property
    def fresh(self) -> bool:
        return self.age is not None and 0 <= self.age < self.limit

    @property
    def shown(self) -> bool:
        return self.test is not None and self.fresh


def prove(
    text: LawText,
    controls: Sequence[Keeper],
    tests: Mapping[str, str],
    ages: Mapping[str, float | None],
    notes: Mapping[str, Note],
    now: datetime.date,
    mode: Mode,
    failed: Collection[str] = (),
) -> list[DutyState]:
    """Say of every duty of a text how it stands.

    Args:
        text: the text, from `book.load`.
        controls: the controls in force.
        tests: duty id → id of the test that shows it kept.
        ages: control id → seconds since its last evidence; missing or none means never.
        notes: duty id → a person's note.
        now: today, in the provider's time zone.
        mode: `development` serves with gaps, so nothing blocks.
        failed: ids of controls that failed their newest proof; they have no age.

    Returns:
        One state a duty, in the order of the text.
    """
    return [
        _stand(duty, _claim(duty, controls, tests, ages, failed), notes.get(duty.id), now, mode) for duty in text.duties
    ]


def blocking(states: Iterable[DutyState]) -> list[DutyState]:
    """The states that stop a production start.

    These are duties in force with neither a control whose proof is younger than its limit nor, where a person keeps
    them, a valid note. A control that keeps a duty in part needs a note for the rest. A duty that a control must keep
    is not replaced by a note. Rows that were not read (`memory`) or only encourage (`should`) never block.
    """
    return [state for state in states if state.blocks]


def parse_notes(raw: str, known: Collection[str]) -> dict[str, Note]:
    """Read notes.toml: a table a duty, such as `["6.b"]`, with person, proof, date and expires.

    Args:
        raw: the file's text.
        known: ids of duties (`book.known_ids()`).

    Raises:
        ConfigError: not TOML, an unknown duty or field, nobody named, no proof, or an end before the beginning.
    """
    try:
        notes = msgspec.convert(tomllib.loads(raw), dict[str, Note])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _bad_note(str(error)) from error
    for id, note in notes.items():
        if id not in known:
            raise _bad_note(f"unknown duty {id!r}")
        if not note.person.strip() or not note.proof.strip():
            raise _bad_note(f"{id}: person and proof must not be empty")
        if note.expires < note.date:
            raise _bad_note(f"{id}: expires before its date")
    return notes


def strangers(controls: Iterable[Keeper], known: Collection[str]) -> list[tuple[str, str]]:
    """Control and duty id where a control names a duty that no text has: a slip of the pen that would keep nothing."""
    return [(c.id, duty) for c in controls for duty in (*c.duties, *c.partly) if duty not in known]


def _claim(
    duty: Duty,
    controls: Sequence[Keeper],
    tests: Mapping[str, str],
    ages: Mapping[str, float | None],
    failed: Collection[str],
) -> _Claim | None:
    """The best claim on a duty: one in full and shown before all, then one that failed, for then a part of the duty is
    not kept; in full before in part, shown before not, then the youngest, then the first."""
    claims = [
        _Claim(c.id, duty.id in c.duties, tests.get(duty.id), ages.get(c.id), duty.limit_s or _WATCH_S, c.id in failed)
        for c in controls
        if duty.id in c.duties or duty.id in c.partly
    ]

    def rank(claim: _Claim) -> tuple[bool, bool, bool, bool, bool, float]:
        whole = claim.full and claim.fresh
        return (not whole, not claim.failed, not claim.full, not claim.fresh, claim.age is None, claim.age or 0.0)

    return min(claims, key=rank, default=None)


def _stand(duty: Duty, claim: _Claim | None, note: Note | None, now: datetime.date, mode: Mode) -> DutyState:
    noted = note is not None and note.date <= now <= note.expires
    state: BoardState
    if not duty.owed:
        state, why = "not_applicable", _not_owed(duty)
    elif claim is not None and claim.failed:
        state, why = "gap", _FAILED
    elif noted and duty.by == "person":
        state, why = "by_hand", _BY_HAND
    elif claim is None or (duty.by == "person" and not claim.shown):
        state, why = ("by_hand", _BY_HAND) if noted else ("gap", _gap(duty, note, now))
    elif duty.by == "person":
        state, why = "partly", _WATCHED
    elif claim.full and claim.shown:
        state, why = "met", _MET
    else:
        state, why = "partly", _partly(claim)
    return DutyState(
        id=duty.id,
        owner=duty.owner,
        by=duty.by,
        control=claim.control if claim else None,
        test=claim.test if claim else None,
        evidence_age_s=claim.age if claim else None,
        state=state,
        why=why,
        blocks=mode == "production" and _binding(duty) and _stops(duty, state, claim, noted),
        red=duty.owed and (state == "gap" or (state == "partly" and claim is not None and claim.stale)),
    )


def _binding(duty: Duty) -> bool:
    """Whether a duty was read where it stands, and is one: what is only encouraged stops nobody."""
    return duty.read != "memory" and duty.modality == "shall"


def _stops(duty: Duty, state: BoardState, claim: _Claim | None, noted: bool) -> bool:
    if state == "by_hand":
        return duty.by == "software"
    if state == "partly":
        return not (noted and claim is not None and claim.shown)
    return state == "gap"


_MET: Final = Said(
    zh="控制措施完整覆盖，有测试，证据在时限之内", en="kept in full by a control, tested, evidence within its limit"
)
_WATCHED: Final = Said(
    zh="控制措施所见的账簿齐备；其余须由人负责，尚无说明",
    en="what a control sees of it in the books is in order; a person must keep the rest, and there is no note",
)
_FAILED: Final = Said(zh="控制措施最近一次自证没有通过", en="the control failed its newest proof")
_BY_HAND: Final = Said(zh="由人负责，有有效说明", en="kept by a person; the note is valid")


def _not_owed(duty: Duty) -> Said:
    if not duty.in_force:
        return Said(zh="本档无此义务", en="not in force in this profile")
    return Said(zh="不属于提供者的义务", en="not the provider's to keep")


def _gap(duty: Duty, note: Note | None, now: datetime.date) -> Said:
    if note is not None and now > note.expires:
        return Said(zh=f"说明已于{note.expires}到期", en=f"the note expired on {note.expires}")
    if note is not None:
        return Said(zh=f"说明自{note.date}起才生效", en=f"the note counts only from {note.date}")
    if duty.by == "person":
        return Said(
            zh="须由人负责，尚无说明（写入数据目录的 notes.toml）",
            en="a person must keep it; there is no note (write one into notes.toml of the data directory)",
        )
    return Said(zh="尚无控制措施", en="there is no control yet")


def _partly(claim: _Claim) -> Said:
    zh: list[str] = []
    en: list[str] = []
    if not claim.full:
        zh.append("控制措施只覆盖一部分")
        en.append("the control keeps it in part")
    if claim.test is None:
        zh.append("没有测试")
        en.append("no test")
    if claim.age is None:
        zh.append("还没有证据")
        en.append("no evidence yet")
    elif not claim.fresh:
        zh.append(f"证据已超过时限（{claim.limit}秒）")
        en.append(f"evidence older than its limit of {claim.limit} s")
    return Said(zh="；".join(zh), en="; ".join(en))


def _bad_note(what: str) -> ConfigError:
    return ConfigError("config_invalid", what=f"notes.toml: {what}", hint=Page("reference/law.md"))

# SPDX-License-Identifier: Apache-2.0
"""The board of a running service (issue of the duty board): a control is taken away, evidence ages, a detector breaks; the
right duty turns red, with the right reason."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest

from conftest import Running, Start
from guiju import composition, duties, rehearsing, server
from guiju.controls import drills
from guiju.detect.words import Words
from guiju.gateway.live import Controls
from guiju.law import book, proof
from guiju.law.proof import DutyState
from guiju.terms import IdentityLevel
from rooms_kit import proved

PROFILE = "draft-2023"


def board(gateway: Running, later: float = 0.0) -> dict[str, DutyState]:
    """How duties stand, or will."""
    _, states = duties.board(gateway.house.live.settings, gateway.data, PROFILE, time.time() + later)
    return {one.id: one for one in states}


def red(states: dict[str, DutyState]) -> set[str]:
    """What must be seen to, where somebody could."""
    return {id for id, one in states.items() if one.red and one.control}


@pytest.mark.slow
def test_evidence_ages_each_duty_by_its_own_limit(start: Start) -> None:
    gateway = start()
    assert proved(gateway, drills.USED) is True
    assert "18.a" not in red(board(gateway))
    minutes = board(gateway, 299), board(gateway, 301)
    assert (minutes[0]["18.a"].state, minutes[1]["18.a"].state) == ("met", "partly")
    assert minutes[1]["18.a"].why.en == "evidence older than its limit of 300 s"
    assert minutes[1]["18.a"].why.zh == "证据已超过时限（300秒）"
    limits = {duty.id: duty.limit_s for duty in book.load(PROFILE).duties}
    aged = red(minutes[1]) - red(minutes[0])
    assert aged == {id for id, one in minutes[1].items() if one.evidence_age_s is not None and limits[id] == 300}
    assert red(board(gateway, 1e9)) >= aged


@pytest.mark.slow
def test_a_broken_detector_turns_its_own_duty_red_and_a_repair_turns_it_back(start: Start) -> None:
    broken = [True]

    def every(least: IdentityLevel) -> Controls:
        whole = composition.controls(least)
        kept = tuple(one for one in whole.output if one.id != "bans.output" or not broken[0])
        return msgspec.structs.replace(whole, output=kept)

    gateway = start(every=every, checked=False)
    assert proved(gateway, drills.USED) is True
    assert proved(gateway, drills.TOLD, False) is False, "nothing is told yet of a service without facts"
    before = board(gateway)
    rehearse(gateway)
    after = board(gateway)
    assert red(after) - red(before) == {"13.c"}
    assert (after["13.c"].control, after["13.c"].why.en) == (drills.HELD, "the control failed its newest proof")
    broken[0] = False
    rehearse(gateway)
    assert "13.c" not in red(board(gateway))


@pytest.mark.slow
def test_a_detector_that_finds_nothing_any_more_turns_red_what_rests_on_it(start: Start) -> None:
    gateway = start()
    assert proved(gateway, "words.input") is True
    assert proved(gateway, drills.TOLD, False) is False, "nothing is told yet of a service without facts"
    before = board(gateway)
    whole = gateway.house.live.policy
    gateway.house.live.policy = msgspec.structs.replace(whole, words=Words((), "lost"))
    sing(gateway)
    after = board(gateway)
    assert red(after) - red(before) == {"15.a", "4.1b", "4.2d"}
    assert {after[id].why.en for id in ("15.a", "4.1b", "4.2d")} == {"the control failed its newest proof"}
    gateway.house.live.policy = whole
    sing(gateway)
    assert red(board(gateway)) == red(before)


def sing(gateway: Running) -> None:
    """Let the canary sing once more."""
    base = f"http://127.0.0.1:{gateway.port}"
    asyncio.run_coroutine_threadsafe(gateway.house.sing(base), gateway.loop).result(30)


def rehearse(gateway: Running) -> None:
    """All drills, to their end."""
    work = rehearsing.rehearse(gateway.house, server.scratch)
    made = asyncio.run_coroutine_threadsafe(work, gateway.loop).result(60)
    for drill, heard in made.items():
        assert proved(gateway, drill, not heard.stops) is not heard.stops


def test_a_control_that_is_taken_away_leaves_a_gap_and_says_so() -> None:
    text, every = book.load(PROFILE), composition.ALL_CONTROLS
    ages = {one.id: 0.0 for one in every}

    def stand(controls: tuple[proof.Keeper, ...]) -> dict[str, DutyState]:
        made = proof.prove(text, controls, book.tests(), ages, {}, composition.today(), "development")
        return {one.id: one for one in made}

    whole = stand(every)
    for control in every:
        without = stand(tuple(one for one in every if one is not control))
        alone = {
            duty
            for duty in (*control.duties, *control.partly)
            if not any(duty in (*one.duties, *one.partly) for one in every if one is not control)
        }
        gone = {id for id in whole if without[id].state == "gap" and whole[id].state != "gap"}
        assert gone == {id for id in alone if id in whole and text.duty(id).owed}, control.id
        said = {
            id: "a person must keep it" if text.duty(id).by == "person" else "there is no control yet" for id in gone
        }
        assert all(without[id].why.en.startswith(said[id]) and without[id].red for id in gone)

# SPDX-License-Identifier: Apache-2.0
"""Each duty that a control says it keeps is proved twice: as is, and with that control replaced by one that always
passes. The second run must fail; a duty whose test survives it is a gap."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conftest import Start
from guiju import composition
from guiju.controls.hearing import hear
from guiju.gateway.live import Controls
from guiju.law import book
from guiju.terms import PASS, Control, Finding, IdentityLevel, Text, Verdict
from law_proofs import PROOFS, Every


class AlwaysPass:
    """Stands in a control's place and agrees to everything."""

    def __init__(self, one: Control[Any]) -> None:
        self.id, self.duties, self.partly, self.reach = one.id, one.duties, one.partly, one.reach

    def decide(self, subject: object, findings: Sequence[Finding]) -> Verdict:
        """Agree."""
        return PASS


def without(control: str) -> Every:
    """All controls, one of them replaced."""

    def every(least: IdentityLevel) -> Controls:
        whole = composition.controls(least)
        swap = lambda row: tuple(AlwaysPass(one) if one.id == control else one for one in row)  # noqa: E731 # uses in one line
        made = Controls(swap(whole.request), swap(whole.release), swap(whole.output), swap(whole.upstream))
        elsewhere = {"replayed": swap(whole.replayed), "docket": swap(whole.docket), "rooms": swap(whole.rooms)}
        return msgspec.structs.replace(made, **elsewhere)

    return every


ROWS = [pytest.param(*row, id="-".join(row)) for row in PROOFS]


def test_every_duty_of_every_control_has_a_proof() -> None:
    claimed = {(one.id, duty) for one in composition.ALL_CONTROLS for duty in (*one.duties, *one.partly)}
    assert claimed == set(PROOFS)
    assert {duty for _, duty in claimed} <= book.known_ids()


@pytest.mark.parametrize(("control", "duty"), ROWS)
def test_duty_is_kept(start: Start, control: str, duty: str) -> None:
    PROOFS[control, duty](start, composition.controls)


@pytest.mark.parametrize(("control", "duty"), ROWS)
def test_duty_is_not_kept_without_its_control(start: Start, control: str, duty: str) -> None:
    with pytest.raises(AssertionError):
        PROOFS[control, duty](start, without(control))


def test_each_control_refuses_its_planted_case() -> None:
    assert composition.asleep(composition.controls("none")) == []
    for one in composition.ALL_CONTROLS:
        assert composition.asleep(without(one.id)("none")) == [one.id]


def test_a_control_that_raises_has_refused() -> None:
    class Broken(AlwaysPass):
        def decide(self, subject: object, findings: Sequence[Finding]) -> Verdict:
            raise RuntimeError("boom")

    heard = hear((Broken(composition.ALL_CONTROLS[0]),), Text("x", ""), (), "input")
    assert heard.stops
    assert heard.decisive.reason is not None
    assert heard.decisive.reason.code == "guard_unavailable"


def test_the_law_names_these_proofs() -> None:
    """law/texts/tests.toml says which test proves which duty; `make law` writes it."""
    expected: dict[str, str] = {}
    for control, duty in PROOFS:
        expected.setdefault(duty, f"tests/test_law.py::test_duty_is_kept[{control}-{duty}]")
    assert dict(book.tests()) == expected
    tree = ast.parse(Path(__file__).read_text("utf-8"))
    assert "test_duty_is_kept" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}

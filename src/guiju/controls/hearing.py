# SPDX-License-Identifier: Apache-2.0
"""The hearing: the only place that calls controls, and the only one that makes a Hearing (DESIGN §3)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TypeVar

from guiju.errors import ConfigError
from guiju.terms import ACTIONS, Control, Finding, Hearing, Reason, Stage, Verdict

log = logging.getLogger("guiju.controls")
Subject = TypeVar("Subject")
_UNAVAILABLE = Verdict("refuse", Reason("guard_unavailable"))


def hear(controls: Sequence[Control[Subject]], subject: Subject, findings: Sequence[Finding], stage: Stage) -> Hearing:
    """Let each control decide about one subject; the strongest verdict wins, the first among equals.

    A control that raises has not agreed to anything: it counts as a refusal (`guard_unavailable`).

    Args:
        controls: in the order in which they are heard.
        subject: what is decided about.
        findings: all findings on the subject, gathered once.
        stage: `input` or `output`.

    Raises:
        ConfigError: no controls. A hearing without controls is no hearing.
    """
    if not controls:
        raise ConfigError("config_invalid", what=f"no controls at stage {stage}", hint="guiju check")
    verdicts: list[tuple[str, Verdict]] = []
    decisive, by, weight = None, "", -1
    for control in controls:
        try:
            verdict = control.decide(subject, findings)
        except Exception:  # whatever failed inside a control, it has not agreed
            log.error("control_failed", extra={"control": control.id})
            verdict = _UNAVAILABLE
        verdicts.append((control.id, verdict))
        strength = ACTIONS.index(verdict.action)
        if strength > weight:
            decisive, by, weight = verdict, control.id, strength
    assert decisive is not None
    return Hearing(stage, tuple(verdicts), decisive, by)

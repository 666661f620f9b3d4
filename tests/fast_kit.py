# SPDX-License-Identifier: Apache-2.0
"""A matrix in two suites: its first rows in the fast one, all of them in the long one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def few(rows: Iterable[Any], fast: int = 1, *, several: bool = False) -> list[Any]:
    """Rows for `parametrize`; those after the first so many run in the long suite only.

    Args:
        rows: what the test is given, a row each.
        fast: how many the fast suite runs.
        several: whether a row is a tuple of several arguments.
    """
    made = list(rows)
    later = [pytest.param(*(row if several else (row,)), marks=pytest.mark.slow) for row in made[fast:]]
    return [*made[:fast], *later]

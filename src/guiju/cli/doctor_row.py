# SPDX-License-Identifier: Apache-2.0
"""One row of `guiju doctor`."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["green", "yellow", "red"]


class Row(msgspec.Struct, frozen=True):
    """One line of the table.

    Attributes:
        id: the check's name, the same in every language.
        state: red means that the service can't or must not run so.
        found: what is there.
        advice: what to do; `""` when green.
    """

    id: str
    state: State
    found: str
    advice: str = ""

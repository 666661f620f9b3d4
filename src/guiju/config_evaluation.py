# SPDX-License-Identifier: Apache-2.0
"""What is read from guiju.toml about evaluations (Article 4(2))."""

from __future__ import annotations

from typing import Literal

import msgspec


class Evaluation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is asked of a model before it serves (Article 4(2)).

    Attributes:
        gate: whether a changed model needs a release that `guiju evaluate gate` let through; `auto`: in production.
    """

    gate: Literal["auto", "always", "off"] = "auto"

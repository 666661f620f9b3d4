# SPDX-License-Identifier: Apache-2.0
"""The quality of a batch: counts, agreement, signs for a lead. The Interim Measures ask for it (Article 8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from guiju.annotation.batches import Counted, seen
from guiju.annotation.rulebook import Rulebook
from guiju.annotation.suspicion import Suspicion, suspicions
from guiju.records.batches import Item, Said
from guiju.records.sources import optional


class Quality(msgspec.Struct, frozen=True):
    """How good a batch is.

    Attributes:
        counted: what the rows come to.
        agreement: see `agreement.Agreement`.
        clear: whether agreement is what the rules ask for; none where it can't be said.
        error: interval of the share of wrong items in the sample (Wilson, 95 %).
        signs: for a lead to look at; nothing follows from them by itself.
    """

    counted: Counted
    agreement: Any
    clear: bool | None
    error: tuple[float, float]
    signs: tuple[Suspicion, ...]


def of_batch(rules: Rulebook, counted: Counted, items: Sequence[Item], said: Sequence[Said]) -> Quality:
    """The quality of a batch.

    Raises:
        ConfigError: `config_invalid`: the extra `annotation` is not installed.
    """
    figures = optional("guiju.annotation.agreement", "krippendorff", "annotation")
    agreed = figures.agreement([(one.position, one.member, one.label) for one in said if one.role == "annotate"])
    clear = agreed.alpha.value >= rules.quality.agreement if agreed.alpha else None
    error = figures.share(counted.wrong, counted.seen)
    signs = suspicions(seen(items, said), rules.quality.seconds)
    return Quality(counted, agreed, clear, error, tuple(signs))

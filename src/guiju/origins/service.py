# SPDX-License-Identifier: Apache-2.0
"""A model service as another gateway's settings describe it."""

from __future__ import annotations

from fractions import Fraction

import msgspec

from guiju.config import Prompts, UpstreamKind


class Service(msgspec.Struct, frozen=True):
    """A model service as it was found.

    Attributes:
        place: where its settings stood.
        label: what a name is made from.
        url: its base address, up to and with `/v1`.
        key_env: the variable that holds its key already; `""` when it has none, or a literal one.
        secret: a literal key, or `""`; it tells services apart and goes nowhere.
        secret_place: where that key stands.
        models: public name → its own.
        also: where others stood that were put together with it.
        rank: of those that serve a name, only the lowest get requests; the others stand by.
        share: how much of a name's requests it gets among those of its rank.
        weight: what its section is to say; see `weights.weighed`.
        kind: the protocol that it speaks.
        completions: how it gets prompts that are to be continued.
    """

    place: str
    label: str
    url: str
    key_env: str = ""
    secret: str = ""
    secret_place: str = ""
    models: dict[str, str] = msgspec.field(default_factory=dict)
    also: tuple[str, ...] = ()
    rank: float = 0
    share: Fraction = Fraction(1)
    weight: int = 1
    kind: UpstreamKind = "openai"
    completions: Prompts = "chat"

    @property
    def places(self) -> tuple[str, ...]:
        """Where its settings stood, all of them."""
        return (self.place, *self.also)

    def __repr__(self) -> str:
        return f"Service({self.place})"  # never the key

# SPDX-License-Identifier: Apache-2.0
"""The register of who else gets data: each model service and guard model in a third party's hands, with its purpose and
contract (Article 11; PIPL, Articles 21 and 23)."""

from __future__ import annotations

import msgspec

from guiju.adapters.party import outside
from guiju.config import Settings


class Recipient(msgspec.Struct, frozen=True):
    """One row.

    Attributes:
        name: as the settings call it.
        kind: `upstream` or `guard`.
        party: `own` or `third_party`.
        purpose, contract: why it gets data, and on what terms.
    """

    name: str
    kind: str
    party: str
    purpose: str
    contract: str

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return self.party == "own" or bool(self.purpose.strip() and self.contract.strip())


def register(settings: Settings) -> list[Recipient]:
    """All rows: model services first."""
    rows = [("upstream", one.name, one.url, one.party, one.purpose, one.contract) for one in settings.upstream]
    rows += [("guard", one.id, one.url, one.party, one.purpose, one.contract) for one in settings.guard]
    return [
        Recipient(name, kind, "third_party" if outside(url, party) else "own", purpose, contract)
        for kind, name, url, party, purpose, contract in rows
    ]


def missing(settings: Settings) -> list[str]:
    """Names of recipients in a third party's hands that lack a purpose or a contract."""
    return [one.name for one in register(settings) if not one.whole]

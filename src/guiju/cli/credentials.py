# SPDX-License-Identifier: Apache-2.0
"""The signature of `guiju label write --implicit c2pa`: whose certificate, and what it covers (C2PA)."""

from __future__ import annotations

import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from guiju.config import Settings
from guiju.errors import Bilingual, ConfigError, failed
from guiju.marking import throwaway
from guiju.marking.family import Family, MarkingError
from guiju.marking.label import Aigc, parse
from guiju.records.sources import optional

_KNOWN: Final = ("metadata", "c2pa")
_MISSING: Final = Bilingual(
    "provider.c2pa_certificate、provider.c2pa_key 未填", "provider.c2pa_certificate and provider.c2pa_key are missing"
)


class Credentials(msgspec.Struct, frozen=True):
    """How content credentials are signed.

    Attributes:
        module: `guiju.marking.c2pa`, which needs a package of the extra.
        chain, key: PEM.
    """

    module: Any
    chain: bytes
    key: bytes

    def sign(
        self, family: Family, source: BinaryIO, labelled: BinaryIO, target: BinaryIO, aigc: Aigc, theirs: bool
    ) -> str:
        """Sign a labelled file, and read back both the signature and the label.

        Args:
            family: of the file.
            source: the file as it came.
            labelled: the file with its label.
            target: an empty stream.
            aigc: the label.
            theirs: whether others made the content.

        Returns:
            Who signed, as the certificate names him.

        Raises:
            MarkingError: it can't be signed, or is not whole afterwards.
        """
        media_type = next((one for one in family.media_types if self.module.supports(one)), family.media_types[0])
        earlier = self.module.read(source, media_type)
        parent = source if theirs or earlier is not None else None
        signing = self.module.Signing(self.chain, self.key)
        self.module.signed(labelled, target, media_type, signing, ("Guiju", version("guiju")), parent)
        read = self.module.read(target, media_type)
        found = [parse(one.text) for one in family.read(target)]
        whole = read is not None and read.state != "invalid"
        if not whole or [one.aigc for one in found if one is not None] != [aigc]:
            raise MarkingError("not_kept", "C2PA")
        return str(read.issuer)


def asked(implicit: list[str], settings: Settings) -> Credentials | None:
    """What was asked for by `--implicit`; none when no signature was.

    Raises:
        ConfigError: the word is unknown; the certificate is missing or does not fit its key; the library is not there.
    """
    if unknown := [one for one in implicit if one not in _KNOWN]:
        what = Bilingual(
            f"--implicit 没有 {unknown[0]}（{'、'.join(_KNOWN)}）", f"--implicit knows {', '.join(_KNOWN)}"
        )
        raise ConfigError("usage_invalid", what=what, command="guiju label write")
    if "c2pa" not in implicit:
        return None
    module = optional("guiju.marking.c2pa", "c2pa-python", "media")
    chain, key = _files(settings)
    if why := module.fault(module.Signing(chain, key)):
        raise ConfigError("config_invalid", what=f"provider.c2pa_certificate, c2pa_key: {why}", hint="C2PA")
    return Credentials(module, chain, key)


def _files(settings: Settings) -> tuple[bytes, bytes]:
    """The certificate chain and its key; in development a throwaway one where none is named."""
    names = (settings.provider.c2pa_certificate, settings.provider.c2pa_key)
    if not all(names):
        if settings.mode == "production" or any(names):
            raise ConfigError("config_invalid", what=_MISSING, hint="guiju.toml")
        return throwaway.certificate(datetime.datetime.now(datetime.UTC))
    made = []
    for name in names:
        try:
            made.append(Path(name).read_bytes())
        except OSError as error:
            raise ConfigError("not_found", what=failed(name, error)) from error
    return made[0], made[1]

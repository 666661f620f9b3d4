# SPDX-License-Identifier: Apache-2.0
"""What files are signed with besides their label, and whose signatures are believed: keys and certificates from the
files that the settings name (Article 16; C2PA; TC260-PG-202511A)."""

from __future__ import annotations

import datetime
import re
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import msgspec
from cryptography import x509

from guiju.config import Settings
from guiju.errors import Bilingual, ConfigError, failed
from guiju.marking import families, label_key, reserved, throwaway
from guiju.marking.family import Family, MarkingError
from guiju.marking.label import Aigc, parse
from guiju.marking.label_key import LabelKey

_HALF: Final = Bilingual(
    "provider.c2pa_certificate、provider.c2pa_key 须同时填写",
    "provider.c2pa_certificate and provider.c2pa_key go together",
)
_NONE: Final = Bilingual(
    "provider.c2pa_certificate、provider.c2pa_key 未填", "provider.c2pa_certificate and provider.c2pa_key are missing"
)
_NO_KEY: Final = Bilingual(
    "provider.label_key 不是 Ed25519 或 SM2 的 PEM 私钥（不加口令）",
    "provider.label_key is no private key of Ed25519 or SM2 in PEM without a passphrase",
)
_NO_AUTHORITIES: Final = Bilingual("verify.authorities 不是 PEM 证书", "verify.authorities: no certificates in PEM")
_LINE: Final = re.compile(r"(?:[0-9a-f]{2}){32,65}")


class Credentials(msgspec.Struct, frozen=True):
    """How content credentials are signed.

    Attributes:
        module: `guiju.marking.c2pa`, which needs a package of the extra.
        chain, key: PEM.
    """

    module: Any
    chain: bytes
    key: bytes

    def type_of(self, family: Family) -> str:
        """The media type under which a family's files can be signed; `""` when they can't."""
        return next((one for one in family.media_types if self.module.supports(one)), "")

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
        media_type = self.type_of(family) or family.media_types[0]
        earlier = self.module.read(source, media_type)
        parent = source if theirs or earlier is not None else None
        signing = self.module.Signing(self.chain, self.key)
        self.module.signed(labelled, target, media_type, signing, ("Guiju", version("guiju")), parent)
        read = self.module.read(target, media_type)
        if read is None or read.state == "invalid" or _labels(family, target) != [aigc]:
            raise MarkingError("not_kept", "C2PA")
        return str(read.issuer)


class Signatures(msgspec.Struct, frozen=True):
    """What files are signed with, and whose signatures are believed.

    Attributes:
        credentials: of the provider; none signs no content credentials.
        key: with which its labels are protected; none leaves ReservedCode1 empty.
        known: public keys that are trusted, in hexadecimal; the provider's own is one.
        anchors: PEM of the authorities whose content credentials are trusted.
    """

    credentials: Credentials | None = None
    key: LabelKey | None = None
    known: tuple[str, ...] = ()
    anchors: str = ""

    def written(
        self,
        family: Family,
        source: BinaryIO,
        target: BinaryIO,
        aigc: Aigc,
        ending: str = "",
        *,
        came: BinaryIO | None = None,
        theirs: bool = False,
    ) -> tuple[Aigc, str]:
        """Write a file with its label, protected and signed by what there is, and read all of it back.

        Where content credentials cover the file, the label's own signature covers the label alone: either would break
        what the other binds.

        Args:
            family: of the file.
            source: the file; seekable.
            target: an empty stream; readable and seekable.
            aigc: the label, not protected yet.
            ending: of the file's name.
            came: the file as it came, where words have been put on it since.
            theirs: whether others made the content; then its producer's protection stays as it is.

        Returns:
            The label as it stands there, and who signed content credentials; `""` for nobody.

        Raises:
            MarkingError: it can't be written or signed, or is not there afterwards.
        """
        key = None if theirs else self.key
        if self.credentials is None:
            if key is not None and key.ed25519 is not None:
                reserved.bound(family, source, target, aigc, key.ed25519, _scratch)
                return _kept(family, target, aigc), ""
            aigc = key.signed(aigc) if key else aigc
            families.labelled(source, target, aigc, ending)
            return aigc, ""
        aigc = key.signed(aigc) if key else aigc
        with _scratch() as labelled:
            families.labelled(source, labelled, aigc, ending)
            return aigc, self.credentials.sign(family, came or source, labelled, target, aigc, theirs)


def _scratch() -> BinaryIO:
    return cast(BinaryIO, tempfile.SpooledTemporaryFile(64 << 20))


def _labels(family: Family, stream: BinaryIO) -> list[Aigc]:
    return [read.aigc for one in family.read(stream) if (read := parse(one.text)) is not None]


def _kept(family: Family, target: BinaryIO, aigc: Aigc) -> Aigc:
    """The protected label that was written.

    Raises:
        MarkingError: `not_kept`, it is another one.
    """
    found = _labels(family, target)
    if len(found) != 1 or msgspec.structs.replace(found[0], reserved1=aigc.reserved1) != aigc:
        raise MarkingError("not_kept", family.name)
    return found[0]


def check(settings: Settings) -> None:
    """Whether settings of signatures are whole.

    Raises:
        ConfigError: one half of a pair is missing, or production is to sign without a certificate.
    """
    names = (settings.provider.c2pa_certificate, settings.provider.c2pa_key)
    if any(names) and not all(names):
        raise ConfigError("config_invalid", what=_HALF, hint="guiju.toml")
    if settings.gateway.credentials == "on" and settings.mode == "production" and not all(names):
        raise ConfigError("config_invalid", what=_NONE, hint="gateway.credentials")


def signs(settings: Settings) -> bool:
    """Whether the gateway signs content credentials: where it is told to, or a certificate is there."""
    said = settings.gateway.credentials
    return said == "on" or (said == "auto" and bool(settings.provider.c2pa_certificate))


def load(settings: Settings, module: Any) -> Signatures:
    """Read all keys and certificates that the settings name.

    Args:
        settings: whole, as `check` finds them.
        module: `guiju.marking.c2pa`; none signs no content credentials.

    Raises:
        ConfigError: a file can't be read, or is not what it should be.
    """
    check(settings)
    key = _label_key(settings.provider.label_key)
    known = listed(Path(settings.verify.keys), "verify.keys") if settings.verify.keys else ()
    own = (key.public,) if key else ()
    return Signatures(
        credentials=credentials(settings, module) if module else None,
        key=key,
        known=tuple(dict.fromkeys((*own, *known))),
        anchors=authorities(settings.verify.authorities),
    )


def credentials(settings: Settings, module: Any) -> Credentials:
    """The provider's certificate; in development a throwaway one, where none is named, that nobody trusts.

    Raises:
        ConfigError: it is missing, half there, can't be read, or does not fit its key.
    """
    check(settings)
    names = (settings.provider.c2pa_certificate, settings.provider.c2pa_key)
    if all(names):
        chain, key = (_read(name) for name in names)
    elif settings.mode == "production":
        raise ConfigError("config_invalid", what=_NONE, hint="guiju.toml")
    else:
        chain, key = throwaway.certificate(datetime.datetime.now(datetime.UTC))
    if why := module.fault(module.Signing(chain, key)):
        raise ConfigError("config_invalid", what=f"provider.c2pa_certificate, c2pa_key: {why}", hint="C2PA")
    return Credentials(module, chain, key)


def authorities(name: str) -> str:
    """PEM of authorities that are trusted.

    Args:
        name: of a file; `""` for none.

    Raises:
        ConfigError: it can't be read, or holds none.
    """
    if not name:
        return ""
    data = _read(name)
    try:
        x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise ConfigError("config_invalid", what=_NO_AUTHORITIES, hint=name) from error
    return data.decode("ascii", "replace")


def listed(path: Path, setting: str) -> tuple[str, ...]:
    """Public keys, one a line, in hexadecimal; `#` begins a remark.

    Raises:
        ConfigError: the file can't be read, or a line is no key.
    """
    lines = _read(str(path)).decode("utf-8", "replace").split("\n")
    keys = tuple(key for line in lines if (key := line.partition("#")[0].strip().lower()))
    if any(not _LINE.fullmatch(key) for key in keys):
        what = Bilingual(f"{setting} 每行须为一个十六进制公钥", f"{setting}: a public key in hexadecimal on each line")
        raise ConfigError("config_invalid", what=what, hint=str(path))
    return keys


def _label_key(name: str) -> LabelKey | None:
    if not name:
        return None
    key = label_key.read(_read(name))
    if key is None:
        raise ConfigError("config_invalid", what=_NO_KEY, hint="openssl genpkey -algorithm ed25519")
    return key


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise ConfigError("not_found", what=failed(name, error)) from error

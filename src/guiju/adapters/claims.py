# SPDX-License-Identifier: Apache-2.0
"""What an assertion of identity says, in our terms (Article 9; OpenID Connect for Identity Assurance 1.0, section 5).

Read are levels, times, bands of age and ids of transactions. Claims that could name the person are read by nobody.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from guiju.config import Issuer
from guiju.terms import AGES, LEVELS, AgeBand, IdentityLevel

LEEWAY_S: Final = 60
"""Seconds by which the clocks of an issuer and of this machine may differ."""
_OVER: Final[tuple[tuple[int, AgeBand], ...]] = ((18, "adult"), (16, "16to17"), (14, "14to15"))
"""Ages that `age_equal_or_over` may vouch for, oldest first."""
_SIGNED: Final = ",v1="


class Told(msgspec.Struct, frozen=True):
    """What an assertion says.

    Attributes:
        subject: the issuer's name for the person; it is hashed and forgotten.
        transaction: the issuer's id of what it did; hashed likewise.
        token: id of this assertion, by which it is known when it comes a second time.
        from_s, until_s: Unix seconds between which it holds.
        verified_at: when the person was verified.
    """

    subject: str
    level: IdentityLevel
    method: str
    age: AgeBand
    transaction: str
    token: str
    from_s: int
    until_s: int
    verified_at: int


def told(settings: Issuer, claims: Mapping[str, Any], now: int) -> Told | None:
    """Read verified claims; none when they are not whole, not for us, or hold for too long.

    Whether it holds *now* is said by `from_s` and `until_s`.

    Args:
        settings: of the issuer.
        claims: what its signature covers.
        now: Unix seconds.
    """
    audience, subject, token = claims.get("aud"), claims.get("sub"), claims.get("jti", "")
    issued, expires = _number(claims.get("iat", now)), _number(claims.get("exp"))
    begins = _number(claims.get("nbf", issued))
    if issued is None or expires is None or begins is None:
        return None
    fits = (
        claims.get("iss") == settings.issuer
        and settings.audience in (audience if isinstance(audience, list) else [audience])
        and isinstance(subject, str)
        and 0 < len(subject) <= 512
        and isinstance(token, str)
        and (token or settings.replay == "again")
        and expires - issued <= settings.longest_s
        and issued - LEEWAY_S <= now
    )
    if not fits or not isinstance(subject, str):
        return None
    method, verified, transaction, age = _verified(settings, claims, issued)
    if verified is None or verified - LEEWAY_S > now:
        return None
    return Told(
        subject=subject,
        level=settings.levels.get(method, "none"),
        method=method if method in settings.levels else "",
        age=age,
        transaction=transaction or str(token),
        token=str(token),
        from_s=max(issued, begins) - LEEWAY_S,
        until_s=expires + LEEWAY_S,
        verified_at=verified,
    )


def _verified(settings: Issuer, claims: Mapping[str, Any], issued: int) -> tuple[str, int | None, str, AgeBand]:
    """Method, time, transaction and age: of the best verification among `verified_claims` where there are any, and
    then of nothing else; else of the token itself."""
    said = claims.get("verified_claims")
    if said is None:
        at = claims.get("verified_at")
        method = claims.get("method", "")
        age = _age(settings, claims)
        return method if isinstance(method, str) else "", issued if at is None else _number(at), "", age
    best: tuple[str, int | None, str, AgeBand] = ("", issued, "", "")
    for one in said if isinstance(said, list) else [said]:
        verification = one.get("verification") if isinstance(one, dict) else None
        framework = verification.get("trust_framework") if isinstance(verification, dict) else None
        if not isinstance(verification, dict) or not isinstance(framework, str):
            continue
        if _rank(settings, framework) > _rank(settings, best[0]):
            about = one.get("claims")
            time = verification.get("time")
            transaction = verification.get("txn", "")
            best = (
                framework,
                issued if time is None else _instant(time),
                transaction if isinstance(transaction, str) else "",
                _age(settings, about if isinstance(about, dict) else {}),
            )
    return best


def _rank(settings: Issuer, framework: str) -> int:
    return LEVELS.index(settings.levels.get(framework, "none"))


def _age(settings: Issuer, claims: Mapping[str, Any]) -> AgeBand:
    """The band of age that claims vouch for; a date of birth is not looked at."""
    band = claims.get("age_band")
    if isinstance(band, str):
        if band in settings.ages:
            return settings.ages[band]
        return next((one for one in AGES if one == band), "")
    over = claims.get("age_equal_or_over")
    if not isinstance(over, dict):
        return ""
    known = [(age, one) for age, one in _OVER if isinstance(over.get(str(age)), bool)]
    if not known:
        return ""
    # Younger than all that was asked about: the youngest band, which protects most.
    return next((one for age, one in known if over[str(age)]), "under14")


def _number(value: object) -> int | None:
    """A time in Unix seconds; none for what is no time."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**40:
        return None
    return int(value)


def _instant(value: object) -> int | None:
    """A time as eKYC-IDA writes it (ISO 8601, with its zone)."""
    try:
        made = datetime.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if made is None or made.tzinfo is None else int(made.timestamp())


def signed_line(secret: bytes, claims: Mapping[str, object]) -> str:
    """A line of claims with its signature, as an application of the provider's own sends it.

    Args:
        secret: shared with the gateway.
        claims: names and values; a value must not hold a comma, write `%2C` for it.
    """
    line = ",".join(f"{name}={value}" for name, value in claims.items())
    return line + _SIGNED + hmac.new(secret, line.encode(), hashlib.sha256).hexdigest()


def is_line(token: str) -> bool:
    """Whether an assertion is such a line; a token never holds a comma."""
    return _SIGNED in token


def line_claims(line: str) -> dict[str, Any]:
    """What a line says, believed or not.

    Raises:
        ValueError: it is no such line, or it says something twice.
    """
    made: dict[str, Any] = {}
    for part in line.rpartition(_SIGNED)[0].split(","):
        name, found, value = part.partition("=")
        if not found or name in made:
            raise ValueError("claims")
        whole = name in ("iat", "exp", "nbf", "verified_at")
        made[name] = int(value) if whole else unquote(value, errors="strict")
    return made


def line_holds(line: str, secret: bytes) -> bool:
    """Whether a line was signed with a secret."""
    said, _, signature = line.rpartition(_SIGNED)
    try:
        wanted = hmac.new(secret, said.encode(), hashlib.sha256).digest()
        return hmac.compare_digest(bytes.fromhex(signature), wanted)
    except ValueError:
        return False

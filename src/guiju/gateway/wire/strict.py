# SPDX-License-Identifier: Apache-2.0
"""Strict JSON at the edge: UTF-8, no key twice, no NaN, bounded depth and number (robustness §5; RFC 8259)."""

from __future__ import annotations

import json
import re
from math import isinf
from typing import Any, NoReturn

import msgspec

from guiju.config import Limits
from guiju.errors import CallerError


class _TwiceError(ValueError):
    """A key stands twice in one object."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _TwiceError(key)
            seen.add(key)
    return made


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    """A number that can be kept; one beyond the range would go on as none."""
    made = float(digits)
    if isinf(made):
        raise ValueError("a number is out of range")
    return made


_NULL = msgspec.Raw(b"null")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""One string, or the rest of a body whose last string does not end: never tried twice at one place, so never slow."""
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""Half of a character that is written as two escapes; raw bytes can't hold one."""
_decoder = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite)


def decode(body: bytes, limits: Limits) -> dict[str, Any]:
    """Decode a request body into a mapping.

    Args:
        body: the raw bytes.
        limits: how many containers may stand in one another, how many values there may be.

    Raises:
        CallerError: `invalid_request`, `duplicate_key` or `request_too_large`.
    """
    depth = limits.json_depth
    if too_many(body, limits.json_values):
        raise CallerError("request_too_large", what=f"JSON > {limits.json_values} values")
    try:
        made = _decoder.decode(body.decode("utf-8"))
    except _TwiceError as error:
        raise CallerError("duplicate_key", param=shown(str(error))) from None
    except UnicodeDecodeError:
        raise CallerError("invalid_request", what="the body is not UTF-8", param="body") from None
    except RecursionError:
        raise CallerError("request_too_large", what=f"JSON depth > {depth}") from None
    except ValueError:
        raise CallerError("invalid_request", what="the body is not JSON", param="body") from None
    if not isinstance(made, dict):
        raise CallerError("invalid_request", what="the body is not a JSON object", param="body")
    if too_deep(made, depth):
        raise CallerError("request_too_large", what=f"JSON depth > {depth}")
    if _HALF.search(body) and not _unicode(made):
        raise CallerError("invalid_request", what="a string is not Unicode text", param="body")
    return made


def _unicode(value: Any) -> bool:
    """Whether all strings of a value are Unicode text: half of a pair that stands alone is none (RFC 8259, 8.2)."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def unescaped(text: str) -> str:
    """JSON text with what its strings' escapes stand for in their place; never longer than it was."""
    made = _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else _SHORT.get(found[2], found[2]), text)
    return made.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def too_many(body: bytes, most: int) -> bool:
    """Whether a body holds more values than allowed; told before they are made, which takes long and lets nobody else
    be served. Strings that end in an escaped backslash count for less here, and are then counted one by one."""
    if len(body) <= most or body.count(b",") + body.count(b":") <= most:
        return False
    strings = (body.count(b'"') - body.count(b'\\"')) // 2
    if strings > 2 * most:  # a value has one key at most
        return True
    bones = _STRING.sub(b"", body)
    return bones.count(b",") + bones.count(b":") > most


def too_deep(value: Any, depth: int) -> bool:
    """Whether more than `depth` containers stand in one another; level by level, so that it can't recurse."""
    level = [value]
    for _ in range(depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def left_behind(value: Any, known: frozenset[str]) -> set[str]:
    """Names of fields of an object, or of the objects of a list, that nobody here knows and that hold anything.

    Args:
        value: decoded JSON, or JSON of which only the names are decoded.
        known: fields that are read, or that lose nothing.
    """
    objects = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
    told = ((name, one[name]) for one in objects for name in one.keys() - known)
    return {shown(name) for name, held in told if held is not None and held != _NULL}


def shown(key: str) -> str:
    """A key as it may stand in an error: names only, nothing that carries text."""
    return key if key.isascii() and key.replace("_", "").isalnum() and len(key) <= 64 else "…"

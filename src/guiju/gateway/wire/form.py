# SPDX-License-Identifier: Apache-2.0
"""Strict multipart/form-data at the edge (RFC 7578), and the same written anew for a model service.

What does not keep the form to the letter is refused: nothing before the first border or after the last, no other header
of a part than its name and type, no name twice but in a list. Names of files are never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from guiju.config import Limits
from guiju.errors import CallerError
from guiju.gateway.wire.strict import shown

MOST: Final = 64
"""Parts of one form, at most."""
_HEAD: Final = 1024
"""Bytes of the headers of one part, at most."""
_KIND: Final = re.compile(r'multipart/form-data\s*;\s*boundary=("?)([0-9A-Za-z\'()+_,./:=?-]{1,70})\1', re.IGNORECASE)
_NAMED: Final = re.compile(
    r'content-disposition: *form-data; *name="(?P<name>[A-Za-z_][\w.]{0,63}(?:\[\w{0,32}\])?)"'
    r'(?P<file>; *filename(?:\*=[^\s;"]{1,512}|="[^"\x00-\x1f]{0,512}")){0,2}',
    re.IGNORECASE | re.ASCII,
)
_OTHER: Final = re.compile(r"content-(?:type: *[\w./+;= -]{1,128}|length: *\d{1,12})", re.IGNORECASE | re.ASCII)


class File(msgspec.Struct, frozen=True):
    """One file of a form; its name and the type that its sender gives it are left behind.

    Attributes:
        field: the field's name, without `[]`.
        data: its bytes.
    """

    field: str
    data: bytes


class Form(msgspec.Struct):
    """A form that was read.

    Attributes:
        fields: name → text, or texts where the name ends in `[]`, which is taken off; `a[b]` stands as it is.
        files: in their order.
        border: a line that occurs in none of it, for writing it anew.
    """

    fields: dict[str, Any]
    files: list[File]
    border: str


def read(body: bytes, kind: str, limits: Limits) -> Form:
    """Read a form.

    Args:
        body: the raw bytes.
        kind: the request's `Content-Type`.
        limits: how many characters its texts may have.

    Raises:
        CallerError: `invalid_request`, `duplicate_key` or `request_too_large`.
    """
    found = _KIND.fullmatch(kind.strip())
    if found is None:
        raise CallerError("invalid_request", what="Content-Type is not multipart/form-data", param="Content-Type")
    form = Form({}, [], f"guiju-{sha256(body).hexdigest()}")
    left = 4 * limits.characters
    for head, data in _parts(body, found[2].encode()):
        name, is_file = _named(head)
        if is_file:
            form.files.append(File(name.removesuffix("[]"), data))
            continue
        left -= len(data)
        if left < 0:
            raise CallerError("request_too_large", what=f"characters > {limits.characters}")
        _text(form.fields, name, data)
    return form


def _parts(body: bytes, border: bytes) -> Iterable[tuple[bytes, bytes]]:
    """The headers and the bytes of each part.

    Raises:
        CallerError: it is not a whole form.
    """
    line = b"--" + border
    if not body.startswith(line + b"\r\n"):
        raise _fault()
    at = len(line) + 2
    for _ in range(MOST):
        end = body.find(b"\r\n" + line, at)
        split = body.find(b"\r\n\r\n", at, at + _HEAD)
        if end < 0 or not at < split < end:
            raise _fault()
        yield body[at:split], body[split + 4 : end]
        at = end + 2 + len(line)
        if body[at:] in (b"--", b"--\r\n"):
            return
        if body[at : at + 2] != b"\r\n":
            raise _fault()
        at += 2
    raise CallerError("request_too_large", what=f"parts > {MOST}")


def _named(head: bytes) -> tuple[str, bool]:
    """A part's name, and whether it is a file."""
    try:
        lines = head.decode("utf-8").split("\r\n")
    except UnicodeDecodeError:
        raise _fault() from None
    named = [found for line in lines if (found := _NAMED.fullmatch(line))]
    others = [line for line in lines if _OTHER.fullmatch(line)]
    if len(named) != 1 or len(named) + len(others) != len(lines):
        raise _fault()
    return named[0]["name"], named[0]["file"] is not None


def _text(fields: dict[str, Any], name: str, data: bytes) -> None:
    """Take a text into the fields."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise CallerError("invalid_request", what="the body is not UTF-8", param=shown(name)) from None
    if name.endswith("[]"):
        listed = fields.setdefault(name.removesuffix("[]"), [])
        if isinstance(listed, list):
            listed.append(text)
            return
    elif name not in fields:
        fields[name] = text
        return
    raise CallerError("duplicate_key", param=shown(name.removesuffix("[]")))


def _fault() -> CallerError:
    return CallerError("invalid_request", what="the body is not multipart/form-data", param="body")


def kind(border: str) -> str:
    """The `Content-Type` of a form that is written with a border."""
    return f"multipart/form-data; boundary={border}"


def write(border: str, fields: Iterable[tuple[str, str]], files: Iterable[tuple[str, str, str, bytes]]) -> bytes:
    """A form as it goes upstream.

    Args:
        border: a line that occurs in none of it.
        fields: names and texts.
        files: each file's field, name, media type and bytes.
    """
    made: list[bytes] = []
    for name, text in fields:
        said = text.encode("utf-8")
        made.append(f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + said + b"\r\n")
    for field, name, media, data in files:
        head = f'--{border}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        made += [head.encode(), f"Content-Type: {media}\r\n\r\n".encode(), data, b"\r\n"]
    made.append(f"--{border}--\r\n".encode())
    return b"".join(made)


def flat(extra: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Fields that are forwarded beside a request, as a form has them; what came in JSON may be more than texts.

    Raises:
        CallerError: `invalid_request`, a form has no place for one.
    """
    made: list[tuple[str, str]] = []
    for name, value in extra.items():
        if isinstance(value, list):
            made += [(f"{name}[]", _plain(name, one)) for one in value]
        elif value is not None:
            made.append((name, _plain(name, value)))
    return made


def _plain(name: str, value: Any) -> str:
    """A text, a number or a truth value as the text that it is in a form."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return msgspec.json.encode(value).decode()
    raise CallerError("invalid_request", what=f"{shown(name)} has no place in a form", param=shown(name))

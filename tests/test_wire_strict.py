# SPDX-License-Identifier: Apache-2.0
"""Strict JSON: what is read is what the standard library reads, and a key that stands twice is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guiju.config import Limits
from guiju.errors import CallerError
from guiju.gateway.wire import strict

KEYS = st.sampled_from(["a", "b", "a:b", ":", "\u003a", "规", ""])


def spelled(text: str, escaped: bool) -> str:
    """A string in JSON, plain or with every character as an escape."""
    if not escaped:
        return json.dumps(text, ensure_ascii=False)
    return '"' + "".join(f"\\u{ord(char):04X}" for char in text) + '"'


strings = st.builds(spelled, KEYS | st.text('a:规"\\\n', max_size=5), st.booleans())
values = st.recursive(
    st.sampled_from(["null", "true", "0", "-1.5e3", "1" * 40, "[]", "{}"]) | strings,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(strings, inner), max_size=5).map(
            lambda items: "{" + " ,".join(f"{key} : {value}" for key, value in items) + "}"
        )
    ),
    max_leaves=15,
)


def plain(body: bytes) -> Any:
    """The code of the error, or the value."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise KeyError
        return dict(pairs)

    try:
        return json.loads(body, object_pairs_hook=once)
    except KeyError:
        return "duplicate_key"


def decoded(body: bytes) -> Any:
    try:
        return strict.decode(body, Limits())
    except CallerError as error:
        return error.code


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(strings, values), max_size=5))
@example([('"a"', "1"), ('"a"', '"\\u003a"')])
@example([('"a"', "1"), ('"\\u0061"', "2")])
def test_what_is_read(pairs: list[tuple[str, str]]) -> None:
    body = ("{" + ",".join(f"{key}:{value}" for key, value in pairs) + "}").encode()
    assert decoded(body) == plain(body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"a":1,"a":"\\u003a"}', "duplicate_key"),
        (b'{"a":1,"\\u0061":2}', "duplicate_key"),
        (b'{"x":{"a":":","a":""}}', "duplicate_key"),
        (b'{"a":NaN}', "invalid_request"),
        (b'{"a":1e999}', "invalid_request"),
        (b'{"a":"\x01"}', "invalid_request"),
        (b'{"a":"\xff"}', "invalid_request"),
        (b"[]", "invalid_request"),
        (b"", "invalid_request"),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "request_too_large"),
    ],
)
def test_what_is_refused(body: bytes, code: str) -> None:
    assert decoded(body) == code

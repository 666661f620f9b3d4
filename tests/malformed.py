# SPDX-License-Identifier: Apache-2.0
"""A grammar of requests that break HTTP or JSON (robustness H2). Each maker of `MAKERS` takes a seeded generator and
makes one case; nothing here knows what the gateway is made of."""

from __future__ import annotations

import base64
import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple

from conftest import KEY
from doors import form
from raw_client import Case

AUTH: Final = b"Authorization: Bearer " + KEY.encode() + b"\r\n"
LINE: Final = b"POST /v1/chat/completions HTTP/1.1\r\n"
HOST: Final = b"Host: x\r\n"
BLOCK: Final = b'"' + b"a" * 65_535


# ---------------------------------------------------------------------- good requests
def document(rng: random.Random) -> dict[str, Any]:
    """A good request's body, a little different each time."""
    made: dict[str, Any] = {"model": "scripted", "messages": [{"role": "user", "content": "[[say:ok]]"}]}
    if rng.random() < 0.3:
        made["messages"].insert(0, {"role": "system", "content": "请用中文回答。"})
    if rng.random() < 0.3:
        made["messages"][-1]["content"] = [{"type": "text", "text": "[[say:ok]]"}]
    if rng.random() < 0.3:
        parameters = {"type": "object", "properties": {"city": {"type": "string", "enum": ["南京", "x"]}}}
        made["tools"] = [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]
    for name, value in (("stream", True), ("n", 2), ("temperature", 0.5), ("stop", ["。"]), ("user", "u"), ("seed", 1)):
        if rng.random() < 0.2:
            made[name] = value
    return made


def encoded(document: Any, **more: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, **more).encode("utf-8", "surrogatepass")


def request(body: bytes, *fields: bytes, line: bytes = LINE, length: bytes | None = None) -> bytes:
    """A request; `fields` are whole lines, `length` replaces the right Content-Length."""
    size = b"Content-Length: %d\r\n" % len(body) if length is None else length
    return line + HOST + AUTH + b"".join(fields) + size + b"\r\n" + body


def good(rng: random.Random) -> bytes:
    return request(encoded(document(rng)))


# ---------------------------------------------------------------------- broken HTTP
LENGTHS: Final = (
    b"9223372036854775808", b"9223372036854775807", b"18446744073709551616", b"9" * 400, b"-1", b"+5", b"0x5", b"5,5", b"5, 6",
    b"", b"1e1", b"5 5", b"5;", "５".encode(), b"5\x00", b"\x0b5", b"NaN", b"-9223372036854775808", b"5\x80", b"0 5",
)  # fmt: skip


def bad_length(rng: random.Random) -> Case:
    value = rng.choice(LENGTHS)
    body = encoded(document(rng))
    return Case(f"length {value[:24]!r}", [request(body, length=b"Content-Length: " + value + b"\r\n")], refused=True)


def two_lengths(rng: random.Random) -> Case:
    body = encoded(document(rng))
    size, same = b"Content-Length: %d\r\n" % len(body), rng.choice([len(body), 0, 5, len(body) + 1])
    other = rng.choice([
        b"Content-Length: %d\r\n" % same, b"content-length : %d\r\n" % same, b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding:\tchunked\r\n", b"Content_Length: %d\r\n" % same, b"Transfer-Encoding: identity\r\n",
    ])  # fmt: skip
    lines = [size, other]
    rng.shuffle(lines)
    return Case(f"two lengths {other!r}", [request(body, length=b"".join(lines))], refused=True)


SIZES: Final = (
    b"g", b"-5", b"+5", b"0x5", b"ffffffffffffffff", b"10000000000000000", b"8000000000000000", b"", b" 5", b"5 5",
    b"5\x00", "５".encode(), b"7fffffffffffffff1", b"f" * 4000, b"5\n", b"5\r", b"\r", b";a",
)  # fmt: skip


def bad_chunk(rng: random.Random) -> Case:
    size = rng.choice(SIZES)
    body = encoded(document(rng))
    chunked = rng.choice([
        size + b"\r\n" + body + b"\r\n0\r\n\r\n",
        b"%x\r\n" % len(body) + body + b"\r\n" + size + b"\r\nx\r\n0\r\n\r\n",
        b"%x\r\n" % (len(body) - 1) + body + b"\r\n0\r\n\r\n",
        b"%x\n" % len(body) + body + b"\n0\n\n",
    ])  # fmt: skip
    return Case(
        f"chunk {size[:24]!r}", [request(chunked, length=b"Transfer-Encoding: chunked\r\n")], refused=True, requests=2
    )


def odd_chunk(rng: random.Random) -> Case:
    """Chunks that are allowed, or nearly: extensions, trailers, single bytes, a credential after the body."""
    body = encoded(document(rng))
    one = b'%x;a="b"\r\n' % len(body) + body + b"\r\n0\r\n\r\n"
    trailer = rng.choice(
        [AUTH, b"X-Guiju-Identity: a.b.c\r\n", b"Content-Length: 5\r\n", b"T: " + b"a" * 9000 + b"\r\n"]
    )
    chunked = rng.choice([
        one,
        b"".join(b"1\r\n%c\r\n" % c for c in body) + b"0\r\n\r\n",
        b"%x\r\n" % len(body) + body + b"\r\n0\r\n" + trailer + b"\r\n",
        b"%x;" % len(body) + b"e" * rng.choice([100, 100_000]) + b"\r\n" + body + b"\r\n0\r\n\r\n",
    ])  # fmt: skip
    return Case("odd chunk", [request(chunked, length=b"Transfer-Encoding: chunked\r\n")])


def bad_coding(rng: random.Random) -> Case:
    value = rng.choice([
        b"chunked, chunked", b"gzip, chunked", b"xchunked", b"chunked\x0b", b"identity", b"chunked;q=1", b"chunked,",
        b"gzip", b"", b"\"chunked\"", b"chunked\r\nTransfer-Encoding: chunked",
    ])  # fmt: skip
    body = encoded(document(rng))
    chunked = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    return Case(f"coding {value!r}", [request(chunked, length=b"Transfer-Encoding: " + value + b"\r\n")], refused=True)


LINES: Final = (
    b"no colon\r\n", b"X : a\r\n", b": a\r\n", b"X: a\r\n folded\r\n", b"X: a\x00b\r\n", b"X: a\rb\r\n", b"X\x00: a\r\n",
    b"X_Y: a\r\n", "域: a\r\n".encode(), b"X: a\n", b"\tX: a\r\n", b"X" * 20_000 + b": a\r\n", b"X@: a\r\nY{}: b\r\n",
    b"X: " + b"a" * 17_000 + b"\r\n", b"X: " + b"a" * 4_000_000 + b"\r\n", b"Cookie: " + b"a=b; " * 5000 + b"\r\n",
    b"".join(b"X-%d: a\r\n" % i for i in range(65)), b"".join(b"X-%d: a\r\n" % i for i in range(100_000)), b"X: \r\n" * 100_000,
    AUTH, b"Authorization: Bearer other\r\n", b"Content-Encoding: identity\r\n",
)  # fmt: skip


def bad_field(rng: random.Random) -> Case:
    line = rng.choice(LINES)
    return Case(f"field {line[:24]!r}", [request(encoded(document(rng)), line)], refused=True)


TOKENS: Final = (
    b"a.b.c", b"." * 900, b"e30.W10.", b"\xff.\xff.\xff", b"=.=.=", b"a." + base64.urlsafe_b64encode(b"[" * 9000) + b".c",
    b"e30." + base64.urlsafe_b64encode(b'{"iss":["x"]}') + b".c", b"a" * 15_000,
)  # fmt: skip


def odd_field(rng: random.Random) -> Case:
    """Fields that are allowed, or whose meaning nobody here asks about."""
    line = rng.choice([
        b"X: \xff\xfe\x80\r\n", b"Accept-Language: \xff\r\n", b"Accept-Language: " + b"zh;q=0.1," * 900 + b"\r\n",
        b"Expect: 100-continue\r\n", b"Expect: 200-ok\r\n", b"Range: bytes=0-1\r\n", b"Host: y\r\n", b"Host: [::1\r\n",
        b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"Connection: upgrade\r\nUpgrade: websocket\r\n", b"Upgrade: h2c\r\n",
        b"Connection: close, keep-alive, x\r\n", b"Content-Type: text/xml; charset=utf-16\r\n", b"X:\r\n", b"TE: trailers\r\n",
        b"X-Guiju-Identity: " + rng.choice(TOKENS) + b"\r\n",
    ])  # fmt: skip
    return Case(f"odd field {line[:32]!r}", [request(encoded(document(rng)), line)])


def bad_line(rng: random.Random) -> Case:
    method = rng.choice([b"post", b"BREW", b"PRI", b"", b"P" * 3000, b"PO ST", b"P\x00ST", b"\xd0\x9fOST", b"CONNECT"])
    version = rng.choice([
        b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.2", b"HTTP/9.9", b"http/1.1", b"HTTP/1.1 x", b"HTTP/1", b"HTTP/1.10", b"",
        b"HTTP/11", b"ICE/1.0", b"HTTP/1.1\x00",
    ])  # fmt: skip
    line = rng.choice([
        method + b" /v1/chat/completions HTTP/1.1\r\n",
        b"POST /v1/chat/completions " + version + b"\r\n",
        b"POST  /v1/chat/completions HTTP/1.1 \r\n",
        b"POST\t/v1/chat/completions\tHTTP/1.1\r\n",
    ])  # fmt: skip
    return Case(f"line {line[:40]!r}", [request(encoded(document(rng)), line=line)], refused=True)


def other_method(rng: random.Random) -> Case:
    method = rng.choice(
        [b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"PROPFIND", b"MKCOL", b"LOCK"]
    )
    path = rng.choice([b"/v1/chat/completions", b"/v1/models", b"/healthz", b"/metrics", b"/nothing"])
    body = rng.choice([b"", encoded(document(rng))])
    line = method + b" " + path + b" HTTP/1." + rng.choice([b"0", b"1"]) + b"\r\n"
    return Case(f"method {line!r}", [request(body, line=line)], refused=path == b"/v1/chat/completions")


TARGETS: Final = (
    b"*", b"", b"//", b"/v1/../v1/chat/completions", b"/%", b"/%zz", b"/%00", b"/v1/%63hat/completions", b"?", b"#", b"x:80",
    b"http://other.example/v1/chat/completions", b"http://[::1/v1", b"http://[::1]:99999/", b"/v1/chat/completions;x=1",
    b"/v1/chat/completions?" + b"a=b&" * 2000, b"/" + b"a" * 20_000, b"/\xff\xfe", "/路".encode(), b"/v1/chat/completions#x",
    b"/v1//chat/completions", b"/V1/CHAT/COMPLETIONS", b"http://", b"ftp://x/", b"javascript:x", b"/v1/models/../../etc/passwd",
    b"/v1/chat/completions%0d%0aX:1", b"\\v1\\chat\\completions", b"/v1/chat/completions/", b"/<script>", b"/{}", b"/\x7f",
)  # fmt: skip


def odd_target(rng: random.Random) -> Case:
    target = rng.choice(TARGETS)
    method = rng.choice([b"POST", b"POST", b"GET", b"OPTIONS"])
    return Case(
        f"target {target[:32]!r}", [request(encoded(document(rng)), line=method + b" " + target + b" HTTP/1.1\r\n")]
    )


def garbage(rng: random.Random) -> Case:
    data = rng.choice([
        rng.randbytes(rng.choice([1, 20, 3000])) + b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(500),
        b"EHLO x\r\nMAIL FROM:<a@b>\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x00" * 5000, b"{}\r\n\r\n", b"GET\r\n\r\n", b"\r\n" * 30_000, b"\n\n\n\n", b"\xef\xbb\xbf" + good(rng), b"SSH-2.0-x\r\n\r\n",
    ])  # fmt: skip
    return Case(f"garbage {data[:16]!r}", [data], refused=True)


def truncated(rng: random.Random) -> Case:
    """Cut anywhere; the client hangs up, or stays and says no more."""
    data = good(rng)
    return Case("truncated", [data[: rng.randrange(1, len(data))]], refused=True, left=rng.random() < 0.8)


def endless(rng: random.Random) -> Case:
    """One line without an end."""
    start = rng.choice([
        b"POST /", LINE + HOST + b"X: ", LINE + HOST + b"X", LINE + HOST + AUTH + b"Transfer-Encoding: chunked\r\n\r\n5;",
        LINE + HOST + AUTH + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: ",
    ])  # fmt: skip
    return Case(f"endless {start[-12:]!r}", _after(start, b"a" * 65_536, 300), refused=True)


def huge_body(rng: random.Random) -> Case:
    """100 MB, announced or in chunks, sent until somebody says stop."""
    if rng.random() < 0.5:
        head = LINE + HOST + rng.choice([AUTH, b""]) + b"Content-Length: 104857600\r\n\r\n"
        return Case("100 MB", _after(head, BLOCK, 1600), refused=True)
    head = LINE + HOST + AUTH + b"Transfer-Encoding: chunked\r\n\r\n"
    return Case("100 MB in chunks", _after(head, b"10000\r\n" + BLOCK + b"\r\n", 1600), refused=True)


class _After(NamedTuple):
    """A start, and a block many times; it can be sent again."""

    start: bytes
    block: bytes
    times: int

    def parts(self) -> Iterator[bytes]:
        yield self.start
        for _ in range(self.times):
            yield self.block


class Parts:
    """Parts that are made anew each time that they are sent."""

    def __init__(self, make: Callable[[], Iterator[bytes]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[bytes]:
        return self._make()


def _after(start: bytes, block: bytes, times: int) -> Parts:
    return Parts(_After(start, block, times).parts)


def coded_body(rng: random.Random) -> Case:
    body = encoded(document(rng))
    bomb = zlib.compress(b"\x00" * 1_000_000)
    name, data = rng.choice([
        (b"gzip", gzip.compress(body)), (b"deflate", zlib.compress(body)), (b"gzip", bomb), (b"br", body), (b"zstd", body),
        (b"identity", body), (b"", body), (b"gzip, gzip", gzip.compress(gzip.compress(body))), (b"x" * 5000, body),
    ])  # fmt: skip
    return Case(f"encoding {name[:12]!r}", [request(data, b"Content-Encoding: " + name + b"\r\n")], refused=True)


def mutated(rng: random.Random) -> Case:
    """A good request with a few bytes flipped, put in, taken out or doubled."""
    data = bytearray(good(rng))
    for _ in range(rng.randint(1, 6)):
        at, size = rng.randrange(len(data)), rng.randint(1, 8)
        how = rng.randrange(4)
        if how == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            data[at:at] = rng.choice([b"\r\n", b"\x00", b" ", b":", b"\xff", b'"', b"{", b"\\u", b"[", b","])
        elif how == 2 and len(data) > 20:
            del data[at : at + size]
        else:
            data[at:at] = data[at : at + size]
    return Case("mutated", [bytes(data)], requests=3)


def pipelined(rng: random.Random) -> Case:
    """Two requests at once; the second is broken."""
    second = next(iter(rng.choice([bad_length, two_lengths, bad_coding, garbage, bad_line])(rng).parts))
    return Case("pipelined", [good(rng) + second], requests=2)


# ---------------------------------------------------------------------- broken JSON
def _wrapped(inside: bytes) -> bytes:
    return b'{"model":"scripted","messages":[{"role":"user","content":"[[say:ok]]"}],"x":' + inside + b"}"


def deep(rng: random.Random) -> Case:
    depth = rng.choice([33, 1000, 100_000])
    body = rng.choice([
        b"[" * depth, b'{"a":' * depth, b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth, b'[{"a":' * depth,
        _wrapped(b"[" * depth + b"]" * depth), _wrapped(b'{"a":' * depth + b"1" + b"}" * depth),
        b'{"messages":' * depth + b"1" + b"}" * depth,
    ])  # fmt: skip
    return Case(f"depth {depth}", [request(body)], refused=True)


VALUES: Final = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"nan", b"01", b"1.", b".5", b"+1", b"0x10", b"1_000", b"'a'", b"undefined",
    b"True", b"[1,]", b'{"a":1,}', b"/*c*/1", b'"\n"', b'"\x00"', b'"\\x41"', b'"\\u12"', b'"\\ud800"', b'"\\udfff\\ud800"', b"1" * 100_000,
    b'"\xff"', b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b'{1:2}', b"{a:1}", b'"', b"",
    b"9" * 4301, b"1e", b"--1", b"[1 2]", b'["\\"', b'{"a"}', b"[" + b"1," * 100_000 + b"1]", b"{" + b'"a":1,' * 50_000 + b'"b":1}',
    b'["' + b'\\"' * 200_000 + b"," * 20_000, b'"' + b"\\" * 100_001 + b'"', b'{"\\ud800":1}',
)  # fmt: skip


def bad_value(rng: random.Random) -> Case:
    """A value that is not JSON, or is over a limit, in a place where a value may stand."""
    value = rng.choice(VALUES)
    place = rng.choice([
        b'{"model":"scripted","messages":[{"role":"user","content":"[[say:ok]]"}],"temperature":%b}',
        b'{"model":"scripted","messages":[{"role":"user","content":%b}]}',
        b'{"model":%b,"messages":[{"role":"user","content":"[[say:ok]]"}]}',
        b'{"model":"scripted","messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"x":%b}}}]}',
        b'{"model":"scripted","messages":[{"role":"user","content":"[[say:ok]]"}],"logit_bias":{"1":%b}}',
        b"%b",
    ])  # fmt: skip
    # An integer without end is still a number where any number may stand.
    return Case(f"value {value[:24]!r}", [request(place % value)], refused=not value.isdigit())


def recoded(rng: random.Random) -> Case:
    """Good JSON in the wrong bytes."""
    text = json.dumps(document(rng), ensure_ascii=False)
    coding = rng.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-8-sig", "utf-7", "gb18030"])
    body = text.encode(coding)
    same = body == text.encode()
    return Case(f"coding {coding}", [request(body)], refused=not same and coding not in ("gb18030", "utf-7"))


def doubled(rng: random.Random) -> Case:
    """A key of a good document twice, the second time perhaps spelt with escapes."""
    whole = document(rng)
    key = rng.choice(list(whole))
    text = encoded(whole)
    name = rng.choice([json.dumps(key), '"' + "".join(f"\\u{ord(c):04x}" for c in key) + '"']).encode()
    return Case(f"twice {key}", [request(text[:-1] + b"," + name + b":" + encoded(whole[key]) + b"}")], refused=True)


ODD: Final = (
    None, True, False, 0, -1, 1e308, 2**63, 2**64, -(2**63) - 1, 10**400, "", "\u0000", "\ud800", "规" * 5000, [], {}, [[]], [None], {"a": None},
    {"": ""}, [{}], "a" * 100_000, ["a"] * 3000, {"type": "text"}, {"type": "image_url"}, [{"type": "text", "text": None}],
)  # fmt: skip


def swapped(rng: random.Random) -> Case:
    """A good document in which a node is replaced by something of another type, renamed or taken out."""
    whole = document(rng)
    node: Any = whole
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = rng.choice(keys)
        if isinstance(node[key], (dict, list)) and rng.random() < 0.7:
            node = node[key]
            continue
        how = rng.randrange(3)
        if how == 0 and isinstance(node, dict):
            node[rng.choice(["", "Role", "\ud800", "a" * 5000, "__proto__", "\u0000", "规矩"])] = node.pop(key)
        elif how == 1:
            del node[key]
        else:
            node[key] = rng.choice(ODD)
        break
    return Case("swapped", [request(encoded(whole, **rng.choice([{}, {"separators": (",", ":")}])))])


def grown(rng: random.Random) -> Case:
    """A document made up from nothing, or a good one with more of something than anybody needs."""
    whole = document(rng)
    made: Callable[[], bytes] = rng.choice([
        lambda: encoded({**whole, "messages": whole["messages"] * 2100}),
        lambda: encoded({**whole, "stop": ["a"] * 17_000}),
        lambda: encoded({**whole, "metadata": {f"k{i}": i for i in range(100_000)}}),
        lambda: encoded({**whole, "messages": [{"role": "user", "content": "规矩" * 500_001}]}),
        lambda: encoded({**whole, "n": 1000}), lambda: encoded([whole]), lambda: rng.choice([b'"x"', b"null", b"", b" ", b"\x00" * 1000]),
        lambda: encoded(_any(rng, 5)), lambda: encoded(whole) + rng.choice([b"\x00", encoded(whole)]), lambda: b"data=" + encoded(whole),
        lambda: encoded({**whole, "model": "no such model"}), lambda: encoded({**whole, "messages": []}),
    ])  # fmt: skip
    body = made()
    return Case("grown", [request(body)], refused=True)


def _any(rng: random.Random, depth: int) -> Any:
    if depth == 0 or rng.random() < 0.3:
        return rng.choice(ODD)
    if rng.random() < 0.5:
        return [_any(rng, depth - 1) for _ in range(rng.randint(0, 4))]
    return {rng.choice(["model", "messages", "role", "a", ""]): _any(rng, depth - 1) for _ in range(rng.randint(0, 4))}


Maker = Callable[[random.Random], Case]
MAKERS: Final[tuple[Maker, ...]] = (
    bad_length, two_lengths, bad_chunk, odd_chunk, bad_coding, bad_field, odd_field, bad_line, other_method, odd_target, garbage,
    truncated, coded_body, mutated, pipelined, deep, bad_value, bad_value, recoded, doubled, swapped, swapped, grown, mutated,
)  # fmt: skip
HEAVY: Final[tuple[Maker, ...]] = (endless, huge_body)
"""Cases that move megabytes: one in fifty."""


def bad_form(rng: random.Random) -> Case:
    """A form with a few bytes flipped, put in, taken out or doubled, or under another border."""
    body, kind = form(
        {"model": "scripted", "prompt": "x", "n": "1"},
        {"file": ("a.wav", b"RIFF"), "image": ("a.png", b"\x89PNG"), "input_reference": ("a.png", b"\x89PNG")},
    )
    data = bytearray(body)
    for _ in range(rng.randint(0, 6)):
        at = rng.randrange(len(data))
        data[at : at + rng.randint(0, 8)] = rng.choice(
            [b"", b"\r\n", b"\x00", b'"', b"--", b";", b"\xff", b"--testborder\r\n"]
        )
    kind = rng.choice(
        [kind, kind, kind + "x", "multipart/form-data", "multipart/form-data; boundary=", 'multipart/mixed; boundary="']
    )
    return Case("form", [request(bytes(data), b"Content-Type: " + kind.encode() + b"\r\n")], requests=3)


def through(path: str, case: Case) -> Case:
    """The same case at another door."""
    old, new = b"/v1/chat/completions", path.encode()
    parts = Parts(lambda: (part.replace(old, new) for part in case.parts))
    return replace(
        case, name=f"{path} {case.name}", parts=parts, refused=False
    )  # what is wrong at one may do at another


def cases(seed: int, number: int) -> Iterator[Case]:
    """So many cases; the same for the same seed."""
    rng = random.Random(seed)
    for i in range(number):
        makers = HEAVY if i % 50 == 49 else MAKERS
        yield makers[(i // 50 if makers is HEAVY else i) % len(makers)](rng)

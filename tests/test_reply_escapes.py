# SPDX-License-Identifier: Apache-2.0
"""Arguments of tool calls are JSON: a term that is written with escapes is a term, wherever the text is cut; what is
harmless goes on as it was written."""

from __future__ import annotations

import itertools
import json
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conftest import Start
from doors import DOORS, say
from guiju.controls.content import OutputSentences, OutputWords
from guiju.gateway.reply import Reply
from guiju.gateway.wire.chat_reply import Piece
from guiju.gateway.wire.strict import unescaped
from guiju.terms import Reach
from test_law import without
from test_screen_cuts import words

TERMS = ("规矩金丝雀", "guijucanary", "\U00020000\U00020001")
WORDS = words(TERMS)


def spelled(text: str, rng: random.Random, share: float) -> str:
    """JSON of a text, some of its characters as escapes."""
    made = ""
    for char in text:
        if rng.random() < share:
            units = char.encode("utf-16-be", "surrogatepass")
            made += "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
        else:
            made += json.dumps(char, ensure_ascii=False)[1:-1]
    return '{"q":"' + made + '"}'


def answered(pieces: list[str], reach: Reach = "pattern", last: bool = False) -> tuple[Reply, str]:
    """The arguments that come out."""
    reply = Reply(WORDS, reach, [OutputWords(), OutputSentences()])
    made = reply.take([Piece(0, "name", "find", 0)])
    for text in pieces:
        made += reply.take([Piece(0, "arguments", text, 0)], last=last)
    made += reply.rest()
    return reply, "".join(piece.text for piece in made if isinstance(piece, Piece))


def cut(text: str, rng: random.Random) -> list[str]:
    places = sorted(rng.sample(range(1, len(text)), min(len(text) - 1, rng.randint(0, 8))))
    return [text[a:b] for a, b in itertools.pairwise([0, *places, len(text)])]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(TERMS),
    st.sampled_from([0.2, 0.6, 1.0]),
    st.sampled_from(["pattern", "sentence"]),
)
def test_no_term_comes_out(seed: int, term: str, share: float, reach: Reach) -> None:
    rng = random.Random(seed)
    raw = spelled("好的。" + term + "，再见", rng, share)
    reply, out = answered(cut(raw, rng), reach)
    assert reply.stopped is not None
    assert raw.startswith(out)
    assert term not in unescaped(out)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.text(max_size=30), st.sampled_from([0.0, 0.5, 1.0]), st.booleans())
@example(0, '\\u89c4\\\\n"规', 0.0, False)
@example(1, "\U00020000x\ud83d", 1.0, False)
def test_what_is_harmless_is_unchanged(seed: int, text: str, share: float, last: bool) -> None:
    rng = random.Random(seed)
    raw = spelled(text, rng, share)
    reply, out = answered([raw] if last else cut(raw, rng), last=last)
    assert out == raw
    assert reply.seen == len("find") + len(raw)
    assert json.loads(out) is not None


@pytest.mark.parametrize(
    "raw", ['{"q":"\\', '{"q":"\\u12', '{"q":"\\uzzzz规', "\\ud83d", "\\\\u89c4\\u77e9\\u91d1\\u4e1d\\u96c0"]
)
def test_what_is_no_json_is_unchanged(raw: str) -> None:
    """A backslash that is itself escaped begins no escape."""
    for n in range(1, len(raw)):
        reply, out = answered([raw[:n], raw[n:]])
        assert (reply.stopped, out) == (None, raw)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [path for path in DOORS if path != "/v1/completions"])
def test_at_the_doors(start_once: Start, path: str, stream: bool) -> None:
    gateway = start_once(every=without("words.input"))  # which reads escapes as well
    term = "".join(f"\\u{ord(char):04x}" for char in TERMS[0])
    answer = say(gateway, path, f'[[tool:find|{{"q":"{term}"}}]]', stream)
    text = answer.body.decode()
    assert answer.status == 200
    assert TERMS[0] not in text
    assert term not in text.replace("\\\\", "\\")
    assert gateway.entry("closed", answer.headers["x-guiju-decision-id"])["state"] == "stopped"
    fine = say(gateway, path, '[[tool:find|{"q":"\\u4f60\\u597d"}]]', stream).body.decode()
    assert "你好" in fine or "\\u4f60\\u597d" in fine.replace("\\\\", "\\")

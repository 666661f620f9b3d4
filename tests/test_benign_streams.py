# SPDX-License-Identifier: Apache-2.0
"""Harmless answers arrive as the model sent them, however it cut them and however long the list of terms
(robustness §6, hold-back overflow; E2f). Unchanged means: what the caller reads, without the visible label, is what was
sent."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from benign_texts import KINDS, terms, text, texts
from conftest import Running, Start
from fast_kit import few
from fault_upstream import CHUNKED, DONE, EVENT_STREAM, LAST, Call, FaultUpstream, chunk, framed
from guiju.detect.words import Words
from guiju.marking.text import after, before, unmarked
from lengths import STREAMS


def cut(rng: random.Random, whole: str, most: int) -> list[str]:
    """Random pieces of a text."""
    made, at = [], 0
    while at < len(whole):
        size = rng.randint(1, most)
        made.append(whole[at : at + size])
        at += size
    return made


def speaker(listed: Sequence[str], seed: int) -> FaultUpstream:
    """A model service that says text number N when model `text:N` is asked, cut into random events and random writes."""

    async def say(call: Call) -> None:
        rng = random.Random(seed + call.number)
        pieces = cut(
            rng,
            listed[call.number],
            rng.choice([1, 4, 8, 24, 200] if len(listed[call.number]) < 1000 else [8, 24, 200]),
        )
        events = [
            chunk({"role": "assistant"}),
            *(chunk({"content": piece}) for piece in pieces),
            chunk(finish="stop"),
            DONE,
        ]
        body = framed(b"".join(events), rng.choice([7, 100, 1000, 60_000]))
        size = rng.choice([11, 500, 5000]) if len(body) < 20_000 else 20_000
        await call.send(EVENT_STREAM + LAST + CHUNKED, *(body[i : i + size] for i in range(0, len(body), size)))

    return FaultUpstream({"text": say})


def ends(events: Sequence[Any]) -> list[str]:
    return [choice["finish_reason"] for event in events for choice in event["choices"] if choice["finish_reason"]]


def changed(gateway: Running, listed: Sequence[str], numbers: Sequence[int], label: str) -> list[str]:
    """What did not arrive as it was sent."""
    bad = []
    for number in numbers:
        answer = gateway.ask(
            "POST", "/v1/chat/completions",
            {"model": f"text:{number}", "stream": True, "messages": [{"role": "user", "content": "说"}]},
        )  # fmt: skip
        got = answer.text() if answer.status == 200 else ""
        if label == "both" and got.startswith(before(label)) and got.endswith(after(label)):
            got = unmarked(got)
        if got != listed[number] or ends(answer.events) != ["stop"]:
            bad.append(
                f"text {number}: {answer.status} {ends(answer.events)}, {len(got)} of {len(listed[number])} characters"
            )
    return bad


def alone(words: Words, text: str) -> bool:
    """Whether two lines of a text, read alone, say a term in other letters or by sound."""
    lines = text.split("\n")
    return any(
        one.severity == "block" for at in range(len(lines)) for one in words.deep.find("\n".join(lines[at : at + 2]))
    )


def lexicon(seed: int, number: int, listed: Sequence[str]) -> str:
    rows = "".join(f"{term},own.bench,block\n" for term in terms(seed, number, listed))
    return "term,category,severity\n规矩金丝雀,A.1f,block\n" + rows


@pytest.mark.slow
@pytest.mark.parametrize(("reach", "label"), few([("pattern", "both"), ("sentence", "envelope")], several=True))
def test_a_few_harmless_streams_arrive_unchanged(start: Start, reach: str, label: str) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    listed = texts(seed, 30)
    with speaker(listed, seed) as model:
        gateway = start(
            upstream=model.url,
            lexicon=lexicon(seed, 2000, listed),
            overlay=(("gateway.reach", reach), ("gateway.label", label)),
        )
        assert not changed(gateway, listed, range(30), label)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("reach", "label"), [("pattern", "both"), ("sentence", "envelope")])
def test_harmless_streams_by_the_hundred_arrive_unchanged(start: Start, reach: str, label: str) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    listed = texts(seed, STREAMS)
    with speaker(listed, seed) as model:
        gateway = start(
            upstream=model.url,
            lexicon=lexicon(seed, 100_500, listed),
            overlay=(("gateway.reach", reach), ("gateway.label", label)),
        )
        words = gateway.house.live.policy.words
        assert words.size >= 100_000  # a few of the terms are one term when folded
        # Of so many random terms a few are said by chance, by sound or in another order: such a text is not harmless.
        said = {n for n, one in enumerate(listed) if any(f.severity == "block" for f in words.look(one).findings)}
        print(f"{len(said)} of {STREAMS} texts say a term")
        others = [n for n in range(STREAMS) if n not in said]
        bad = changed(gateway, listed, others, label)
        # A sentence read alone may say one by sound that the whole text does not: a cell, and "o" of the next one's "open".
        chance = [one for one in bad if "content_filter" in one and alone(words, listed[int(one.split(":")[0][5:])])]
        print(f"{len(chance)} more say one by the sound of a sentence")
        assert len(said) + len(chance) <= STREAMS // 100
        assert [one for one in bad if one not in chance] == []


@pytest.mark.slow
def test_the_judge_sees_what_is_changed_or_stopped(start: Start) -> None:
    """A text that holds a term is stopped; one whose label is not taken off is not what was sent."""
    rng = random.Random(1)
    listed = [text(rng, 0), text(rng, 1) + "规矩金丝雀", text(rng, 2)]
    with speaker(listed, 1) as model:
        gateway = start(upstream=model.url, lexicon=lexicon(1, 50, listed), overlay=(("gateway.label", "both"),))
        assert [one[:7] for one in changed(gateway, listed, range(3), "both")] == ["text 1:"]
        assert [one[:7] for one in changed(gateway, listed, range(3), "envelope")] == ["text 0:", "text 1:", "text 2:"]


def test_texts_and_terms_are_what_they_say() -> None:
    listed = texts(5, 2 * (len(KINDS) + 1))
    listed_terms = terms(5, 2000, listed)
    assert len(set(listed_terms)) == 2000
    whole = "\n".join(listed).lower()
    assert not [term for term in listed_terms if term.lower() in whole]
    assert sum(term[:3] in whole for term in listed_terms) > 400, "few terms nearly stand in the texts"
    assert any(character * 100 in whole for character in "-=*_# ~.·─a0哈。"), "no text has a long row of one sign"

# SPDX-License-Identifier: Apache-2.0
"""/v1/embeddings with the real client: what is asked is looked at, what is answered is vectors and nothing else."""

from __future__ import annotations

import base64
import json
from typing import Any

import openai
import pytest

from conftest import KEY, Running, Start, ending
from doors import VECTORS
from fast_kit import few
from fault_upstream import CLOSED, WHOLE, Call, FaultUpstream
from guiju.config import Issuer
from test_law import TERM, without


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    """A gateway."""
    return start_once()


def ask(gateway: Running, text: Any = "hi", **more: Any) -> Any:
    """A request."""
    return gateway.ask("POST", VECTORS, {"model": "scripted", "input": text, **more})


def test_vectors_with_the_real_client(gateway: Running) -> None:
    client = ending(openai.OpenAI(base_url=gateway.base + "/v1", api_key=KEY, max_retries=0))
    made = client.embeddings.create(model="scripted", input=["一", "two"], encoding_format="float", user="u")
    assert [one.index for one in made.data] == [0, 1]
    assert len(made.data[0].embedding) == 4
    assert made.data[0].embedding != made.data[1].embedding


def test_it_is_recorded_and_not_labelled(gateway: Running) -> None:
    answer = ask(gateway, user="u")
    assert "aigc" not in answer.body.decode() + str(answer.headers)
    assert answer.headers["x-guiju-dropped"] == "user"
    decision = answer.headers["x-guiju-decision-id"]
    assert gateway.entry("opened", decision)["door"] == "embeddings"
    closed = gateway.entry("closed", decision)
    assert (closed["state"], closed["end"], closed["label"]) == ("passed", "finished", None)


@pytest.mark.slow
@pytest.mark.parametrize("text", [TERM, ["fine", TERM], [TERM[:2], TERM[2:]]])
def test_forbidden_text_is_refused(start_once: Start, text: Any) -> None:
    assert ask(start_once(), text).json["error"]["code"] == "content_filter"
    assert ask(start_once(every=without("words.input")), text).status == 200


@pytest.mark.slow
def test_a_list_and_a_known_person_are_asked_for(start: Start) -> None:
    assert ask(start(lexicon="")).json["error"]["code"] == "guard_unavailable"
    issuer = Issuer(issuer="i", audience="a", jwks_url="http://127.0.0.1:9/none", levels={"phone": "phone"})
    strict = start(overlay=(("gateway.identity", "phone"), ("issuer", (issuer,))))
    assert ask(strict).json["error"]["code"] == "real_name_required"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"input": [1, 2]}, "not_checkable"),
        ({"input": [[1]]}, "not_checkable"),
        ({"input": []}, "request_too_large"),
        ({"input": {}}, "invalid_request"),
        ({"encoding_format": "x"}, "invalid_request"),
        ({"unheard_of": 1}, "unknown_field"),
        ({"model": "规矩"}, "invalid_request"),
    ],
)
def test_what_is_not_text_is_refused(gateway: Running, more: dict[str, Any], code: str) -> None:
    assert ask(gateway, **more).json["error"]["code"] == code


async def _says(call: Call) -> None:
    """Answers what the request's one forwarded field says."""
    body = json.dumps(call.asked["say"]).encode()
    await call.send(WHOLE + CLOSED + body)


@pytest.mark.slow
@pytest.mark.parametrize(
    "said",
    few(
        [
            {},
            [],
            {"data": []},
            {"data": [{"index": 1, "embedding": [1.0]}]},
            {"data": [{"index": 0, "embedding": ["text"]}]},
            {"data": [{"index": 0, "embedding": "不是向量"}]},
            {"data": [{"index": 0, "embedding": ""}]},
            {"data": [{"index": 0, "embedding": "AAAA"}]},
            {"data": [{"index": 0, "embedding": base64.b64encode(b"text in place of a vector").decode()}]},
            {"data": [{"index": 0, "embedding": base64.b64encode(b"\xff" * 8).decode()}]},
            {"data": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}]},
        ]
    ),
)
def test_an_answer_that_is_text_only_is_an_error(start: Start, said: Any) -> None:
    with FaultUpstream({"scripted": _says}) as service:
        gateway = start(upstream=service.url, overlay=(("gateway.fields", {"say": "forward"}),))
        assert ask(gateway, say=said).json["error"]["code"] == "upstream_failed"
        answer = ask(gateway, say={"data": [{"index": 0, "embedding": "AACAPw==", "note": "x"}], "note": "x"})
        passed = [{"index": 0, "embedding": "AACAPw==", "object": "embedding"}]
        assert (answer.status, answer.json["data"]) == (200, passed)

# SPDX-License-Identifier: Apache-2.0
"""One system that looks for terms, in a process of its own on one core; started by `bench/peers.py` alone.

`PYTHON bench/peer.py NAME` takes `{"terms": …, "texts": …, "many": …, "timed": …}` on its input and says which of the
texts it hits with the few terms, and what one text costs it with the many. Standard library, and the system itself.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any

Hits = Callable[[str], bool]


def guiju(terms: Sequence[dict[str, Any]]) -> Hits:
    made = import_module("msgspec").convert(terms, list[import_module("guiju.detect.entry").Entry])
    words = import_module("guiju.detect.words").Words(made, "bench")
    return lambda text: any(f.severity == "block" for f in words.look(text).findings)


def expression(terms: Sequence[dict[str, Any]]) -> Hits:
    found = re.compile("|".join(re.escape(one["term"].lower()) for one in terms))
    return lambda text: found.search(text.lower()) is not None


def litellm(terms: Sequence[dict[str, Any]]) -> Hits:
    types = import_module("litellm.types.guardrails")
    words = [types.BlockedWord(keyword=one["term"], action=types.ContentFilterAction.BLOCK) for one in terms]
    hooks = "litellm.proxy.guardrails.guardrail_hooks.litellm_content_filter.content_filter"
    guard = import_module(hooks).ContentFilterGuardrail(guardrail_name="bench", blocked_words=words)
    runner = asyncio.Runner()

    def hits(text: str) -> bool:
        try:
            runner.run(guard.apply_guardrail({"texts": [text]}, {}, "request"))
        except Exception as error:  # an HTTP error of a framework that need not be imported here
            if getattr(error, "status_code", 0) != 400:
                raise
            return True
        return False

    return hits


def llm_guard(terms: Sequence[dict[str, Any]]) -> Hits:
    structlog = import_module("structlog")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    module = import_module("llm_guard.input_scanners.ban_substrings")
    scanner = module.BanSubstrings([one["term"] for one in terms], match_type=module.MatchType.STR)
    return lambda text: not scanner.scan(text)[1]


def presidio(terms: Sequence[dict[str, Any]]) -> Hits:
    recogniser = import_module("presidio_analyzer").PatternRecognizer(
        supported_entity="TERM", deny_list=[one["term"] for one in terms]
    )
    return lambda text: bool(recogniser.analyze(text, entities=["TERM"], nlp_artifacts=None))


SYSTEMS: dict[str, tuple[Callable[[Sequence[dict[str, Any]]], Hits], str]] = {
    "guiju": (guiju, "guiju"),
    "re": (expression, ""),
    "litellm": (litellm, "litellm"),
    "llm-guard": (llm_guard, "llm-guard"),
    "presidio": (presidio, "presidio-analyzer"),
}
"""Name → how it is made of terms, and the distribution whose version is told."""


def resident() -> float:
    """MiB of this process that are in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1024 / 1024


def main() -> None:
    """Look, and say what it took."""
    logging.disable(logging.CRITICAL)
    make, distribution = SYSTEMS[sys.argv[1]]
    asked = json.load(sys.stdin)
    few = make(asked["terms"])
    hits = [few(text) for text in asked["texts"]]
    before, began = resident(), time.process_time()
    many = make(asked["many"])
    many(asked["timed"][0])
    built, grown = time.process_time() - began, resident() - before
    took = []
    for text in asked["timed"]:
        rounds = []
        for _ in range(3):
            began = time.process_time()
            many(text)
            rounds.append(time.process_time() - began)
        took.append(min(rounds) * 1e6)
    print(
        json.dumps(
            {
                "version": version(distribution) if distribution else sys.version.split()[0],
                "hits": hits,
                "build_s": built,
                "mib": grown,
                "us": sorted(took)[len(took) // 2],
            }
        )
    )


if __name__ == "__main__":
    main()

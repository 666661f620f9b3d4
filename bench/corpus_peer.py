# SPDX-License-Identifier: Apache-2.0
"""One system that goes over a corpus, in a process of its own; started by `bench/corpus_peers.py` alone.

`PYTHON bench/corpus_peer.py NAME CORPUS WORDS OUT` does what `OPERATORS` of that file says, with what the system has
for it. Looking for the terms is nobody's strength: each gets the same automaton (`ahocorasick_rs`) in the place that it
has for functions of one's own. It prints what it wrote and which version it is.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

LEAST = 20


class Clean:
    """Whether a text holds none of the terms; made anew in a process that it is sent to, as an automaton can't be."""

    def __init__(self, words: Path) -> None:
        self.words = words
        with words.open(encoding="utf-8", newline="") as lines:
            terms = [row["term"] for row in csv.DictReader(lines)]
        self.found = import_module("ahocorasick_rs").AhoCorasick(terms).find_matches_as_indexes

    def __call__(self, text: str) -> bool:
        return not self.found(text)

    def __reduce__(self) -> tuple[type[Clean], tuple[Path]]:
        return Clean, (self.words,)


def datatrove(corpus: Path, words: Path, out: Path) -> int:
    """datatrove: its reader, filters, formatter for personal data and writer; exact duplicates by a set of hashes."""
    clean, seen = Clean(words), set[bytes]()

    def fresh(document: Any) -> bool:
        digest = hashlib.blake2b(document.text.encode(), digest_size=8).digest()
        new = digest not in seen
        seen.add(digest)
        return new

    part = import_module("datatrove.pipeline.filters").LambdaFilter
    steps = [
        import_module("datatrove.pipeline.readers").JsonlReader(str(corpus.parent), glob_pattern=corpus.name),
        part(lambda document: len(document.text) >= LEAST),
        part(lambda document: clean(document.text)),
        part(fresh),
        import_module("datatrove.pipeline.formatters").PIIFormatter(),
        import_module("datatrove.pipeline.writers").JsonlWriter(str(out), compression=None),
    ]
    import_module("datatrove.executor").LocalPipelineExecutor(steps, logging_dir=str(out / "logs")).run()
    return sum(len(path.read_bytes().splitlines()) for path in out.glob("*.jsonl"))


def data_juicer(corpus: Path, words: Path, out: Path) -> int:
    """Data-Juicer: its operators in one process; for the terms a filter of one's own."""
    base = import_module("data_juicer.ops.base_op")
    clean = Clean(words)

    class Terms(base.Filter):  # type: ignore[name-defined,misc] # it comes from the peer's own environment
        def compute_stats_single(self, sample: Any, context: bool = False) -> Any:
            sample["__dj__stats__"]["clean"] = clean(sample["text"])
            return sample

        def process_single(self, sample: Any) -> Any:
            return sample["__dj__stats__"]["clean"]

    def op(kind: str, module: str, name: str, **options: Any) -> Any:
        return getattr(import_module(f"data_juicer.ops.{kind}.{module}"), name)(**options)

    steps = [
        op("filter", "text_length_filter", "TextLengthFilter", min_len=LEAST, num_proc=1),
        Terms(num_proc=1),
        op("deduplicator", "document_deduplicator", "DocumentDeduplicator", num_proc=1),
        op("mapper", "clean_email_mapper", "CleanEmailMapper", repl="[e-mail]", num_proc=1),
        op("mapper", "clean_ip_mapper", "CleanIpMapper", repl="[ip]", num_proc=1),
    ]
    import_module("datasets").disable_caching()
    loaded = import_module("datasets").load_dataset("json", data_files=str(corpus), split="train", cache_dir=str(out))
    done = import_module("data_juicer.core.data").NestedDataset(loaded).process(steps)
    done.to_json(str(out / "kept.jsonl"), force_ascii=False)
    return int(done.num_rows)


def presidio(corpus: Path, words: Path, out: Path) -> int:
    """Presidio: its pattern recognisers for e-mail, telephone, IP, bank card and IBAN, which need no language model."""
    module = import_module("presidio_analyzer.predefined_recognizers")
    regions = {"supported_regions": ("CN", "US")}
    looks = [
        module.EmailRecognizer(),
        module.PhoneRecognizer(**regions),
        module.IpRecognizer(),
        module.CreditCardRecognizer(),
        module.IbanRecognizer(),
    ]
    held = 0
    with corpus.open(encoding="utf-8") as lines:
        for line in lines:
            text = json.loads(line)["text"]
            held += bool([found for one in looks for found in one.analyze(text, one.supported_entities, None)])
    return held


def guiju_personal(corpus: Path, words: Path, out: Path) -> int:
    """What Guiju finds of personal data, every kind that it knows."""
    recognise = import_module("guiju.detect.personal.recogniser").recognise
    held = 0
    with corpus.open(encoding="utf-8") as lines:
        for line in lines:
            held += bool(recognise(json.loads(line)["text"]))
    return held


SYSTEMS = {
    "datatrove": (datatrove, "datatrove"),
    "data-juicer": (data_juicer, "py-data-juicer"),
    "presidio": (presidio, "presidio-analyzer"),
    "guiju-personal": (guiju_personal, "guiju"),
}


def main() -> None:
    """Go over the corpus, and say what came of it."""
    name, corpus, words, out = sys.argv[1], *map(Path, sys.argv[2:])
    os.environ["OMP_NUM_THREADS"] = "1"
    out.mkdir(parents=True)
    run, distribution = SYSTEMS[name]
    rows = run(corpus, words, out)
    print("\n" + json.dumps({"rows": rows, "version": version(distribution)}))


if __name__ == "__main__":
    main()

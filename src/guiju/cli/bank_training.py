# SPDX-License-Identifier: Apache-2.0
"""What a model learns from, text by text, for the look at contaminated banks: files of a corpus, or an audited one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from guiju.corpus.chunks import chunks
from guiju.corpus.files import found
from guiju.corpus.parsed import leaves, rows
from guiju.corpus.sampling import kept_rows
from guiju.corpus.shards import Folder


def texts(paths: Sequence[Path], told: Callable[[object], object] = bool) -> Iterator[str]:
    """Every text of some corpora; of a folder of an audit, those that it kept.

    Args:
        paths: files, folders, or folders of audits.
        told: is called once for each text.

    Raises:
        ConfigError: `not_found`.
    """
    for path in paths:
        if (path / "report.json").is_file():
            for _, line in kept_rows(Folder(path)):
                told(path)
                yield "\n".join(leaves(line))
            continue
        for number, file in enumerate(found([path]).files):
            for chunk in chunks(number, file):
                for row in rows(chunk, frozenset()):
                    told(file)
                    yield row.text

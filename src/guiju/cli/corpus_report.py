# SPDX-License-Identifier: Apache-2.0
"""`guiju corpus report`: the reports of an audit, written from `report.json` and the samples (Articles 7 and 17)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from guiju.corpus import papers, sampling
from guiju.corpus.report import written
from guiju.corpus.shards import Folder
from guiju.errors import ConfigError, failed


def document_of(out: Path) -> dict[str, Any]:
    """The report of an audit.

    Raises:
        ConfigError: `not_found`: no audit was finished there.
    """
    path = out / "report.json"
    try:
        made: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error
    except msgspec.DecodeError as error:
        raise ConfigError("not_found", what=str(path)) from error
    return made


def written_again(folder: Folder) -> str:
    """Write all reports anew, with the samples that have been judged; gives the hash of `report.json`."""
    document = {**document_of(folder.path), "sampling": sampling.kept_of(folder)}
    raw = written(document)
    folder.put("report.json", [raw])
    papers.write(folder, document)
    return hashlib.sha256(raw).hexdigest()

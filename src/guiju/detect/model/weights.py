# SPDX-License-Identifier: Apache-2.0
"""What was trained, as the package holds it: `weights.npz` and `thresholds.toml`, both written by `training`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Head = Literal["request", "reply", "injection", "jailbreak", "toxicity", "spam"]
Language = Literal["zh", "en"]
HEADS: Final[tuple[Head, ...]] = ("request", "reply", "injection", "jailbreak", "toxicity", "spam")
FOLDER: Final = "guiju.detect.model"


class Weights(msgspec.Struct, frozen=True):
    """The trained numbers.

    Attributes:
        table: of each feature, weights to the heads, in steps.
        scale: what one step of each head is worth.
        bias: of the heads.
        slope, centre: of each head, how its logits become probabilities.
        classes: names of the categories that can be told apart.
        sorts: of a feature, by the lowest bits of its row, weights to the categories.
        sort_scale: what one step of each of those columns is worth.
        sort_bias: of the categories.
    """

    table: NDArray[np.int8]
    scale: Floats
    bias: Floats
    slope: Floats
    centre: Floats
    classes: tuple[str, ...]
    sorts: NDArray[np.int8]
    sort_scale: Floats
    sort_bias: Floats


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which score on a head has found something, by language, and what was promised of it.

    Attributes:
        version: of the weights, a hash of the file.
        zh, en: head → score.
        sure: language → head → score from which on a finding is certain enough to refuse by itself.
    """

    version: str
    zh: dict[Head, float]
    en: dict[Head, float]
    sure: dict[Language, dict[Head, float]]

    def of(self, language: Language) -> dict[Head, float]:
        """Those of one language."""
        return self.zh if language == "zh" else self.en


@cache
def weights() -> Weights:
    """The shipped weights."""
    with np.load(BytesIO(files(FOLDER).joinpath("weights.npz").read_bytes())) as held:
        return Weights(
            table=held["table"],
            scale=held["scale"],
            bias=held["bias"],
            slope=held["slope"],
            centre=held["centre"],
            classes=tuple(map(str, held["classes"])),
            sorts=held["sorts"],
            sort_scale=held["sort_scale"],
            sort_bias=held["sort_bias"],
        )


@cache
def thresholds() -> Thresholds:
    """The shipped thresholds."""
    return msgspec.convert(tomllib.loads(files(FOLDER).joinpath("thresholds.toml").read_text("utf-8")), Thresholds)

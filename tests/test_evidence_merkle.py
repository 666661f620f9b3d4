# SPDX-License-Identifier: Apache-2.0
"""RFC 6962 trees and exchange ids, against known vectors and a second implementation written from the RFC's text."""

from __future__ import annotations

import hashlib
import random

import pytest

from guiju.records import merkle
from guiju.records.ids import ALPHABET, ExchangeIds, tag

INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


# The second implementation: RFC 6962 section 2.1 word by word, recursive, over the data itself.


def _h(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _k(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d: list[bytes]) -> bytes:
    """MTH(D[n])."""
    if not d:
        return _h(b"")
    if len(d) == 1:
        return _h(b"\x00" + d[0])
    k = _k(len(d))
    return _h(b"\x01" + mth(d[:k]) + mth(d[k:]))


def path(m: int, d: list[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(d) == 1:
        return []
    k = _k(len(d))
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def proof(m: int, d: list[bytes], whole: bool = True) -> list[bytes]:
    """PROOF(m, D[n]) by SUBPROOF(m, D[n], b)."""
    n = len(d)
    if m == n:
        return [] if whole else [mth(d)]
    k = _k(n)
    if m <= k:
        return [*proof(m, d[:k], whole), mth(d[k:])]
    return [*proof(m - k, d[k:], False), mth(d[:k])]


def data(n: int) -> list[bytes]:
    """Distinct leaves."""
    return [b"entry %d" % number for number in range(n)]


def test_the_vectors_of_certificate_transparency() -> None:
    leaves = [merkle.leaf_hash(bytes.fromhex(text)) for text in INPUTS]
    tree = merkle.Tree()
    for size, root in enumerate(ROOTS, 1):
        tree.add(leaves[size - 1])
        assert tree.root().hex() == root
        assert merkle.root_of(leaves[:size]).hex() == root
    assert merkle.root_of([]) == merkle.EMPTY_ROOT == hashlib.sha256(b"").digest()


def _all_pairs(most: int) -> None:
    for size in range(1, most + 1):
        d = data(size)
        leaves = [merkle.leaf_hash(one) for one in d]
        root = mth(d)
        assert merkle.root_of(leaves) == root
        for index in range(size):
            steps = merkle.inclusion_proof(leaves, index)
            assert steps == path(index, d)
            assert merkle.includes(leaves[index], index, size, steps, root)
        for first in range(1, size + 1):
            steps = merkle.consistency_proof(leaves, first)
            assert steps == proof(first, d)
            assert merkle.extends(first, merkle.root_of(leaves[:first]), size, root, steps)


@pytest.mark.slow
def test_all_proofs_up_to_64() -> None:
    _all_pairs(64)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_proofs_up_to_300() -> None:
    _all_pairs(300)


def _forgeries(seed: int, count: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    cases = []
    for size in range(2, 60):
        leaves = [merkle.leaf_hash(one) for one in data(size)]
        cases.append((leaves, merkle.root_of(leaves)))
    for _ in range(count):
        leaves, root = chance.choice(cases)
        size, index = len(leaves), chance.randrange(len(leaves))
        first = chance.randrange(1, size)
        steps, links = merkle.inclusion_proof(leaves, index), merkle.consistency_proof(leaves, first)
        for given in (steps, links):
            kind = chance.randrange(4) if given else 1
            if kind == 0:
                del given[chance.randrange(len(given))]
            elif kind == 1:
                given.insert(chance.randrange(len(given) + 1), chance.randbytes(32))
            else:
                place = chance.randrange(len(given))
                bit = 1 << chance.randrange(256)
                given[place] = (int.from_bytes(given[place], "big") ^ bit).to_bytes(32, "big")
        assert not merkle.includes(leaves[index], index, size, steps, root)
        assert not merkle.extends(first, merkle.root_of(leaves[:first]), size, root, links)


@pytest.mark.slow
def test_forged_proofs_are_refused() -> None:
    _forgeries(seed=random.randrange(1 << 32), count=2000)


@pytest.mark.slow
def test_many_forged_proofs_are_refused() -> None:
    _forgeries(seed=random.randrange(1 << 32), count=50_000)


def test_proofs_about_other_places_are_refused() -> None:
    leaves = [merkle.leaf_hash(one) for one in data(13)]
    root = merkle.root_of(leaves)
    for index in range(13):
        steps = merkle.inclusion_proof(leaves, index)
        for other in range(13):
            assert merkle.includes(leaves[index], other, 13, steps, root) == (other == index)
        assert not merkle.includes(leaves[index], index, index, steps, root)
    assert not merkle.extends(0, merkle.EMPTY_ROOT, 13, root, [])
    assert not merkle.extends(14, root, 13, root, [])
    with pytest.raises(IndexError):
        merkle.inclusion_proof(leaves, 13)
    with pytest.raises(IndexError):
        merkle.consistency_proof(leaves, 0)


def test_ids_say_when_and_where() -> None:
    ids = ExchangeIds(b"k" * 32, "w-3fa9c1-0")
    made = ids.new(1_795_000_000_000)
    assert len(made) == 26
    assert set(made) <= set(ALPHABET)
    assert ids.parse(made) == (1_795_000_000_000, tag("w-3fa9c1-0"))
    assert ExchangeIds(b"other" * 8, "w-3fa9c1-0").parse(made) is None
    assert ids.parse(made.lower()) is None
    assert ids.parse(made + "0") is None
    assert ids.parse("Z" + made[1:]) is None


def test_every_changed_character_of_an_id_is_seen() -> None:
    ids = ExchangeIds(b"k" * 32, "w-3fa9c1-0")
    made = ids.new(1_795_000_000_000)
    for place in range(26):
        for character in ALPHABET:
            changed = made[:place] + character + made[place + 1 :]
            assert (ids.parse(changed) is None) == (changed != made)


@pytest.mark.slow
def test_ids_never_repeat_whatever_the_clock_does() -> None:
    ids = ExchangeIds(b"k" * 32, "w-3fa9c1-0", not_before_ms=1000)
    clock = [500] * 70_000 + [2000] * 10 + [1] * 70_000
    made = [ids.new(now) for now in clock]
    assert len(set(made)) == len(made)
    times = [(ids.parse(one) or (0, b""))[0] for one in made]
    assert times == sorted(times)
    assert times[0] == 1000

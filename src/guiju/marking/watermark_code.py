# SPDX-License-Identifier: Apache-2.0
"""How the message of an invisible watermark is coded, so that what is lost on the way is mended (Article 16).

The message is followed by a check of 32 bits, by which a reader knows that it read it rightly. The code is the
convolutional one of rate 1/3 and constraint length 7 with the polynomials 133, 171 and 165, ended by six zeros and
decoded softly (Viterbi).
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from guiju.marking.watermark_number import BYTES, PERSON

_CHECK: Final = 4
_TAIL: Final = 6
_POLYNOMIALS: Final = (0o133, 0o171, 0o165)
CODED: Final = ((BYTES + _CHECK) * 8 + _TAIL) * len(_POLYNOMIALS)
"""Bits of a coded message."""
_STATES: Final = 1 << _TAIL
_OUT: Final = np.array(
    [[1 - 2 * ((register & polynomial).bit_count() & 1) for polynomial in _POLYNOMIALS] for register in range(128)],
    np.float64,
)
"""What each state of the register sends: 1 for a zero, -1 for a one."""


def coded(said: bytes) -> NDArray[np.float64]:
    """What is sent for a payload: 1 for a zero, -1 for a one."""
    bits = np.unpackbits(np.frombuffer(said + check(said), np.uint8))
    state, made = 0, []
    for bit in (*bits.tolist(), *([0] * _TAIL)):
        register = bit << _TAIL | state
        made.append(_OUT[register])
        state = register >> 1
    return np.concatenate(made)


def decoded(heard: NDArray[np.float64]) -> bytes | None:
    """The payload that was sent.

    Args:
        heard: as `coded` makes it, with noise; of any loudness.

    Returns:
        None when the check does not hold: nothing was sent, or too much of it was lost.
    """
    said, its = likeliest(heard)
    return said if its == check(said) else None


def likeliest(heard: NDArray[np.float64]) -> tuple[bytes, bytes]:
    """The payload and the check that were most likely sent, whether they fit or not."""
    steps = heard.reshape(-1, len(_POLYNOMIALS)) @ _OUT.T
    low, high = np.arange(_STATES) * 2, np.arange(_STATES) * 2 + 1  # the registers that end in each state
    cost = np.full(_STATES, -np.inf)
    cost[0] = 0.0
    chosen = np.empty((len(steps), _STATES), np.bool_)
    for number, step in enumerate(steps):
        one, other = cost[low % _STATES] + step[low], cost[high % _STATES] + step[high]
        chosen[number] = other > one
        cost = np.maximum(one, other)
    bits, state = np.empty(len(steps), np.uint8), 0
    for number in range(len(steps) - 1, -1, -1):
        register = 2 * state + int(chosen[number, state])
        bits[number], state = register >> _TAIL, register % _STATES
    message = np.packbits(bits[:-_TAIL]).tobytes()
    return message[:BYTES], message[BYTES:]


def check(said: bytes) -> bytes:
    """By which a reader knows that it read a payload rightly."""
    return hashlib.blake2b(said, digest_size=_CHECK, person=PERSON).digest()

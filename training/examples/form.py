# SPDX-License-Identifier: Apache-2.0
"""An example, and what is said of one that breaks its form."""

from __future__ import annotations

from dataclasses import dataclass


class ExampleError(ValueError):
    """A file of examples breaks the form; the sentence names file and line."""


@dataclass(frozen=True, slots=True)
class Example:
    """One row.

    Attributes:
        id: file, group and number.
        group: what is never split: file and number of the group.
        lang: `zh` or `en`.
        head: which head learns from it.
        category: one of the 31 risks, or `-`.
        topic: what it is about, for figures.
        unsafe: whether it violates.
        train: whether it may be trained on.
        text: the words.
    """

    id: str
    group: str
    lang: str
    head: str
    category: str
    topic: str
    unsafe: bool
    train: bool
    text: str

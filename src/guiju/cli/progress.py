# SPDX-License-Identifier: Apache-2.0
"""A bar for what takes long: on the terminal of a person, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bar(total: int, text: str, as_json: bool, told: Path | None = None) -> Iterator[Callable[[object], object]]:
    """A bar on standard error; what it yields is called once for each that is done.

    Args:
        total: how many there are; 0 where nobody knows.
        text: what they are.
        as_json: whether a program listens, which gets none.
        told: a file that always says how far it is, such as `3/18`; none for nobody.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = as_json or not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden) as shown:
        task = shown.add_task(text, total=total or None)
        done = 0

        def tick(_: object) -> None:
            nonlocal done
            done += 1
            shown.advance(task)
            tell()

        def tell() -> None:
            if told is not None:
                fresh = told.with_suffix(".new")
                fresh.write_text(f"{done}/{total}", "ascii")
                fresh.replace(told)

        tell()
        yield tick

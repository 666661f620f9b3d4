# SPDX-License-Identifier: Apache-2.0
"""A conversation with PostgreSQL ends where its server is gone, and not where an answer is merely on its way."""

from __future__ import annotations

import psycopg
import pytest

from guiju.records.answering import SILENCE_S, Answering
from places import SERVER

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


class Told(Answering):
    """A conversation that is told how its other end is.

    Attributes:
        says: what a second connection would say, time after time.
    """

    says: list[bool | None]

    def _at_work(self) -> bool | None:
        return self.says.pop(0)


@pytest.mark.parametrize("says", [(False,), (True,)])
def test_an_answer_that_is_on_its_way_is_waited_for(says: tuple[bool, ...]) -> None:
    with Told.connect(SERVER, autocommit=True) as one:
        one.says = list(says)
        assert one.execute("SELECT 7 FROM pg_sleep(%s)", (SILENCE_S + 0.5,)).fetchone() == (7,)


@pytest.mark.parametrize("says", [(None,), (False, False), (True, None)])
def test_where_nobody_says_that_it_works_it_is_over(says: tuple[bool | None, ...]) -> None:
    with Told.connect(SERVER, autocommit=True) as one:
        one.says = list(says)
        with pytest.raises(psycopg.OperationalError, match="says nothing"):
            one.execute("SELECT pg_sleep(20)")
        assert one.closed
        assert not one.says


def test_a_long_statement_is_not_taken_for_a_lost_one() -> None:
    with Answering.connect(SERVER, autocommit=True) as one:
        assert one.execute("SELECT 7 FROM pg_sleep(%s)", (2.5 * SILENCE_S,)).fetchone() == (7,)

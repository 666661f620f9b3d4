# SPDX-License-Identifier: Apache-2.0
"""Asks a guard model once whether it answers, for `guiju doctor`."""

from __future__ import annotations

import asyncio
import time

from guiju.adapters.guards.asking import Guard, UnaskedError
from guiju.adapters.guards.making import make
from guiju.config import Guard as Settings
from guiju.config import Limits


def ping(settings: Settings, limits: Limits) -> str:
    """Ask about one harmless sentence.

    Args:
        settings: of the guard.
        limits: of the gateway.

    Returns:
        Why it gave no answer; "" when it answered.

    Raises:
        ConfigError: it can't be asked, or may not be.
    """
    return asyncio.run(_ask(make(settings, limits)))


async def _ask(guard: Guard) -> str:
    await guard.open()
    try:
        await guard.ping(time.time())
    except UnaskedError as error:
        return str(error.facts["what"])
    finally:
        await guard.close()
    return ""

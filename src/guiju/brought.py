# SPDX-License-Identifier: Apache-2.0
"""Modules that are brought in by name once they are needed (ADR 0012): what is large and what few ever ask for.

Everything else is imported at the top of its file. A name that is given here must be a plain string, so that a test can
see that there is such a module and that it lies no higher than the module that brings it in.
"""

from __future__ import annotations

import importlib
from types import ModuleType


def brought(module: str) -> ModuleType:
    """The module of a name.

    Raises:
        ModuleNotFoundError: a package that it needs is not installed.
    """
    return importlib.import_module(module)

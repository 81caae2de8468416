"""Firmware modules under CPython, for what of them is no native code: tables, layouts, constants."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from tools.mpycross import FIRMWARE, ROOT


def firmware_module(name: str) -> ModuleType:
    """Import a firmware module, e.g. "meter.metrology.kernels"."""
    for folder in (ROOT / "tools" / "shim", FIRMWARE):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    importlib.import_module("micropython_names").install()
    return importlib.import_module(name)

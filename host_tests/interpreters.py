"""Scripts under the one interpreter or the other, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from tools.bench.process import ROOT, find_micropython


def on_micropython(script: str, heap: str = "1M", told: str = "", timeout: float = 60) -> str:
    """What a script prints under MicroPython with so much heap on the 64-bit port; `told` is its standard input."""
    return _printed([find_micropython(), "-X", f"heapsize={heap}", "-c", script], told, timeout)


def on_cpython(script: str, told: str = "", timeout: float = 60) -> str:
    """The same under CPython, with the modules that stand in for MicroPython's own."""
    shim = f"import sys; sys.path[:0] = [{str(ROOT / 'tools' / 'shim')!r}]\n"
    return _printed([sys.executable, "-c", shim + script], told, timeout)


def _printed(command: list[str], told: str, timeout: float) -> str:
    done = subprocess.run(command, input=told, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

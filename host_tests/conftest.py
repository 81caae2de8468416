"""What every test gets: import paths, MicroPython's names in CPython, one core per worker, `--update-golden`.

Tests import the firmware as the firmware imports itself (`from drivers.fram import Fram`) and everything else from the
repository's root (`from tools.bench import Bench`, `from host_tests.wires import Wires`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
for folder in (ROOT / "tools" / "shim", ROOT / "firmware", ROOT):
    sys.path.insert(0, str(folder))

import micropython_names  # noqa: E402  from the shim folder, which is on the path only now

micropython_names.install()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files instead of comparing with them")


def pytest_configure(config: pytest.Config) -> None:
    """Give worker gwN core N: the bench and its firmware process talk fastest when they share one core."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker.startswith("gw") and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker[2:]) % len(cores)]})


@pytest.fixture(autouse=True)
def _computers_time() -> Iterator[None]:
    """A test may have `time` follow a clock of its own (`micropython_names.follow`); the next has the computer's."""
    yield
    micropython_names.follow(None)


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """True when golden files are to be rewritten."""
    return bool(request.config.getoption("--update-golden"))

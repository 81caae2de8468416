"""A sample of the accuracy report, on the whole meter. `make accuracy` is all of it."""

from __future__ import annotations

from functools import cache

import pytest

from meter.metrology.calibration import Calibration
from tools.accuracy.meters import Meter, calibrated, fleet
from tools.accuracy.results import Row, failures
from tools.accuracy.run import Job, Plan, run
from tools.accuracy.standards import STANDARDS

METERS = {(m.type[3:6], m.network, m.specimen is None): m for m in fleet(1)}
MADE_05S, MADE_1 = METERS["405", "3P4W", False], METERS["410", "3P3W", False]


@cache
def record(meter: Meter) -> Calibration | None:
    return calibrated(meter)


def sample(meter: Meter, part: str, standard: str) -> list[Row]:
    """Rows of a few points."""
    return Job(meter, record(meter), part, (STANDARDS[standard],), quick=True).run()


def check(rows: list[Row]) -> None:
    assert rows
    assert not [f"{r.text}: {r.value:+.5f} {r.unit}, allowed {r.allowed:g}" for r in failures(rows)]


@pytest.mark.parametrize(("network", "standard"), [("3P4W", "62053-22"), ("3P3W", "62053-24")])
def test_the_firmware_itself_adds_almost_nothing(network: str, standard: str) -> None:
    check(sample(METERS["405", network, True], "intrinsic", standard))


@pytest.mark.parametrize(
    ("meter", "standard", "part"),
    [
        pytest.param(MADE_05S, "62053-22", "intrinsic", id="0.5S 3P4W"),
        pytest.param(MADE_05S, "62053-22", "start", id="0.5S 3P4W, start"),
        pytest.param(MADE_1, "62053-21", "intrinsic", id="1 3P3W", marks=pytest.mark.soak),
        pytest.param(MADE_1, "62053-21", "start", id="1 3P3W, start", marks=pytest.mark.soak),
    ],
)
def test_a_calibrated_meter_stays_within_a_tenth_of_its_class(meter: Meter, standard: str, part: str) -> None:
    check(sample(meter, part, standard))


def test_a_meter_that_was_not_calibrated_is_found_out() -> None:
    rows = Job(MADE_05S, None, "intrinsic", (STANDARDS["62053-22"],), quick=True).run()
    assert failures(rows)


@pytest.mark.soak
def test_the_order_and_the_processes_do_not_matter() -> None:
    plan = Plan(tuple(fleet(1, ["1P2W"])), tuple(STANDARDS), quick=True)
    assert run(plan, processes=2) == run(plan, processes=1)

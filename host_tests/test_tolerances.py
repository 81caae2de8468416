"""Made meters: drawn errors within the figures of the data sheets, spread as they say, the same for the same seed."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest

from tools.bench.ade9000.analog import ROWS
from tools.bench.ade9000.tolerances import Specimen, draw

CURRENTS = tuple(name for name in ROWS if name[0] == "I")
VOLTAGES = tuple(name for name in ROWS if name[0] == "V")
MADE = [draw(seed) for seed in range(1500)]


def column(field: str, names: tuple[str, ...] = ROWS) -> np.ndarray:
    """(meters, channels)."""
    return np.array([[getattr(made.errors[name], field) for name in names] for made in MADE])


@pytest.mark.parametrize(
    ("field", "names", "low", "high"),
    [
        ("gain", VOLTAGES, -0.0160, 0.0160),  # 1 % chip, 0.08 % reference, 0.5 % divider
        ("gain", CURRENTS, -0.0130, 0.0130),  # 1 % chip, 0.08 % reference, 0.1 % burden, 0.1 % transformer
        ("drift", VOLTAGES, -50, 50),  # 25 ppm/K chip with reference, 25 ppm/K divider
        ("drift", CURRENTS, -40, 40),  # 25 ppm/K chip with reference, 15 ppm/K burden
        ("lead", CURRENTS, 0.05, 0.3),
        ("lead", VOLTAGES, 0, 0),
        ("phase", ROWS, -0.02, 0.02),
        ("phase_drift", CURRENTS, -0.0005, 0.0005),
        ("phase_drift", VOLTAGES, 0, 0),
        ("offset", ROWS, -3.8e-3, 3.8e-3),
    ],
)
def test_errors_stay_within_the_limits(field: str, names: tuple[str, ...], low: float, high: float) -> None:
    values = column(field, names)
    assert low <= values.min() and values.max() <= high
    assert (values.max() - values.min()) >= 0.4 * (high - low) or field == "offset", "and use them"


def test_gains_and_drifts_spread_as_the_typical_figures_say() -> None:
    """Typical figures of the chip as standard deviations, joined by the roots of squares."""
    assert column("gain", CURRENTS).std() == pytest.approx(math.hypot(0.003, 0.0008 / 3, 0.001 / 3, 0.001 / 3), rel=0.1)
    assert column("gain", VOLTAGES).std() == pytest.approx(math.hypot(0.003, 0.0008 / 3, 0.005 / 3), rel=0.1)
    assert column("drift", CURRENTS).std() == pytest.approx(math.hypot(7, 15 / 3), rel=0.1)
    assert column("drift", VOLTAGES).std() == pytest.approx(math.hypot(7, 25 / 3), rel=0.1)
    assert column("offset").std() == pytest.approx(40e-6, rel=0.1)
    for field in ("gain", "drift", "phase", "offset"):
        assert abs(column(field).mean()) < 0.1 * column(field).std(), f"{field}: no direction is preferred"


def test_the_reference_drifts_in_all_channels_alike() -> None:
    """What two channels have in common is the reference: 5 ppm/K typical."""
    drift = column("drift")
    common = [np.cov(drift[:, a], drift[:, b])[0, 1] for a, b in itertools.combinations(range(7), 2)]
    assert math.sqrt(np.mean(common)) == pytest.approx(5, rel=0.15)


def test_crosstalk_is_of_every_other_channel_at_any_angle() -> None:
    for made in MADE[:20]:
        for name, error in made.errors.items():
            assert set(error.crosstalk) == set(ROWS) - {name}
            assert math.sqrt(sum(abs(x) ** 2 for x in error.crosstalk.values())) == pytest.approx(1e-6)
    turned = np.array([x / abs(x) for made in MADE for e in made.errors.values() for x in e.crosstalk.values()])
    assert abs(turned.mean()) < 0.02


def test_crystal_and_thermometer_are_within_their_limits() -> None:
    ppm = np.array([made.clock_ppm for made in MADE])
    celsius = np.array([made.temperature_error for made in MADE])
    assert 20 < abs(ppm).max() <= 30
    assert 1.5 < abs(celsius).max() <= 2


def test_the_same_seed_is_the_same_meter_and_another_seed_another() -> None:
    def again(seed: int) -> Specimen:
        random.seed(seed + 1)  # nothing else's chance matters
        return draw(seed)

    assert all(again(seed) == MADE[seed] for seed in range(5))
    assert len({made.errors["IA"].gain for made in MADE}) == len(MADE)

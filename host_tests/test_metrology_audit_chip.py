"""The audit behind the shipping driver and both paths on the chip model, with faults behind the split.

What is marked as soak has its like on the whole meter, in test_system_audit.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from host_tests.driven_chip import drive
from host_tests.metrology_signals import ANALOG
from meter.metrology import audit as a
from meter.metrology.billing_path import BillingPath
from meter.metrology.front_end import chip_setup
from meter.metrology.networks import NETWORKS
from meter.metrology.sample_path import SamplePath
from tools.bench.ade9000 import ADE9000 as Chip
from tools.bench.ade9000 import registers as r
from tools.bench.source import Source

START_P_MW, START_Q_MVAR = 2242, 4485  # 405 at 230 V, 5 A


class Meter:
    """The measuring loop of the meter with an audit in it. `a_import`: mWs booked in `intervals` of 0.5 s."""

    def __init__(self, network: str = "3P4W", nominal_v: int = 230, **mains: Any) -> None:
        self.source = Source(1, network=network)
        self.source.set(**mains)
        self.chip = Chip(self.source)
        self.driver, self.wires = drive(self.chip)
        wiring = NETWORKS[network]
        self.setup = chip_setup(ANALOG, wiring, 50, nominal_v, 6814)
        asyncio.run(self.driver.start(self.setup))
        self.billing = BillingPath(ANALOG, wiring, START_P_MW, START_Q_MVAR)
        self.billing.reset_baseline([0] * 6)
        self.samples = SamplePath(ANALOG, 50, wiring)
        self.samples.harmonics.begin = lambda *_: None  # type: ignore[method-assign]  # costs time, changes no energy
        self.audit = a.Audit(ANALOG, wiring.elements, START_P_MW)
        self.powers = [0] * 6
        self.a_import = 0
        self.said: list[tuple[float, int, int]] = []
        self.repaired: list[int] = []
        self.intervals = 0
        self.run(3.0)
        self.a_import = self.intervals = 0

    @property
    def now(self) -> float:
        return self.wires.t_ns / 1e9

    def run(self, seconds: float) -> None:
        end = self.wires.t_ns + round(seconds * 1e9)
        while self.wires.t_ns < end:
            due = self.chip.next_event()
            self.wires.run(max(0, (due or 0) - self.wires.t_ns) / 1e9)
            self.serve()

    def serve(self) -> None:
        driver, audit = self.driver, self.audit
        pages = driver.read_pages(driver.page_buffer)
        self.samples.feed(driver.page_buffer, pages, driver.lost_pages)
        audit.feed(self.samples.energy, pages, driver.lost_pages)
        if not driver.energy_ready():
            return
        negative = driver.read_energies(self.billing.codes)
        increment = self.billing.advance(self.billing.codes, driver.energy_elapsed_ms, negative)
        said = audit.interval(increment, driver.energy_elapsed_ms)
        if audit.wants_witness:
            driver.read_powers(self.powers)
            audit.testify(self.powers)
        if said == a.CHECK_SETTINGS:
            wrong = driver.verify(self.setup)
            if wrong:
                driver.update({register: self.setup[register] for register in wrong})
                self.repaired += wrong
                audit.repaired()
        elif said == a.NEW_VERDICT:
            self.said.append((self.now, audit.verdict, audit.balances))
        if audit.replaces:
            increment = self.billing.substitute(audit.p, audit.q, audit.interval_ms)
        self.a_import += increment.rows[0][0]
        self.intervals += round(driver.energy_elapsed_ms / 500)

    @property
    def fed(self) -> float:
        """mWs fed in `intervals`."""
        return 500 * self.source.truth().p_total * self.intervals


SILICON_FAULTS: dict[str, Callable[[Meter], None]] = {
    "gain 2 % up": lambda m: m.chip.faults.power_gain(1, 1.02),
    "gain 2 % down": lambda m: m.chip.faults.power_gain(1, 0.98),
    "register stuck": lambda m: setattr(
        m.chip.faults, "stuck", {r.energy_hi(1, "WATT"): m.chip.read(r.energy_hi(1, "WATT"))}
    ),
}
SAMPLE_FAULTS: dict[str, Callable[[Meter], None]] = {
    "current 3 % up": lambda m: m.chip.faults.page_gain("IB", 1.03),
    "current dead": lambda m: m.chip.faults.page_gain("IB", 0),
    "voltage dead": lambda m: m.chip.faults.page_gain("VB", 0),
    "reference voltage dead": lambda m: m.chip.faults.page_gain("VA", 0),
}


@pytest.mark.parametrize("i", [pytest.param(5.0, marks=pytest.mark.soak), 0.05], ids=["In", "1 % In"])
@pytest.mark.parametrize(
    "fault", ["gain 2 % up", *(pytest.param(f, marks=pytest.mark.soak) for f in SILICON_FAULTS if f != "gain 2 % up")]
)
def test_a_fault_of_the_energy_side_is_found_and_the_samples_count(fault: str, i: float) -> None:
    meter = Meter(u=230, i=i, phi=20)
    start = meter.now
    SILICON_FAULTS[fault](meter)
    meter.run(32)
    [(when, verdict, balances)] = meter.said
    assert verdict == a.SILICON and balances & 0b101101 == 0 and balances & 2
    assert when <= start + 32
    meter.a_import = meter.intervals = 0
    meter.run(4)
    assert meter.intervals == 8 and meter.a_import == pytest.approx(meter.fed, rel=2e-4)


@pytest.mark.soak
def test_a_stuck_register_costs_no_energy() -> None:
    meter = Meter(u=230, i=5, phi=20)
    SILICON_FAULTS["register stuck"](meter)
    meter.run(60)
    interval = 500 * meter.source.truth().p_total
    assert meter.a_import == pytest.approx(meter.fed - interval, rel=2e-4)  # one is on its way
    meter.chip.faults.clear()
    meter.run(60)
    assert [verdict for _, verdict, _ in meter.said] == [a.SILICON, a.SOUND]
    # The register that stood has jumped to where it would have been: that is counted by neither path.
    assert meter.a_import == pytest.approx(meter.fed, rel=2e-4)


@pytest.mark.soak
@pytest.mark.parametrize("fault", SAMPLE_FAULTS)
def test_a_fault_of_the_samples_is_found_and_costs_nothing(fault: str) -> None:
    meter = Meter(u=230, i=5, phi=20)
    start = meter.now
    SAMPLE_FAULTS[fault](meter)
    meter.run(32)
    [(when, verdict, _)] = meter.said
    assert verdict == a.SAMPLES and when <= start + 32
    assert meter.a_import == pytest.approx(meter.fed, rel=2e-4)


@pytest.mark.soak
def test_lost_pages_are_flagged_and_cost_nothing() -> None:
    meter = Meter(u=230, i=5, phi=20)
    start, lost = meter.now, meter.driver.lost_pages
    while meter.now < start + 33:
        meter.chip.faults.lose_pages(20)
        meter.run(0.5)
    [(when, verdict, _)] = meter.said
    assert verdict == a.LOST and when <= start + 33
    assert meter.driver.lost_pages > lost
    assert meter.a_import == pytest.approx(meter.fed, rel=2e-4)


@pytest.mark.soak
def test_a_setting_that_changed_by_itself_is_written_again_and_nobody_is_blamed() -> None:
    meter = Meter(u=230, i=5, phi=20)
    meter.chip.access.write(r.setting(2, r.PGAIN), 1 << 21)  # 1.6 % more
    meter.run(33)
    assert meter.repaired == [r.setting(2, r.PGAIN)]
    assert meter.chip.read(r.setting(2, r.PGAIN)) == 0
    assert meter.said == [] and not meter.audit.wants_witness


@pytest.mark.parametrize(
    ("network", "mains"),
    [
        ("3P4W", {"u": 230, "i": (5, 0.005, 0), "phi": (0, 60, 0), "noise": {"u": 0.02, "i": 2e-4}}),
        pytest.param("3P3W", {"u": 133, "i": 1, "phi": 75}, marks=pytest.mark.soak),
        pytest.param("1P2W", {"u": 230, "i": 0.005}, marks=pytest.mark.soak),
        pytest.param("3P4W", {"u": (0, 0, 0), "i": 0}, marks=pytest.mark.soak),
        ("3P4W", {"u": (0, 230, 230), "i": 5, "f": 48.3, "harmonics": {"i": {3: (0.4, 0.0), 5: (0.3, 90.0)}}}),
    ],
    ids=["uneven with noise", "Aron", "one phase at the starting current", "dead", "two phases, harmonics, 48.3 Hz"],
)
def test_sound_paths_agree(network: str, mains: dict[str, Any]) -> None:
    meter = Meter(network, **mains)
    meter.run(13)
    assert meter.said == [] and not meter.audit.wants_witness and meter.audit.verdict == a.SOUND


def test_load_steps_reversals_and_starts_are_no_fault() -> None:
    meter = Meter(u=230, i=5, phi=20)
    for n in range(15):
        i = (0, 5, 10, 0.05)[n % 4]
        meter.source.set(i=i, phi=(20, 200, -60)[n % 3], t_ns=meter.wires.t_ns)
        meter.run((0.13, 2.7, 1.0, 3.1, 0.4)[n % 5])
    assert meter.said == [] and not meter.audit.wants_witness

"""What the tests of the billing path on the chip model share: chip, driver and BillingPath as the meter wires them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from host_tests.driven_chip import drive
from host_tests.metrology_signals import ANALOG
from meter.face.leds import cf_divider
from meter.metrology.billing_path import BillingPath
from meter.metrology.energies import NAMES
from meter.metrology.front_end import chip_setup
from meter.metrology.networks import NETWORKS
from meter.metrology.start_up import start_powers
from tools.bench.ade9000 import ADE9000 as Chip
from tools.bench.source import Source

CLASS_05S = SimpleNamespace(accuracy="0.5S", reactive_class="1")
CLASS_1 = SimpleNamespace(accuracy="1", reactive_class="2")
INTERVAL_S = 0.5


@dataclass
class Counted:
    """What was counted over a time: W, var, VA as means of the four rows by name, and flashes of both LEDs."""

    rows: list[dict[str, float]]
    p: list[float]
    q: list[float]
    s: list[float]
    flashes: tuple[int, int]
    seconds: float
    signs: set[tuple[int, int]] = field(default_factory=set)

    @property
    def total(self) -> dict[str, float]:
        return {name: value for name, value in self.rows[0].items() if value}

    def phase(self, n: int) -> dict[str, float]:
        return {name: value for name, value in self.rows[1 + n].items() if value}


class BillingBench:
    """One chip on `source`, whose network the meter is set to; started and settled, LEDs by the lock."""

    def __init__(
        self,
        source: Source,
        type_code: Any = CLASS_05S,
        nominal_v: int = 230,
        nominal_ma: int = 5000,
        nominal_hz: int = 50,
        settle: float = 2.0,
        led_constant: int = 10_000,
        chip: dict[str, Any] | None = None,
        **billing: Any,
    ) -> None:
        self.source = source
        self.network = NETWORKS[source.network]
        self.chip = Chip(source, **(chip or {}))
        self.driver, self.wires = drive(self.chip)
        divider, error_ppm = cf_divider(led_constant, ANALOG["i_full_scale_nA"], ANALOG["u_full_scale_uV"])
        self.flash_ws = 3.6e6 / led_constant / (1 + error_ppm / 1e6)
        summation = billing.get("summation", "vector")
        self.setup = chip_setup(ANALOG, self.network, nominal_hz, nominal_v, divider, summation)
        asyncio.run(self.driver.start(self.setup))
        start_p, start_q = start_powers(type_code, self.network, nominal_v, nominal_ma)
        self.billing = BillingPath(ANALOG, self.network, start_p, start_q, nominal_hz, **billing)
        self.billing.reset_baseline([0] * len(self.billing.codes))
        self.count(settle)

    def count(self, seconds: float) -> Counted:
        """Serve the chip's energy intervals for so long, which should be a multiple of half a second."""
        rows = [[0] * len(NAMES) for _ in range(4)]
        elements = [[0] * 3 for _ in range(3)]
        before, signs = list(self.chip.cf_counts), set()
        intervals = round(seconds / INTERVAL_S)
        for _ in range(intervals):
            self.wires.run(INTERVAL_S - 0.01)
            while not self.driver.energy_ready():
                self.wires.run(0.001)
            negative = self.driver.read_energies(self.billing.codes)
            increment = self.billing.advance(self.billing.codes, self.driver.energy_elapsed_ms, negative)
            self.driver.enable_pulses(self.billing.p_sign != 0, self.billing.q_sign != 0)
            for row, found in zip(rows, increment.rows, strict=True):
                row[:] = [a + b for a, b in zip(row, found, strict=True)]
            for sums, found in zip(elements, (increment.p, increment.q, increment.s), strict=True):
                sums[:] = [a + b for a, b in zip(sums, found, strict=True)]
            signs.add((self.billing.p_sign, self.billing.q_sign))
        assert self.billing.rejected == 0
        seconds = intervals * INTERVAL_S
        flashes = self.chip.cf_counts[0] - before[0], self.chip.cf_counts[1] - before[1]
        p, q, s = ([amount / 1000 / seconds for amount in sums] for sums in elements)
        named = [dict(zip(NAMES, [n / 1000 / seconds for n in row], strict=True)) for row in rows]
        return Counted(named, p, q, s, flashes, seconds, signs)


def mains(network: str = "3P4W", **setting: Any) -> Source:
    source = Source(1, network=network)
    source.set(**setting)
    return source

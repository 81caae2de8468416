"""A test bench's work: set the source, wait until the meter has settled, compare what it counts with the truth.

Energy is read where it is exact: the registers in the FRAM, in mWs, which move on with every energy interval of the
metering chip. A reading is the registers and the bench time of that step, so between two readings lie whole intervals.
The firmware stores a little later than the chip has closed its interval, now more, now less. The intervals themselves
follow each other as evenly as the meter's crystal swings, and the bench knows how it does: times are moved
onto that grid, and a step that does not lie on it, over the whole of a test, is an error of the test.
"""

from __future__ import annotations

from dataclasses import dataclass

from meter.storage import layout
from tools.accuracy.truth import Setpoint
from tools.bench import Bench
from tools.bench.bench import NS

SETTLE_S = 2.0  # high pass and power filter of the chip: 0.1 % after 0.9 and 1.2 s, the rest goes likewise
WARM_S = 8.0  # until the firmware has believed its thermometer
LEAST_S, MOST_S = 4.0, 60.0
ENOUGH_WS = 40.0  # energy of which the registers' resolution, 1 mWs, is 25 ppm
INTERVAL_S = 0.5  # of the metering chip's energy registers, by the crystal of the meter
LATE_S = 0.005  # how much later or earlier than usual a step may be stored
_STEP_S = 0.05
_QUIET_NS = 20_000_000  # a record this old is complete
_SILENCE_S = 5.0  # a meter that has not stored for so long is not counting at all


@dataclass(frozen=True)
class Reading:
    """The registers (mWs, mvars) as of bench time `t` (s)."""

    t: float
    totals: dict[str, int]


class Registers:
    """The energy registers of a running bench meter whose crystal is `clock_ppm` too fast."""

    def __init__(self, bench: Bench, clock_ppm: float) -> None:
        self._bench = bench
        self._area = layout.ENERGY
        self._interval = INTERVAL_S / (1 + clock_ppm * 1e-6)
        self._first: float | None = None
        bench.fram.log = []

    def reading(self) -> Reading:
        """The registers at their latest step. RuntimeError if they are not kept, or not at even intervals."""
        end = self._bench.now + _SILENCE_S
        while self._bench.now < end:
            stored = self._stored_ns()
            if stored is not None and self._bench.world.now - stored > _QUIET_NS:
                return Reading(self._on_grid(stored / NS), self._bench.totals())
            self._bench.run(_STEP_S)
        raise RuntimeError(f"the meter stores no energy: {self._bench.log[-500:]}")

    def _on_grid(self, t: float) -> float:
        if self._first is None:
            self._first = t
        even = self._first + self._interval * round((t - self._first) / self._interval)
        if abs(t - even) > LATE_S:
            raise RuntimeError(f"the registers moved {t - even:+.4f} s beside the grid of energy intervals")
        return even

    def _stored_ns(self) -> int | None:
        """When the registers were last stored; forgets what was before."""
        log = self._bench.fram.log or []
        for place in reversed(range(len(log))):
            t_ns, address, _data = log[place]
            if self._area.address <= address < self._area.end:
                del log[:place]
                return t_ns
        return None


def apply(bench: Bench, setpoint: Setpoint) -> None:
    """Set the source; time does not pass."""
    harmonics: dict[str, dict[int, tuple[float, float]]] = {"u": {}, "i": {}}
    for order, shares in setpoint.harmonics.items():
        harmonics["u"][order], harmonics["i"][order] = (shares[0], 0.0), (shares[1], 0.0)
    bench.source.set(
        u=setpoint.u,
        i=setpoint.i,
        phi=setpoint.lag,
        f=setpoint.f,
        harmonics=harmonics,
        sequence="reversed" if setpoint.reversed_sequence else "normal",
    )
    if bench.temperature != setpoint.temperature:
        bench.temperature = setpoint.temperature
        bench.run(WARM_S)


def duration(truth: float) -> float:
    """Seconds to measure a power of W or var."""
    return min(MOST_S, max(LEAST_S, ENOUGH_WS / max(abs(truth), 1e-9)))


def mean_power(first: Reading, last: Reading, quantity: str) -> float:
    """W or var between two readings, import > 0."""
    letter = quantity[0]
    counted = [last.totals.get(letter + way, 0) - first.totals.get(letter + way, 0) for way in ("_import", "_export")]
    return (counted[0] - counted[1]) / 1000 / (last.t - first.t)


def power(bench: Bench, registers: Registers, setpoint: Setpoint, quantity: str, truth: float) -> float:
    """Apply a set-point and measure what the registers make of it; `truth` is only for how long."""
    apply(bench, setpoint)
    bench.run(SETTLE_S)
    first = registers.reading()
    bench.run(duration(truth))
    return mean_power(first, registers.reading(), quantity)


def pulses_since(flashes: list[float], t: float) -> list[float]:
    """Flashes of a test LED from bench time `t` on."""
    return [flash for flash in flashes if flash >= t]
